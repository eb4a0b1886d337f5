"""Ten thousand companions at the same time: all are told what the TV presents, all can leave or are
told when it ends, and what they took is given back."""

import json
import os
import resource
import selectors
import socket
import struct
import unittest
from urllib.parse import urlsplit

from processes import DEADLINE_S, Daemon
from raw_websocket import CLOSE, TEXT, frame

SANITIZED = "ASAN_OPTIONS" in os.environ
WANTED = 1000 if SANITIZED else 10000
# Descriptors of this process that are no companions.
SPARE = 100
# Handshakes, or goodbyes, under way at the same time: fewer than may wait to be accepted.
AT_ONCE = 256
BYTES_PER_COMPANION_MAX = 6 * 1024
GROWTH_MAX_BYTES = 2 * 1024 * 1024


def raise_descriptor_limit():
    """Returns how many companions this process can have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE


class Companions:
    """Connections to the CII endpoint, all run by one selector."""

    def __init__(self, url, count):
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.request = (
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.hostname}:{parts.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ).encode()
        self.count = count
        self.selector = selectors.DefaultSelector()
        self.received = {}

    def __enter__(self):
        self._open()
        return self

    def __exit__(self, *_):
        for companion in self.received:
            companion.close()
        self.selector.close()

    def _open(self):
        waiting = set()
        while len(self.received) < self.count or waiting:
            while len(self.received) < self.count and len(waiting) < AT_ONCE:
                companion = socket.create_connection(self.address)
                companion.sendall(self.request)
                self.selector.register(companion, selectors.EVENT_READ)
                self.received[companion] = b""
                waiting.add(companion)
            waiting -= self._turn(self._is_told)

    def leave(self):
        """All say goodbye, some at a time; the server answers each."""
        companions = list(self.received)
        for i in range(0, len(companions), AT_ONCE):
            leaving = companions[i : i + AT_ONCE]
            for companion in leaving:
                companion.sendall(frame(CLOSE, struct.pack(">H", 1000)))
            self.expect_close(1000, leaving)

    def expect_close(self, code, leaving=None):
        """Waits until all of these, or all, have been told goodbye with this code, and answers."""
        told = struct.pack(">BBH", 0x80 | CLOSE, 2, code)

        def is_told(companion):
            data = self.received[companion]
            # The server may add a reason.
            if len(data) < 4 or len(data) < 2 + data[1]:
                return False
            assert data[0] == told[0] and data[2:4] == told[2:4], data
            self.selector.unregister(companion)
            try:
                companion.sendall(frame(CLOSE, data[2:4]))
            except ConnectionError:
                pass
            return True

        left = set(leaving or self.received)
        while left:
            left -= self._turn(is_told)

    def _is_told(self, companion):
        """Whether it has the answer to its handshake and, whole, what the TV presents."""
        head, _, message = self.received[companion].partition(b"\r\n\r\n")
        if len(message) < 4 or len(message) < 4 + struct.unpack(">H", message[2:4])[0]:
            return False
        assert head.startswith(b"HTTP/1.1 101"), head
        assert (message[0] & 15, message[1]) == (TEXT, 126), message
        assert json.loads(message[4:])["contentId"] == "dvb://1.2.3", message
        self.received[companion] = b""
        return True

    def _turn(self, is_done):
        """Takes what has arrived; returns those that are done by it."""
        events = self.selector.select(DEADLINE_S)
        assert events, "nothing comes any more"
        done = set()
        for key, _ in events:
            companion = key.fileobj
            data = companion.recv(4096)
            assert data, f"ended after {self.received[companion]!r}"
            self.received[companion] += data
            if is_done(companion):
                done.add(companion)
        return done


class Many(unittest.TestCase):
    def setUp(self):
        self.count = min(WANTED, raise_descriptor_limit())
        if self.count < WANTED:
            print(f"the hard limit of descriptors allows {self.count} companions, not {WANTED}")
        limit = str(self.count)
        self.tv = Daemon(settings={
            "content.id": "dvb://1.2.3",
            "cii.max_connections": limit,
            # They all come from here.
            "cii.max_connections_per_address": "0",
            "http.max_connections_per_address": "0",
            "http.ping_interval": "0",
            "log.level": "warning",
        })
        self.addCleanup(self.tv.__exit__)

    def resident_bytes(self):
        with open(f"/proc/{self.tv.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.tv.process.pid}/fd"))

    def wait_for_descriptors(self, count):
        """The daemon closes a socket after its goodbye: each answer of it is a turn of its loop."""
        for _ in range(1000):
            if self.descriptors() <= count:
                return
            with Companions(self.tv.urls["cii"], 1) as one:
                one.leave()
        self.fail(f"{self.descriptors()} descriptors, not {count}")

    def test_come_and_go_and_leave_nothing(self):
        before = self.descriptors()
        memory = [self.resident_bytes()]
        for _ in range(2):
            with Companions(self.tv.urls["cii"], self.count) as companions:
                self.assertGreaterEqual(self.descriptors(), self.count)
                memory.append(self.resident_bytes())
                companions.leave()
            self.wait_for_descriptors(before)
        if not SANITIZED:
            self.assertLess((memory[1] - memory[0]) / self.count, BYTES_PER_COMPANION_MAX)
            # What the first ones gave back is enough for the second ones. The allocator decides
            # what of it the system sees meanwhile.
            self.assertLess(memory[2] - memory[1], GROWTH_MAX_BYTES)
        code, said = self.tv.stop()
        self.assertEqual((code, said), (0, []))

    def test_are_all_told_when_the_daemon_ends(self):
        with Companions(self.tv.urls["cii"], self.count) as companions:
            self.tv.process.terminate()
            companions.expect_close(1001)
            self.assertEqual(self.tv.wait(), 0)


if __name__ == "__main__":
    unittest.main()
