"""Every limit at, below and above its value: what the peer sees that met it, and that the others do not
notice. docs/limits.md lists them, and is held against the configuration here.

Rates are exceeded by so much, and stayed below by so much, that no slow machine confuses the two.
"""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urlsplit

from control_client import PTS, ControlledDaemon, UnixConnection, exchange
from processes import DEADLINE_S
from raw_websocket import CLOSE, CONTINUATION, PING, PONG, TEXT, RawWebSocket, frame

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOKEN = "correct-horse-battery-staple"
HELLO = json.dumps({"hello": {"version": 2, "token": TOKEN}}).encode()
SETUP = json.dumps({"contentIdStem": "", "timelineSelector": PTS}).encode()
ENDPOINTS = ("cii", "ts", "wc_ws")
EVERY_ENDPOINT = (*ENDPOINTS, "app2app", "page")
# One page at a time owns the channel; any number may be about to show their token.
WAITING_PAGES = {"page__trust_loopback": "false", "page__token": TOKEN, "page__token_timeout": 0}
BURST_S = 5


def url_of(tv, endpoint):
    return tv.urls[endpoint] + ("remote/limits" if endpoint == "app2app" else "")


def size_key(endpoint):
    """Of the setting that limits the size of messages."""
    return f"{endpoint}__" + ("max_message" if endpoint == "app2app" else "max_message_bytes")


def counter(tv, name, **labels):
    """A figure of /metrics on the control socket, which no limit of companions concerns."""
    wanted = {f'{key}="{value}"' for key, value in labels.items()}
    for line in tv.request("GET", "/metrics").text.splitlines():
        match = re.fullmatch(r"dvbcss_(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match[1] == name and wanted <= set((match[2] or "").split(",")):
            return float(match[3])
    raise AssertionError(f"there is no {name} {labels}")


class Limits(unittest.TestCase):
    def start(self, *arguments, **settings):
        """Starts a daemon; a setting is named section__key."""
        chosen = {name.replace("__", "."): str(value) for name, value in settings.items()}
        self.tv = ControlledDaemon(*arguments, settings=chosen)
        self.addCleanup(self.tv.__exit__, None, None, None)
        self.peers = self.enterContext_(contextlib.ExitStack())
        return self.tv

    def enterContext_(self, context):
        """TestCase.enterContext() of Python 3.11 under a name of its own, for older ones."""
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def connect(self, endpoint):
        return self.peers.enter_context(RawWebSocket(url_of(self.tv, endpoint)))

    def open(self, endpoint, name=None):
        """`name` is that of App2App."""
        url = self.tv.urls["app2app"] + name if name else url_of(self.tv, endpoint)
        peer = self.peers.enter_context(RawWebSocket(url))
        status, head = peer.handshake()
        self.assertEqual(status, 101, head)
        return peer

    def open_with_bystander(self, endpoint):
        """A peer, and another one that must not notice what it does: (bystander, peer)."""
        bystander = self.open("cii" if endpoint == "page" else endpoint)
        return bystander, self.open(endpoint)

    def assert_refused(self, peer, status, text, retry=True, headers=None):
        found, head = peer.handshake(headers)
        self.assertEqual(found, status, head)
        body = peer.body()
        self.assertIn(text, body)
        self.assertGreaterEqual(len(body.splitlines()), 2, "it says what to do")
        self.assertEqual("retry-after: 30" in head.lower(), retry, head)

    def assert_closed(self, peer, code, reason):
        self.assertEqual(peer.close_frame(), (code, reason))

    def assert_lives(self, peer):
        """The peer's connection is open, and everything before was dealt with."""
        peer.send(frame(PING, b"alive?"))
        while True:
            got = peer.receive()
            self.assertIsNotNone(got, "the connection ended")
            self.assertNotEqual(got[0], CLOSE, got)
            if got == (PONG, b"alive?"):
                return

    def assert_counted(self, name, **labels):
        self.assertEqual(counter(self.tv, name, **labels), 1, (name, labels))

    def stop(self):
        # So that the daemon need not wait for them to say goodbye.
        self.peers.close()
        code, said = self.tv.stop()
        self.assertEqual(code, 0, said)


class Connections(Limits):
    # Key, endpoint, status, what the body says, reason that is counted.
    CASES = [
        (f"{section}.{key}", section, status, text, reason)
        for section in EVERY_ENDPOINT
        for key, status, text, reason in (
            ("max_connections", 503, "endpoint has reached its connection limit", "full"),
            ("max_connections_per_address", 429, "limit for your address", "address_full"),
        )
        if (section, key) != ("page", "max_connections")
    ] + [
        ("http.max_connections", "cii", 503, "server has reached its connection limit",
         "server_full"),
        ("http.max_connections_per_address", "ts", 429, "limit for your address",
         "server_address_full"),
    ]

    def test_as_many_as_the_limit_come_in_and_one_more_is_told_why_not(self):
        for key, endpoint, status, text, reason in self.CASES:
            with self.subTest(key):
                tv = self.start(**WAITING_PAGES, **{key.replace(".", "__"): 2})
                first, second = self.open(endpoint), self.open(endpoint)
                self.assert_refused(self.connect(endpoint), status, text)
                self.assert_counted("refusals_total", listener="public", reason=reason)
                limits = tv.get("/status")["limits"]
                self.assertEqual((limits["refused"], limits["refused_by_reason"][reason]), (1, 1))
                self.assert_lives(first)
                first.socket.close()
                self.open_when_there_is_room(endpoint)
                self.assert_lives(second)
                self.assertEqual(tv.request("GET", "/healthz").status, 200)
                self.stop()

    def open_when_there_is_room(self, endpoint):
        end = time.monotonic() + DEADLINE_S
        while True:
            with RawWebSocket(url_of(self.tv, endpoint)) as peer:
                if peer.handshake()[0] == 101:
                    return
            self.assertLess(time.monotonic(), end, "nobody is let in any more")

    def test_of_pages_there_is_one_and_those_that_wait(self):
        self.start(**WAITING_PAGES, page__max_connections=2)
        owner = self.open("page")
        owner.send(frame(TEXT, HELLO))
        self.assert_lives(owner)
        waiting = self.open("page")
        self.assert_refused(self.connect("page"), 503, "endpoint has reached its connection limit")
        self.assert_counted("refusals_total", listener="public", reason="full")
        waiting.socket.close()
        self.open_when_there_is_room("page")
        self.assert_lives(owner)
        self.stop()

    def test_other_endpoints_have_room_when_one_is_full(self):
        self.start(cii__max_connections=0, ts__max_connections_per_address=1)
        self.assert_refused(self.connect("cii"), 503, "connection limit")
        ts = self.open("ts")
        self.assert_refused(self.connect("ts"), 429, "your address")
        self.assert_lives(self.open("wc_ws"))
        ts.send(frame(TEXT, SETUP))
        self.assertIsNotNone(json.loads(ts.receive_text())["contentTime"])
        self.stop()

    def test_of_no_limit_come_more_than_by_default(self):
        self.start(cii__max_connections_per_address=0)
        peers = [self.open("cii") for _ in range(25)]
        self.assert_lives(peers[-1])
        self.stop()

    def test_control_has_room_on_its_socket_whoever_knocks_over_tcp(self):
        tv = self.start(control__tcp_address="127.0.0.1", control__tcp_port=0,
                        control__token=TOKEN, control__max_connections=6,
                        control__max_connections_per_address=2)
        url = urlsplit(tv.urls["control"])
        knockers = [self.peers.enter_context(socket.create_connection((url.hostname, url.port)))
                    for _ in range(2)]
        late = exchange(http.client.HTTPConnection(url.hostname, url.port, DEADLINE_S), "GET",
                        "/healthz")
        self.assertEqual((late.status, late.headers["Retry-After"]), (429, "30"))
        self.assertEqual(late.json["error"], "too_many")
        self.assert_counted("refusals_total", listener="control", reason="server_address_full")
        for address in ("127.0.0.2", "127.0.0.3"):
            for _ in range(2):
                knockers.append(self.peers.enter_context(socket.create_connection(
                    (url.hostname, url.port), source_address=(address, 0))))
        self.assertEqual(tv.request("GET", "/healthz").status, 200)
        for _ in range(6):
            idle = self.peers.enter_context(socket.socket(socket.AF_UNIX))
            idle.connect(tv.socket_path)
        refused = exchange(UnixConnection(tv.socket_path), "GET", "/healthz")
        self.assertEqual((refused.status, refused.json["error"]), (503, "unavailable"))
        self.assertEqual(len(knockers), 6)


class Messages(Limits):
    def test_one_of_the_largest_size_is_taken_and_one_byte_more_closes_with_1009(self):
        for endpoint in EVERY_ENDPOINT:
            with self.subTest(endpoint):
                self.start(**{size_key(endpoint): 100})
                other, peer = self.open_with_bystander(endpoint)
                peer.send(frame(TEXT, b"x" * 99) + frame(TEXT, b"x" * 100))
                self.assert_lives(peer)
                peer.send(frame(TEXT, b"x" * 101))
                self.assert_closed(peer, 1009, "message of more than 100 bytes")
                self.assert_counted("oversize_evictions_total", listener="public")
                self.assert_lives(other)
                self.stop()

    def test_fragments_count_together(self):
        self.start(ts__max_message_bytes=100)
        peer = self.open("ts")
        peer.send(frame(TEXT, b"x" * 100, final=False) + frame(CONTINUATION, b"x"))
        self.assert_closed(peer, 1009, "message of more than 100 bytes")
        self.stop()

    def test_a_burst_is_taken_and_too_many_close_with_1008(self):
        for endpoint in EVERY_ENDPOINT:
            with self.subTest(endpoint):
                self.start(**{f"{endpoint}__max_messages_per_s": 4})
                other, peer = self.open_with_bystander(endpoint)
                peer.send(frame(TEXT, b"x") * (4 * BURST_S))
                self.assert_lives(peer)
                peer.send(frame(TEXT, b"x") * 500)
                self.assert_closed(peer, 1008, "more than 4 messages per second")
                self.assert_counted("message_rate_evictions_total", listener="public")
                self.assert_lives(other)
                self.stop()

    def test_bytes_of_a_burst_are_taken_and_too_many_close_with_1008(self):
        for endpoint in EVERY_ENDPOINT:
            with self.subTest(endpoint):
                self.start(**{f"{endpoint}__max_messages_per_s": 0,
                              f"{endpoint}__max_bytes_per_s": 1000, size_key(endpoint): 1000})
                other, peer = self.open_with_bystander(endpoint)
                peer.send(frame(TEXT, b"x" * 1000) * BURST_S)
                self.assert_lives(peer)
                peer.send(frame(TEXT, b"x" * 1000) * 100)
                self.assert_closed(peer, 1008, "more than 1000 bytes per second")
                self.assert_counted("byte_rate_evictions_total", listener="public")
                self.assert_lives(other)
                self.stop()

    def test_without_a_limit_any_number_is_taken(self):
        self.start(ts__max_messages_per_s=0, ts__max_bytes_per_s=0)
        peer = self.open("ts")
        peer.send(frame(TEXT, b"x" * 1000) * 2000)
        self.assert_lives(peer)
        self.stop()

    def test_as_many_clocks_as_the_limit_are_answered_and_more_are_not(self):
        tv = self.start(wc_ws__answers_per_second=20, wc_ws__max_messages_per_s=0)
        other, peer = self.open_with_bystander("wc_ws")
        for asked in (19, 1):
            for number in range(asked):
                peer.send(frame(TEXT, b'{"id":%d,"ot":1}' % number))
            self.assertEqual([json.loads(peer.receive_text())["id"] for _ in range(asked)],
                             list(range(asked)))
        peer.send(frame(TEXT, b'{"ot":1}') * 2000)
        self.assert_lives(peer)
        # Some are answered meanwhile, however slow this machine is.
        self.assertGreater(
            counter(tv, "wc_ws_requests_total", endpoint="wc_ws", result="limited"), 0)
        other.send(frame(TEXT, b'{"ot":7}'))
        self.assertEqual(json.loads(other.receive_text())["ot"], 7)
        self.stop()

    def test_as_many_pings_as_messages_are_taken_beside_them(self):
        self.start(cii__max_messages_per_s=4)
        peer = self.open("cii")
        peer.send(frame(TEXT, b"x") * 20 + frame(PING, b"x") * 19)
        self.assert_lives(peer)
        peer.send(frame(PING) * 20)
        self.assert_closed(peer, 1008, "more than 4 pings per second")
        self.assertEqual(counter(self.tv, "message_rate_evictions_total", listener="public"), 1)
        self.stop()

    def test_a_flood_of_pings_meets_the_limit_of_bytes(self):
        self.start(cii__max_bytes_per_s=1000, cii__max_messages_per_s=0)
        other, peer = self.open("cii"), self.open("cii")
        end = time.monotonic() + DEADLINE_S
        # What comes beside payload is compared every five seconds.
        while counter(self.tv, "byte_rate_evictions_total", listener="public") == 0:
            self.assertLess(time.monotonic(), end, "the flood goes on")
            with contextlib.suppress(ConnectionError):
                peer.send(frame(PING) * 1000)
        self.assert_lives(other)
        self.stop()


class Time(Limits):
    def test_a_companion_without_setup_is_closed_and_one_with_it_stays(self):
        self.start(ts__setup_timeout=1)
        ready, silent, chatty = self.open("ts"), self.open("ts"), self.open("ts")
        ready.send(frame(TEXT, SETUP))
        chatty.send(frame(TEXT, b"{}"))
        for peer in (silent, chatty):
            self.assert_closed(peer, 1008, "no setup within 1 seconds")
        self.assertEqual(counter(self.tv, "setup_evictions_total", listener="public"), 2)
        limits = self.tv.get("/status")["limits"]
        self.assertEqual((limits["closed"], limits["closed_by_limit"]["setup"]), (2, 2))
        self.assert_lives(ready)
        # CII knows no setup.
        self.assert_lives(self.open("cii"))
        self.stop()

    def test_a_page_that_does_not_show_its_token_is_closed_and_one_that_does_stays(self):
        self.start(**{**WAITING_PAGES, "page__token_timeout": 1})
        ready, silent = self.open("page"), self.open("page")
        ready.send(frame(TEXT, HELLO))
        self.assert_closed(silent, 1008, "no setup within 1 seconds")
        self.assert_counted("setup_evictions_total", listener="public")
        self.assert_lives(ready)
        self.stop()

    def test_a_request_that_does_not_come_to_its_end_is_answered_408(self):
        self.start(http__header_timeout=1)
        other, peer = self.open("cii"), self.connect("cii")
        peer.send(b"GET /cii HTTP/1.1\r\nHost: x\r\n")
        status, head = peer.answer()
        self.assertEqual(status, 408, head)
        self.assertIn("in time", peer.body())
        self.assert_counted("header_timeouts_total", listener="public")
        self.assert_counted("refusals_total", listener="public", reason="timeout")
        self.assert_lives(other)
        self.stop()

    def test_who_answers_no_ping_is_closed_and_who_does_stays(self):
        self.start(http__ping_interval=1, http__idle_timeout=3)
        dead, alive = self.open("wc_ws"), self.open("wc_ws")
        while counter(self.tv, "idle_evictions_total", listener="public") == 0:
            got = alive.receive()
            self.assertEqual(got[0], PING)
            alive.send(frame(PONG, got[1]))
        self.assert_closed(dead, 1008, "no sign of life")
        self.assert_lives(alive)
        self.stop()

    def test_an_idle_timeout_below_the_pings_is_refused(self):
        done = subprocess.run(
            [os.environ["DVBCSSD"], "--check-config", "--set", "http.idle_timeout=20"],
            capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("http.idle_timeout", done.stderr)

    def test_an_interval_of_pings_that_is_no_whole_number_is_refused(self):
        """Half a second would have been none: nobody asked, and everybody closed as silent."""
        done = subprocess.run(
            [os.environ["DVBCSSD"], "--check-config", "--set", "http.ping_interval=0.5"],
            capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "http.ping_interval: .*whole number")

    def open_stalled(self, endpoint):
        """One with little room for what it is sent, of which it takes nothing."""
        peer = self.peers.enter_context(
            RawWebSocket(url_of(self.tv, endpoint), small_segments=True))
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.assertEqual(peer.handshake()[0], 101)
        return peer

    def until_it_is_closed(self, say):
        """Calls say(number) until somebody was closed for taking nothing."""
        end = time.monotonic() + DEADLINE_S
        number = 0
        while counter(self.tv, "stall_evictions_total", listener="public") == 0:
            self.assertLess(time.monotonic(), end, "it goes on for ever")
            number += 1
            say(number)
        self.assert_counted("stall_evictions_total", listener="public")

    def test_who_takes_nothing_of_cii_is_closed_and_who_reads_is_told_everything(self):
        tv = self.start(cii__stall_timeout=1)
        reader = self.open("cii")
        self.open_stalled("cii")

        def say(number):
            answer = tv.patch("/content", {"contentId": f"dvb://{number}." + "x" * 50000})
            self.assertEqual(answer.status, 200, answer.text)
            while f'"dvb://{number}.' not in reader.receive_text():
                pass

        self.until_it_is_closed(say)
        self.assert_lives(reader)
        self.stop()

    def test_who_takes_nothing_of_ts_is_closed_and_who_reads_is_told_the_newest(self):
        tv = self.start(ts__stall_timeout=1, page__max_messages_per_s=0, page__max_bytes_per_s=0)
        page, reader, stalled = self.open("page"), self.open("ts"), self.open_stalled("ts")
        page.send(frame(TEXT, b'{"cii": {"contentId": "dvb://1"}}'))
        for peer in (reader, stalled):
            peer.send(frame(TEXT, SETUP))

        def say(number):
            # What comes together is told by its newest.
            for step in range(200):
                page.send(frame(TEXT, json.dumps({"controlTimestamps": {PTS: {
                    "contentTime": str(number * 200 + step), "wallClockTime": str(time.time_ns()),
                    "timelineSpeedMultiplier": 0}}}).encode()))
            while json.loads(reader.receive_text())["contentTime"] != str(number * 200 + 199):
                pass

        self.until_it_is_closed(say)
        self.assert_lives(reader)
        self.assertEqual(tv.get("/status")["limits"]["closed_by_limit"]["stall"], 1)
        self.stop()

    def test_who_takes_no_clock_is_closed_and_who_reads_is_answered(self):
        self.start(wc_ws__stall_timeout=1, wc_ws__answers_per_second=0,
                   wc_ws__max_messages_per_s=0, wc_ws__max_bytes_per_s=0)
        reader, stalled = self.open("wc_ws"), self.open_stalled("wc_ws")
        # What is asked comes back with the answer.
        request = frame(TEXT, json.dumps({"id": "x" * 1900, "ot": 1}).encode())

        def say(number):
            with contextlib.suppress(ConnectionError):
                stalled.send(request * 20)
            reader.send(frame(TEXT, b'{"ot":%d}' % number))
            self.assertEqual(json.loads(reader.receive_text())["ot"], number)

        self.until_it_is_closed(say)
        self.assert_lives(reader)
        self.stop()

    UNLIMITED_PAGES = {"page__max_messages_per_s": 0, "page__max_bytes_per_s": 0}

    def fill(self, page, enough=0):
        """Has the daemon say more and more to a page that takes none of it, until more than enough
        waits there: the bytes that do, or None if the page was closed instead."""
        batch = 500
        mistakes = frame(TEXT, json.dumps({"x" * 250: 1}).encode()) * batch
        end = time.monotonic() + DEADLINE_S
        sent = 0
        while pages := self.tv.get("/endpoints/page/connections")["connections"]:
            self.assertLess(time.monotonic(), end, "it is all taken")
            traffic = pages[0]["traffic"]
            if traffic["messages_in"] == sent:
                if traffic["queued_bytes"] > enough:
                    return traffic["queued_bytes"]
                page.send(mistakes)
                sent += batch
        return None

    def test_a_page_that_takes_nothing_is_closed(self):
        self.start(page__stall_timeout=1, **self.UNLIMITED_PAGES)
        # The kernel has room for it: without, acknowledgements of what it says would get lost.
        page, other = self.open("page"), self.open("ts")
        self.assertIsNotNone(self.fill(page))
        self.until_it_is_closed(lambda _: None)
        self.assert_lives(other)
        self.stop()

    def test_for_a_slow_page_so_much_may_wait_and_more_closes_with_1008(self):
        for limit, enough in ((400000, 100000), (20000, 20000)):
            with self.subTest(limit):
                self.start(page__max_queue=limit, **self.UNLIMITED_PAGES)
                page, other = self.open("page"), self.open("ts")
                waiting = self.fill(page, enough)
                if enough < limit:
                    self.assertLessEqual(waiting, limit)
                    self.assert_lives(page)
                else:
                    self.assertIsNone(waiting)
                    self.assert_closed(page, 1008, "messages are not taken fast enough")
                    self.assert_counted("queue_overflows_total", listener="public")
                self.assert_lives(other)
                self.stop()


class App2App(Limits):
    """What only App2App limits: who waits for a partner, how long, and what is kept meanwhile."""

    def refuse_waiting(self, name):
        with RawWebSocket(self.tv.urls["app2app"] + name) as peer:
            self.assert_refused(peer, 503, "wait for a partner")

    def test_as_many_wait_as_may_and_one_more_is_told_why_not(self):
        for key, names in (("max_waiting", ("a", "b", "c")),
                           ("max_waiting_per_address", ("a", "b", "c")),
                           ("max_waiting_per_name", ("a", "a", "a"))):
            with self.subTest(key):
                tv = self.start(**{f"app2app__{key}": 2})
                first, second = (self.open("app2app", name) for name in names[:2])
                self.refuse_waiting(names[2])
                self.assertEqual(counter(tv, "app2app_refusals_total", reason="waiting"), 1)
                # Whom somebody waits for is let in, and then another one may wait.
                page = self.open("app2app", "local/a")
                self.assertEqual([page.receive_text(), first.receive_text()],
                                 ["pairingcompleted"] * 2)
                third = self.open("app2app", names[2])
                self.refuse_waiting(names[2])
                for peer in (first, second, third, page):
                    self.assert_lives(peer)
                self.stop()

    def test_of_another_name_more_may_wait(self):
        self.start(app2app__max_waiting_per_name=1)
        for name in ("a", "b", "local/c"):
            self.open("app2app", name)
        self.refuse_waiting("a")
        self.stop()

    def test_a_companion_waits_as_long_as_it_may_and_a_page_for_ever(self):
        self.start(app2app__wait_timeout=1)
        page, paired = self.open("app2app", "local/a"), self.open("app2app", "a")
        waiting_page, alone = self.open("app2app", "local/b"), self.open("app2app", "c")
        self.assert_closed(alone, 1008, "no setup within 1 seconds")
        self.assert_counted("setup_evictions_total", listener="public")
        for peer in (page, paired, waiting_page):
            self.assert_lives(peer)
        self.stop()

    def test_as_much_is_kept_as_may_be_and_one_byte_more_closes_with_1008(self):
        tv = self.start(app2app__max_early=1000)
        fits, talker = self.open("app2app", "a"), self.open("app2app", "b")
        for peer in (fits, talker):
            peer.send(frame(TEXT, b"x" * 250) * 3)
            self.assert_lives(peer)
            peer.send(frame(TEXT, b"x" * 250))
            self.assert_lives(peer)
        talker.send(frame(TEXT, b"x"))
        self.assert_closed(talker, 1008, "said too much before it was paired")
        self.assertEqual(counter(tv, "app2app_refusals_total", reason="early"), 1)
        page = self.open("app2app", "local/a")
        self.assertEqual([page.receive_text() for _ in range(5)],
                         ["pairingcompleted"] + ["x" * 250] * 4)
        self.stop()


class Pages(Limits):
    EVIL = "https://evil.example"

    def test_any_page_is_let_in_by_default(self):
        self.start()
        for endpoint in (*ENDPOINTS, "app2app"):
            peer = self.connect(endpoint)
            self.assertEqual(peer.handshake({"Origin": self.EVIL})[0], 101)
        self.stop()

    def test_pages_of_other_origins_are_refused(self):
        # Origins, Origin, whether it is let in. %s is the listener itself.
        cases = [
            ("", None, True),
            ("", self.EVIL, False),
            ("https://a.example null", "https://a.example", True),
            ("https://a.example null", "null", True),
            ("https://a.example null", None, True),
            ("https://a.example null", self.EVIL, False),
            ("https://a.example", "%s", False),
            ("same", "%s", True),
            ("same https://a.example", "https://a.example", True),
            ("same https://a.example", self.EVIL, False),
        ]
        for endpoint in ENDPOINTS:
            for origins, origin, allowed in cases:
                with self.subTest(endpoint=endpoint, origins=origins, origin=origin):
                    tv = self.start(**{f"{endpoint}__origins": origins})
                    given = {"Origin": origin.replace("%s", tv.urls["http"]) if origin else None}
                    if allowed:
                        self.assertEqual(self.connect(endpoint).handshake(given)[0], 101)
                    else:
                        self.assert_refused(self.connect(endpoint), 403, "Origin", retry=False,
                                            headers=given)
                        self.assert_counted("refusals_total", listener="public", reason="origin")
                    self.stop()

    def test_a_page_that_names_this_machine_its_own_is_not_same(self):
        self.start(cii__origins="same", http__hosts="tv.example", http__advertise_host="tv.local")
        self.assert_refused(self.connect("cii"), 421, "Host", retry=False,
                            headers={"Host": "evil.example", "Origin": "http://evil.example"})
        for name in ("tv.example", "tv.local:80"):
            peer = self.connect("cii")
            self.assertEqual(peer.handshake({"Host": name, "Origin": f"http://{name}"})[0], 101)
        self.stop()

    def test_metrics_for_all_are_for_those_who_name_this_machine(self):
        tv = self.start(http__metrics="true", http__hosts="tv.example")
        url = urlsplit(tv.urls["http"])

        def ask(host, path):
            connection = http.client.HTTPConnection(url.hostname, url.port, DEADLINE_S)
            return exchange(connection, "GET", path, headers={"Host": host})

        for path in ("/metrics", "/healthz"):
            for host in ("tv.example", f"127.0.0.1:{url.port}", "[::1]", "localhost:1"):
                self.assertEqual(ask(host, path).status, 200, (path, host))
            answer = ask("evil.example", path)
            self.assertEqual(answer.status, 421)
            self.assertIn("http.hosts", answer.json["reason"])
        self.stop()


class Reload(Limits):
    FILE = "[content]\nid = dvb://1.2.3\n[timeline.pts]\nselector = urn:dvb:css:timeline:pts\n"

    def start_with_file(self, text):
        folder = self.enterContext_(tempfile.TemporaryDirectory())
        self.path = os.path.join(folder, "tv.conf")
        self.write(text)
        return self.start("--config", self.path)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(self.FILE + text)

    def reload(self, text):
        self.write(text)
        answer = self.tv.post("/reload")
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.json["needs_restart"], [])
        return answer.json["applied"]

    def test_limits_are_in_force_for_those_who_are_connected(self):
        self.start_with_file("")
        ts, other = self.open("ts"), self.open("ts")
        applied = self.reload("[ts]\nmax_messages_per_s = 1\nmax_message_bytes = 64\n")
        self.assertEqual(sorted(applied), ["ts.max_message_bytes", "ts.max_messages_per_s"])
        ts.send(frame(TEXT, b"x" * 65))
        self.assert_closed(ts, 1009, "message of more than 64 bytes")
        other.send(frame(TEXT, b"x") * 100)
        self.assert_closed(other, 1008, "more than 1 messages per second")
        self.stop()

    def test_numbers_of_connections_are_for_new_ones(self):
        self.start_with_file("")
        cii = [self.open("cii") for _ in range(3)]
        self.reload("[cii]\nmax_connections_per_address = 2\n")
        self.assert_refused(self.connect("cii"), 429, "your address")
        self.reload("[http]\nmax_connections = 4\n")
        self.assert_lives(self.open("ts"))
        self.assert_refused(self.connect("cii"), 503, "server")
        for peer in cii:
            self.assert_lives(peer)
        self.reload("")
        self.assert_lives(self.open("cii"))
        self.stop()

    def test_those_of_pages_are_in_force_for_pages_that_are_connected(self):
        channel = f"[page]\ntrust_loopback = false\ntoken = {TOKEN}\n"
        self.start_with_file(channel + "token_timeout = 0\n")
        page, other = self.open("page"), self.open("page")
        page.send(frame(TEXT, HELLO))
        self.assert_lives(page)
        applied = self.reload(channel + "token_timeout = 1\nmax_message_bytes = 64\n"
                              "max_connections = 1\n")
        self.assertEqual(sorted(applied), ["page.max_connections", "page.max_message_bytes",
                                           "page.token_timeout"])
        self.assert_closed(other, 1008, "no setup within 1 seconds")
        self.assert_refused(self.connect("page"), 503, "endpoint has reached")
        page.send(frame(TEXT, b"x" * 65))
        self.assert_closed(page, 1009, "message of more than 64 bytes")
        self.stop()

    def test_what_control_has_set_stays_when_other_limits_change(self):
        tv = self.start_with_file("")
        self.assertEqual(tv.patch("/endpoints/cii", {"max_connections": 7}).status, 200)
        self.reload("[cii]\nmax_bytes_per_s = 1\n")
        self.assertEqual(tv.get("/endpoints/cii")["max_connections"], 7)
        self.stop()

    def test_pages_and_names_change(self):
        self.start_with_file("")
        self.reload("[cii]\norigins = same\n[http]\nhosts = tv.example\n")
        given = {"Host": "tv.example", "Origin": "http://tv.example"}
        self.assertEqual(self.connect("cii").handshake(given)[0], 101)
        self.reload("[cii]\norigins = same\n")
        self.assert_refused(self.connect("cii"), 421, "Host", retry=False, headers=given)
        self.stop()


class Document(unittest.TestCase):
    SECTIONS = ("http", "cii", "ts", "wc_ws", "app2app", "page", "control")
    # Explained with their subjects.
    ELSEWHERE = ("page.silence_timeout", "control.hosts", "control.origins")

    def test_it_lists_every_limit_with_its_default(self):
        printed = subprocess.run([os.environ["DVBCSSD"], "--print-config"], capture_output=True,
                                 text=True, timeout=DEADLINE_S, check=True).stdout
        limits, section = {}, None
        for line in printed.splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            match = re.match(r"(\w+) = ?(.*)", line)
            if match and section in self.SECTIONS and re.search(
                    r"max_|timeout|_per_s|_limit|ping_interval|origins|hosts", match[1]):
                limits[f"{section}.{match[1]}"] = match[2]
        for key in self.ELSEWHERE:
            del limits[key]
        with open(os.path.join(ROOT, "docs", "limits.md"), encoding="utf-8") as file:
            table = re.search(r"<!-- limits -->(.*?)<!-- /limits -->", file.read(), re.S)[1]
        listed = {key: default for key, default in
                  re.findall(r"^\| `([^`]+)` \| *([^|]*?) *\|", table, re.M)}
        self.assertEqual(listed, limits)


if __name__ == "__main__":
    unittest.main()
