"""dvbcss doctor against a toy TV on npm ws: each fault that TVs in the field have is named."""

import concurrent.futures
import json
import os
import subprocess
import unittest

from network import Machine, cable, require_namespaces
from processes import Program

TOY = os.path.join(os.environ["INTEROP_DIR"], "toy-tv", "toy_tv.js")
DVBCSS = os.environ["DVBCSS"]

# fault -> (step, id) that the doctor has to name
FAULTS = {
    "description-404": ("discovery", "description-unreadable"),
    "no-application-url": ("discovery", "application-url-missing"),
    "application-404": ("discovery", "application-unreadable"),
    "application-broken": ("discovery", "application-unreadable"),
    "content-type": ("discovery", "content-type"),
    "no-name": ("discovery", "name-missing"),
    "no-namespace": ("discovery", "namespace"),
    "no-app2app": ("discovery", "url-missing"),
    "cii-host-0.0.0.0": ("discovery", "host-unspecified"),
    "cii-host-empty": ("discovery", "host-empty"),
    "cii-trailing-slash": ("discovery", "trailing-slash"),
    "cii-403": ("cii", "refused-403"),
    "cii-404": ("cii", "refused-404"),
    "cii-426": ("cii", "refused-426"),
    "cii-500": ("cii", "refused"),
    "cii-503": ("cii", "refused-503"),
    "cii-gone": ("cii", "nobody-listens"),
    "cii-hangs": ("cii", "no-answer"),
    "cii-garbage": ("cii", "not-websocket"),
    "cii-silent": ("cii", "no-message"),
    "cii-closes": ("cii", "closed"),
    "cii-not-json": ("cii", "not-understood"),
    "version-missing": ("cii", "member-missing"),
    "content-id-number": ("cii", "member-type"),
    "content-status-value": ("cii", "member-value"),
    "status-array": ("cii", "presentation-status-array"),
    "status-missing": ("cii", "member-missing"),
    "status-value": ("cii", "member-value"),
    "timelines-missing": ("cii", "timelines-missing"),
    "timelines-null": ("cii", "timelines-null"),
    "timeline-rate-string": ("cii", "member-type"),
    "wc-missing": ("cii", "url-missing"),
    "wc-host-0.0.0.0": ("cii", "host-unspecified"),
    "wc-host-empty": ("cii", "host-empty"),
    "wc-trailing-slash": ("cii", "trailing-slash"),
    "wc-no-port": ("cii", "url-port-missing"),
    "wc-scheme": ("cii", "url-scheme"),
    "ts-missing": ("cii", "url-missing"),
    "ts-host-0.0.0.0": ("cii", "host-unspecified"),
    "ts-host-empty": ("cii", "host-empty"),
    "ts-trailing-slash": ("cii", "trailing-slash"),
    "ts-scheme": ("cii", "url-scheme"),
    "wc-dead": ("wall clock", "clock-silent"),
    "wc-jumps": ("wall clock", "clock-jumps"),
    "wc-drifts": ("wall clock", "clock-drift"),
    "ts-403": ("timeline", "refused-403"),
    "ts-503": ("timeline", "refused-503"),
    "ts-gone": ("timeline", "nobody-listens"),
    "ts-silent": ("timeline", "no-control-timestamp"),
    "ts-closes": ("timeline", "closed"),
    "ts-number-times": ("timeline", "time-number"),
    "ts-leading-zeros": ("timeline", "time-text"),
    "ts-missing-member": ("timeline", "member-missing"),
    "ts-speed-string": ("timeline", "member-type"),
    "ts-other-clock": ("timeline", "wall-clock-apart"),
    "ts-same-wall-clock": ("timeline", "wall-clock-time-repeated"),
}
# What is worth knowing and no reason to call the TV ill.
NOTES = {
    "short-user-agent": ("discovery", "user-agent"),
    "version-2": ("cii", "protocol-version"),
    "no-content": ("cii", "nothing-presented"),
    "timelines-empty": ("cii", "timelines-empty"),
    "null-missing": ("cii", "null-missing"),
    "ts-host-other": ("cii", "host-other"),
    "wc-lossy": ("wall clock", "clock-lossy"),
    "wc-slow": ("wall clock", "clock-slow"),
    "wc-frequency": ("wall clock", "clock-frequency"),
    "wc-precision": ("wall clock", "clock-precision"),
    "wc-follow-ups": ("wall clock", "clock-follow-ups"),
    "ts-unavailable": ("timeline", "timeline-unavailable"),
    "ts-once": ("timeline", "not-repeated"),
    "ts-jumps": ("timeline", "timeline-jumps"),
}
# A companion that goes where this TV sends it comes to nobody.
LEADS_TO_NOBODY = {"ts-host-other"}
AT_ONCE = 8


def examine(command, urls, which="dial"):
    """What the doctor finds: (exit code, findings)."""
    done = subprocess.run(
        [*command, DVBCSS, "doctor", "--json", "--observe", "2", urls[which]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines and lines[-1]["event"] == "result", done.stdout + done.stderr
    return done.returncode, lines[:-1]


def visit(*faults):
    with Program(["node", TOY, "127.0.0.1", *faults]) as tv:
        return examine([], tv.json())


class Doctor(unittest.TestCase):
    def each(self, faults, check):
        """Visits a TV with each fault alone, several at once: most of it is waiting."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            visits = {fault: pool.submit(visit, fault) for fault in faults}
        for fault, result in visits.items():
            with self.subTest(fault=fault):
                check(fault, *result.result())

    def find(self, findings, step, name):
        found = [line for line in findings if (line["step"], line["id"]) == (step, name)]
        self.assertTrue(found, findings)
        return found[0]

    def test_a_tv_without_faults_is_healthy(self):
        code, findings = visit()
        self.assertEqual(code, 0, findings)
        self.assertEqual({line["level"] for line in findings}, {"good"}, findings)

    def test_each_fault_is_named_with_advice_and_makes_the_status_1(self):
        def check(fault, code, findings):
            found = self.find(findings, *FAULTS[fault])
            self.assertEqual(found["level"], "problem")
            self.assertTrue(found["text"])
            self.assertTrue(found["advice"])
            self.assertEqual(code, 1)

        self.each(FAULTS, check)

    def test_what_is_worth_knowing_is_a_note(self):
        def check(fault, code, findings):
            self.assertEqual(self.find(findings, *NOTES[fault])["level"], "note")
            self.assertEqual(code, 1 if fault in LEADS_TO_NOBODY else 0, findings)

        self.each(NOTES, check)

    def test_several_faults_are_all_named(self):
        _, findings = visit("status-array", "wc-host-0.0.0.0", "ts-number-times")
        self.find(findings, "cii", "presentation-status-array")
        self.find(findings, "cii", "host-unspecified")
        self.find(findings, "wall clock", "clock-good")
        self.find(findings, "timeline", "time-number")

    def test_the_url_of_cii_does_as_well(self):
        with Program(["node", TOY, "127.0.0.1", "status-array"]) as tv:
            code, findings = examine([], tv.json(), "cii")
        self.assertEqual(code, 1)
        self.find(findings, "discovery", "skipped")
        self.find(findings, "cii", "presentation-status-array")

    def test_a_host_that_means_the_companion_itself_is_named(self):
        require_namespaces()
        with Machine() as tv, Machine() as phone:
            cable(tv, "tv0", phone, "ph0")
            tv.address("tv0", "10.77.0.1/24")
            phone.address("ph0", "10.77.0.2/24")
            toy = tv.command("node", TOY, "10.77.0.1", "ts-host-localhost")
            with Program(toy) as program:
                code, findings = examine(phone.command(), program.json())
            self.assertEqual(code, 1)
            self.find(findings, "cii", "host-loopback")

    def test_people_are_told_what_to_do(self):
        with Program(["node", TOY, "127.0.0.1", "ts-403"]) as tv:
            done = subprocess.run(
                [DVBCSS, "doctor", "--observe", "0.5", tv.json()["dial"]],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn("PROBLEM", done.stdout)
        self.assertIn("[refused-403]", done.stdout)
        self.assertIn("switched off", done.stdout)
        self.assertIn("1 problem, 0 notes", done.stdout)


if __name__ == "__main__":
    unittest.main()
