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
REJECTIONS = {"source", "length", "version", "type", "originate", "late", "duplicate", "backwards",
              "rtt"}
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
               ["decode", "--as", "nothing", "{}"], ["wc", "127.0.0.1", "6677", "0.0.0.0", "x"],
               ["wc", "--floor", "0"], ["wc", "--ceiling", "soon"], ["wc", "--target", "-1"],
               ["wc", "--floor", "2", "--ceiling", "1"], ["wc", "--repeat", "1", "--target", "1"]]
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


    def test_a_polling_that_cannot_be_is_refused_with_its_figures(self):
        done = dvbcss("wc", "--floor", "2.5")
        self.assertIn("the floor of 2.5 s is above the ceiling of 1.8 s", done.stderr)
        done = dvbcss("wc", "--ceiling", "1")
        self.assertIn("the floor of 1.2 s is above the ceiling of 1 s", done.stderr)

    def test_a_bind_address_that_cannot_be_is_refused_by_its_name(self):
        for address in ("bogus", "[::1]", "tv.local"):
            done = dvbcss("wc", "127.0.0.1", "6677", address)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"BIND-ADDRESS: {address}: expected a numeric address", done.stderr)
            self.assertNotIn("127.0.0.1", done.stderr)


class WithoutTv(unittest.TestCase):
    def test_answers_that_are_not_believed_are_counted_by_reason(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(DEADLINE_S)
            port = server.getsockname()[1]
            with Program([DVBCSS, "wc", "127.0.0.1", str(port), "--repeat", "0.01"]) as wc:
                for _ in range(3):
                    asked, asker = server.recvfrom(64)
                    # The right one, and it again; one to another request; one too short.
                    right = asked[:1] + b"\1" + asked[2:8] + asked[8:16] + bytes(16)
                    forged = right[:8] + bytes(b ^ 1 for b in right[8:16]) + right[16:]
                    for sent in (forged, right, right, right[:31]):
                        server.sendto(sent, asker)
                    wc.out.until(lambda line: line.endswith("exchanges useful)"))
                wc.signal(signal.SIGINT)
                last = wc.out.rest()[-1]
        rejected = dict(reversed(part.split()) for part in
                        last.split("rejected: ")[1].split(", "))
        self.assertLessEqual({"length", "originate", "duplicate"}, set(rejected))
        self.assertLess(0, int(rejected["originate"]))

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

    def test_what_is_known_of_the_server_and_the_way_to_it_is_shown(self):
        clock = self.lines("wc", self.tv.urls["wc"], "--count", "1")[-1]
        self.assertAlmostEqual(clock["offset_ns"], clock["wall_ns"] - clock["local_ns"], delta=1e6)
        self.assertLess(abs(clock["frequency_ppm"]), 1000)
        self.assertLess(0, clock["rtt_p50_s"])
        self.assertLessEqual(clock["rtt_p50_s"], clock["rtt_p95_s"])
        self.assertAlmostEqual(clock["useful_share"], clock["useful"] / clock["exchanges"])
        self.assertEqual(set(clock["rejected"]), REJECTIONS)
        self.assertLessEqual(max(clock["user_t1"], clock["user_t4"]), clock["exchanges"])

    def test_before_the_first_answer_nothing_is_claimed_of_the_server(self):
        with nobody() as taken:
            port = taken.getsockname()[1]
            with Program([DVBCSS, "wc", f"udp://127.0.0.1:{port}", "--json"]) as wc:
                clock = wc.json(lambda line: line["event"] == "clock")
        for member in ("offset_ns", "frequency_ppm", "rtt_p50_s", "rtt_p95_s", "useful_share"):
            self.assertIsNone(clock[member], member)

    def test_each_exchange_tells_who_took_its_times(self):
        lines = self.lines("wc", self.tv.urls["wc"], "--count", "1", "--exchanges")
        exchanges = [line for line in lines if line["event"] == "exchange"]
        for time in ("t1", "t4"):
            words = [line[f"{time}_stamp"] for line in exchanges]
            self.assertLessEqual(set(words), {"kernel", "user"})
            self.assertGreaterEqual(words.count("user"), lines[-1][f"user_{time}"])

    def test_for_people_the_wall_clock_ends_with_a_summary(self):
        done = dvbcss("wc", self.tv.urls["wc"], "--count", "1")
        self.assertRegex(
            done.stdout,
            r"\noffset -?\d+ ns  frequency [+-][0-9.]+ ppm  rtt [0-9.]+ ms \(95 %: [0-9.]+ ms\)\n"
            r"\d+ of \d+ exchanges useful  \d+ timeouts  rejected: none\n")

    def test_the_span_between_requests_is_chosen(self):
        port = self.tv.urls["wc"].rsplit(":", 1)[1]
        arguments = [DVBCSS, "wc", "127.0.0.1", port, "--json", "--floor", "0.001",
                     "--ceiling", "0.001", "--interval", "0.01"]
        # With the usual span of more than a second they would take minutes.
        with Program(arguments) as wc:
            wc.json(lambda line: line["event"] == "clock" and line["exchanges"] > 200)

    def test_a_bound_that_is_good_enough_is_left_alone(self):
        lines = self.lines("wc", self.tv.urls["wc"], "--target", "1000", "--floor", "0.001",
                           "--ceiling", "3600", "--reply-timeout", "30", "--interval", "0.05",
                           "--count", "20")
        # The burst at the start, and no more: the usual target is asked for each 0.3 s.
        self.assertLessEqual(lines[-1]["exchanges"], 8)

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
