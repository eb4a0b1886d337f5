"""dvbcss companion, wc, cii and ts from the outside: what they print, and how they end."""

import json
import os
import signal
import socket
import subprocess
import unittest

from faults import environment
from processes import DEADLINE_S, Daemon, Program

DVBCSS = os.environ["DVBCSS"]
PTS = "urn:dvb:css:timeline:pts"
SETTINGS = {"content.id": "dvb://1.2.3", "timeline.pts.selector": PTS, "timeline.pts.speed": "0",
            "timeline.pts.start": "900000"}
COMMANDS = ("companion", "wc", "cii", "ts", "decode")


def dvbcss(*arguments):
    return subprocess.run(
        [DVBCSS, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def nobody():
    """A port of loopback where nobody listens, whose socket keeps it for us."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    taken.bind(("127.0.0.1", 0))
    return taken


class CommandLine(unittest.TestCase):
    def test_each_command_has_help(self):
        listed = dvbcss("--help")
        self.assertEqual(listed.returncode, 0)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", listed.stdout)
            done = dvbcss(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith(f"Usage: dvbcss {command} "), done.stdout)
            self.assertIn("Exit status:", done.stdout)

    def test_a_bad_command_line_is_status_2_and_says_where_help_is(self):
        bad = [[], ["nothing"], ["cii"], ["cii", "a", "b"], ["ts", "ws://h/ts"],
               ["wc", "--count", "x"], ["wc", "--count", "-1"], ["cii", "--timeout", "soon"],
               ["companion", "--rate", "0", "ws://h/"], ["companion", "--no-such-option"],
               ["decode", "--as", "nothing", "{}"], ["wc", "127.0.0.1", "6677", "0.0.0.0", "x"]]
        for arguments in bad:
            done = dvbcss(*arguments)
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertEqual(done.stdout, "", arguments)
            self.assertIn("--help", done.stderr, arguments)

    def test_a_url_that_cannot_be_is_refused(self):
        for arguments in (["cii", "nonsense"], ["cii", "udp://127.0.0.1:1"], ["wc", "ws://h:1/"],
                          ["ts", "http://h/", "udp://h:1", "", PTS, "90000"]):
            done = dvbcss(*arguments)
            self.assertIn(done.returncode, (1, 2), arguments)
            self.assertEqual(done.stdout, "", arguments)
            self.assertNotEqual(done.stderr, "", arguments)


    def test_a_bind_address_that_cannot_be_is_refused_by_its_name(self):
        for address in ("bogus", "[::1]", "tv.local"):
            done = dvbcss("wc", "127.0.0.1", "6677", address)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"BIND-ADDRESS: {address}: expected a numeric address", done.stderr)
            self.assertNotIn("127.0.0.1", done.stderr)


class WithoutTv(unittest.TestCase):
    def test_where_no_socket_can_be_opened_is_told(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = str(taken.getsockname()[1])
            for source, words in (
                (["192.0.2.1"], "on 192.0.2.1 to ask 127.0.0.1: address cannot be used"),
                (["127.0.0.1", port], f"on 127.0.0.1 port {port} to ask 127.0.0.1: address is in"),
                (["127.0.0.1", "99"], "on 127.0.0.1 port 99 to ask 127.0.0.1: permission denied"),
            ):
                with Program([DVBCSS, "wc", "127.0.0.1", "6677", *source],
                             env=environment(FAULT_RESERVED_PORTS="1")) as wc:
                    said = wc.out.until(lambda line: "cannot open a socket" in line)
                    self.assertIn(words, said)

    def test_a_refused_connection_is_status_1_with_once(self):
        with nobody() as taken:
            done = dvbcss("cii", "--once", f"ws://127.0.0.1:{taken.getsockname()[1]}/cii")
        self.assertEqual(done.returncode, 1)
        self.assertIn("connection refused", done.stdout + done.stderr)

    def test_what_is_not_done_in_time_is_status_3(self):
        with nobody() as taken:
            port = taken.getsockname()[1]
            cii, ts, wc = (f"ws://127.0.0.1:{port}/cii", f"ws://127.0.0.1:{port}/ts",
                           f"udp://127.0.0.1:{port}")
            for arguments in (["companion", cii], ["cii", cii], ["wc", wc],
                              ["ts", ts, wc, "", PTS, "90000"]):
                done = dvbcss(*arguments, "--timeout", "0.5", "--interval", "0.01")
                self.assertEqual(done.returncode, 3, (arguments, done.stdout))
                self.assertIn("not done within 0.5 s", done.stdout)
                waits = [line for line in done.stdout.splitlines() if line.startswith("waiting")]
                self.assertEqual(len(waits), len(set(waits)), "the same is said once")


class WithTv(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tv = Daemon(settings=SETTINGS)

    @classmethod
    def tearDownClass(cls):
        code, said = cls.tv.stop()
        assert code == 0, (code, said)

    def lines(self, *arguments):
        """The JSON lines of a command that succeeds."""
        done = dvbcss(*arguments, "--json", "--timeout", str(DEADLINE_S))
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_the_companion_finds_its_place_and_how_far_that_may_be_off(self):
        lines = self.lines("companion", self.tv.urls["cii"], "--count", "3", "--interval", "0.01")
        states = [line["state"] for line in lines if line["event"] == "state"]
        self.assertEqual(states[-1], "SYNCHRONISED")
        found = [line for line in lines if line["event"] == "position" and line["available"]]
        self.assertEqual(len(found), 3)
        for line in found:
            self.assertEqual((line["selector"], line["speed"]), (PTS, 0))
            self.assertEqual(line["position"], 900000)
            self.assertGreaterEqual(line["bound_s"], 0)
            self.assertGreater(line["rtt_s"], 0)

    def test_for_people_the_companion_says_the_same(self):
        done = dvbcss("companion", self.tv.urls["cii"], "--count", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(
            done.stdout.splitlines()[-1],
            r"^00:00:10\.000  speed 0  \+/- [0-9.]+ ms  rtt [0-9.]+ ms  " + PTS + "$",
        )

    def test_the_wall_clock_is_followed_and_every_exchange_shown(self):
        lines = self.lines("wc", self.tv.urls["wc"], "--count", "1", "--exchanges")
        exchange = next(line for line in lines if line["event"] == "exchange")
        self.assertLessEqual(exchange["t1"], exchange["t4"])
        self.assertLessEqual(exchange["t2"], exchange["t3"])
        clock = lines[-1]
        self.assertEqual((clock["event"], clock["available"]), ("clock", True))
        self.assertGreater(clock["bound_s"], 0)
        unknown = [line for line in lines if line["event"] == "clock" and not line["exchanges"]]
        self.assertTrue(all(line["rtt_s"] is None for line in unknown))

    def test_host_and_port_may_stand_apart(self):
        port = self.tv.urls["wc"].rsplit(":", 1)[1]
        self.lines("wc", "127.0.0.1", port, "127.0.0.1", "random", "--count", "1")

    def test_cii_shows_the_state(self):
        lines = self.lines("cii", self.tv.urls["cii"], "--count", "1")
        state = next(line for line in lines if line["event"] == "cii")["state"]
        self.assertEqual(state["contentId"], "dvb://1.2.3")
        self.assertEqual(state["tsUrl"], self.tv.urls["ts"])

    def test_ts_follows_a_timeline_of_the_stem(self):
        lines = self.lines("ts", self.tv.urls["ts"], self.tv.urls["wc"], "dvb://1.", PTS, "90000",
                           "--count", "1")
        stamp = next(line for line in lines if line["event"] == "control_timestamp")
        self.assertEqual((stamp["content_time"], stamp["speed"]), (900000, 0))
        self.assertEqual(lines[-1]["position"], 900000)

    def test_a_timeline_that_the_tv_has_not_is_waited_for(self):
        urls = self.tv.urls
        done = dvbcss("ts", urls["ts"], urls["wc"], "dvb://other", PTS, "90000", "--timeout", "1")
        self.assertEqual(done.returncode, 3)
        done = dvbcss("companion", urls["cii"], "--timeline", "urn:x:none", "--timeout", "1")
        self.assertEqual(done.returncode, 3)

    def test_a_signal_is_a_good_end(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Program([DVBCSS, "companion", self.tv.urls["cii"], "--json"]) as companion:
                companion.json(lambda line: line.get("state") == "SYNCHRONISED")
                companion.signal(number)
                self.assertEqual(companion.wait(), 0, companion.err.seen)


if __name__ == "__main__":
    unittest.main()
