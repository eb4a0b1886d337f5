"""The wall clock of dvbcssd as its configuration asks for it, and under a flood of datagrams."""

import contextlib
import os
import random
import signal
import socket
import struct
import unittest
from urllib.parse import urlsplit

from control_client import ControlledDaemon
from faults import environment
from processes import Daemon
from raw_websocket import RawWebSocket

DEADLINE_S = 30
REQUEST = 0
RESPONSE = 1


def asker(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(DEADLINE_S)
    sock.connect((host, port))
    return sock


def request(cookie):
    return struct.pack(">BBbBIII16x", 0, REQUEST, 0, 0, 0, cookie, 0xFFFFFFFF)


def answer(sock):
    """Type, originate's seconds and max freq error in ppm of the next answer."""
    _, kind, _, _, freq, cookie, _ = struct.unpack(">BBbBIII16x", sock.recv(100))
    return kind, cookie, freq / 256


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError("no VmRSS")


def threads_of(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/task"))


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class Configured(unittest.TestCase):
    def assert_answers(self, host, port, cookie):
        with asker(host, port) as sock:
            sock.send(request(cookie))
            kind, originate, freq_ppm = answer(sock)
        self.assertEqual((kind, originate), (RESPONSE, cookie))
        return freq_ppm

    def test_several_addresses_and_threads(self):
        hosts = ["127.0.0.1", "127.0.0.2"] + (["::1"] if has_ipv6() else [])
        for separator in (" ", ", "):
            settings = {"wallclock.address": separator.join(hosts), "wallclock.threads": "3"}
            with Daemon(settings=settings) as tv:
                url = urlsplit(tv.urls["wc"])
                self.assertEqual(url.hostname, "127.0.0.1")
                for cookie in range(32):
                    for host in hosts:
                        self.assert_answers(host, url.port, cookie)
                self.assertEqual(tv.stop()[0], 0)

    def test_as_many_threads_answer_as_are_asked_for(self):
        with Daemon(settings={"wallclock.threads": "1"}) as one, \
                Daemon(settings={"wallclock.threads": "3"}) as three:
            self.assertEqual(threads_of(three), threads_of(one) + 2)

    def test_cii_names_the_address_that_was_reached_if_the_wall_clock_is_there_too(self):
        for address, named in (("127.0.0.2 127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")):
            with Daemon(settings={"wallclock.address": address}) as tv:
                with RawWebSocket(tv.urls["cii"]) as cii:
                    self.assertEqual(cii.handshake()[0], 101)
                    self.assertIn(f'"udp://{named}:', cii.receive_text())

    def announced_ppm(self, setting, **faults):
        """The frequency error that answers carry, and that the status tells."""
        settings = {"wallclock.max_freq_error": setting}
        with ControlledDaemon(settings=settings, env=environment(**faults)) as tv:
            freq_ppm = self.assert_answers("127.0.0.1", urlsplit(tv.urls["wc"]).port, 1)
            told_ppm = tv.get("/status")["wall_clock"]["max_freq_error_ppm"]
        self.assertAlmostEqual(freq_ppm, told_ppm, delta=1 / 256)
        return freq_ppm

    def test_the_frequency_error_is_what_is_set(self):
        self.assertEqual(self.announced_ppm("77", FAULT_FREQUENCY="300"), 77)

    def test_the_frequency_error_may_be_left_to_the_system(self):
        little = self.announced_ppm("auto", FAULT_FREQUENCY="-100")
        much = self.announced_ppm("auto", FAULT_FREQUENCY="300")
        self.assertGreater(little, 100)
        self.assertGreater(much, 300)
        self.assertAlmostEqual(much - little, 200, delta=1)

    @staticmethod
    def counters_of(tv, requests):
        """The counters once so many datagrams were taken."""
        while True:
            counters = tv.get("/status")["wall_clock"]["counters"]
            datagrams = counters["datagrams"]
            tried = counters["answers"] + counters["send_failures"]
            if (sum(datagrams.values()), tried) == (requests, datagrams["answered"]):
                return counters

    def test_a_source_beyond_its_limit_gets_fewer_answers_but_some(self):
        limit, batch, batches = 10, 100, 4
        with ControlledDaemon(settings={"wallclock.rate_limit": str(limit)}) as tv:
            with asker("127.0.0.1", urlsplit(tv.urls["wc"]).port) as sock:
                for requests in range(batch, batch * batches + 1, batch):
                    for cookie in range(batch):
                        sock.send(request(cookie))
                    # As many as any receive buffer holds; the next once these were dealt with.
                    counters = self.counters_of(tv, requests)
                sock.settimeout(0)
                answers = 0
                with contextlib.suppress(BlockingIOError):
                    while True:
                        answer(sock)
                        answers += 1
            datagrams = counters["datagrams"]
            self.assertEqual(answers, counters["answers"])
            self.assertEqual(answers, datagrams["answered"])
            self.assertEqual(answers + datagrams["limited"], batch * batches)
            # Of those beyond the limit one in eight is answered, by chance.
            self.assertGreater(answers, limit)
            self.assertGreater(datagrams["limited"], 0)
            self.assertIn(
                f'wallclock_datagrams_total{{result="limited"}} {datagrams["limited"]}\n',
                tv.request("GET", "/metrics").text)
            self.assertEqual(tv.stop()[0], 0)

    def test_a_receive_buffer_that_is_too_small_is_told(self):
        with ControlledDaemon(env=environment(FAULT_RECEIVE_BUFFER="106496")) as tv:
            self.assertEqual(tv.get("/status")["wall_clock"]["receive_buffer_bytes"], 106496)
            self.assertIn("dvbcss_wallclock_receive_buffer_bytes 106496\n",
                          tv.request("GET", "/metrics").text)
            told = [line for line in tv.stop()[1] if "wc-receive-buffer" in line]
        self.assertEqual(len(told), 1)
        self.assertIn("106496", told[0])
        self.assertIn("sysctl net.core.rmem_max=1048576", told[0])
        with ControlledDaemon() as tv:
            granted = tv.get("/status")["wall_clock"]["receive_buffer_bytes"]
            told = [line for line in tv.stop()[1] if "wc-receive-buffer" in line]
        self.assertLessEqual(granted, 1 << 20)
        self.assertEqual(not told, granted == 1 << 20)

    def test_what_cannot_be_served_is_told(self):
        reserved = {"wallclock.port": "99"}
        for settings, words in (
            ({"wallclock.address": "127.0.0.1 192.0.2.1"}, "address 192.0.2.1 port"),
            ({"wallclock.address": " , "}, "expected 1 to 64 addresses"),
            ({"wallclock.address": "localhost"}, "localhost: expected a numeric address"),
            ({"wallclock.address": "[::1]"}, "[::1]: expected a numeric address without brackets"),
            (reserved, "address 127.0.0.1 port 99: permission denied"),
            ({"wallclock.max_freq_error": "kernel"}, "expected a number, or auto"),
            ({"wallclock.max_freq_error": "0"}, "expected a number from 0.01 to 100000, or auto"),
        ):
            with self.assertRaises(AssertionError) as refusal:
                Daemon(settings=settings, env=environment(FAULT_RESERVED_PORTS="1"))
            self.assertIn("wallclock", str(refusal.exception))
            self.assertIn(words, str(refusal.exception))

    def test_the_threads_leave_signals_to_the_daemon(self):
        with Daemon(settings={"wallclock.threads": "4"}) as tv:
            tv.signal(signal.SIGTERM)
            self.assertEqual(tv.wait(), 0)


class Flooded(unittest.TestCase):
    """The same with a million of each kind, and without a daemon around it, is unit_wc_flood."""

    BATCH = 60
    BATCHES = 1500
    WARM_UP = 50
    GROWTH_LIMIT_KB = 1024

    def nearly_right(self):
        datagram = bytearray(request(self.random.getrandbits(32)))
        wrong = self.random.randrange(4)
        if wrong == 0:
            datagram[0] = self.random.randrange(1, 256)
        elif wrong == 1:
            datagram[1] = self.random.randrange(1, 256)
        elif wrong == 2:
            del datagram[self.random.randrange(32):]
        else:
            datagram += bytes(self.random.randrange(1, 1400))
        return bytes(datagram)

    def flood(self, sock, batches):
        for cookie in range(batches):
            for _ in range(self.BATCH):
                sock.send(self.nearly_right())
            sock.send(request(cookie))
            self.assertEqual(answer(sock)[:2], (RESPONSE, cookie))

    def test_the_daemon_answers_and_does_not_grow(self):
        self.random = random.Random(7)
        with Daemon() as tv:
            with asker("127.0.0.1", urlsplit(tv.urls["wc"]).port) as sock:
                self.flood(sock, self.WARM_UP)
                before_kb = resident_kb(tv.process.pid)
                self.flood(sock, self.BATCHES)
                growth_kb = resident_kb(tv.process.pid) - before_kb
            self.assertLess(growth_kb, self.GROWTH_LIMIT_KB)
            with RawWebSocket(tv.urls["cii"]) as cii:
                self.assertEqual(cii.handshake()[0], 101)
            self.assertEqual(tv.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
