"""What broken and hostile peers do to each socket of dvbcssd; after each, everybody else is served.

The daemon lives through the whole of each class: one that crashed, leaked or stalled would fail
what comes after. Under the sanitizers the same tests see what a plain run cannot.
"""

import json
import os
import random
import socket
import struct
import unittest
from urllib.parse import urlsplit

from processes import Daemon
from raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, RawWebSocket, frame

PTS = "urn:dvb:css:timeline:pts"
SETUP = json.dumps({"contentIdStem": "", "timelineSelector": PTS}).encode()
SETTINGS = {
    "content.id": "dvb://1.2.3",
    "timeline.pts.selector": PTS,
    "cii.max_connections": "500",
    "cii.max_connections_per_address": "0",
    "ts.max_connections": "500",
    "ts.max_connections_per_address": "0",
    # What is sent here is to be taken, not refused: tests of limits are in test_limits.py.
    "ts.max_messages_per_s": "0",
    "ts.max_bytes_per_s": "0",
    "http.max_connections_per_address": "0",
}
SANITIZED = "ASAN_OPTIONS" in os.environ
DEADLINE_S = 30


class WithDaemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tv = Daemon(settings=SETTINGS)

    @classmethod
    def tearDownClass(cls):
        code, said = cls.tv.stop()
        assert code == 0, (code, said)

    def tearDown(self):
        self.assertIsNone(self.tv.process.poll(), "the daemon has ended")
        self.assert_everybody_is_served()

    def assert_everybody_is_served(self):
        with RawWebSocket(self.tv.urls["cii"]) as cii:
            self.assertEqual(cii.handshake()[0], 101)
            self.assertEqual(json.loads(cii.receive_text())["contentId"], "dvb://1.2.3")
        with RawWebSocket(self.tv.urls["ts"]) as ts:
            self.assertEqual(ts.handshake()[0], 101)
            ts.send(frame(TEXT, SETUP))
            self.assertIsNotNone(json.loads(ts.receive_text())["contentTime"])
        with wall_clock(self.tv) as wc:
            self.assertEqual(ask(wc, 7), 7)


def wall_clock(tv):
    url = urlsplit(tv.urls["wc"])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(DEADLINE_S)
    sock.connect((url.hostname, url.port))
    return sock


def request(cookie):
    return struct.pack(">BBbBI6I", 0, 0, 0, 0, 0, cookie, 0xEEFF1122, 0, 0, 0, 0)


def ask(sock, cookie):
    """Asks for the time and returns the cookie that came back."""
    sock.send(request(cookie))
    answer = sock.recv(100)
    version, kind, _, _, _, seconds, nanos = struct.unpack(">BBbBI2I16x", answer)
    assert (version, kind, nanos) == (0, 1, 0xEEFF1122), answer
    return seconds


class WallClock(WithDaemon):
    def test_malformed_datagrams_are_not_answered(self):
        bad = [
            b"",
            b"\0",
            request(1)[:-1],
            request(1) + b"\0",
            b"\1" + request(1)[1:],
            b"\xff" * 32,
            bytes(1400),
        ]
        bad += [bytes([0, kind]) + request(1)[2:] for kind in (1, 2, 3, 4, 255)]
        with wall_clock(self.tv) as sock:
            for datagram in bad:
                sock.send(datagram)
            # Answers come in order: the first one is for the first good request.
            self.assertEqual(ask(sock, 42), 42)

    def test_every_good_request_in_a_flood_of_bad_ones_is_answered(self):
        chance = random.Random(1)
        with wall_clock(self.tv) as sock:
            for cookie in range(2000):
                for _ in range(20):
                    sock.send(chance.randbytes(chance.choice((0, 5, 31, 33, 64))))
                self.assertEqual(ask(sock, cookie), cookie)


class WebSocketEndpoint:
    """Run for each endpoint; `name` is its name in the ready file."""

    name = ""

    def open(self):
        peer = RawWebSocket(self.tv.urls[self.name])
        status, head = peer.handshake()
        self.assertEqual(status, 101, head)
        return peer

    def closed_with(self, code, data):
        with self.open() as peer:
            peer.send(data)
            self.assertEqual(peer.close_code(), code)

    def test_half_a_handshake_and_silence(self):
        peers = []
        for cut in (1, 10, 50, 100):
            peer = RawWebSocket(self.tv.urls[self.name])
            peer.send(peer.request()[:cut])
            peers.append(peer)
        self.assert_everybody_is_served()
        for peer in peers:
            peer.socket.close()

    def test_wrong_handshakes_get_an_answer(self):
        wrong = [
            (426, {"Upgrade": None, "Connection": None}),
            (426, {"Upgrade": "h2c"}),
            (426, {"Sec-WebSocket-Version": "8"}),
            (400, {"Sec-WebSocket-Key": None}),
            (400, {"Sec-WebSocket-Key": "short"}),
        ]
        for status, headers in wrong:
            with RawWebSocket(self.tv.urls[self.name]) as peer:
                self.assertEqual(peer.handshake(headers)[0], status, headers)

    def test_what_is_no_http_at_all(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), bytes(5000),
                     b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 3000, b"A" * 100000):
            with RawWebSocket(self.tv.urls[self.name]) as peer:
                try:
                    peer.send(data)
                except ConnectionError:
                    pass

    def test_a_header_that_never_ends(self):
        with RawWebSocket(self.tv.urls[self.name]) as peer:
            try:
                peer.send(peer.request()[:-2])
                for _ in range(1000):
                    peer.send(b"X-Padding: " + b"x" * 100 + b"\r\n")
            except ConnectionError:
                pass

    def test_an_upgrade_on_a_connection_that_was_used_before(self):
        with RawWebSocket(self.tv.urls[self.name]) as peer:
            peer.send(peer.request({"Upgrade": None, "Connection": "keep-alive"}, "/nothing"))
            status, head = peer.answer()
            self.assertEqual(status, 404, head)
            try:
                peer.send(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: foo\r\n\r\n")
                peer.send(peer.request())
                peer.close_code()
            except (ConnectionError, AssertionError):
                pass

    def test_binary_messages(self):
        with self.open() as peer:
            peer.send(frame(BINARY, SETUP) + frame(BINARY, bytes(range(256))))
            peer.send(frame(CLOSE, struct.pack(">H", 1000)))
            self.assertEqual(peer.close_code(), 1000)

    def test_text_that_is_not_utf8(self):
        self.closed_with(1007, frame(TEXT, b'{"a":"\xc0\xaf"}'))

    def test_a_huge_message(self):
        self.closed_with(1009, frame(TEXT, b"x" * 300_000))

    def test_a_huge_message_in_small_pieces(self):
        with self.open() as peer:
            try:
                peer.send(frame(TEXT, b"x" * 1000, final=False))
                for _ in range(2000):
                    peer.send(frame(0, b"x" * 1000, final=False))
            except ConnectionError:
                pass

    def test_a_length_that_promises_the_whole_address_space(self):
        with self.open() as peer:
            peer.send(frame(TEXT, b"x", length=(1 << 62)))
            peer.socket.shutdown(socket.SHUT_WR)
            peer.close_code()

    def test_reserved_bits_and_unknown_opcodes(self):
        self.closed_with(1002, frame(TEXT, b"x", rsv=4))
        self.closed_with(1002, frame(3, b"x"))
        self.closed_with(1002, frame(0, b"nothing was begun"))

    def test_a_reset_in_the_middle_of_a_message(self):
        for cut in (1, 3, 7, 20):
            peer = self.open()
            peer.send(frame(TEXT, SETUP)[:cut])
            peer.reset()

    def test_a_reset_right_after_the_handshake(self):
        for _ in range(50):
            peer = RawWebSocket(self.tv.urls[self.name])
            peer.send(peer.request())
            peer.reset()

    def test_a_flood_of_pings(self):
        with self.open() as peer:
            peer.send(frame(PING, b"x" * 125) * 2000)
            peer.send(frame(CLOSE, struct.pack(">H", 1000)))
            peer.close_code()

    def test_pongs_that_nobody_asked_for(self):
        with self.open() as peer:
            peer.send(frame(PONG, b"?") * 1000)
            peer.send(frame(CLOSE, struct.pack(">H", 1000)))
            self.assertEqual(peer.close_code(), 1000)

    def test_hostile_json(self):
        nasty = [
            b"[" * 3_000,
            b'{"a":' * 600,
            b'{"timelineSelector":"' + b"x" * 3_000 + b'"}',
            b'{"contentIdStem":"\\u0000","timelineSelector":"\\ud800"}',
            b'{"timelineSelector":1e400}',
            b'{"earliest":{"contentTime":"99999999999999999999","wallClockTime":"1"}}',
            b"\x00",
        ]
        with self.open() as peer:
            for text in nasty:
                peer.send(frame(TEXT, text))
            peer.send(frame(CLOSE, struct.pack(">H", 1000)))
            self.assertEqual(peer.close_code(), 1000)

    def test_companions_that_never_read(self):
        peers = [self.open() for _ in range(20)]
        for peer in peers:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            peer.send(frame(TEXT, SETUP))
        self.assert_everybody_is_served()
        for peer in peers:
            peer.socket.close()


class Cii(WebSocketEndpoint, WithDaemon):
    name = "cii"


class Ts(WebSocketEndpoint, WithDaemon):
    name = "ts"

    def test_a_million_setups(self):
        count = 100_000 if SANITIZED else 1_000_000
        block = b"".join(
            frame(TEXT, json.dumps({"timelineSelector": f"urn:example:{i}"}).encode())
            for i in range(1000)
        )
        with self.open() as peer:
            peer.socket.setblocking(True)
            drain(peer, block, count // 1000)
            peer.send(frame(TEXT, SETUP))
            while json.loads(peer.receive_text())["contentTime"] is None:
                pass


def drain(peer, block, times):
    """Sends the block so many times, reading what comes back meanwhile."""
    sock = peer.socket
    sock.setblocking(False)
    waiting = memoryview(block)
    while times > 0:
        try:
            waiting = waiting[sock.send(waiting):]
            if not waiting:
                times -= 1
                waiting = memoryview(block)
        except BlockingIOError:
            pass
        try:
            data = sock.recv(1 << 20)
            assert data, "the daemon closed the connection"
            peer.buffer += data
        except BlockingIOError:
            pass
    sock.settimeout(DEADLINE_S)


if __name__ == "__main__":
    unittest.main()
