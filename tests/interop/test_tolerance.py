"""What TVs in the field send and should not: our clients find their place on the timeline all the
same. Each habit is one of a toy TV on npm ws."""

import concurrent.futures
import os
import unittest

from processes import Program

TOY = os.path.join(os.environ["INTEROP_DIR"], "toy-tv", "toy_tv.js")
DVBCSS = os.environ["DVBCSS"]
PTS = "urn:dvb:css:timeline:pts"
AT_ONCE = 8

# Habit of the TV -> what CII is understood as, where that is not what every TV says.
HABITS = {
    # numbers for strings, strings for numbers, arrays for strings
    "content-id-number": {"contentId": "7"},
    "status-array": {"presentationStatus": "okay"},
    "timeline-rate-string": {},
    "ts-number-times": {},
    "ts-speed-string": {},
    "ts-exponent": {},
    # other shapes
    "timelines-flat": {},
    "cii-pairing": {},
    "cii-partial": {},
    # values of other versions
    "version-2": {"protocolVersion": "2.0"},
    "content-status-value": {"contentIdStatus": "complete"},
    "status-value": {"presentationStatus": "playing"},
    # missing members
    "version-missing": {},
    "status-missing": {},
    "null-missing": {},
    "timelines-missing": {},
    "timelines-null": {},
    "timelines-empty": {},
    # URLs that lead nowhere as they are
    "wc-host-0.0.0.0": {},
    "wc-host-localhost": {},
    "wc-host-empty": {},
    "wc-trailing-slash": {},
    "ts-host-0.0.0.0": {},
    "ts-host-localhost": {},
    "ts-host-empty": {},
    "ts-trailing-slash": {},
    # the wall clock
    "wc-follow-ups": {},
    "wc-precision": {},
    "wc-frequency": {},
    "wc-lossy": {},
    # the timeline
    "ts-once": {},
}


def companion(habit):
    """Where `dvbcss companion` is on the TV's timeline: its first position that is available."""
    with Program(["node", TOY, "127.0.0.1", habit]) as tv:
        command = [DVBCSS, "companion", "--json", "-T", PTS, tv.json()["cii"]]
        with Program(command) as program:
            return program.json(lambda line: line["event"] == "position" and line["available"])


def cii(habit):
    """The first CII state that `dvbcss cii` shows."""
    with Program(["node", TOY, "127.0.0.1", habit]) as tv:
        with Program([DVBCSS, "cii", "--json", tv.json()["cii"]]) as program:
            return program.json(lambda line: line["event"] == "cii")


class Tolerance(unittest.TestCase):
    def each(self, visit, check):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            visits = {habit: pool.submit(visit, habit) for habit in HABITS}
        for habit, result in visits.items():
            with self.subTest(habit=habit):
                check(habit, result.result())

    def test_the_companion_finds_its_place(self):
        def check(habit, line):
            self.assertEqual(line["selector"], PTS)
            self.assertEqual(line["speed"], 1)
            # The toy begins at 10 s, and its clock at 1 s.
            self.assertAlmostEqual(line["position_s"] - line["wall_ns"] / 1e9, 10, delta=0.1)

        self.each(companion, check)

    def test_cii_shows_what_was_meant(self):
        def check(habit, line):
            expected = {"contentId": "dvb://233a.1004.1044", **HABITS[habit]}
            for name, value in expected.items():
                self.assertEqual(line["state"][name], value, line)

        self.each(cii, check)

    def test_a_timeline_without_a_time_is_not_available_and_nothing_else_happens(self):
        with Program(["node", TOY, "127.0.0.1", "ts-missing-member"]) as tv:
            command = [DVBCSS, "companion", "--json", "-T", PTS, tv.json()["cii"]]
            with Program(command) as program:
                program.json(lambda line: line["event"] == "trouble" and line["part"] == "ts")
                line = program.json(lambda line: line["event"] == "position")
                self.assertFalse(line["available"])

    def test_ts_alone_understands_numbers_for_strings(self):
        for habit in ("ts-number-times", "ts-speed-string", "ts-exponent"):
            with self.subTest(habit=habit), Program(["node", TOY, "127.0.0.1", habit]) as tv:
                with Program([DVBCSS, "cii", "--json", tv.json()["cii"]]) as program:
                    state = program.json(lambda line: line["event"] == "cii")["state"]
                command = [DVBCSS, "ts", "--json", "--count", "1", state["tsUrl"], state["wcUrl"]]
                with Program([*command, "", PTS, "90000"]) as program:
                    line = program.json(lambda line: line["event"] == "position")
                    self.assertEqual(program.wait(), 0, line)


if __name__ == "__main__":
    unittest.main()
