"""dvbcss accuracy from the outside: that it measures, says and draws what it found, and judges."""

import csv
import html.parser
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

from processes import UNPRIVILEGED

DVBCSS = os.environ["DVBCSS"]
DVBCSSD = os.environ["DVBCSSD"]
SVG = "{http://www.w3.org/2000/svg}"

# A clock that somebody else's program has, one line every 10 ms; its wall clock is CLOCK_MONOTONIC
# less 10^9 ns and so many ns more.
TELL = """
import json, sys, time
while True:
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    line = {"monotonic_ns": str(now), "wall_ns": now - 10**9 + int(sys.argv[1])}
    line.update(json.loads(sys.argv[2]))
    print(json.dumps(line), flush=True)
    time.sleep(0.01)
"""


def accuracy(*arguments, duration="1.5", prefix=()):
    return subprocess.run(
        [*prefix, DVBCSS, "accuracy", "--duration", duration, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def result(*arguments, status=0, duration="1.5"):
    done = accuracy("--json", *arguments, duration=duration)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    line = json.loads(done.stdout.splitlines()[-1])
    assert line["event"] == "result"
    return line


def teller(ahead_ns=0, **more):
    """The command of a program that tells a clock."""
    path = os.path.join(tempfile.gettempdir(), f"tell-{os.getpid()}.py")
    with open(path, "w", encoding="utf-8") as script:
        script.write(TELL)
    return f"{sys.executable} {path} {ahead_ns} '{json.dumps(more)}'"


def read_rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tearDownModule():
    path = os.path.join(tempfile.gettempdir(), f"tell-{os.getpid()}.py")
    if os.path.exists(path):
        os.unlink(path)


class Page(html.parser.HTMLParser):
    """Sees that each element ends, and that the page loads nothing."""

    VOID = {"meta", "link", "br", "img", "input"}

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.seen = set()
        self.loaded = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class Measuring(unittest.TestCase):
    def assert_sound(self, found):
        self.assertEqual(found["coverage"], 1.0)
        self.assertEqual(found["covered"], found["judged"])
        self.assertGreater(found["counted"], 0)
        error = found["error_s"]
        self.assertLessEqual(error["p50"], error["p95"])
        self.assertLessEqual(error["p99"], error["max"])
        self.assertLessEqual(error["max"], found["bound_s"]["max"])
        self.assertGreater(found["requests"], 0)
        self.assertGreater(found["rtt_s"]["p50"], 0)
        self.assertIsNotNone(found["reached_s"]["lock"])
        self.assertEqual(found["requests"], found["network"]["up"]["received"])

    def test_each_estimator_holds_its_bound(self):
        for estimator in ("tracking", "lowest", "recent"):
            found = result("--estimator", estimator, "--settle", "0.5")
            self.assert_sound(found)
            self.assertEqual(found["setting"]["estimator"], estimator)

    def test_networks_are_in_between(self):
        self.assert_sound(result("--model", "lan"))
        found = result("--model", "asymmetric", "--loss", "0")
        self.assert_sound(found)
        # 1 ms up and 6 ms down: nobody can see that, and the bound covers it.
        self.assertGreaterEqual(found["rtt_s"]["p50"], 0.007)

    def test_an_attack_is_withstood(self):
        found = result("--model", "attack", "--loss", "0")
        self.assert_sound(found)
        self.assertGreater(found["network"]["forged"], 0)

    def test_a_skew_beyond_what_is_admitted_is_found_out(self):
        found = result("--skew-ppm", "20000", "--server-freq-error", "1", "--freq-error", "1",
                       "--repeat", "1", status=1)
        self.assertLess(found["coverage"], 1)
        allowed = result("--skew-ppm", "20000", "--server-freq-error", "1", "--freq-error", "1",
                         "--repeat", "1", "--allow", "0")
        self.assertLess(allowed["coverage"], 1)

    def test_a_skew_that_is_admitted_is_covered(self):
        self.assert_sound(result("--skew-ppm", "-5000"))

    def test_a_server_that_restarts_is_followed(self):
        found = result("--model", "server-restart", "--event-at", "0.5", "--event-for", "0.2",
                       "--loss", "0", "--settle", "0", duration="4")
        self.assertEqual(found["coverage"], 1.0)
        self.assertIsNotNone(found["reached_s"]["recovery"])

    def test_a_client_that_sleeps_is_right_again(self):
        found = result("--model", "suspend", "--event-at", "0.5", "--event-for", "0.3",
                       "--loss", "0", "--settle", "0", duration="4")
        self.assertEqual(found["coverage"], 1.0)
        self.assertIsNotNone(found["reached_s"]["recovery"])

    def test_a_client_that_has_slept_forgets_what_it_knew(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.csv")
            result("--model", "suspend", "--event-at", "0.5", "--event-for", "0.3", "--loss", "0",
                   "--delay-down-ms", "50", "--settle", "0", "--csv", path, duration="2")
            rows = read_rows(path)
        # The 50 ms until the first answer are in the grace, but not without an error of 300 ms.
        wrong = [row for row in rows if abs(float(row["error_s"])) > float(row["bound_s"])]
        self.assertEqual(wrong, [])
        self.assertGreater(float(rows[-1]["time_s"]), 1)

    def test_nothing_measured_is_a_failure(self):
        done = accuracy("--loss", "1", duration="0.5")
        self.assertEqual(done.returncode, 1)
        self.assertIn("never available: it was read", done.stderr)
        self.assertRegex(done.stderr, "[1-9][0-9]* requests and 0 answers")


class Output(unittest.TestCase):
    def test_for_people(self):
        done = accuracy("--model", "lan")
        self.assertEqual(done.returncode, 0, done.stderr)
        for word in ("error", "bound", "coverage  100.000 %", "locked", "requests", "trip", "relay"):
            self.assertIn(word, done.stdout)
        self.assertNotIn("\r", done.stdout)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = lambda name: os.path.join(folder, name)  # noqa: E731
            found = result("--csv", path("a.csv"), "--html", path("a.html"), "--svg", path("a.svg"),
                           "--settle", "0")
            rows = read_rows(path("a.csv"))
            self.assertEqual(len(rows), found["judged"])
            self.assertEqual(list(rows[0]), ["time_s", "error_s", "bound_s"])
            for row in rows:
                self.assertLessEqual(abs(float(row["error_s"])), float(row["bound_s"]))
            times = [float(row["time_s"]) for row in rows]
            self.assertEqual(times, sorted(times))
            largest = max(abs(float(row["error_s"])) for row in rows)
            self.assertAlmostEqual(largest, found["error_s"]["max"], delta=1e-9)
            self.check_svg(xml.etree.ElementTree.parse(path("a.svg")).getroot())
            with open(path("a.html"), encoding="utf-8") as file:
                self.check_page(file.read())

    def check_svg(self, root):
        self.assertEqual(root.tag, SVG + "svg")
        self.assertIn("prefers-color-scheme", root.find(SVG + "style").text)
        titles = [text.text for text in root.iter(SVG + "text") if text.get("class") == "title"]
        self.assertEqual(len(titles), 3)
        bars = [rect for rect in root.iter(SVG + "rect") if rect.find(SVG + "title") is not None]
        self.assertGreater(len(bars), 0)
        lines = [path for path in root.iter(SVG + "path") if path.get("class") in ("error", "bound")]
        self.assertEqual(len(lines), 2)
        self.assertNotIn("nan", xml.etree.ElementTree.tostring(root).decode().lower())

    def check_page(self, text):
        page = Page(text)
        self.assertEqual(page.open, [])
        self.assertEqual(page.loaded, [])
        self.assertLessEqual({"html", "table", "svg", "style"}, page.seen)
        self.assertNotIn("script", page.seen)

    def test_a_file_that_cannot_be_written_is_told_before_the_run(self):
        for option in ("--csv", "--html", "--svg"):
            done = accuracy(option, "/nowhere/a", duration="3600")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn('cannot write "/nowhere/a": No such file', done.stderr)

    def test_a_file_that_cannot_be_written_to_the_end_is_told(self):
        done = accuracy("--csv", "/dev/full", duration="0.3")
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot write "/dev/full": No space left', done.stderr)

    def test_a_file_stays_as_it_was_until_there_is_a_result(self):
        with tempfile.TemporaryDirectory() as folder:
            old, new = os.path.join(folder, "old.csv"), os.path.join(folder, "new.html")
            before = "before\n" * 100000
            with open(old, "w", encoding="utf-8") as file:
                file.write(before)
            done = accuracy("--csv", old, "--html", new, "--server-command", "exit 3")
            self.assertEqual(done.returncode, 1)
            with open(old, encoding="utf-8") as file:
                self.assertEqual(file.read(), before)
            self.assertEqual(os.listdir(folder), ["old.csv"])
            found = result("--csv", old, "--html", new)
            self.assertEqual(len(read_rows(old)), found["judged"])
            self.assertEqual(sorted(os.listdir(folder)), ["new.html", "old.csv"])

    def test_the_want_of_the_right_to_go_first_is_told(self):
        done = accuracy("--realtime", duration="0.3", prefix=UNPRIVILEGED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--realtime is without effect: Operation not permitted", done.stderr)


class OtherEnds(unittest.TestCase):
    def test_our_own_client_as_somebody_elses(self):
        found = result("--client-command", f"{DVBCSS} wc --json --interval 0.02 {{url}}")
        self.assertEqual(found["coverage"], 1.0)
        self.assertGreater(found["requests"], 0)
        self.assertIsNone(found["setting"]["estimator"])

    def test_a_client_and_a_server_that_agree_have_no_error(self):
        found = result("--server", "udp://127.0.0.1:9", "--truth", "CLOCK_MONOTONIC-1000000000",
                       "--client-command", teller(bound_s=0.001))
        self.assertEqual(found["coverage"], 1.0)
        self.assertLess(found["error_s"]["p50"], 0.001)

    def test_a_client_that_claims_too_much_is_found_out(self):
        found = result("--server", "udp://127.0.0.1:9", "--truth-command", teller(),
                       "--client-command", teller(50000000, bound_s=0.001), status=1)
        self.assertEqual(found["coverage"], 0.0)
        self.assertAlmostEqual(found["error_s"]["p50"], 0.05, delta=0.005)

    def test_an_uncertain_truth_is_allowed_for(self):
        found = result("--server", "udp://127.0.0.1:9", "--truth-command", teller(),
                       "--client-command", teller(50000000, bound_s=0.001),
                       "--truth-error", "0.06")
        self.assertEqual(found["coverage"], 1.0)

    def test_a_client_that_claims_nothing_is_measured_but_does_not_pass(self):
        found = result("--server", "udp://127.0.0.1:9", "--truth-command", teller(),
                       "--client-command", teller(), status=1)
        self.assertIsNone(found["coverage"])
        self.assertIsNotNone(found["error_s"]["p50"])

    def test_readings_that_are_not_available_are_not_counted(self):
        done = accuracy("--server", "udp://127.0.0.1:9", "--truth", "CLOCK_MONOTONIC",
                        "--client-command", teller(available=False), duration="0.5")
        self.assertEqual(done.returncode, 1)
        self.assertIn("never available: it was told of", done.stderr)

    def test_a_client_that_tells_nothing_of_its_clock_is_told_so(self):
        for command, words in (
            ("sleep 100", "'sleep 100' has printed nothing"),
            ("echo hello; sleep 100", "has printed 1 line, but not what its clock shows"),
            ("echo '{\"wall_ns\": 1, \"monotonic_ns\": 1}'; sleep 100", "before it was started"),
        ):
            done = accuracy("--client-command", command, duration="0.5")
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            self.assertNotIn("never available", done.stderr)

    def test_what_commands_do_not_tell_is_not_waited_for_for_ever(self):
        server = ["--server", "udp://127.0.0.1:9"]
        for arguments, words in (
            (["--server-command", "sleep 100"],
             "the server's command 'sleep 100' has not told where it is within 0.3 s"),
            (["--server-command", "echo '{\"port\": 9}'; sleep 100"],
             "has not told what its clock shows within 0.3 s"),
            ([*server, "--truth-command", "sleep 100"],
             "the truth's command 'sleep 100' has not told what the server's clock shows within"),
            ([*server, "--truth-command", "echo hello; sleep 100"], "printed 1 line, but not that"),
            (["--client-command", "sleep 100"],
             "the client's command 'sleep 100' has not told what its clock shows within 0.3 s"),
        ):
            done = accuracy("--wait", "0.3", *arguments, duration="3600")
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn(words, done.stderr)

    def test_a_server_command_tells_where_it_is_and_what_it_shows(self):
        daemon = (
            f"{DVBCSSD} --set http.port=0 --set http.address=127.0.0.1 --set wallclock.port=0 "
            "--set wallclock.address=127.0.0.1 --ready-file -"
        )
        found = result("--server-command", daemon)
        self.assertEqual(found["coverage"], 1.0)
        self.assertEqual(found["setting"]["server"], "command")
        self.assertGreater(found["requests"], 0)

    def test_it_begins_once_the_server_has_told_all_that_is_needed(self):
        server = f"echo '{{\"port\": 9}}'; exec {teller()}"
        found = result("--server-command", server, "--client-command", teller(bound_s=0.001))
        self.assertEqual(found["coverage"], 1.0)
        self.assertLess(found["error_s"]["p50"], 0.001)

    def test_commands_that_end_early_are_told(self):
        server = ["--server", "udp://127.0.0.1:9"]
        for arguments, words in (
            (["--client-command", "exit 3"], "the client's command 'exit 3' has ended after 0."),
            (["--server-command", "exit 3"], "the server's command 'exit 3' has ended, with"),
            ([*server, "--truth-command", "exit 3"], "the truth's command 'exit 3' has ended, with"),
        ):
            done = accuracy(*arguments, duration="20")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(words, done.stderr)
            self.assertIn("with exit status 3", done.stderr)
        done = accuracy("--client-command", "kill -9 $$", duration="20")
        self.assertIn("by signal 9", done.stderr)

    def test_what_was_measured_before_a_command_ended_is_kept(self):
        client = f"{DVBCSS} wc --json --interval 0.02 -n 40 {{url}}"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.csv")
            done = accuracy("--json", "--client-command", client, "--csv", path, duration="20")
            rows = read_rows(path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the client's command '{client}' has ended after", done.stderr)
        self.assertIn("of 20 s, with exit status 0", done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        # All that it said, down to its last line.
        self.assertEqual((found["judged"], len(rows)), (40, 40))
        self.assertEqual(found["coverage"], 1.0)
        self.assertGreater(found["counted"], 0)
        self.assertLess(found["setting"]["duration_s"], 20)


class CommandLine(unittest.TestCase):
    def test_help_names_every_option(self):
        done = accuracy("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--duration", "--estimator", "--client-command", "--truth", "--model"):
            self.assertIn(option, done.stdout)

    def test_mistakes_are_told(self):
        server = ["--server", "udp://127.0.0.1:9"]
        truth = ["--truth", "CLOCK_MONOTONIC"]
        for wrong in (
            ["--duration", "0"],
            ["--estimator", "nonsense"],
            ["--settle", "5"],
            ["--allow", "101"],
            ["--model", "nonsense"],
            ["--skew-ppm", "fast"],
            ["--sample", "2"],
            ["--wait", "0"],
            ["--event-at", "0.5"],
            ["--model", "route-change", "--event-for", "0.5"],
            ["--model", "suspend", "--event-at", "10"],
            ["--model", "suspend", "--event-at", "1", "--event-for", "1"],
            [*server, *truth, "--skew-ppm", "20"],
            [*server, *truth, "--server-freq-error", "20"],
            ["--server-command", "true", "--skew-ppm", "20"],
            ["--client-command", "true", "--estimator", "lowest"],
            ["--client-command", "true", "--sample", "0.1"],
            server,
            truth,
            ["--truth-command", "true"],
            [*server, "--truth", "CLOCK_WALL"],
            [*server, "--truth", "CLOCK_MONOTONIC-x"],
            [*server, *truth, "--server-command", "true"],
            [*server, *truth, "--truth-command", "true"],
            [*server, *truth, "--model", "server-restart"],
            ["--client-command", "true", "--model", "suspend"],
            ["more"],
        ):
            done = accuracy(*wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertIn("accuracy", done.stderr)

    def test_a_server_that_has_no_address_is_told(self):
        done = accuracy("--server", "http://127.0.0.1", "--truth", "CLOCK_MONOTONIC")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
