"""Writes valid/frames/python-websockets.txt: streams as websockets 10.4 sends them as a client, and
what a server is to find in them. The masks are fixed, so that it writes the same each time.

Usage: /usr/bin/python3 make_frames.py > valid/frames/python-websockets.txt
"""

import itertools
import secrets

from websockets.frames import OP_BINARY, OP_CLOSE, OP_CONT, OP_PING, OP_PONG, OP_TEXT, Close, Frame

MASKS = ["00000000", "ffffffff", "37fa213d", "01020304", "80000000", "00000001", "a5005aff"]
NAMES = {OP_TEXT: "text", OP_BINARY: "binary", OP_CLOSE: "close", OP_PING: "ping", OP_PONG: "pong"}
LETTERS = b"abcdefghijklmnopqrstuvwxyz"
LENGTHS = [1, 7, 8, 9, 124, 125, 126, 127, 300]
EVERY_BYTE = bytes(range(256))


def letters(count):
    return bytes(itertools.islice(itertools.cycle(LETTERS), count))


def part(opcode, payload):
    return Frame(opcode, payload, fin=False)


# What, the frames, and at how many bytes the stream is cut.
STREAMS = [
    ("empty text", [Frame(OP_TEXT, b"")], None),
    ("empty binary", [Frame(OP_BINARY, b"")], None),
    *[(f"text of {n}", [Frame(OP_TEXT, letters(n))], None) for n in LENGTHS],
    ("every byte", [Frame(OP_BINARY, EVERY_BYTE)], None),
    ("UTF-8", [Frame(OP_TEXT, "Grüße, \u4e16\u754c \U0001f4fa".encode())], None),
    ("begin of 65535", [Frame(OP_TEXT, letters(65535))], 40),
    ("begin of 65536", [Frame(OP_TEXT, letters(65536))], 40),
    ("begin of 70000", [Frame(OP_BINARY, letters(70000))], 41),
    ("empty ping", [Frame(OP_PING, b"")], None),
    ("ping and pong", [Frame(OP_PING, b"one"), Frame(OP_PONG, b"two")], None),
    ("ping of 125", [Frame(OP_PING, letters(125))], None),
    ("pong of every high byte", [Frame(OP_PONG, EVERY_BYTE[131:])], None),
    ("empty close", [Frame(OP_CLOSE, b"")], None),
    ("close with a code", [Frame(OP_CLOSE, Close(1000, "").serialize())], None),
    ("close with a reason", [Frame(OP_CLOSE, Close(3001, "ende, schön").serialize())], None),
    ("a row", [Frame(OP_TEXT, b"a"), Frame(OP_BINARY, b"b"), Frame(OP_TEXT, b"c")], None),
    ("two fragments", [part(OP_TEXT, b"Hel"), Frame(OP_CONT, b"lo")], None),
    ("fragments", [part(OP_BINARY, b"\0"), part(OP_CONT, b"\1"), Frame(OP_CONT, b"\2")], None),
    ("empty fragments", [part(OP_TEXT, b""), part(OP_CONT, b""), Frame(OP_CONT, b"")], None),
    ("empty last", [part(OP_TEXT, b"all"), Frame(OP_CONT, b"")], None),
    ("ping between", [part(OP_TEXT, b"Hel"), Frame(OP_PING, b"?"), Frame(OP_CONT, b"lo")], None),
    (
        "many between",
        [
            part(OP_BINARY, b"Hel"),
            Frame(OP_PING, b""),
            Frame(OP_PONG, letters(125)),
            part(OP_CONT, b"lo, "),
            Frame(OP_PING, b"x"),
            Frame(OP_CONT, b"world"),
            Frame(OP_TEXT, b"next"),
        ],
        None,
    ),
    ("close between", [part(OP_TEXT, b"Hel"), Frame(OP_CLOSE, b"\x03\xe9")], None),
]


def escaped(payload):
    plain = range(0x20, 0x7F)
    return "".join(chr(b) if b in plain and chr(b) != "\\" else f"\\x{b:02x}" for b in payload)


def transcript(frames, cut):
    """What a server finds, as test_ws_frame_reader.c writes it down."""
    items = []
    kind = None
    resumed = False
    for frame in frames:
        payload = escaped(frame.data)
        if frame.opcode in (OP_CLOSE, OP_PING, OP_PONG):
            if resumed:
                items[-1] += "~"
            items.append(f"{NAMES[frame.opcode]}:{payload};")
            resumed = False
            continue
        kind = NAMES.get(frame.opcode, kind)
        if not frame.data and not frame.fin:
            continue
        if not resumed:
            items.append(f"{kind}:")
        items[-1] += payload + (";" if frame.fin else "")
        resumed = not frame.fin
    if cut is None:
        return " ".join(items)
    head = 2 + (2 if len(frames[0].data) < 65536 else 8) + 4
    return f"{kind}:{escaped(frames[0].data[: cut - head])}"


def main():
    masks = itertools.cycle(MASKS)
    secrets.token_bytes = lambda count: bytes.fromhex(next(masks))
    print("# Made by make_frames.py with websockets 10.4: what|bytes|transcript")
    for what, frames, cut in STREAMS:
        stream = b"".join(frame.serialize(mask=True) for frame in frames)[:cut]
        print(f"{what}|{stream.hex()}|{transcript(frames, cut)}")


if __name__ == "__main__":
    main()
