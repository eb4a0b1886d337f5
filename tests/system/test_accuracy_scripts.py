"""The scripts that write the tables of docs/accuracy*.md: what they say when they cannot."""

import csv
import importlib.machinery
import importlib.util
import os
import pathlib
import subprocess
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "script"
DVBCSS = os.environ["DVBCSS"]
PROGRAMS = os.path.dirname(DVBCSS)


def run(script, *arguments):
    return subprocess.run(
        [SCRIPTS / script, *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def load(script):
    """The functions of a script that has no name as a module."""
    loader = importlib.machinery.SourceFileLoader(script.replace("-", "_"), str(SCRIPTS / script))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Told(unittest.TestCase):
    def assert_told(self, done, status, *words):
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class Real(Told):
    def test_programs_that_are_not_built_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("accuracy-real", "--programs", folder, "--print")
        self.assert_told(done, 1, f"{folder}/dvbcss", "--programs", "cmake")

    def test_a_network_that_does_not_exist_is_told_at_once(self):
        done = run("accuracy-real", "--programs", PROGRAMS, "--models", "lan,nonsense", "--print")
        self.assert_told(done, 1, "'nonsense'", "wifi-quiet")
        self.assertNotIn("lan, tracking", done.stderr)

    def test_a_run_that_measured_nothing_has_its_row(self):
        with tempfile.TemporaryDirectory() as folder:
            deaf = pathlib.Path(folder) / "dvbcss"
            deaf.write_text(
                f'#!/bin/sh\ntest "$1" = impair && exec {DVBCSS} "$@"\n'
                f'exec {DVBCSS} "$@" --loss 1\n', encoding="utf-8",
            )  # fmt: skip
            deaf.chmod(0o755)
            done = run("accuracy-real", "--programs", folder, "--models", "lan", "--estimators",
                       "lowest", "--duration", "0.3", "--print")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("| lan | lowest |", done.stdout)
        self.assertIn("| none | never |", done.stdout)
        self.assertIn("never available", done.stderr)


class Chrony(Told):
    def test_a_network_that_does_not_exist_is_told(self):
        done = run("compare-chrony", "--programs", PROGRAMS, "--models", "direct,nonsense")
        self.assert_told(done, 2, "'nonsense'", "direct, none, lan")


class Simulated(Told):
    def test_too_little_time_and_too_few_runs_are_told(self):
        for hours in ("0", "0.02", "-1", "inf", "nan"):
            self.assert_told(run("accuracy", "--hours", hours, "--print"), 2, "--hours must be")
        self.assert_told(run("accuracy", "--seeds", "0", "--print"), 2, "--seeds must be")

    def test_an_event_that_did_not_come_is_not_over_at_once(self):
        script = load("accuracy")
        program = os.path.join(os.environ["BUILD_DIR"], "tests", "simulation", "wc_accuracy")
        done = subprocess.run(
            [program, "--hours", "0.05", "--seeds", "2", "--network", "suspend", "--rule", "tracking"],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        runs = list(csv.DictReader(done.stdout.splitlines()))

        def cell(*recoveries):
            for simulated, recovery in zip(runs, recoveries):
                simulated["recovery_s"] = recovery
            return script.row(runs).rstrip(" |").split(" | ")[-1]

        self.assertEqual(cell(), "-")
        self.assertEqual(cell("-", "0.250"), "0.25")
        self.assertEqual(cell("0.500", "0.250"), "0.50")
        self.assertEqual(cell("0.500", "nan"), "never")


if __name__ == "__main__":
    unittest.main()
