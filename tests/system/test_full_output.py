"""Every sub-command of dvbcss when its output cannot be written: a disk that is full, a pipe that
nobody reads."""

import os
import subprocess
import unittest

from processes import Daemon

DVBCSS = os.environ["DVBCSS"]


def run(*arguments, stdout):
    return subprocess.run(
        [DVBCSS, *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60,
        check=False,
    )  # fmt: skip


def into_full(*arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        return run(*arguments, stdout=full)


def commands():
    listed = run("--help", stdout=subprocess.PIPE).stdout
    lines = listed.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    return [line.split()[0] for line in lines]


class FullOutput(unittest.TestCase):
    def assert_told(self, done, name):
        self.assertEqual(done.returncode, 1, (name, done.stderr))
        self.assertEqual(
            done.stderr, f"dvbcss{name}: cannot write the output: No space left on device\n"
        )

    def test_every_command_says_that_its_output_was_not_written(self):
        self.assertIn("accuracy", commands())
        for name in commands():
            self.assert_told(into_full(name, "--help"), " " + name)
        for option in ("--help", "--version"):
            self.assert_told(into_full(option), "")

    def test_results_that_were_not_written_are_told(self):
        self.assert_told(into_full("impair", "--models"), " impair")
        self.assert_told(into_full("impair", "--models", "--json"), " impair")
        self.assert_told(into_full("impair", "--draw", "10"), " impair")
        self.assert_told(into_full("accuracy", "-d", "0.3"), " accuracy")
        self.assert_told(into_full("accuracy", "-d", "0.3", "--json"), " accuracy")

    def test_a_command_that_watches_ends_and_says_why(self):
        with Daemon() as daemon:
            self.assert_told(into_full("wc", "-n", "1", daemon.urls["wc"]), " wc")
            self.assert_told(into_full("wc", "--json", daemon.urls["wc"]), " wc")
            self.assert_told(into_full("cii", daemon.urls["cii"]), " cii")

    def test_a_bad_command_line_stays_one(self):
        done = into_full("accuracy", "--nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("cannot write", done.stderr)

    def test_nobody_reading_any_more_is_no_news(self):
        for options in ([], ["--json"]):
            reading, writing = os.pipe()
            os.close(reading)
            try:
                done = run("impair", "--models", *options, stdout=writing)
            finally:
                os.close(writing)
            self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
