"""Faults of peers and of the system, each brought about on purpose in a daemon: after each, everybody
else is served, and nothing remains.

What one connection makes of each fault is in tests/unit/server-core/test_ws_faults.c; here are the
daemon as a whole, its protocols and its control API. Faults of the system come from a library that
is preloaded (tests/support/faults_preload.c).
"""

import contextlib
import errno
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import time
import unittest
from urllib.parse import urlsplit

from control_client import PTS, ControlledDaemon
from faults import environment
from processes import DEADLINE_S
from raw_websocket import CLOSE, TEXT, RawWebSocket, frame

SANITIZED = "ASAN_OPTIONS" in os.environ
SETUP = json.dumps({"contentIdStem": "", "timelineSelector": PTS}).encode()


class Companion(RawWebSocket):
    """A companion that does everything right."""

    def __init__(self, tv, endpoint):
        super().__init__(tv.urls[endpoint])
        try:
            status, head = self.handshake()
            assert status == 101, head
            if endpoint == "ts":
                self.send(frame(TEXT, SETUP))
            self.first = json.loads(self.receive_text())
        except BaseException:
            self.socket.close()
            raise

    def hears(self, member, value):
        """Reads until a message says so."""
        while json.loads(self.receive_text()).get(member, ...) != value:
            pass


class Bystanders:
    """A companion on each endpoint, who must not notice anything of what others suffer."""

    def __init__(self, tv):
        self.tv = tv
        self.cii = Companion(tv, "cii")
        self.ts = Companion(tv, "ts")
        self.told = 0

    def are_served(self):
        self.told += 1
        content_id = f"dvb://1.2.{self.told}"
        speed = 2 if self.told % 2 else 1
        assert self.tv.patch("/content", {"contentId": content_id}).status == 200
        self.cii.hears("contentId", content_id)
        assert self.tv.patch("/timelines/pts", {"speed": speed}).status == 200
        self.ts.hears("timelineSpeedMultiplier", speed)

    def close(self):
        self.cii.socket.close()
        self.ts.socket.close()


def newcomers_are_served(tv):
    with Companion(tv, "cii") as cii, Companion(tv, "ts") as ts:
        assert cii.first["contentId"].startswith("dvb://"), cii.first
        assert ts.first["contentTime"] is not None, ts.first


def descriptors(tv):
    return len(os.listdir(f"/proc/{tv.process.pid}/fd"))


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, what
        # The daemon has to run, and it may have to share one processor with us.
        os.sched_yield()


# ---- states that a peer can be in --------------------------------------------------------------


def accepted(tv):
    return RawWebSocket(tv.urls["cii"])


def half_a_header(tv):
    peer = RawWebSocket(tv.urls["ts"])
    peer.send(peer.request()[:60])
    return peer


def handshake_sent(tv):
    peer = RawWebSocket(tv.urls["cii"])
    peer.send(peer.request())
    return peer


def open_cii(tv):
    peer = handshake_sent(tv)
    assert peer.answer()[0] == 101
    return peer


def before_setup(tv):
    peer = RawWebSocket(tv.urls["ts"])
    assert peer.handshake()[0] == 101
    return peer


def half_a_setup(tv):
    peer = before_setup(tv)
    peer.send(frame(TEXT, SETUP)[:20])
    return peer


def between_fragments(tv):
    peer = before_setup(tv)
    peer.send(frame(TEXT, SETUP[:20], final=False))
    return peer


def after_setup(tv):
    peer = before_setup(tv)
    peer.send(frame(TEXT, SETUP))
    peer.receive_text()
    return peer


def being_pushed(tv):
    """Many messages are under way to one that does not read."""
    peer = after_setup(tv)
    for speed in (0, 1) * 10:
        assert tv.patch("/timelines/pts", {"speed": speed}).status == 200
    return peer


def closing_by_server(tv):
    before = {c["id"] for c in tv.get("/connections")["connections"]}
    peer = open_cii(tv)
    (made,) = {c["id"] for c in tv.get("/connections")["connections"]} - before
    assert tv.post(f"/connections/{made}/close", {"code": 4001}).status in (200, 202, 204)
    return peer


def closing_by_peer(tv):
    peer = after_setup(tv)
    peer.send(frame(CLOSE, struct.pack(">H", 1000)))
    return peer


def half_a_request_to_control(tv):
    peer = RawWebSocket.__new__(RawWebSocket)
    peer.buffer = b""
    peer.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    peer.socket.settimeout(DEADLINE_S)
    peer.socket.connect(tv.socket_path)
    peer.send(b"PATCH /api/v1/content HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              b"Content-Length: 99\r\n\r\n{\"contentId\"")
    return peer


STATES = (
    accepted, half_a_header, handshake_sent, open_cii, before_setup, half_a_setup,
    between_fragments, after_setup, being_pushed, closing_by_server, closing_by_peer,
    half_a_request_to_control,
)


def hang_up(peer):
    peer.socket.close()


def reset(peer):
    peer.reset()


def half_close(peer):
    """Says no more, and takes what comes until the daemon hangs up."""
    with contextlib.suppress(OSError):
        peer.socket.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        while peer.socket.recv(65536):
            pass
    peer.socket.close()


WAYS = (hang_up, reset, half_close)


class Peers(unittest.TestCase):
    def test_leaving_in_any_state_and_any_way_touches_nobody_else(self):
        with ControlledDaemon() as tv:
            count = descriptors(tv)
            others = Bystanders(tv)
            others.are_served()
            for state in STATES:
                for way in WAYS:
                    with self.subTest(state=state.__name__, way=way.__name__):
                        way(state(tv))
                        others.are_served()
                        newcomers_are_served(tv)
            wait_until(lambda: len(tv.get("/connections")["connections"]) == 2, "who has left?")
            others.close()
            wait_until(lambda: descriptors(tv) == count, "descriptors remain")
            self.assertEqual(tv.stop()[0], 0)

    def test_those_who_do_nothing_any_more_are_sent_away(self):
        with ControlledDaemon(settings={"http.ping_interval": "1"}) as tv:
            count = descriptors(tv)
            peers = [state(tv) for state in STATES]
            for state, peer in zip(STATES, peers):
                with self.subTest(state=state.__name__):
                    # They read only now: up to the end, which the daemon brings about.
                    with contextlib.suppress(ConnectionError):
                        while peer.socket.recv(65536):
                            pass
                    peer.socket.close()
            newcomers_are_served(tv)
            wait_until(lambda: descriptors(tv) == count, "descriptors remain")
            self.assertEqual(tv.stop()[0], 0)


# ---- the system --------------------------------------------------------------------------------


class Descriptors(unittest.TestCase):
    def test_none_left_is_a_refusal_and_no_more(self):
        with ControlledDaemon() as tv:
            others = Bystanders(tv)
            before = resource.prlimit(tv.process.pid, resource.RLIMIT_NOFILE)
            count = descriptors(tv)
            resource.prlimit(tv.process.pid, resource.RLIMIT_NOFILE, (count + 4, before[1]))
            url = urlsplit(tv.urls["cii"])
            crowd = [socket.create_connection((url.hostname, url.port)) for _ in range(50)]
            # One for whom there is no descriptor is hung up on, and is not left waiting.
            crowd[-1].settimeout(DEADLINE_S)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(crowd[-1].recv(1), b"")
            for peer in crowd:
                peer.close()
            wait_until(lambda: descriptors(tv) == count, "descriptors remain")
            others.are_served()
            resource.prlimit(tv.process.pid, resource.RLIMIT_NOFILE, before)
            newcomers_are_served(tv)
            others.close()
            self.assertEqual(tv.stop()[0], 0)

    def test_accepting_that_fails_is_tried_again(self):
        for error in (errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EPERM):
            with self.subTest(error=errno.errorcode[error]):
                with ControlledDaemon(env=environment(FAULT_ACCEPT=f"{error},3")) as tv:
                    newcomers_are_served(tv)
                    self.assertEqual(tv.stop()[0], 0)


class Sending(unittest.TestCase):
    def served_under(self, fault):
        with ControlledDaemon(env=environment(FAULT_SEND=fault)) as tv:
            others = Bystanders(tv)
            for _ in range(10):
                others.are_served()
            newcomers_are_served(tv)
            # Large, and whole.
            self.assertEqual(tv.get("/openapi.json")["openapi"][:2], "3.")
            others.close()
            self.assertEqual(tv.stop()[0], 0)

    def test_a_byte_at_a_time_is_slow_and_right(self):
        self.served_under("0,1,1")

    def test_some_bytes_now_and_then_are_right(self):
        self.served_under("0,7,3")

    def test_a_full_socket_is_waited_for(self):
        self.served_under(f"{errno.EAGAIN},0,2")

    def test_an_interrupted_call_is_made_again(self):
        self.served_under(f"{errno.EINTR},0,2")

    def test_no_buffers_cost_a_connection_now_and_then(self):
        with ControlledDaemon(env=environment(FAULT_SEND=f"{errno.ENOBUFS},0,5")) as tv:
            count = descriptors(tv)
            served = 0
            for _ in range(200):
                try:
                    with Companion(tv, "cii") as cii:
                        served += cii.first["contentId"] == "dvb://1.2.3"
                except (AssertionError, OSError):
                    pass
            self.assertGreater(served, 50)
            wait_until(lambda: descriptors(tv) == count, "descriptors remain")
            self.assertEqual(tv.stop()[0], 0)


class Clock(unittest.TestCase):
    def ask(self, sock, tv):
        """One question to the wall clock: when it was sent, t2, t3, when the answer came."""
        before = tv.wall_ns()
        sock.send(struct.pack(">BBbBI6I", 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0))
        answer = struct.unpack(">BBbBI6I", sock.recv(100))
        after = tv.wall_ns()
        t2, t3 = (s * 10**9 + ns for s, ns in (answer[7:9], answer[9:11]))
        return before, t2, t3, after

    def test_the_systems_time_may_jump_as_it_likes(self):
        """It jumps by an hour with every reading: stamps of the kernel cannot be mapped at all."""
        with ControlledDaemon(env=environment(FAULT_CLOCK_JUMPS="3600")) as tv:
            others = Bystanders(tv)
            url = urlsplit(tv.urls["wc"])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(DEADLINE_S)
                sock.connect((url.hostname, url.port))
                for _ in range(300):
                    times = self.ask(sock, tv)
                    self.assertEqual(list(times), sorted(times))
            others.are_served()
            others.close()
            self.assertEqual(tv.stop()[0], 0)


# ---- the end -----------------------------------------------------------------------------------


class Terminated(unittest.TestCase):
    def test_with_peers_in_every_state(self):
        with ControlledDaemon() as tv:
            peers = [state(tv) for state in STATES]
            told = [open_cii(tv), after_setup(tv)]
            tv.signal(signal.SIGTERM)
            for peer in told:
                self.assertEqual(peer.close_code(), 1001)
            self.assertEqual(tv.wait(), 0)
            self.assertFalse(os.path.exists(tv.socket_path))
            for peer in peers:
                peer.socket.close()

    def test_more_than_once_and_while_it_reloads(self):
        with ControlledDaemon() as tv:
            with open_cii(tv) as peer:
                for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGINT,
                               signal.SIGTERM):
                    with contextlib.suppress(ProcessLookupError):
                        tv.signal(number)
                peer.close_code()
            self.assertIn(tv.wait(), (0, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP))

    def visit(self, tv):
        """Everything that a daemon can be asked for, until it ends."""
        with contextlib.suppress(OSError, AssertionError, subprocess.SubprocessError, ValueError):
            while tv.process.poll() is None:
                newcomers_are_served(tv)
                tv.get("/status")

    def test_at_every_stage(self):
        """SIGTERM comes with the first, second, third, ... call that makes something: while it
        starts, and then while it serves."""
        last = 60 if SANITIZED else 120
        for at in range(1, last, 3 if SANITIZED else 1):
            with self.subTest(at=at):
                try:
                    tv = ControlledDaemon(env=environment(FAULT_SIGTERM_AT=str(at)))
                except AssertionError as ended:
                    # Before it watched for signals, and so before it had made anything.
                    self.assertIn("[]", str(ended))
                    continue
                with tv:
                    self.visit(tv)
                    self.assertEqual(tv.wait(), 0, tv.err.rest())
                    self.assertFalse(os.path.exists(tv.socket_path))


if __name__ == "__main__":
    unittest.main()
