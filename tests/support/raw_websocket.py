"""A WebSocket peer made of a bare socket, which can do what no library would let it do."""

import base64
import os
import socket
import struct
from urllib.parse import urlsplit

DEADLINE_S = 30

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", final=True, masked=True, rsv=0, length=None):
    """One frame; `length` may lie about the payload."""
    claimed = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if claimed < 126:
        head += bytes([mask_bit | claimed])
    elif claimed < 65536:
        head += bytes([mask_bit | 126]) + struct.pack(">H", claimed)
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", claimed)
    if not masked:
        return head + payload
    key = os.urandom(4)
    stretched = (key * (len(payload) // 4 + 1))[: len(payload)]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")).to_bytes(
        len(payload), "big"
    )
    return head + key + body


class RawWebSocket:
    """Ends with the `with` block, however the connection stands."""

    def __init__(self, url, small_segments=False, source=None):
        """With small segments the kernel of the other side keeps little of what is not taken; a
        source is the address to come from, as "127.0.0.2"."""
        self.parts = urlsplit(url)
        address = (self.parts.hostname, self.parts.port)
        if small_segments:
            self.socket = socket.socket(socket.AF_INET)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            self.socket.settimeout(DEADLINE_S)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(
                address, timeout=DEADLINE_S, source_address=(source, 0) if source else None
            )
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        """Ends the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def request(self, headers=None, path=None):
        """The bytes of a handshake; a header of None is left out."""
        chosen = {
            "Host": f"{self.parts.hostname}:{self.parts.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
        }
        chosen.update(headers or {})
        lines = [f"GET {path or self.parts.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in chosen.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def handshake(self, headers=None):
        """Sends a handshake and returns (status, head); opens the connection if it is 101."""
        self.send(self.request(headers))
        return self.answer()

    def answer(self):
        """Reads the head of an HTTP answer: (status, text)."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                raise AssertionError(f"no HTTP answer, only {self.buffer!r}")
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        text = head.decode()
        return int(text.split()[1]), text

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def _take(self, count):
        while len(self.buffer) < count:
            if not self._more():
                return None
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def receive(self):
        """The next frame as (opcode, payload); None when the connection has ended."""
        head = self._take(2)
        if head is None:
            return None
        length = head[1] & 127
        if length == 126:
            length = struct.unpack(">H", self._take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self._take(8))[0]
        payload = self._take(length)
        return None if payload is None else (head[0] & 15, payload)

    def receive_text(self):
        """The next text message; fails on anything but pings before it."""
        while True:
            got = self.receive()
            assert got is not None, "the connection ended"
            if got[0] == TEXT:
                return got[1].decode()
            assert got[0] in (PING, PONG), got

    def close_code(self):
        """Reads to the end; the code of the close frame, None if there was none."""
        return self.close_frame()[0]

    def close_frame(self):
        """Reads to the end; (code, reason) of the close frame, (None, "") if there was none."""
        closed = (None, "")
        while True:
            got = self.receive()
            if got is None:
                return closed
            opcode, payload = got
            if opcode == CLOSE and closed[0] is None:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                closed = (code, payload[2:].decode())
                try:
                    self.send(frame(CLOSE, payload))
                except ConnectionError:
                    pass

    def body(self):
        """What follows the head of an HTTP answer, to the end."""
        while self._more():
            pass
        return self.buffer.decode()
