"""dvbcssd as a service: its log, what it tells the service manager, and its unit."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from control_client import PTS, ControlledDaemon
from processes import DEADLINE_S
from raw_websocket import CLOSE, TEXT, RawWebSocket, frame

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SECRET = "a-token-that-nobody-sees"


class Log(unittest.TestCase):
    def live_and_end(self, settings):
        """Has a connection come and go, a refusal, and the end; returns the log's lines."""
        with ControlledDaemon(settings=settings) as tv:
            with RawWebSocket(tv.urls["ts"]) as ts:
                ts.handshake()
                setup = json.dumps({"contentIdStem": "", "timelineSelector": PTS}).encode()
                ts.send(frame(TEXT, setup))
                ts.receive_text()
                ts.send(frame(CLOSE, b"\x0f\xa1<\xc3\xa9\n\">"))
                while ts.receive() is not None:
                    pass
            with RawWebSocket(tv.urls["cii"] + "x") as lost:
                lost.handshake()
            code, said = tv.stop()
            self.assertEqual(code, 0, said)
            return said, len(setup)

    def test_text_has_a_line_per_life(self):
        said, length = self.live_and_end({})
        (line,) = [line for line in said if ": connection: " in line]
        self.assertRegex(line, rf"^dvbcssd: info: connection: ts-1 from 127\.0\.0\.1:\d+ ended after "
                               rf"[\d.]+ s: \d+ messages \(\d+ bytes\) out, 1 \({length}\) in, "
                               rf'0 dropped, code 4001 <\\xc3\\xa9\\n">$')
        self.assertTrue([line for line in said if line.startswith("dvbcssd: info: ws-refused: ")])

    def test_many_that_end_at_once_are_counted(self):
        many = 100
        for settings, count in (({}, lambda line: re.search(r"connections: (\d+) more", line)),
                                ({"log.format": "json"},
                                 lambda line: re.search(r'"left_out":(\d+)', line))):
            settings = {**settings, "http.max_connections_per_address": "0",
                        "cii.max_connections_per_address": "0"}
            with ControlledDaemon(settings=settings) as tv, contextlib.ExitStack() as peers:
                for _ in range(many):
                    peer = peers.enter_context(RawWebSocket(tv.urls["cii"]))
                    self.assertEqual(peer.handshake()[0], 101)
                peers.close()
                _, said = tv.stop()
            lines = [line for line in said if "cii-" in line]
            left_out = sum(int(found[1]) for line in said if (found := count(line)))
            self.assertEqual(len(lines) + left_out, many, said)
            self.assertLess(len(lines), many)

    def test_json_is_one_object_a_line(self):
        said, length = self.live_and_end({"log.format": "json"})
        events = [json.loads(line) for line in said]
        for event in events:
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(event["level"], ("error", "warning", "info", "debug"))
            self.assertTrue(event["id"] and event["text"])
        (life,) = [event for event in events if event["id"] == "connection"]
        self.assertEqual((life["connection"], life["code"], life["messages_in"], life["bytes_in"]),
                         ("ts-1", 4001, 1, length))
        self.assertRegex(life["peer"], r"^127\.0\.0\.1:\d+$")
        self.assertGreaterEqual(life["messages_out"], 1)
        self.assertGreaterEqual(life["age_s"], 0)

    def test_journald_gets_the_level_in_front(self):
        said, _ = self.live_and_end({"log.target": "journald"})
        for line in said:
            self.assertRegex(line, r"^<[3-7]>[a-z-]+: ")
        said, _ = self.live_and_end({"log.target": "journald", "log.format": "json"})
        for line in said:
            self.assertTrue(json.loads(re.sub(r"^<[3-7]>", "", line))["id"])

    def test_levels_hold(self):
        said, _ = self.live_and_end({"log.level": "warning"})
        self.assertEqual(said, [])

    def test_secrets_are_not_in_it(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")
            with open(path, "w", encoding="utf-8") as file:
                file.write(SECRET)
            for settings in ({"control.token": SECRET}, {"control.token_file": path}):
                with ControlledDaemon(settings={"control.tcp_address": "127.0.0.1",
                                                "control.tcp_port": "0", "log.level": "debug",
                                                **settings}) as tv:
                    tv.post("/reload")
                    for path_ in ("/api/v1/status", "/metrics"):
                        self.assertNotIn(SECRET, tv.request("GET", path_).text)
                    _, said = tv.stop()
                    self.assertNotIn(SECRET, "\n".join(said))


class Notification(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path)
        self.manager.settimeout(DEADLINE_S)
        self.addCleanup(self.manager.close)

    def hear(self, wanted):
        """Reads up to the message with that line and returns its members."""
        while True:
            message = self.manager.recv(4096).decode()
            members = dict(line.split("=", 1) for line in message.splitlines())
            if wanted in members:
                return members

    def test_readiness_reload_and_end_are_told(self):
        env = {**os.environ, "NOTIFY_SOCKET": self.path}
        with ControlledDaemon(env=env) as tv:
            self.assertEqual(self.hear("READY")["STATUS"], "serving")
            tv.post("/reload")
            self.assertRegex(self.hear("RELOADING")["MONOTONIC_USEC"], r"^\d+$")
            self.assertEqual(self.hear("READY")["READY"], "1")
            self.assertEqual(tv.stop()[0], 0)
            self.assertEqual(self.hear("STOPPING")["STOPPING"], "1")

    def test_the_watchdog_hears_from_the_loop(self):
        env = {**os.environ, "NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "100000"}
        with ControlledDaemon(env=env) as tv:
            for _ in range(3):
                self.assertEqual(self.hear("WATCHDOG"), {"WATCHDOG": "1"})
            self.assertEqual(tv.stop()[0], 0)

    def test_a_watchdog_of_another_process_is_not_fed(self):
        env = {**os.environ, "NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "2000",
               "WATCHDOG_PID": "1"}
        with ControlledDaemon(env=env) as tv:
            self.assertEqual(tv.stop()[0], 0)
        heard = []
        while not heard or "STOPPING" not in heard[-1]:
            heard.append(self.manager.recv(4096).decode())
        self.assertFalse([message for message in heard if "WATCHDOG" in message])

    def test_an_abstract_socket_is_understood(self):
        name = f"dvbcss-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind("\0" + name)
            manager.settimeout(DEADLINE_S)
            with ControlledDaemon(env={**os.environ, "NOTIFY_SOCKET": "@" + name}) as tv:
                self.assertIn("READY=1", manager.recv(4096).decode())
                self.assertEqual(tv.stop()[0], 0)

    def test_a_manager_that_is_not_there_is_no_trouble(self):
        for where in ("/nonexistent", "not a path", "", "/" + "x" * 200):
            with ControlledDaemon(env={**os.environ, "NOTIFY_SOCKET": where}) as tv:
                tv.signal(signal.SIGHUP)
                self.assertEqual(tv.stop()[0], 0)


class Unit(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_rates_its_exposure_below_2(self):
        with open(os.path.join(ROOT, "packaging", "systemd", "dvbcssd.service.in"),
                  encoding="utf-8") as file:
            text = file.read()
        text = text.replace("@CMAKE_INSTALL_FULL_BINDIR@/dvbcssd", os.environ["DVBCSSD"])
        text = text.replace("@CMAKE_INSTALL_FULL_SYSCONFDIR@", "/etc")
        self.assertNotIn("@CMAKE", text)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "dvbcssd.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                                   "--threshold=20", path], capture_output=True, text=True,
                                  timeout=DEADLINE_S, check=False)
            self.assertEqual(done.returncode, 0, done.stdout[-400:] + done.stderr)
            self.assertLess(float(re.search(r"dvbcssd\.service: ([\d.]+)", done.stdout).group(1)), 2)
            done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True,
                                  text=True, timeout=DEADLINE_S, check=False)
            self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
