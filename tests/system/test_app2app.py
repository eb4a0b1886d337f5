"""App2App: a page on the television and a companion talk through dvbcssd, and nobody disturbs them."""

import asyncio
import json
import os
import re
import subprocess
import time
import unittest
import urllib.request

import websockets

from control_client import ControlledDaemon
from network import Machine, cable, require_namespaces
from processes import Program
from raw_websocket import BINARY, CLOSE, PING, PONG, TEXT, RawWebSocket, frame

DEADLINE_S = 30
PAIRED = "pairingcompleted"


def soon(waiting):
    return asyncio.wait_for(waiting, DEADLINE_S)


def connect(url):
    return websockets.connect(url, max_size=None)


class Relay(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.tv = ControlledDaemon(settings={"http.metrics": "true", **self.settings})
        self.addCleanup(self.tv.__exit__, None, None, None)
        self.addCleanup(self.expect_life)
        self.base = self.tv.urls["app2app"].rstrip("/")

    def expect_life(self):
        self.assertIsNone(self.tv.process.poll(), "the daemon has ended")

    def metric(self, name, reason=None):
        text = urllib.request.urlopen(self.tv.urls["http"] + "/metrics").read().decode()
        label = f'\\{{reason="{reason}"\\}}' if reason else ""
        return float(re.search(rf"(?m)^dvbcss_app2app_{name}{label} (\S+)$", text).group(1))

    def wait_for_metric(self, name, value):
        end = time.monotonic() + DEADLINE_S
        while self.metric(name) != value:
            self.assertLess(time.monotonic(), end, f"{name} is {self.metric(name)}")

    def raw(self, name, source=None):
        peer = RawWebSocket(f"{self.base}/{name}", source=source)
        self.addCleanup(peer.socket.close)
        self.assertEqual(peer.handshake()[0], 101)
        return peer

    def raw_pair(self, name):
        page, companion = self.raw("local/" + name), self.raw(name)
        self.assertEqual([page.receive_text(), companion.receive_text()], [PAIRED, PAIRED])
        return page, companion


class Pairing(Relay):
    def test_either_may_come_first(self):
        async def meet(first, second):
            async with connect(f"{self.base}/{first}") as one:
                async with connect(f"{self.base}/{second}") as other:
                    self.assertEqual(await soon(one.recv()), PAIRED)
                    self.assertEqual(await soon(other.recv()), PAIRED)
                    await one.send("to the other")
                    await other.send("to the one")
                    self.assertEqual(await soon(other.recv()), "to the other")
                    self.assertEqual(await soon(one.recv()), "to the one")

        for first, second in (
            ("local/x", "x"),
            ("x", "local/x"),
            ("remote/x", "local/x"),
            ("local/org.example.app/a", "remote/org.example.app/a"),
            ("local/", ""),
        ):
            with self.subTest(first=first, second=second):
                asyncio.run(meet(first, second))
        self.assertEqual(self.metric("pairs_total"), 5)

    def test_many_pairs_talk_at_the_same_time(self):
        async def talk(number):
            async with connect(f"{self.base}/local/{number}") as page:
                async with connect(f"{self.base}/{number}") as companion:
                    await soon(page.recv())
                    await soon(companion.recv())
                    for round in range(20):
                        await page.send(f"{number} {round}")
                        self.assertEqual(await soon(companion.recv()), f"{number} {round}")
                        await companion.send(bytes([number, round]))
                        self.assertEqual(await soon(page.recv()), bytes([number, round]))

        async def all_of_them():
            await asyncio.gather(*(talk(number) for number in range(20)))

        asyncio.run(all_of_them())
        self.assertEqual(self.metric("pairs_total"), 20)

    def test_one_page_serves_companions_one_after_the_other(self):
        async def serve():
            for number in range(5):
                async with connect(f"{self.base}/local/x") as page:
                    async with connect(f"{self.base}/x") as companion:
                        await soon(page.recv())
                        await soon(companion.recv())
                        await companion.send(str(number))
                        self.assertEqual(await soon(page.recv()), str(number))

        asyncio.run(serve())

    def test_control_sees_who_talks_to_whom(self):
        page, companion = self.raw_pair("x")
        del page, companion
        clients = self.tv.get("/endpoints/app2app/connections")["connections"]
        ids = {client["app2app"]["side"]: client["id"] for client in clients}
        for client in clients:
            other = "remote" if client["app2app"]["side"] == "local" else "local"
            self.assertEqual(client["app2app"]["name"], "x")
            self.assertEqual(client["app2app"]["partner"], ids[other])


class PassingOn(Relay):
    def test_big_messages_arrive_whole_in_both_directions(self):
        async def talk():
            async with connect(f"{self.base}/local/x") as page:
                async with connect(f"{self.base}/x") as companion:
                    await soon(page.recv())
                    await soon(companion.recv())
                    for size in (0, 1, 125, 126, 65535, 65536, 262144):
                        binary, text = os.urandom(size), "é" * (size // 2)
                        await asyncio.gather(page.send(binary), companion.send(text))
                        self.assertEqual(await soon(companion.recv()), binary)
                        self.assertEqual(await soon(page.recv()), text)

        asyncio.run(talk())

    def test_what_is_said_early_arrives_after_the_pairing(self):
        page = self.raw("local/x")
        for number in range(10):
            page.send(frame(TEXT, str(number).encode()))
        page.send(frame(PING, b"heard?"))
        self.assertEqual(page.receive(), (PONG, b"heard?"))
        companion = self.raw("x")
        self.assertEqual(companion.receive_text(), PAIRED)
        self.assertEqual([companion.receive_text() for _ in range(10)],
                         [str(number) for number in range(10)])  # fmt: skip

    def test_pings_are_the_server_s_own_affair(self):
        page, companion = self.raw_pair("x")
        page.send(frame(PING, b"page"))
        self.assertEqual(page.receive(), (PONG, b"page"))
        page.send(frame(TEXT, b"next"))
        self.assertEqual(companion.receive_text(), "next")


class Ends(Relay):
    def test_the_code_of_one_is_the_code_of_the_other(self):
        for code in (1000, 1001, 3000, 4999):
            page, companion = self.raw_pair("x")
            page.send(frame(CLOSE, code.to_bytes(2, "big") + b"enough"))
            self.assertEqual(companion.close_code(), code)

    def test_the_other_hears_of_an_abrupt_end(self):
        page, companion = self.raw_pair("x")
        companion.reset()
        self.assertEqual(page.close_code(), 1001)
        page, companion = self.raw_pair("x")
        page.socket.close()
        self.assertEqual(companion.close_code(), 1001)
        self.assertEqual(self.metric("pairs"), 0)

    def test_everybody_hears_of_the_end_of_the_daemon(self):
        page, companion = self.raw_pair("x")
        waiting = self.raw("y")
        self.tv.signal(15)
        self.assertEqual([peer.close_code() for peer in (page, companion, waiting)], [1001] * 3)
        self.assertEqual(self.tv.wait(), 0)
        self.tv.process.poll = lambda: None  # That it ended is what was asked for.


class Hostile(Relay):
    settings = {
        "app2app.max_messages_per_s": "0",
        "app2app.max_bytes_per_s": "0",
        "app2app.max_connections": "12",
        "app2app.max_waiting": "4",
        "app2app.max_waiting_per_name": "2",
        "app2app.max_message": "1000",
        "app2app.max_queue": "100000",
    }

    def setUp(self):
        super().setUp()
        self.page, self.companion = self.raw_pair("good")
        self.number = 0

    def tearDown(self):
        """Whatever happened, the good pair goes on talking."""
        self.number += 1
        text = f"still there {self.number}?"
        self.page.send(frame(TEXT, text.encode()))
        self.assertEqual(self.companion.receive_text(), text)
        self.companion.send(frame(BINARY, text.encode()))
        self.assertEqual(self.page.receive(), (BINARY, text.encode()))

    def test_malformed_and_oversize_messages_end_their_own_pair(self):
        for wrong, code in (
            (frame(TEXT, b"x" * 1001), 1009),
            (frame(TEXT, b"x", rsv=4), 1002),
            (frame(3, b"x"), 1002),
            (frame(TEXT, b"\xff"), 1007),
            (frame(PING, b"x" * 126), 1002),
        ):
            with self.subTest(wrong=wrong[:8]):
                page, companion = self.raw_pair("bad")
                page.send(wrong)
                self.assertIn(page.close_code(), (code, None))
                self.assertIsNotNone(companion.close_code())
        self.assertEqual(self.metric("pairs"), 1)

    def test_only_so_many_wait(self):
        def status(name):
            with RawWebSocket(f"{self.base}/{name}") as peer:
                return peer.handshake()

        waiting = [self.raw(name) for name in ("a", "a", "b", "c", "local/e", "local/e")]
        for name in ("a", "d", "local/e"):
            code, head = status(name)
            self.assertEqual(code, 503, name)
            self.assertIn("Retry-After:", head)
        self.assertEqual(self.metric("refusals_total", "waiting"), 3)
        self.assertEqual(self.metric("waiting"), 6)
        # Whom somebody waits for is let in.
        self.raw("local/a")
        self.assertEqual(waiting[0].receive_text(), PAIRED)

    def test_only_so_many_are_there(self):
        def fill():
            for number in range(12):
                with_raw = RawWebSocket(f"{self.base}/{'local/' if number % 2 else ''}{number // 2}")
                self.addCleanup(with_raw.socket.close)
                if with_raw.handshake()[0] != 101:
                    return number
            return None

        self.assertEqual(fill(), 10, "beside the good pair")

    def test_who_talks_to_nobody_is_stopped(self):
        talker = self.raw("alone")
        for _ in range(101):
            talker.send(frame(BINARY, bytes(1000)))
        self.assertEqual(talker.close_code(), 1008)
        self.assertEqual(self.metric("refusals_total", "early"), 1)

    def test_a_name_may_be_as_long_as_the_standard_has_it(self):
        with RawWebSocket(f"{self.base}/{'n' * 1000}") as peer:
            self.assertEqual(peer.handshake()[0], 101)
        with RawWebSocket(f"{self.base}/{'n' * 1001}") as peer:
            self.assertEqual(peer.handshake()[0], 404)

    def test_a_plain_request_is_told_what_is_here(self):
        http = self.tv.urls["http"]
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{http}/app2app/x")
        self.assertEqual(caught.exception.code, 426)
        caught.exception.close()

    def test_one_who_does_not_read_ends_its_own_pair(self):
        page, companion = self.raw_pair("slow")
        page.socket.settimeout(DEADLINE_S)
        try:
            for _ in range(100000):
                page.send(frame(BINARY, bytes(1000)))
        except OSError:
            pass
        self.assertEqual(self.metric("pairs"), 1)
        companion.socket.close()


class OneAddress(Relay):
    """What one address may do with the settings as they are."""

    HOSTILE = "127.0.0.5"

    def fill(self, name_of):
        """Connects as often as it is let in: those clients, and the status of the first refusal."""
        peers = []
        while len(peers) < 200:
            peer = RawWebSocket(f"{self.base}/{name_of(len(peers))}", source=self.HOSTILE)
            self.addCleanup(peer.socket.close)
            status, head = peer.handshake()
            if status != 101:
                return peers, status
            peers.append(peer)
        self.fail("it is let in without end")
        return None

    def test_it_locks_out_neither_the_tv_s_pages_nor_other_companions(self):
        for name_of in ("hostile{}".format, lambda _: "org.example.game"):
            hostile, status = self.fill(name_of)
            self.assertEqual(status, 503)
            companion = self.raw("org.example.game", source="127.0.0.7")
            for peer in hostile:
                peer.reset()
            self.wait_for_metric("waiting", 1)
            page = self.raw("local/org.example.game")
            self.assertEqual([companion.receive_text(), page.receive_text()], [PAIRED, PAIRED])
            companion.reset()
            self.assertEqual(page.close_code(), 1001)
            self.wait_for_metric("pairs", 0)

    def test_pages_have_room_while_it_waits(self):
        self.fill("hostile{}".format)
        pages = [self.raw(f"local/page{number}") for number in range(30)]
        companion = self.raw("page29", source="127.0.0.7")
        self.assertEqual([companion.receive_text(), pages[29].receive_text()], [PAIRED, PAIRED])

    def test_it_keeps_little_before_it_is_paired(self):
        waiting, _ = self.fill("hostile{}".format)
        for peer in waiting:
            for _ in range(4):
                peer.send(frame(BINARY, bytes(16384)))
            peer.send(frame(PING, b"heard?"))
            self.assertEqual(peer.receive(), (PONG, b"heard?"))
            peer.send(frame(BINARY, b"x"))
            self.assertEqual(peer.close_frame(), (1008, "said too much before it was paired"))
        self.assertEqual(self.metric("refusals_total", "early"), len(waiting))
        self.assertLessEqual(len(waiting) * 65536, 1 << 20)

    def queued(self):
        """What waits for companions."""
        clients = self.tv.get("/endpoints/app2app/connections")["connections"]
        return sum(client["traffic"]["queued_bytes"] for client in clients)

    def test_it_keeps_little_by_not_reading(self):
        honest = self.raw("local/honest"), self.raw("honest", source="127.0.0.7")
        self.assertEqual([peer.receive_text() for peer in honest], [PAIRED, PAIRED])
        pairs = [(self.raw(f"local/{number}"), self.raw(f"{number}", source=self.HOSTILE))
                 for number in range(4)]  # fmt: skip
        for page, _ in pairs:
            self.assertEqual(page.receive_text(), PAIRED)
        most = 0
        # What the kernel holds for each is no part of it, so that it takes a while.
        for _ in range(1000):
            if self.metric("refusals_total", "backlog") > 0:
                break
            for page, _ in pairs:
                page.send(frame(BINARY, bytes(60000)) * 2)
            most = max(most, self.queued())
        self.assertGreaterEqual(self.metric("refusals_total", "backlog"), 1)
        self.assertLessEqual(most, 4 << 20)
        honest[0].send(frame(TEXT, b"still there?"))
        self.assertEqual(honest[1].receive_text(), "still there?")


class Rates(Relay):
    settings = {"app2app.max_messages_per_s": "10"}

    def test_who_talks_too_fast_ends_its_own_pair(self):
        page, companion = self.raw_pair("fast")
        other_page, other_companion = self.raw_pair("other")
        for number in range(51):
            page.send(frame(TEXT, str(number).encode()))
        self.assertEqual([companion.receive_text() for _ in range(50)],
                         [str(number) for number in range(50)])  # fmt: skip
        self.assertEqual(page.close_code(), 1008)
        self.assertEqual(companion.close_code(), 1008)
        other_page.send(frame(TEXT, b"still here"))
        self.assertEqual(other_companion.receive_text(), "still here")


class Origins(Relay):
    settings = {"app2app.local_origins": "http://tv.example"}

    def test_pages_of_foreign_origins_cannot_take_the_tv_s_side(self):
        for origin, status in (
            (None, 403),
            ("http://evil.example", 403),
            ("null", 403),
            ("http://tv.example", 101),
        ):
            with RawWebSocket(f"{self.base}/local/x") as peer:
                self.assertEqual(peer.handshake({"Origin": origin})[0], status, origin)
        self.assertEqual(self.metric("refusals_total", "local"), 3)


class Waiting(Relay):
    settings = {"app2app.wait_timeout": "1"}

    def test_companions_wait_only_so_long_and_pages_as_long_as_they_like(self):
        page, companion = self.raw("local/other"), self.raw("x")
        self.assertEqual(companion.close_code(), 1008)
        late = self.raw("other")
        self.assertEqual([page.receive_text(), late.receive_text()], [PAIRED, PAIRED])


class Elsewhere(unittest.TestCase):
    def test_the_tv_s_side_is_for_this_machine(self):
        require_namespaces()
        ask = (
            "import sys; from raw_websocket import RawWebSocket\n"
            "for url in sys.argv[1:]:\n"
            "    with RawWebSocket(url) as peer: print(peer.handshake()[0])\n"
        )
        with Machine() as tv, Machine() as phone:
            cable(tv, "tv0", phone, "ph0")
            tv.address("tv0", "10.77.0.1/24")
            phone.address("ph0", "10.77.0.2/24")
            command = [os.environ["DVBCSSD"], "--ready-file", "-", "--set", "control.socket="]
            with Program(tv.command(*command)) as daemon:
                urls = json.loads(daemon.out.next())
                port = re.search(r":(\d+)/", urls["app2app"]).group(1)
                url = f"ws://10.77.0.1:{port}/app2app"
                said = {}
                for name, machine in (("tv", tv), ("phone", phone)):
                    done = subprocess.run(
                        machine.command("/usr/bin/python3", "-c", ask, url + "/local/x", url + "/x"),
                        capture_output=True, text=True, timeout=60, check=True,
                    )  # fmt: skip
                    said[name] = done.stdout.split()
        self.assertEqual(said, {"tv": ["101", "101"], "phone": ["403", "101"]})


if __name__ == "__main__":
    unittest.main()
