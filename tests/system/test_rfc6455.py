"""Whether the WebSocket base keeps to RFC 6455: handshake, frames, UTF-8 and close, case by case,
from a bare socket against a server that gives every message back."""

import base64
import hashlib
import os
import re
import signal
import struct
import unittest

from processes import Program
from raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, RawWebSocket, frame

LIMIT = 1 << 20
CONTINUATION = 0
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ECHO = os.path.join(os.environ["BUILD_DIR"], "tests", "support", "ws_echo")

DROPPED = "ends without a close frame"
ACCEPTED = "accepted"


def text(payload, **options):
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload, **options)


def close(code=None, reason=b""):
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


class WithEcho(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Program([ECHO, str(LIMIT)])
        cls.url = cls.server.out.next()

    @classmethod
    def tearDownClass(cls):
        cls.server.signal(signal.SIGTERM)
        code = cls.server.wait()
        assert code == 0, (code, cls.server.err.seen)

    def connect(self):
        peer = RawWebSocket(self.url)
        self.addCleanup(peer.socket.close)
        self.assertEqual(peer.handshake()[0], 101)
        return peer

    def assert_still_served(self):
        peer = self.connect()
        peer.send(text("still there?"))
        self.assertEqual(peer.receive(), (TEXT, b"still there?"))

    def assert_echoes(self, sent, *messages):
        """What is sent gives these messages, and the connection lives on. Pongs may come when they
        like: only messages have an order."""
        peer = self.connect()
        peer.send(sent + text("and on"))
        wanted = [*messages, (TEXT, b"and on")]
        got = [peer.receive() for _ in wanted]
        for pongs in (False, True):
            self.assertEqual(
                [one for one in got if (one[0] == PONG) == pongs],
                [one for one in wanted if (one[0] == PONG) == pongs],
            )

    def outcome(self, pieces):
        """The code with which the server fails the connection, or what it does else."""
        peer = self.connect()
        try:
            for piece in pieces:
                peer.send(piece)
            peer.send(text("the end"))
        except ConnectionError:
            pass
        while True:
            got = peer.receive()
            if got is None:
                return DROPPED
            if got == (TEXT, b"the end"):
                return ACCEPTED
            if got[0] == CLOSE:
                return struct.unpack(">H", got[1][:2])[0] if len(got[1]) >= 2 else 1005

    def assert_fails(self, cases):
        """cases: name -> (codes that are right, frames...)."""
        for name, (codes, *pieces) in cases.items():
            with self.subTest(name):
                got = self.outcome(pieces)
                self.assertIn(got, codes)
        self.assert_still_served()


class Handshake(WithEcho):
    """Section 4."""

    def refused(self, request):
        with RawWebSocket(self.url) as peer:
            peer.send(request)
            return peer.answer()

    def request(self, headers=None, **options):
        with RawWebSocket(self.url) as peer:
            return peer.request(headers, **options)

    def with_line(self, name, line):
        """A request in which the header of that name is followed by one more line."""
        return re.sub(
            rb"(?im)^(%s:[^\r]*\r\n)" % name.encode(),
            lambda found: found.group(1) + line.encode() + b"\r\n",
            self.request(),
        )

    def test_accept_is_the_hash_of_the_key(self):
        for key in (b"the sample nonce", b"\0" * 16, b"\xff" * 16):
            encoded = base64.b64encode(key).decode()
            with RawWebSocket(self.url) as peer:
                status, head = peer.handshake({"Sec-WebSocket-Key": encoded})
            accept = base64.b64encode(hashlib.sha1((encoded + GUID).encode()).digest()).decode()
            self.assertEqual(status, 101)
            self.assertRegex(head, rf"(?im)^sec-websocket-accept: {re.escape(accept)}\r?$")
            self.assertRegex(head, r"(?im)^upgrade: websocket\r?$")
            self.assertRegex(head, r"(?im)^connection: upgrade\r?$")

    def test_a_header_that_is_missing_is_refused(self):
        for name, status in {
            "Host": 400,
            "Upgrade": 426,
            "Connection": 426,
            "Sec-WebSocket-Key": 400,
            "Sec-WebSocket-Version": 426,
        }.items():
            with self.subTest(name):
                self.assertEqual(self.refused(self.request({name: None}))[0], status)

    def test_a_header_that_is_wrong_is_refused(self):
        short = base64.b64encode(bytes(15)).decode()
        long = base64.b64encode(bytes(17)).decode()
        for name, value, status in (
            ("Upgrade", "h2c", 426),
            ("Upgrade", "websocketx", 426),
            ("Upgrade", "", 426),
            ("Connection", "close", 426),
            ("Connection", "keep-alive", 426),
            ("Connection", "Upgraded", 426),
            ("Sec-WebSocket-Key", "", 400),
            ("Sec-WebSocket-Key", "no base64 at all, here", 400),
            ("Sec-WebSocket-Key", short, 400),
            ("Sec-WebSocket-Key", long, 400),
            ("Sec-WebSocket-Version", "", 426),
            ("Sec-WebSocket-Version", "0", 426),
            ("Sec-WebSocket-Version", "8", 426),
            ("Sec-WebSocket-Version", "14", 426),
            ("Sec-WebSocket-Version", "113", 426),
            ("Sec-WebSocket-Version", "13.0", 426),
        ):
            with self.subTest(f"{name}: {value}"):
                got, head = self.refused(self.request({name: value}))
                self.assertEqual(got, status)
                if status == 426 and name == "Sec-WebSocket-Version":
                    self.assertRegex(head, r"(?im)^sec-websocket-version: 13\r?$")

    def test_a_header_that_is_doubled_is_refused(self):
        key = base64.b64encode(bytes(16)).decode()
        for name, line, status in (
            ("Host", "Host: elsewhere", 400),
            ("Sec-WebSocket-Key", f"Sec-WebSocket-Key: {key}", 400),
            ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8", 426),
            ("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13", 426),
        ):
            with self.subTest(line):
                self.assertEqual(self.refused(self.with_line(name, line))[0], status)

    def test_lists_and_letters_of_any_case_are_understood(self):
        for headers in (
            {"Connection": "keep-alive, Upgrade"},
            {"Connection": "UPGRADE,foo"},
            {"Upgrade": "WebSocket"},
            {"Sec-WebSocket-Version": " 13 "},
        ):
            with self.subTest(headers), RawWebSocket(self.url) as peer:
                self.assertEqual(peer.handshake(headers)[0], 101)

    def test_only_get_of_http_1_1(self):
        good = self.request()
        for changed, statuses in (
            (good.replace(b"GET ", b"POST "), (400, 405)),
            (good.replace(b"GET ", b"PUT "), (400, 405)),
            (good.replace(b"HTTP/1.1", b"HTTP/1.0"), (400, 505)),
        ):
            with self.subTest(changed[:30]):
                self.assertIn(self.refused(changed)[0], statuses)

    def test_extensions_are_not_agreed_to(self):
        offer = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"
        with RawWebSocket(self.url) as peer:
            status, head = peer.handshake({"Sec-WebSocket-Extensions": offer})
        self.assertEqual(status, 101)
        self.assertNotIn("sec-websocket-extensions", head.lower())

    def test_frames_right_behind_the_handshake_are_taken(self):
        with RawWebSocket(self.url) as peer:
            peer.send(peer.request() + text("early") + text("bird"))
            self.assertEqual(peer.answer()[0], 101)
            self.assertEqual(peer.receive(), (TEXT, b"early"))
            self.assertEqual(peer.receive(), (TEXT, b"bird"))


class Frames(WithEcho):
    """Section 5."""

    def test_messages_of_every_form_of_length(self):
        for size in (0, 1, 125, 126, 127, 65535, 65536, 65537, LIMIT):
            payload = os.urandom(size)
            with self.subTest(size):
                self.assert_echoes(text("x" * size), (TEXT, b"x" * size))
                self.assert_echoes(frame(BINARY, payload), (BINARY, payload))

    def test_one_byte_at_a_time(self):
        peer = self.connect()
        for byte in text("a" * 130) + frame(PING, b"p") + frame(BINARY, b"b" * 3):
            peer.send(bytes([byte]))
        self.assertEqual(
            sorted(peer.receive() for _ in range(3)),
            [(TEXT, b"a" * 130), (BINARY, b"bbb"), (PONG, b"p")],
        )

    def test_many_in_one_segment(self):
        messages = [f"message {i}".encode() for i in range(200)]
        self.assert_echoes(b"".join(text(m) for m in messages), *((TEXT, m) for m in messages))

    def test_fragments_make_one_message(self):
        for count in (2, 3, 50):
            parts = [b"part %d " % i for i in range(count)]
            frames = [frame(TEXT, parts[0], final=False)]
            frames += [frame(CONTINUATION, part, final=False) for part in parts[1:-1]]
            frames += [frame(CONTINUATION, parts[-1])]
            with self.subTest(count):
                self.assert_echoes(b"".join(frames), (TEXT, b"".join(parts)))

    def test_fragments_without_content(self):
        empty = frame(TEXT, final=False) + frame(CONTINUATION, final=False) + frame(CONTINUATION)
        self.assert_echoes(empty, (TEXT, b""))
        around = frame(BINARY, final=False) + frame(CONTINUATION, b"x", final=False)
        self.assert_echoes(around + frame(CONTINUATION), (BINARY, b"x"))

    def test_control_frames_between_fragments(self):
        sent = frame(TEXT, b"one ", final=False) + frame(PING, b"now") + frame(PONG, b"unasked")
        self.assert_echoes(sent + frame(CONTINUATION, b"two"), (PONG, b"now"), (TEXT, b"one two"))

    def test_pings_are_answered_with_what_they_carry(self):
        for size in (0, 1, 124, 125):
            with self.subTest(size):
                self.assert_echoes(frame(PING, b"p" * size), (PONG, b"p" * size))

    def test_the_last_of_several_pings_is_answered(self):
        """5.5.3 lets a server answer the most recent one only."""
        peer = self.connect()
        peer.send(b"".join(frame(PING, b"%d" % i) for i in range(10)) + text("behind"))
        pongs = []
        while (PONG, b"the end") not in pongs:
            got = peer.receive()
            if got[0] == PONG:
                pongs.append(got)
            else:
                self.assertEqual(got, (TEXT, b"behind"))
                # A ping with nothing in front of it is answered for sure.
                peer.send(frame(PING, b"the end"))
        self.assertIn((PONG, b"9"), pongs)

    def test_pongs_that_nobody_asked_for_are_ignored(self):
        self.assert_echoes(frame(PONG) + frame(PONG, b"p" * 125))

    def test_reserved_bits_fail(self):
        cases = {}
        for rsv in (1, 2, 4, 7):
            cases[f"rsv {rsv} on text"] = ([1002], frame(TEXT, b"x", rsv=rsv))
            cases[f"rsv {rsv} on ping"] = ([1002], frame(PING, b"x", rsv=rsv))
            cases[f"rsv {rsv} on continuation"] = (
                [1002],
                frame(TEXT, b"x", final=False),
                frame(CONTINUATION, b"y", rsv=rsv),
            )
        self.assert_fails(cases)

    def test_reserved_opcodes_fail(self):
        opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
        self.assert_fails({f"opcode {o}": ([1002], frame(o, b"x")) for o in opcodes})
        self.assert_fails({f"empty opcode {o}": ([1002], frame(o)) for o in opcodes})

    def test_fragments_out_of_order_fail(self):
        self.assert_fails(
            {
                "continuation of nothing": ([1002], frame(CONTINUATION, b"x")),
                "unfinished continuation of nothing": (
                    [1002],
                    frame(CONTINUATION, b"x", final=False),
                ),
                "text inside a text": ([1002], frame(TEXT, b"x", final=False), text("y")),
                "binary inside a text": (
                    [1002],
                    frame(TEXT, b"x", final=False),
                    frame(BINARY, b"y"),
                ),
                "continuation after the end": (
                    [1002],
                    frame(TEXT, b"x", final=False),
                    frame(CONTINUATION, b"y"),
                    frame(CONTINUATION, b"z"),
                ),
            }
        )

    def test_control_frames_that_are_long_or_in_pieces_fail(self):
        self.assert_fails(
            {
                "ping of 126 bytes": ([1002], frame(PING, b"x" * 126)),
                "ping of 65536 bytes": ([1002], frame(PING, b"x" * 65536)),
                "pong of 126 bytes": ([1002], frame(PONG, b"x" * 126)),
                "close of 126 bytes": ([1002], close(1000, b"x" * 124)),
                "ping in pieces": ([1002], frame(PING, b"x", final=False)),
                "pong in pieces": ([1002], frame(PONG, b"x", final=False)),
                "close in pieces": ([1002], frame(CLOSE, b"\x03\xe8", final=False)),
            }
        )

    def test_frames_without_mask_fail(self):
        self.assert_fails(
            {
                "unmasked text": ([1002], text("x", masked=False)),
                "unmasked binary": ([1002], frame(BINARY, b"x", masked=False)),
                "unmasked empty text": ([1002], frame(TEXT, masked=False)),
                "unmasked ping": ([1002], frame(PING, b"x", masked=False)),
                "unmasked continuation": (
                    [1002],
                    frame(TEXT, b"x", final=False),
                    frame(CONTINUATION, b"y", masked=False),
                ),
            }
        )

    def test_lengths_that_are_no_lengths_fail(self):
        key = b"\0\0\0\0"
        self.assert_fails(
            {
                "length of 2 bytes for 5": (
                    [1002],
                    b"\x82\xfe" + struct.pack(">H", 5) + key + b"hello",
                ),
                "length of 8 bytes for 5": (
                    [1002],
                    b"\x82\xff" + struct.pack(">Q", 5) + key + b"hello",
                ),
                "length beyond 63 bits": (
                    [1002, 1009],
                    b"\x82\xff" + struct.pack(">Q", 1 << 63) + key,
                ),
            }
        )

    def test_messages_beyond_the_limit_fail(self):
        half = b"x" * (LIMIT // 2)
        self.assert_fails(
            {
                "one byte too many": ([1009], frame(BINARY, b"x" * (LIMIT + 1))),
                "too many bytes in fragments": (
                    [1009],
                    frame(BINARY, half, final=False),
                    frame(CONTINUATION, half, final=False),
                    frame(CONTINUATION, b"x"),
                ),
            }
        )


VALID_UTF8 = {
    "greek": "\u03ba\u1f79\u03c3\u03bc\u03b5",
    "last of one byte": "\x7f",
    "first of two": "\x80",
    "last of two": "\u07ff",
    "first of three": "\u0800",
    "before the surrogates": "\ud7ff",
    "behind the surrogates": "\ue000",
    "no character": "\ufffe\uffff",
    "first of four": "\U00010000",
    "last of all": "\U0010ffff",
    "zero": "a\0b",
}

INVALID_UTF8 = {
    "lone continuation": b"\x80",
    "two lone continuations": b"\xbf\xbf",
    "overlong of two": b"\xc0\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong of two, last": b"\xc1\xbf",
    "overlong of three": b"\xe0\x80\x80",
    "overlong of three, last": b"\xe0\x9f\xbf",
    "overlong of four": b"\xf0\x80\x80\x80",
    "overlong of four, last": b"\xf0\x8f\xbf\xbf",
    "first surrogate": b"\xed\xa0\x80",
    "last surrogate": b"\xed\xbf\xbf",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "far beyond unicode": b"\xf7\xbf\xbf\xbf",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "two of three": b"\xe2\x82",
    "three of four": b"\xf0\x9f\x98",
    "ascii inside": b"\xe2\x82a",
}


class Utf8(WithEcho):
    """Section 8.1, and 5.6."""

    def test_valid_text_is_taken_whole_and_split_anywhere(self):
        for name, characters in VALID_UTF8.items():
            payload = characters.encode("utf-8", "surrogatepass")
            with self.subTest(name):
                self.assert_echoes(text(payload), (TEXT, payload))
                for at in range(1, len(payload)):
                    first = frame(TEXT, payload[:at], final=False)
                    self.assert_echoes(first + frame(CONTINUATION, payload[at:]), (TEXT, payload))

    def test_text_split_anywhere_on_the_wire(self):
        payload = "".join(VALID_UTF8.values()).encode()
        sent = text(payload)
        peer = self.connect()
        for at in range(1, len(sent)):
            peer.send(sent[:at])
            peer.send(sent[at:])
            self.assertEqual(peer.receive(), (TEXT, payload))

    def test_invalid_text_fails(self):
        for position, before in (("alone", b""), ("behind text", b"good so far ")):
            self.assert_fails(
                {
                    f"{name}, {position}": ([1007], text(before + bad))
                    for name, bad in INVALID_UTF8.items()
                }
            )

    def test_invalid_text_in_fragments_fails(self):
        cases = {}
        for name, bad in INVALID_UTF8.items():
            for at in range(len(bad) + 1):
                cases[f"{name}, split at {at}"] = (
                    [1007],
                    frame(TEXT, bad[:at], final=False),
                    frame(CONTINUATION, bad[at:]),
                )
        self.assert_fails(cases)

    def test_binary_may_be_anything(self):
        for name, bad in INVALID_UTF8.items():
            with self.subTest(name):
                self.assert_echoes(frame(BINARY, bad), (BINARY, bad))


class Close(WithEcho):
    """Sections 5.5.1 and 7.4."""

    def answered(self, sent):
        """The payload of the close frame that comes back, and whether the connection then ends."""
        peer = self.connect()
        peer.send(sent)
        got = peer.receive()
        self.assertIsNotNone(got, DROPPED)
        self.assertEqual(got[0], CLOSE)
        self.assertIsNone(peer.receive(), "something came behind the close frame")
        return got[1]

    def code_of_answer(self, sent):
        return struct.unpack(">H", self.answered(sent)[:2])[0]

    def test_codes_that_may_be_sent_come_back(self):
        for code in [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999]:
            with self.subTest(code):
                self.assertEqual(self.code_of_answer(close(code)), code)

    def test_without_a_code(self):
        self.assertIn(self.answered(close()), (b"", struct.pack(">H", 1000)))

    def test_with_a_reason(self):
        for reason in (b"bye", b"r" * 123, "\u00fc\U0010ffff".encode()):
            with self.subTest(reason):
                self.assertEqual(self.code_of_answer(close(1000, reason)), 1000)

    def test_codes_that_must_not_be_sent_fail(self):
        codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
        for code in codes:
            with self.subTest(code):
                self.assertEqual(self.code_of_answer(close(code)), 1002)

    def test_half_a_code_fails(self):
        self.assertEqual(self.code_of_answer(frame(CLOSE, b"\x03")), 1002)

    def test_a_reason_that_is_no_text_fails(self):
        for name in ("overlong slash", "first surrogate", "two of three", "ff"):
            with self.subTest(name):
                got = self.code_of_answer(close(1000, INVALID_UTF8[name]))
                self.assertIn(got, (1002, 1007))

    def test_nothing_behind_a_close_frame_is_taken(self):
        peer = self.connect()
        peer.send(close(1000) + text("too late") + frame(PING, b"too late"))
        self.assertEqual(peer.receive(), (CLOSE, struct.pack(">H", 1000)))
        self.assertIsNone(peer.receive())

    def test_inside_a_message(self):
        sent = frame(TEXT, b"unfinished", final=False) + close(1001)
        self.assertEqual(self.code_of_answer(sent), 1001)

    def test_the_server_ends_the_connection(self):
        """7.1.1: it is the server that closes TCP first."""
        peer = self.connect()
        peer.send(close(1000))
        self.assertEqual(peer.receive()[0], CLOSE)
        self.assertIsNone(peer.receive())


unittest.main()
