"""Broken and hostile requests to the control API: after all of them it answers as before."""

import json
import os
import random
import socket
import time
import unittest

from control_client import PTS, ControlledDaemon
from processes import DEADLINE_S

SANITIZED = "ASAN_OPTIONS" in os.environ
# The same requests in every run; REQUESTS and SEED in the environment try others.
REQUESTS = int(os.environ.get("REQUESTS", "400" if SANITIZED else "1500"))
SEED = int(os.environ.get("SEED", "4"))

GOOD = [
    ("PATCH", "/api/v1/content", {"contentId": "dvb://1", "private": [{"type": "x", "y": [1]}]}),
    ("POST", "/api/v1/timelines", {"name": "t", "selector": "urn:x:y", "tick_rate": "30000/1001",
                                   "speed": 1.5, "accuracy_s": None, "available": True}),
    ("PATCH", "/api/v1/timelines/t", {"speed": 0, "position_ticks": 5, "in_s": 0.001}),
    ("PATCH", "/api/v1/timelines/t", {"seek_s": -5, "at_ns": 12345}),
    ("DELETE", "/api/v1/timelines/t", None),
    ("PATCH", "/api/v1/media", {"speed": -1, "seek_s": 1e9}),
    ("PATCH", "/api/v1/endpoints/ts", {"enabled": True, "max_connections": None}),
    ("PATCH", "/api/v1/programme", {"running": False}),
    ("POST", "/api/v1/connections/ts-1/close", {"code": 1000, "reason": "x"}),
    ("DELETE", "/api/v1/scheduled/1", None),
    ("GET", "/api/v1/status?x=y&z", None),
    ("POST", "/api/v1/reload", None),
]
VALUES = [None, True, False, 0, -1, 1.5, 1e308, -1e308, 2**63 - 1, -(2**63), 10**30, "", "x" * 2000,
          "\u0000", "\ud800", "é", [], {}, [[]], {"type": 5}, PTS, "none", "0", "1/0"]


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tv = ControlledDaemon()

    @classmethod
    def tearDownClass(cls):
        try:
            code, said = cls.tv.stop()
            assert code == 0, (code, said[-20:])
        finally:
            cls.tv.__exit__(None, None, None)

    def tearDown(self):
        self.assertIsNone(self.tv.process.poll(), "the daemon has ended")
        self.assertEqual(self.tv.request("GET", "/healthz").status, 200)
        self.assertEqual(self.tv.request("GET", "/api/v1/status").status, 200)

    def connect(self):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(peer.close)
        # With a time limit, a full queue would be an error at once.
        peer.connect(self.tv.socket_path)
        peer.settimeout(DEADLINE_S)
        return peer

    def say(self, data):
        """Sends bytes, ends that direction, and returns all that comes back."""
        peer = self.connect()
        said = b""
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while chunk := peer.recv(65536):
                said += chunk
        except ConnectionError:
            pass
        peer.close()
        return said

    def test_what_is_no_request_is_let_go(self):
        for data in (b"", b"\r\n", b"GET", b"\x00" * 5000, b"\xff" * 300, b"\x16\x03\x01\x02\x00",
                     b"GET /api/v1/status HTTP/1.1\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"PATCH /api/v1/media HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
                     b"PATCH /api/v1/media HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"GET /" + b"x" * 10000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000 + b"\r\n"):
            with self.subTest(data=data[:40]):
                answer = self.say(data)
                self.assertFalse(answer.startswith(b"HTTP/1.1 2"), answer)

    def test_who_says_nothing_of_a_body_has_none(self):
        """As `curl -X POST`."""
        request = "{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        for line, headers, status in (
                ("POST /api/v1/reload", "", 200), ("DELETE /api/v1/timelines/none", "", 404),
                ("PATCH /api/v1/media", "", 415),
                ("PATCH /api/v1/media", "Content-Type: application/json\r\n", 400),
                ("POST /api/v1/reload", "Transfer-Encoding: chunked\r\n", 400)):
            with self.subTest(line=line, headers=headers):
                answer = self.say(request.format(line, headers).encode())
                self.assertTrue(answer.startswith(f"HTTP/1.1 {status} ".encode()), answer)

    def test_a_path_that_is_refused_is_told_so(self):
        for target in ("/../../etc/passwd", "/%zz", "/%00", "/a#b", "*"):
            answer = self.say(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
            self.assertIn(b"Ask for a path", answer, target)
            self.assertNotIn(b"one Host", answer, target)

    def test_paths_lead_nowhere_else(self):
        for path in ("/api/v1/../../etc/passwd", "/api/v1/timelines/%2e%2e/status", "//", "/%00",
                     "/api/v1/timelines/" + "x" * 64, "/api/v1/timelines/", "/api/v1/status/",
                     "/api/v1//status", "/api/v1/timelines/pts/x", "/API/V1/STATUS", "/%zz", "/?"):
            answer = self.say(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertNotIn(b"root:", answer, path)
            # Slashes too many and dots are taken out before the API sees the path.
            self.assertRegex(answer, rb"^(HTTP/1\.[01] (200|400|403|404) |$)", path)

    def test_requests_cut_anywhere_change_nothing(self):
        body = b'{"speed": 0}'
        whole = (b"PATCH /api/v1/media HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        for cut in range(len(whole)):
            self.connect().sendall(whole[:cut])
            self.doCleanups()
        self.assertEqual(self.tv.get("/media")["speed"], 1)
        self.assertIn(b" 200 ", self.say(whole).split(b"\r\n")[0])
        self.assertEqual(self.tv.patch("/media", {"speed": 1}).status, 200)

    def test_peers_that_say_nothing_keep_nobody_waiting(self):
        for _ in range(100):
            self.connect().sendall(b"GET /api/v1/status HTTP/1.1\r\n")
        self.assertEqual(self.tv.request("GET", "/healthz").status, 200)

    def test_more_peers_than_there_is_room_for_are_told(self):
        peers = [self.connect() for _ in range(300)]
        refused = peers[-1].recv(65536)
        self.assertIn(b" 503 ", refused.split(b"\r\n")[0])
        self.doCleanups()
        # They are gone when the daemon has noticed.
        end = time.monotonic() + DEADLINE_S
        while self.tv.request("GET", "/healthz").status == 503 and time.monotonic() < end:
            pass

    def test_an_unknown_member_of_any_length_is_named(self):
        for character in ("x", "é", "€", "😀"):
            for before in range(58, 70):
                name = "y" * before + character * 3
                answer = self.tv.patch("/media", {name: 1})
                with self.subTest(name=name):
                    self.assertEqual(answer.status, 400, answer.text)
                    self.assertEqual(answer.json["member"],
                                     name.encode()[:63].decode(errors="ignore"))

    def mutate(self, chance, body):
        """A body that was good, with members changed, added, taken away, or bytes broken."""
        body = dict(body)
        for _ in range(chance.randrange(3)):
            name = chance.choice([*body, "extra", "", "speed", "contentId"])
            if chance.random() < 0.3:
                body.pop(name, None)
            else:
                body[name] = chance.choice(VALUES)
        text = bytearray(json.dumps(body).encode())
        for _ in range(chance.choice((0, 0, 0, 1, 3))):
            at = chance.randrange(len(text))
            text[at:at + chance.randrange(3)] = bytes([chance.randrange(256)])
        return bytes(text)

    def test_whatever_is_said_gets_an_answer_that_is_one(self):
        chance = random.Random(SEED)
        for number in range(REQUESTS):
            method, path, body = chance.choice(GOOD)
            if chance.random() < 0.1:
                path = path[:chance.randrange(1, len(path))]
            if chance.random() < 0.1:
                method = chance.choice(("GET", "PATCH", "POST", "DELETE", "PUT", "OPTIONS"))
            data = self.mutate(chance, body) if body is not None else None
            if data is None and method in ("POST", "PATCH", "PUT"):
                data = b""
            answer = self.tv.request(method, path, data)
            with self.subTest(number=number, method=method, path=path, data=data):
                self.assertIn(answer.status, (200, 201, 202, 204, 400, 404, 405, 409, 415))
                if answer.status >= 400:
                    self.assertEqual(set(answer.json), {"error", "member", "reason"})


if __name__ == "__main__":
    unittest.main()
