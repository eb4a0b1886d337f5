"""Reloading: what changes takes effect, who may stay stays, and a bad file changes nothing."""

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

from control_client import PTS, ControlledDaemon, exchange
from raw_websocket import CLOSE, TEXT, RawWebSocket, frame

BASE = """
[content]
id = dvb://1.2.3
[timeline.pts]
selector = urn:dvb:css:timeline:pts
[timeline.old]
selector = urn:x:old
tick_rate = 1000
"""
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Reload(unittest.TestCase):
    def start(self, text=BASE, settings=None):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tv.conf")
        self.write(text)
        self.tv = ControlledDaemon("--config", self.path, content=False, settings=settings)
        self.addCleanup(self.tv.__exit__, None, None, None)
        return self.tv

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)

    def reload(self, text=None):
        if text is not None:
            self.write(text)
        answer = self.tv.post("/reload")
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json

    def stop(self):
        code, said = self.tv.stop()
        self.assertEqual(code, 0, said)
        return said

    def test_nothing_changed_is_nothing_done(self):
        self.start()
        self.assertEqual(self.reload(), {"applied": [], "needs_restart": []})
        self.stop()

    def test_companions_stay_and_hear_of_the_new_content(self):
        tv = self.start()
        with RawWebSocket(tv.urls["cii"]) as cii:
            cii.handshake()
            cii.receive_text()
            result = self.reload(BASE.replace("1.2.3", "7.8.9") + "[log]\nlevel = debug\n")
            self.assertEqual(sorted(result["applied"]), ["content.id", "log.level"])
            self.assertEqual(json.loads(cii.receive_text())["contentId"], "dvb://7.8.9")
        self.assertEqual(tv.get("/timelines/pts")["speed"], 1)
        self.assertTrue([line for line in self.stop() if "debug" in line])

    def test_timelines_come_go_and_run_on(self):
        tv = self.start()
        with RawWebSocket(tv.urls["ts"]) as ts:
            ts.handshake()
            ts.send(frame(TEXT, json.dumps({"contentIdStem": "",
                                            "timelineSelector": PTS}).encode()))
            before = json.loads(ts.receive_text())
            result = self.reload(BASE.replace("timeline.old", "timeline.new")
                                 .replace("urn:x:old", "urn:x:new"))
            self.assertEqual(result["applied"], ["timeline.new", "timeline.old"])
            self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]],
                             ["pts", "new"])
            tv.patch("/timelines/pts", {"speed": 0})
            while True:
                after = json.loads(ts.receive_text())
                if after["timelineSpeedMultiplier"] == 0:
                    break
            # The line went on unbroken until it was paused.
            ns = int(after["wallClockTime"]) - int(before["wallClockTime"])
            ticks = int(after["contentTime"]) - int(before["contentTime"])
            self.assertLessEqual(ticks, ns * 9 // 100000 + 1)
            self.assertGreater(int(after["contentTime"]), int(before["contentTime"]))
        self.stop()

    def test_a_timeline_that_changed_starts_anew(self):
        tv = self.start()
        self.reload(BASE + "speed = 0\nstart = 42\n")
        self.assertEqual(tv.get("/timelines/old")["position_ticks"], 42)
        self.stop()

    def test_endpoints_open_and_close(self):
        tv = self.start()
        with RawWebSocket(tv.urls["ts"]) as ts, RawWebSocket(tv.urls["cii"]) as cii:
            ts.handshake()
            cii.handshake()
            cii.receive_text()
            self.reload(BASE + "[ts]\nenabled = false\n[cii]\nmax_connections = 1\n")
            opcode, payload = ts.receive()
            self.assertEqual((opcode, payload[:2]), (CLOSE, b"\x03\xe9"))
            self.assertIsNone(json.loads(cii.receive_text())["tsUrl"])
            with RawWebSocket(tv.urls["cii"]) as late:
                self.assertEqual(late.handshake()[0], 503)
            self.reload(BASE)
            self.assertIsNotNone(json.loads(cii.receive_text())["tsUrl"])
        self.stop()

    def test_a_bad_file_is_refused_whole_with_its_line(self):
        tv = self.start()
        before = tv.get("/status")
        self.write("[content]\nid = dvb://7\n[cii]\nmax_connections = many\n")
        answer = tv.post("/reload")
        self.assertEqual(answer.status, 409)
        self.assertEqual(answer.json["error"], "conflict")
        self.assertIn("tv.conf:4", answer.json["reason"])
        self.assertIn("max_connections", answer.json["reason"])
        after = tv.get("/status")
        for name in ("content", "endpoints"):
            self.assertEqual(before[name], after[name])
        text = tv.request("GET", "/metrics").text
        self.assertIn('dvbcss_reloads_total{result="refused"} 1', text)
        self.assertEqual(self.reload(BASE), {"applied": [], "needs_restart": []})
        self.assertTrue([line for line in self.stop() if "tv.conf:4" in line])

    def test_a_file_that_is_gone_changes_nothing(self):
        tv = self.start()
        os.unlink(self.path)
        self.assertEqual(tv.post("/reload").status, 409)
        self.assertEqual(tv.get("/content")["contentId"], "dvb://1.2.3")
        self.stop()

    def test_the_signal_reloads_too(self):
        tv = self.start()
        self.write(BASE.replace("1.2.3", "4"))
        with RawWebSocket(tv.urls["cii"]) as cii:
            cii.handshake()
            cii.receive_text()
            tv.signal(signal.SIGHUP)
            self.assertEqual(json.loads(cii.receive_text())["contentId"], "dvb://4")
        tv.err.until(lambda line: "reload" in line and "1 changes in force" in line)
        self.write("nonsense\n")
        tv.signal(signal.SIGHUP)
        tv.err.until(lambda line: "reload" in line and "refused" in line)
        self.stop()

    def test_what_needs_a_restart_is_named_each_time(self):
        tv = self.start()
        port = urlsplit(tv.urls["http"]).port
        text = BASE + "[cii]\npath = /other\n[control]\nsocket_mode = 0600\n"
        for _ in range(2):
            result = self.reload(text)
            self.assertEqual(result["applied"], [])
            self.assertEqual(result["needs_restart"], ["cii.path", "control.socket_mode"])
        self.assertEqual(tv.get("/endpoints/cii")["path"], "/cii")
        self.assertEqual(urlsplit(tv.urls["http"]).port, port)
        self.assertTrue([line for line in self.stop() if "cii.path needs a restart" in line])

    def test_what_control_changed_stays_unless_the_file_changed_it(self):
        tv = self.start()
        tv.patch("/endpoints/cii", {"max_connections": 7})
        tv.patch("/content", {"contentId": "dvb://mine"})
        tv.post("/timelines", {"name": "mine", "selector": "urn:x:mine", "tick_rate": "1"})
        self.reload(BASE + "[log]\nlevel = warning\n")
        self.assertEqual(tv.get("/endpoints/cii")["max_connections"], 7)
        self.assertEqual(tv.get("/content")["contentId"], "dvb://mine")
        self.assertEqual(len(tv.get("/timelines")["timelines"]), 3)
        self.reload(BASE.replace("1.2.3", "5") + "[cii]\nmax_connections = 9\n")
        self.assertEqual(tv.get("/endpoints/cii")["max_connections"], 9)
        self.assertEqual(tv.get("/content")["contentId"], "dvb://5")
        self.stop()

    def test_one_property_of_the_content_leaves_the_others_to_control(self):
        tv = self.start()
        tv.patch("/content", {"contentId": "dvb://mine", "contentIdStatus": "partial"})
        result = self.reload(BASE.replace("dvb://1.2.3",
                                          "dvb://1.2.3\npresentation_status = fault"))
        self.assertEqual(result["applied"], ["content.presentation_status"])
        content = tv.get("/content")
        self.assertEqual([content[name] for name in
                          ("contentId", "contentIdStatus", "presentationStatus")],
                         ["dvb://mine", "partial", "fault"])
        tv.patch("/content", {"presentationStatus": "transitioning"})
        self.reload(BASE.replace("1.2.3", "4\npresentation_status = fault"))
        # The status is that of the id.
        content = tv.get("/content")
        self.assertEqual([content[name] for name in
                          ("contentId", "contentIdStatus", "presentationStatus")],
                         ["dvb://4", "final", "transitioning"])
        # No content has no status of its id either.
        self.reload(BASE.replace("id = dvb://1.2.3", "id =\npresentation_status = fault"))
        content = tv.get("/content")
        self.assertEqual([content[name] for name in
                          ("contentId", "contentIdStatus", "presentationStatus")],
                         [None, None, "transitioning"])
        self.stop()

    def test_a_timeline_of_the_control_api_is_not_run_over(self):
        tv = self.start()
        tv.post("/timelines", {"name": "mine", "selector": "urn:x:mine", "tick_rate": "1"})
        for section in ("[timeline.mine]\nselector = urn:x:y\ntick_rate = 1\n",
                        "[timeline.y]\nselector = urn:x:mine\ntick_rate = 1\n"):
            self.write(BASE.replace("1.2.3", "5") + section)
            answer = tv.post("/reload")
            self.assertEqual(answer.status, 409)
            self.assertIn("mine", answer.json["reason"])
        self.assertEqual(tv.get("/content")["contentId"], "dvb://1.2.3")
        self.stop()

    def test_a_timeline_of_the_control_api_is_not_taken_for_the_one_it_replaced(self):
        tv = self.start()
        tv.delete("/timelines/old")
        tv.post("/timelines", {"name": "old", "selector": "urn:x:mine", "tick_rate": "1"})
        self.write(BASE + "[timeline.new]\nselector = urn:x:mine\ntick_rate = 1\n"
                   "[log]\nlevel = debug\n")
        answer = tv.post("/reload")
        self.assertEqual(answer.status, 409, answer.text)
        self.assertIn("timeline old", answer.json["reason"])
        self.write(BASE.replace("tick_rate = 1000", "tick_rate = 50"))
        answer = tv.post("/reload")
        self.assertEqual(answer.status, 409, answer.text)
        self.assertIn("timeline.old", answer.json["reason"])
        # What the file does not change, and what it drops, is no matter of control's own.
        self.assertEqual(self.reload(BASE + "[log]\nlevel = debug\n")["applied"], ["log.level"])
        result = self.reload(BASE.split("[timeline.old]")[0])
        self.assertIn("timeline.old", result["applied"])
        self.assertEqual([(t["name"], t["selector"]) for t in tv.get("/timelines")["timelines"]],
                         [("pts", PTS), ("old", "urn:x:mine")])
        self.stop()

    def test_more_timelines_than_there_can_be_are_refused_whole(self):
        tv = self.start()
        for i in range(97):
            tv.post("/timelines", {"name": f"t{i}", "selector": f"urn:x:t{i}", "tick_rate": "1"})
        more = "".join(f"[timeline.{name}]\nselector = urn:x:{name}\ntick_rate = 1\n"
                       for name in ("a", "b"))
        self.write(BASE + more)
        answer = tv.post("/reload")
        self.assertEqual(answer.status, 409, answer.text)
        self.assertIn("101 timelines", answer.json["reason"])
        self.assertEqual(len(tv.get("/timelines")["timelines"]), 99)
        # One comes for one that goes.
        self.reload(BASE.split("[timeline.old]")[0] + more)
        self.assertEqual(len(tv.get("/timelines")["timelines"]), 100)
        self.stop()

    def test_what_a_stopped_programme_left_gives_way_to_a_configuration_without_it(self):
        tv = self.start(BASE + "[programme]\ndemo = true\n")
        tv.patch("/programme", {"running": False})
        self.reload(BASE)
        self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]], ["pts", "old"])
        self.stop()

    def test_the_programme_starts_and_ends(self):
        tv = self.start()
        self.reload(BASE + "[programme]\ndemo = true\n")
        self.assertEqual(tv.get("/programme"), {"running": True})
        self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]],
                         ["pts", "temi", "mpd"])
        self.reload(BASE + "[programme]\ndemo = true\nstep = 600\n")
        self.reload(BASE)
        self.assertEqual(tv.get("/programme"), {"running": False})
        self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]], ["pts", "old"])
        self.assertEqual(tv.get("/content")["contentId"], "dvb://1.2.3")
        self.stop()

    def test_a_programme_that_control_started_gives_way_to_new_content(self):
        tv = self.start()
        self.assertEqual(tv.patch("/programme", {"running": True}).status, 200)
        self.reload(BASE + "[log]\nlevel = debug\n")
        self.assertEqual(tv.get("/programme"), {"running": True})
        self.reload(BASE.replace("1.2.3", "5") + "[timeline.temi]\nselector = urn:x:temi\n"
                    "tick_rate = 1000\n")
        self.assertEqual(tv.get("/programme"), {"running": False})
        self.assertEqual(tv.get("/content")["contentId"], "dvb://5")
        self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]],
                         ["pts", "old", "temi"])
        tv.patch("/programme", {"running": True})
        self.reload(BASE + "[programme]\ndemo = true\n")
        self.assertEqual(tv.get("/programme"), {"running": True})
        self.stop()

    def test_a_new_token_is_taken_and_a_bad_one_is_not(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        token_path = os.path.join(folder.name, "token")

        def write_token(text):
            with open(token_path, "w", encoding="utf-8") as file:
                file.write(text + "\n")

        write_token("first-token-of-all")
        tv = self.start(settings={"control.tcp_address": "127.0.0.1", "control.tcp_port": "0",
                                  "control.token_file": token_path})
        url = urlsplit(tv.urls["control"])

        def status(token):
            return exchange(http.client.HTTPConnection(url.hostname, url.port), "GET",
                            "/api/v1/media", None, {"Authorization": f"Bearer {token}"}).status

        self.assertEqual(status("first-token-of-all"), 200)
        write_token("second-token-of-all")
        self.reload()
        self.assertEqual(status("first-token-of-all"), 401)
        self.assertEqual(status("second-token-of-all"), 200)
        write_token("short")
        self.assertEqual(tv.post("/reload").status, 409)
        self.assertEqual(status("second-token-of-all"), 200)
        self.stop()


class Documentation(unittest.TestCase):
    def test_the_list_of_what_needs_a_restart_is_that_of_the_daemon(self):
        printed = subprocess.run([os.environ["DVBCSSD"], "--print-config"], capture_output=True,
                                 text=True, check=True).stdout
        section, restart, wanted = "", False, set()
        for line in printed.splitlines():
            if line.startswith("["):
                section = line[1:-1]
            elif line.startswith("# "):
                restart = line.endswith("(a change needs a restart)")
            elif " = " in line and not line.startswith("#") and restart:
                wanted.add(f"{section}.{line.split(' = ')[0]}")
        with open(os.path.join(ROOT, "docs", "control.md"), encoding="utf-8") as file:
            text = file.read()
        listed = re.search(r"<!-- restart -->(.*?)<!-- /restart -->", text, re.S).group(1)
        self.assertEqual(set(re.findall(r"`([a-z0-9_.]+)`", listed)), wanted)


if __name__ == "__main__":
    unittest.main()
