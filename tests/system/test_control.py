"""The control API: what it shows, what it changes, and that a bad request changes nothing."""

import json
import struct
import unittest
from urllib.parse import urlsplit

from control_client import PTS, ControlledDaemon
from raw_websocket import CLOSE, PING, PONG, TEXT, RawWebSocket, frame

SETUP = {"contentIdStem": "dvb:", "timelineSelector": PTS}


class Companion(RawWebSocket):
    """A WebSocket that has shaken hands."""

    def __init__(self, url):
        super().__init__(url)
        status = self.handshake()[0]
        assert status == 101, status

    def say(self, message):
        self.send(frame(TEXT, json.dumps(message).encode()))

    def hear(self, wanted=lambda message: True):
        while True:
            message = json.loads(self.receive_text())
            if wanted(message):
                return message

    def receive_close(self):
        """Reads up to the close frame and returns its code and reason."""
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                return struct.unpack(">H", payload[:2])[0], payload[2:].decode()


def line_at(stamp, wall_ns, rate=90000):
    """Where a control timestamp's line is at a time of the wall clock, in ticks."""
    elapsed_ns = wall_ns - int(stamp["wallClockTime"])
    speed = stamp["timelineSpeedMultiplier"]
    return int(stamp["contentTime"]) + elapsed_ns * speed * rate / 1e9


class Control(unittest.TestCase):
    def setUp(self):
        self.tv = ControlledDaemon()
        self.addCleanup(self.tv.__exit__, None, None, None)
        self.companions = []

    def tearDown(self):
        # Gone, they need not be waited for.
        for companion in self.companions:
            companion.socket.close()
        code, said = self.tv.stop()
        self.assertEqual(code, 0, said)

    def cii(self):
        companion = Companion(self.tv.urls["cii"])
        self.companions.append(companion)
        return companion

    def ts(self, setup=None):
        companion = Companion(self.tv.urls["ts"])
        self.companions.append(companion)
        companion.say(setup or SETUP)
        return companion

    def assert_refused(self, answer, status, member, *words):
        self.assertEqual(answer.status, status, answer.text)
        problem = answer.json
        self.assertEqual(set(problem), {"error", "member", "reason"})
        self.assertEqual(problem["member"], member, problem)
        for word in words:
            self.assertIn(word, problem["reason"])


class Looking(Control):
    def test_status_says_how_it_is(self):
        status = self.tv.get("/status")
        self.assertRegex(status["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(status["pid"], self.tv.urls["pid"])
        self.assertEqual(status["wall_clock"]["url"], self.tv.urls["wc"])
        before, now = self.tv.wall_ns(), self.tv.get("/status")["wall_clock"]["now_ns"]
        self.assertTrue(before <= now <= self.tv.wall_ns())
        self.assertGreater(status["wall_clock"]["precision_s"], 0)
        self.assertEqual(status["content"]["contentId"], "dvb://1.2.3")
        self.assertEqual([t["name"] for t in status["timelines"]], ["pts"])
        self.assertEqual(status["programme"], {"running": False})

    def test_a_connection_shows_what_was_asked_for_and_reported(self):
        ts = self.ts()
        ts.hear()
        ts.say(
            {
                "earliest": {"contentTime": "100", "wallClockTime": "minusinfinity"},
                "latest": {"contentTime": "100", "wallClockTime": "plusinfinity"},
                "actual": {"contentTime": "834188", "wallClockTime": "11593857"},
            }
        )
        # An answer to a setup proves that what was said before it has been read.
        ts.say({**SETUP, "contentIdStem": "nothing"})
        ts.hear(lambda message: message["contentTime"] is None)
        (connection,) = self.tv.get("/endpoints/ts/connections")["connections"]
        self.assertEqual(connection["id"], "ts-1")
        self.assertRegex(connection["address"], r"^127\.0\.0\.1:\d+$")
        self.assertEqual(connection["ts"]["asked_for"]["content_id_stem"], "nothing")
        self.assertEqual(connection["ts"]["asked_for"]["timeline_selector"], PTS)
        self.assertEqual(connection["ts"]["state"], "unavailable")
        self.assertEqual(connection["traffic"]["messages_in"], 3)
        self.assertEqual(connection, {**self.tv.get("/connections/ts-1"),
                                      "age_s": connection["age_s"]})

    def test_what_a_companion_reported_is_shown(self):
        ts = self.ts()
        ts.hear()
        report = {
            "earliest": {"contentTime": "100", "wallClockTime": "minusinfinity"},
            "latest": {"contentTime": "100", "wallClockTime": "plusinfinity"},
            "actual": {"contentTime": "834188", "wallClockTime": "11593857"},
        }
        ts.say(report)
        # A ping is answered in turn.
        ts.send(frame(PING, b"read?"))
        while ts.receive()[0] != PONG:
            pass
        reported = self.tv.get("/connections/ts-1")["ts"]["reported"]
        self.assertEqual(reported["actual"],
                         {"content_time_ticks": 834188, "wall_clock_time_ns": 11593857})
        self.assertEqual(reported["earliest"]["wall_clock_time_ns"], "minusinfinity")
        self.assertEqual(reported["latest"]["wall_clock_time_ns"], "plusinfinity")

    def test_what_is_not_there_is_404(self):
        for path in ("/endpoints/te", "/connections/cii-1", "/timelines/none",
                     "/endpoints/te/connections", "/nothing", ""):
            answer = self.tv.request("GET", "/api/v1" + path)
            self.assert_refused(answer, 404, None)

    def test_health_needs_nothing(self):
        answer = self.tv.request("GET", "/healthz")
        self.assertEqual((answer.status, answer.json), (200, {"status": "ok"}))


class Requests(Control):
    def test_a_wrong_method_names_the_right_ones(self):
        answer = self.tv.request("PUT", "/api/v1/timelines/pts", b"{}")
        self.assert_refused(answer, 405, None, "GET, PATCH, DELETE")
        self.assertEqual(answer.headers["Allow"], "GET, PATCH, DELETE")

    def test_head_is_get_without_the_body(self):
        answer = self.tv.request("HEAD", "/api/v1/status")
        self.assertEqual((answer.status, answer.text), (200, ""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    def test_a_body_of_another_type_is_415(self):
        for kind in ("text/plain", "application/jsonx", "application/x-www-form-urlencoded"):
            answer = self.tv.request("PATCH", "/api/v1/media", b'{"speed": 0}',
                                     {"Content-Type": kind})
            self.assert_refused(answer, 415, None, "application/json")
        answer = self.tv.request("PATCH", "/api/v1/media", b'{"speed": 0}',
                                 {"Content-Type": "application/json; charset=utf-8"})
        self.assertEqual(answer.status, 200)

    def test_a_body_that_is_too_large_is_413(self):
        answer = self.tv.request("PATCH", "/api/v1/content",
                                 b'{"contentId": "' + b"x" * 65536 + b'"}')
        self.assertEqual(answer.status, 413)
        self.assertEqual(answer.json["error"], "too_large")

    def test_the_largest_body_is_taken(self):
        head, tail = b'{"contentId": "', b'"}'
        body = head + b"x" * (65536 - len(head) - len(tail)) + tail
        self.assertEqual(self.tv.request("PATCH", "/api/v1/content", body).status, 200)

    def test_what_is_no_object_is_400(self):
        for body in (b"", b"{", b"[]", b'"x"', b"null", b'{"speed": 1, "speed": 2}', b"\xff",
                     b"[" * 5000):
            self.assert_refused(self.tv.request("PATCH", "/api/v1/media", body), 400, None)

    def test_a_body_where_none_belongs_is_400(self):
        self.assert_refused(self.tv.post("/reload", {"now": True}), 400, None, "no body")

    def test_wrong_members_are_named_and_change_nothing(self):
        before = self.tv.get("/status")
        wrong = [
            ("/timelines/pts", {"speed": "fast"}, "speed", "a number, got a string"),
            ("/timelines/pts", {"speed": None}, "speed", "got null"),
            ("/timelines/pts", {"speed": 0, "colour": 1}, "colour", "no such member"),
            ("/timelines/pts", {"speed": 1001}, "speed", "1000"),
            ("/timelines/pts", {"position_ticks": 1.5}, "position_ticks", "fraction"),
            ("/timelines/pts", {"speed": 0, "at_ns": -1}, "at_ns", "from 0"),
            ("/timelines/pts", {"speed": 0, "at_ns": 5, "in_s": 1}, "in_s", "not both"),
            ("/timelines/pts", {"seek_s": 1, "position_ticks": 1}, "seek_s", "not both"),
            ("/timelines/pts", {"available": 0}, "available", "true or false"),
            ("/timelines/pts", {"speed": 0, "accuracy_s": -1}, "accuracy_s", "from 0"),
            ("/timelines/pts", {}, None, "nothing"),
            ("/timelines/pts", {"at_ns": 5}, None, "nothing"),
            ("/media", {"speed": 0, "available": True}, "available", "no such member"),
            ("/endpoints/cii", {"enabled": False, "max_connections": -1}, "max_connections", "0"),
            ("/endpoints/cii", {"enabled": False, "limit": 1}, "limit", "no such member"),
            ("/content", {"contentId": "x", "contentIdStatus": "maybe"}, "contentIdStatus", ""),
            ("/content", {"contentId": 5}, "contentId", ""),
            ("/content", {"contentId": "x", "title": "y"}, "title", "no such property"),
            ("/content", {"contentId": "x", "timelines": []}, "timelines", "/api/v1/timelines"),
            ("/content", {"contentId": "x", "private": [{}]}, "private[0].type", ""),
            ("/content", {"protocolVersion": None}, "protocolVersion", "1.1"),
            ("/content", {"protocolVersion": "1.2"}, "protocolVersion", ""),
            ("/content", {"contentId": "x", "wcUrl": "http://x"}, "wcUrl", "udp://"),
            ("/content", {"wcUrl": "udp://{{host}}"}, "wcUrl", "port"),
            ("/content", {"wcUrl": "{{ws}}://{{host}}:{{port}}/wc"}, "wcUrl", "udp://"),
            ("/content", {"tsUrl": "udp://{{host}}:{{port}}"}, "tsUrl", "ws://"),
            ("/content", {"tsUrl": "ws://0.0.0.0/ts"}, "tsUrl", "{{host}}"),
            ("/content", {"tsUrl": "ws://[::]:80/ts"}, "tsUrl", "{{host}}"),
            ("/content", {"tsUrl": "ws:///ts"}, "tsUrl", "host"),
            ("/content", {"tsUrl": ""}, "tsUrl", "://"),
            ("/content", {"teUrl": "somewhere"}, "teUrl", "://"),
            ("/content", {"mrsUrl": "ws://mrs.example"}, "mrsUrl", "https://"),
            ("/programme", {}, "running", "missing"),
        ]
        for path, body, member, word in wrong:
            with self.subTest(path=path, body=body):
                self.assert_refused(self.tv.patch(path, body), 400, member, word)
        after = self.tv.get("/status")
        for name in ("endpoints", "content", "programme"):
            self.assertEqual(before[name], after[name])
        self.assertEqual(after["timelines"][0]["speed"], 1)
        self.assertEqual(self.tv.get("/scheduled"), {"scheduled": []})


class Endpoints(Control):
    def test_a_disabled_endpoint_sends_its_companions_away(self):
        cii = self.cii()
        cii.hear()
        answer = self.tv.patch("/endpoints/cii", {"enabled": False})
        self.assertEqual((answer.status, answer.json["enabled"]), (200, False))
        self.assertEqual(cii.receive_close()[0], 1001)
        with RawWebSocket(self.tv.urls["cii"]) as late:
            self.assertEqual(late.handshake()[0], 403)
        self.tv.patch("/endpoints/cii", {"enabled": True})
        self.cii().hear()

    def test_a_disabled_ts_endpoint_is_not_advertised(self):
        cii = self.cii()
        url = cii.hear()["tsUrl"]
        self.tv.patch("/endpoints/ts", {"enabled": False})
        self.assertIsNone(cii.hear()["tsUrl"])
        self.tv.patch("/endpoints/ts", {"enabled": True})
        self.assertEqual(cii.hear()["tsUrl"], url)

    def test_a_limit_holds_at_once(self):
        self.cii().hear()
        self.tv.patch("/endpoints/cii", {"max_connections": 1})
        with RawWebSocket(self.tv.urls["cii"]) as late:
            self.assertEqual(late.handshake()[0], 503)
        answer = self.tv.patch("/endpoints/cii", {"max_connections": None})
        self.assertIsNone(answer.json["max_connections"])
        self.cii().hear()

    def test_a_connection_is_closed_with_code_and_reason(self):
        first, second = self.cii(), self.cii()
        first.hear()
        second.hear()
        answer = self.tv.post("/connections/cii-1/close", {"code": 4001, "reason": "tschüß"})
        self.assertEqual(answer.status, 204)
        self.assertEqual(first.receive_close(), (4001, "tschüß"))
        self.assertEqual([c["id"] for c in self.tv.get("/connections")["connections"]], ["cii-2"])

    def test_codes_that_nobody_may_send_are_refused(self):
        self.cii().hear()
        for code in (999, 1002, 1004, 1005, 1006, 1015, 2999, 5000):
            self.assert_refused(self.tv.post("/connections/cii-1/close", {"code": code}), 400,
                                "code")
        self.assert_refused(self.tv.post("/connections/cii-1/close", {"reason": "é" * 62}), 400,
                            "reason", "123 bytes")
        self.assertEqual(len(self.tv.get("/connections")["connections"]), 1)


class Content(Control):
    def test_several_properties_are_one_message(self):
        cii = self.cii()
        cii.hear()
        answer = self.tv.patch("/content", {
            "contentId": "dvb://4.5.6", "contentIdStatus": "partial",
            "presentationStatus": "transitioning", "mrsUrl": "http://mrs.example/"})
        self.assertEqual(answer.status, 200, answer.text)
        message = cii.hear()
        self.assertEqual(message["contentId"], "dvb://4.5.6")
        self.assertEqual(message["contentIdStatus"], "partial")
        self.assertEqual(message["presentationStatus"], "transitioning")
        self.assertEqual(message["mrsUrl"], "http://mrs.example")
        self.assertNotIn("wcUrl", message)

    def test_urls_name_what_each_companion_has_reached(self):
        cii = self.cii()
        cii.hear()
        urls = {"wcUrl": "udp://{{host}}:6677", "tsUrl": "{{ws}}://{{host}}:{{port}}/elsewhere",
                "teUrl": "wss://te.example/te", "mrsUrl": "https://[2001:db8::1]:8443/mrs?x=1"}
        answer = self.tv.patch("/content", {"protocolVersion": "1.1", **urls})
        self.assertEqual(answer.status, 200, answer.text)
        message = cii.hear()
        address = urlsplit(self.tv.urls["cii"]).netloc
        self.assertEqual({name: message[name] for name in urls},
                         {**urls, "wcUrl": "udp://127.0.0.1:6677",
                          "tsUrl": f"ws://{address}/elsewhere"})
        answer = self.tv.patch("/content", {name: None for name in urls})
        self.assertEqual(answer.status, 200, answer.text)

    def test_only_local_companions_are_told_of_this_machine_as_localhost(self):
        local = {"tsUrl": "ws://localhost:1234/ts"}
        self.assertEqual(self.tv.patch("/content", local).status, 200)
        with ControlledDaemon(settings={"http.address": "0.0.0.0"}) as tv:
            self.assert_refused(tv.patch("/content", local), 400, "tsUrl", "{{host}}")

    def test_omitted_null_and_value_are_three_things(self):
        cii = self.cii()
        cii.hear()
        private = [{"type": "urn:example:x", "n": 1}]
        self.tv.patch("/content", {"private": private})
        self.assertEqual(cii.hear()["private"], private)
        self.tv.patch("/content", {"contentIdStatus": "partial"})
        self.assertNotIn("private", cii.hear())
        self.assertEqual(self.tv.get("/content")["private"], private)
        self.tv.patch("/content", {"private": None})
        self.assertIsNone(cii.hear()["private"])
        state = self.tv.get("/content")
        self.assertIn("private", state)
        self.assertIsNone(state["private"])

    def test_the_content_id_decides_who_gets_a_timeline(self):
        ts = self.ts()
        ts.hear(lambda message: message["contentTime"] is not None)
        self.tv.patch("/content", {"contentId": "http://example.org/x.mpd"})
        ts.hear(lambda message: message["contentTime"] is None)
        self.tv.patch("/content", {"contentId": "dvb://1"})
        ts.hear(lambda message: message["contentTime"] is not None)

    def test_what_is_the_same_is_told_to_nobody(self):
        cii = self.cii()
        cii.hear()
        self.tv.patch("/content", {"contentId": "dvb://1.2.3"})
        self.tv.patch("/content", {"contentId": "dvb://7"})
        self.assertEqual(cii.hear()["contentId"], "dvb://7")


class Timelines(Control):
    def test_one_is_added_told_of_and_removed(self):
        cii = self.cii()
        cii.hear()
        selector = "urn:dvb:css:timeline:temi:1:1"
        ts = self.ts({**SETUP, "timelineSelector": selector})
        ts.hear(lambda message: message["contentTime"] is None)
        new = {"name": "temi", "selector": selector, "tick_rate": "30000/1001",
               "position_ticks": 1000, "speed": 0, "accuracy_s": 0.25}
        answer = self.tv.post("/timelines", new)
        self.assertEqual(answer.status, 201, answer.text)
        self.assertEqual({k: answer.json[k] for k in new}, new)
        told = cii.hear()["timelines"]
        self.assertEqual(told[1], {
            "timelineSelector": selector,
            "timelineProperties": {"unitsPerTick": 1001, "unitsPerSecond": 30000,
                                   "accuracy": 0.25}})
        stamp = ts.hear(lambda message: message["contentTime"] is not None)
        self.assertEqual((stamp["contentTime"], stamp["timelineSpeedMultiplier"]), ("1000", 0))
        self.assertEqual(self.tv.delete("/timelines/temi").status, 204)
        self.assertEqual(len(cii.hear()["timelines"]), 1)
        ts.hear(lambda message: message["contentTime"] is None)

    def test_names_and_selectors_are_unique(self):
        self.assert_refused(self.tv.post("/timelines", {"name": "pts", "selector": "urn:x:y",
                                                        "tick_rate": "1"}), 409, "name")
        self.assert_refused(self.tv.post("/timelines", {"name": "two", "selector": PTS}), 409,
                            "selector", "pts")

    def test_a_new_timeline_is_checked(self):
        for body, member in (
            ({"selector": PTS}, "name"),
            ({"name": "x"}, "selector"),
            ({"name": "A b", "selector": "urn:x:y", "tick_rate": "1"}, "name"),
            ({"name": "x" * 51, "selector": "urn:x:y", "tick_rate": "1"}, "name"),
            ({"name": "x", "selector": "urn:x:y"}, "tick_rate"),
            ({"name": "x", "selector": "urn:x:y", "tick_rate": "0"}, "tick_rate"),
            ({"name": "x", "selector": "urn:x:y", "tick_rate": "5/0"}, "tick_rate"),
            ({"name": "x", "selector": "urn:x:y", "tick_rate": "-5"}, "tick_rate"),
        ):
            with self.subTest(body=body):
                self.assert_refused(self.tv.post("/timelines", body), 400, member)

    def test_there_is_an_end_to_how_many(self):
        for i in range(99):
            answer = self.tv.post("/timelines", {"name": f"t{i}", "selector": f"urn:x:{i}",
                                                 "tick_rate": "1000"})
            self.assertEqual(answer.status, 201, answer.text)
        self.assert_refused(self.tv.post("/timelines", {"name": "last", "selector": "urn:x:y",
                                                        "tick_rate": "1"}), 409, None, "limit")

    def test_pause_play_and_seek_are_told(self):
        ts = self.ts()
        ts.hear()
        self.tv.patch("/timelines/pts", {"speed": 0})
        paused = ts.hear(lambda message: message["timelineSpeedMultiplier"] == 0)
        self.tv.patch("/timelines/pts", {"seek_s": 10})
        moved = ts.hear(lambda message: message["contentTime"] != paused["contentTime"])
        self.assertEqual(int(moved["contentTime"]) - int(paused["contentTime"]), 900000)
        answer = self.tv.patch("/timelines/pts", {"position_ticks": 12345, "speed": -2})
        self.assertEqual(answer.json["speed"], -2)
        ts.hear(lambda message: message["timelineSpeedMultiplier"] == -2)

    def test_an_unavailable_timeline_is_told_as_such(self):
        ts = self.ts()
        ts.hear(lambda message: message["contentTime"] is not None)
        self.tv.patch("/timelines/pts", {"available": False})
        ts.hear(lambda message: message["contentTime"] is None)
        self.tv.patch("/timelines/pts", {"available": True})
        ts.hear(lambda message: message["contentTime"] is not None)

    def test_accuracy_is_told_and_taken_back(self):
        cii = self.cii()
        cii.hear()
        self.tv.patch("/timelines/pts", {"accuracy_s": 0.5})
        self.assertEqual(cii.hear()["timelines"][0]["timelineProperties"]["accuracy"], 0.5)
        self.tv.patch("/timelines/pts", {"accuracy_s": None})
        self.assertNotIn("accuracy", cii.hear()["timelines"][0]["timelineProperties"])

    def test_a_change_of_the_past_bends_the_line_there(self):
        self.tv.patch("/timelines/pts", {"position_ticks": 0})
        start = self.tv.get("/timelines/pts")
        at = start["wall_clock_ns"]
        answer = self.tv.patch("/timelines/pts", {"speed": 0, "at_ns": at})
        self.assertEqual(answer.status, 200)
        self.assertLessEqual(abs(answer.json["position_ticks"] - start["position_ticks"]), 1)

    def test_a_change_to_come_bends_the_line_exactly_then(self):
        ts = self.ts()
        ahead_ns = 300_000_000
        while True:
            now = self.tv.get("/timelines/pts")
            before = {"wallClockTime": now["wall_clock_ns"], "contentTime": now["position_ticks"],
                      "timelineSpeedMultiplier": 1}
            at = self.tv.wall_ns() + ahead_ns
            answer = self.tv.patch("/timelines/pts", {"speed": 2, "at_ns": at})
            if answer.status == 202:
                break
            # The machine was too slow: the time was over before the request was there.
            ahead_ns *= 4
            self.tv.patch("/timelines/pts", {"speed": 1})
        self.assertEqual(answer.json["change"], {"speed": 2})
        self.assertEqual(answer.json["timeline"], "pts")
        after = ts.hear(lambda message: message["timelineSpeedMultiplier"] == 2
                        and int(message["wallClockTime"]) >= at)
        self.assertLessEqual(abs(line_at(before, at) - line_at(after, at)), 2)
        self.assertEqual(self.tv.get("/scheduled"), {"scheduled": []})

    def test_a_change_that_comes_after_a_scheduled_one_has_the_last_word(self):
        raced = 0
        while raced < 20:
            self.tv.patch("/timelines/pts", {"speed": 1})
            pause = self.tv.patch("/timelines/pts", {"speed": 0, "in_s": 0.0005})
            if pause.status != 202:
                continue
            # Its time is over, but the timer of whole milliseconds may not have rung.
            while self.tv.wall_ns() <= pause.json["at_ns"]:
                pass
            play = self.tv.patch("/timelines/pts", {"speed": 1})
            self.assertEqual(play.json["speed"], 1)
            while self.tv.get("/scheduled")["scheduled"]:
                pass
            self.assertEqual(self.tv.get("/timelines/pts")["speed"], 1)
            raced += 1

    def test_no_seek_leads_where_nothing_can_be_changed_any_more(self):
        self.tv.post("/timelines", {"name": "fast", "selector": "urn:x:fast",
                                    "tick_rate": "4294967295"})
        for path in ("/timelines/fast", "/media"):
            for seek_s in (1e9, -1e9):
                with self.subTest(path=path, seek_s=seek_s):
                    for _ in range(20):
                        before = self.tv.get(path)
                        answer = self.tv.patch(path, {"seek_s": seek_s})
                        if answer.status != 200:
                            break
                    self.assert_refused(answer, 400, "seek_s", "range")
                    self.assertEqual(self.tv.get(path)["speed"], before["speed"])
                    self.assertEqual(self.tv.patch(path, {"speed": 0}).status, 200)
                    self.assertEqual(self.tv.patch(path, {"seek_s": -seek_s}).status, 200)
                    self.assertEqual(self.tv.patch(path, {"speed": 1}).status, 200)
            self.tv.patch("/timelines/fast", {"position_ticks": 0})
        self.tv.delete("/timelines/fast")
        for _ in range(20):
            answer = self.tv.patch("/media", {"seek_s": 1e9})
        self.assert_refused(answer, 400, "seek_s", "range")
        self.assertEqual(self.tv.patch("/media", {"speed": 0}).status, 200)

    def test_a_position_brings_a_timeline_back_that_ran_out_of_reach(self):
        self.tv.post("/timelines", {"name": "fast", "selector": "urn:x:fast",
                                    "tick_rate": "4294967295", "speed": 1000})
        for _ in range(10000):
            # As if the media had run since the wall clock began.
            self.tv.patch("/media", {"speed": 0})
            self.tv.patch("/media", {"speed": 1000, "at_ns": 0})
            if self.tv.patch("/timelines/fast", {"speed": 1000}).status == 400:
                break
        else:
            self.fail("it is within reach wherever it goes")
        answer = self.tv.patch("/timelines/fast", {"position_ticks": 5, "speed": 0})
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.json["position_ticks"], 5)
        self.assertEqual(self.tv.patch("/timelines/fast", {"speed": 1}).status, 200)

    def test_scheduled_changes_are_listed_in_order_and_cancelled(self):
        late = self.tv.patch("/timelines/pts", {"speed": 0, "in_s": 2000}).json["id"]
        soon = self.tv.patch("/media", {"seek_s": 5, "in_s": 1000}).json["id"]
        listed = self.tv.get("/scheduled")["scheduled"]
        self.assertEqual([(c["id"], c["timeline"]) for c in listed], [(soon, None), (late, "pts")])
        self.assertEqual(self.tv.delete(f"/scheduled/{soon}").status, 204)
        self.assert_refused(self.tv.delete(f"/scheduled/{soon}"), 404, None)
        self.assert_refused(self.tv.delete("/scheduled/x"), 404, None)
        self.tv.delete("/timelines/pts")
        self.assertEqual(self.tv.get("/scheduled"), {"scheduled": []})

    def test_there_is_an_end_to_what_can_be_scheduled(self):
        for _ in range(1000):
            self.assertEqual(self.tv.patch("/media", {"seek_s": 1, "in_s": 5000}).status, 202)
        self.assert_refused(self.tv.patch("/media", {"seek_s": 1, "in_s": 5000}), 409, None)
        self.assertEqual(self.tv.patch("/media", {"seek_s": 1}).status, 200)

    def test_the_media_carry_all_timelines(self):
        ts = self.ts()
        ts.hear()
        self.tv.patch("/media", {"speed": 0})
        ts.hear(lambda message: message["timelineSpeedMultiplier"] == 0)
        timeline = self.tv.get("/timelines/pts")
        self.assertEqual((timeline["speed"], timeline["effective_speed"]), (1, 0))
        self.tv.patch("/media", {"speed": 1, "seek_s": -1.5})
        ts.hear(lambda message: message["timelineSpeedMultiplier"] == 1)


class Programme(unittest.TestCase):
    def test_control_waits_until_it_is_stopped(self):
        with ControlledDaemon(content=False) as tv:
            self.assertEqual(tv.get("/programme"), {"running": True})
            for refused in (tv.patch("/content", {"contentId": "x"}),
                            tv.patch("/media", {"speed": 0}),
                            tv.patch("/timelines/pts", {"speed": 0}),
                            tv.delete("/timelines/pts"),
                            tv.post("/timelines", {"name": "x", "selector": "urn:x:y"})):
                self.assertEqual(refused.status, 409)
                self.assertIn("programme", refused.json["reason"])
            self.assertEqual(tv.patch("/endpoints/cii", {"max_connections": 5}).status, 200)
            self.assertEqual(tv.patch("/programme", {"running": False}).json, {"running": False})
            self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]],
                             ["pts", "temi", "mpd"])
            self.assertEqual(tv.patch("/content", {"contentId": "x"}).status, 200)
            self.assertEqual(tv.delete("/timelines/temi").status, 204)
            tv.post("/timelines", {"name": "mine", "selector": "urn:x:y", "tick_rate": "5"})
            self.assertEqual(tv.patch("/programme", {"running": True}).json, {"running": True})
            self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]],
                             ["pts", "temi", "mpd"])
            self.assertEqual(tv.stop()[0], 0)


if __name__ == "__main__":
    unittest.main()
