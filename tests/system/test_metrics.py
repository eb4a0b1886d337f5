"""/metrics: what promtool makes of it, and whether it counts what happens."""

import json
import re
import shutil
import socket
import struct
import subprocess
import time
import unittest
from urllib.parse import urlsplit

from control_client import PTS, ControlledDaemon
from processes import DEADLINE_S
from raw_websocket import TEXT, RawWebSocket, frame

SAMPLE = re.compile(r'^(\w+)(?:\{([^}]*)\})? (\S+)$')


class Metrics(unittest.TestCase):
    def setUp(self):
        self.tv = ControlledDaemon()
        self.addCleanup(self.tv.__exit__, None, None, None)

    def tearDown(self):
        code, said = self.tv.stop()
        self.assertEqual(code, 0, said)

    def text(self):
        answer = self.tv.request("GET", "/metrics")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        return answer.text

    def samples(self):
        """{(name, labels): value}, the labels as they are written."""
        found = {}
        for line in self.text().splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.assertNotIn((name, labels), found)
                found[name, labels] = float(value)
        return found

    def difference(self, act, counted=lambda changed: True):
        """What act() changed, once that is counted: other threads count a moment later."""
        before = self.samples()
        act()
        end = time.monotonic() + DEADLINE_S
        while True:
            after = self.samples()
            self.assertEqual(set(before), set(after), "a series came or went")
            changed = {key: after[key] - before[key] for key in after if after[key] != before[key]}
            if counted(changed) or time.monotonic() > end:
                return changed

    @unittest.skipUnless(shutil.which("promtool"), "Debian's package prometheus is not installed")
    def test_promtool_finds_nothing_wrong(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.text(), text=True,
                              capture_output=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_every_sample_is_described_and_belongs_to_us(self):
        described = set(re.findall(r"^# TYPE (\w+) ", self.text(), re.M))
        helped = set(re.findall(r"^# HELP (\w+) \S", self.text(), re.M))
        self.assertEqual(described, helped)
        for name, _ in self.samples():
            self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name), described | {name})
            self.assertTrue(name.startswith("dvbcss_"))

    def test_wall_clock_requests_and_drops_are_counted(self):
        url = urlsplit(self.tv.urls["wc"])

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(DEADLINE_S)
                sock.connect((url.hostname, url.port))
                sock.send(b"short")
                sock.send(b"\x01" + bytes(31))
                sock.send(bytes([0, 3]) + bytes(30))
                sock.send(bytes([0, 0, 0, 0]) + struct.pack(">IIIIIII", 0, 1, 2, 0, 0, 0, 0))
                self.assertEqual(len(sock.recv(64)), 32)

        answers = ("dvbcss_wallclock_answers_total", None)
        changed = self.difference(ask, lambda changed: answers in changed)
        for result in ("answered", "length", "version", "type"):
            self.assertEqual(
                changed["dvbcss_wallclock_datagrams_total", f'result="{result}"'], 1, result)
        self.assertEqual(changed[answers], 1)

    def test_connections_messages_and_refusals_are_counted(self):
        def act():
            with RawWebSocket(self.tv.urls["cii"]) as cii, RawWebSocket(self.tv.urls["ts"]) as ts:
                cii.handshake()
                length = len(cii.receive_text())
                ts.handshake()
                setup = json.dumps({"contentIdStem": "", "timelineSelector": PTS}).encode()
                ts.send(frame(TEXT, setup))
                length += len(ts.receive_text())
                self.tv.patch("/media", {"speed": 0})
                length += len(ts.receive_text())
                with RawWebSocket(self.tv.urls["cii"] + "x") as lost:
                    self.assertEqual(lost.handshake()[0], 404)
                self.sent, self.said = length, len(setup)
                self.inside = self.samples()

        changed = self.difference(act)
        public = 'listener="public"'
        self.assertEqual(self.inside["dvbcss_connections_open", public], 2)
        self.assertEqual(self.inside["dvbcss_endpoint_connections", 'endpoint="ts"'], 1)
        self.assertEqual(changed["dvbcss_connections_opened_total", public], 2)
        self.assertEqual(changed["dvbcss_refusals_total", public + ',reason="unknown_path"'], 1)
        self.assertEqual(changed["dvbcss_messages_in_total", public], 1)
        self.assertEqual(changed["dvbcss_bytes_in_total", public], self.said)
        # A control timestamp may have been sent again meanwhile.
        self.assertGreaterEqual(changed["dvbcss_messages_out_total", public], 3)
        self.assertGreaterEqual(changed["dvbcss_bytes_out_total", public], self.sent)
        self.assertGreaterEqual(changed["dvbcss_endpoint_messages_total", 'endpoint="ts"'], 2)

    def test_histograms_add_up(self):
        changed = self.difference(lambda: self.tv.patch("/content", {"contentId": "dvb://9"}))
        self.assertEqual(changed["dvbcss_fan_out_seconds_count", 'endpoint="cii"'], 1)
        # A control timestamp may have been sent again meanwhile.
        self.assertGreaterEqual(changed["dvbcss_fan_out_seconds_count", 'endpoint="ts"'], 1)
        self.assertGreater(changed["dvbcss_loop_busy_seconds_count", None], 0)
        samples = self.samples()
        for name in ("dvbcss_fan_out_seconds", "dvbcss_loop_busy_seconds"):
            buckets = [(labels, value) for (n, labels), value in samples.items()
                       if n == f"{name}_bucket" and 'endpoint="ts"' not in labels]
            values = [value for _, value in buckets]
            self.assertEqual(values, sorted(values))
            self.assertIn('le="+Inf"', buckets[-1][0])
            labels = 'endpoint="cii"' if "fan_out" in name else None
            self.assertEqual(values[-1], samples[f"{name}_count", labels])
            self.assertGreater(samples[f"{name}_sum", labels], 0)

    def test_a_disabled_endpoint_shows(self):
        changed = self.difference(lambda: self.tv.patch("/endpoints/cii", {"enabled": False}))
        self.assertEqual(changed["dvbcss_endpoint_enabled", 'endpoint="cii"'], -1)


if __name__ == "__main__":
    unittest.main()
