"""The OpenAPI document against the daemon: neither has what the other does not."""

import json
import os
import re
import time
import unittest

from control_client import ControlledDaemon, violations
from processes import DEADLINE_S
from raw_websocket import TEXT, RawWebSocket, frame

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
METHODS = ("get", "post", "put", "patch", "delete")
PTS = "urn:dvb:css:timeline:pts"

# For every operation: how it is brought to each of its statuses. Parameters of paths stand in
# them already.
EXCHANGES = [
    ("GET", "/healthz", "/healthz", None, 200),
    ("GET", "/metrics", "/metrics", None, 200),
    ("GET", "/api/v1/openapi.json", None, None, 200),
    ("GET", "/api/v1/status", None, None, 200),
    ("GET", "/api/v1/endpoints", None, None, 200),
    ("GET", "/api/v1/endpoints/{name}", "/api/v1/endpoints/ts", None, 200),
    ("GET", "/api/v1/endpoints/{name}", "/api/v1/endpoints/x", None, 404),
    ("PATCH", "/api/v1/endpoints/{name}", "/api/v1/endpoints/ts", {"max_connections": None}, 200),
    ("PATCH", "/api/v1/endpoints/{name}", "/api/v1/endpoints/ts", {"enabled": 1}, 400),
    ("PATCH", "/api/v1/endpoints/{name}", "/api/v1/endpoints/x", {}, 404),
    ("PATCH", "/api/v1/endpoints/{name}", "/api/v1/endpoints/ts", "text", 415),
    ("GET", "/api/v1/endpoints/{name}/connections", "/api/v1/endpoints/ts/connections", None, 200),
    ("GET", "/api/v1/endpoints/{name}/connections", "/api/v1/endpoints/x/connections", None, 404),
    ("GET", "/api/v1/connections", None, None, 200),
    ("GET", "/api/v1/connections/{id}", "/api/v1/connections/ts-1", None, 200),
    ("GET", "/api/v1/connections/{id}", "/api/v1/connections/cii-1", None, 200),
    ("GET", "/api/v1/connections/{id}", "/api/v1/connections/x", None, 404),
    ("POST", "/api/v1/connections/{id}/close", "/api/v1/connections/ts-1/close", {"code": 1}, 400),
    ("POST", "/api/v1/connections/{id}/close", "/api/v1/connections/x/close", {}, 404),
    ("POST", "/api/v1/connections/{id}/close", "/api/v1/connections/ts-1/close", "text", 415),
    ("POST", "/api/v1/connections/{id}/close", "/api/v1/connections/cii-1/close", {}, 204),
    ("GET", "/api/v1/content", None, None, 200),
    ("PATCH", "/api/v1/content", None, {"private": [{"type": "x"}], "teUrl": None}, 200),
    ("PATCH", "/api/v1/content", None, {"contentId": 1}, 400),
    ("PATCH", "/api/v1/content", None, "text", 415),
    ("GET", "/api/v1/timelines", None, None, 200),
    ("POST", "/api/v1/timelines", None,
     {"name": "x", "selector": "urn:x:y", "tick_rate": "5", "accuracy_s": 1}, 201),
    ("POST", "/api/v1/timelines", None, {"name": "x"}, 400),
    ("POST", "/api/v1/timelines", None,
     {"name": "x", "selector": "urn:x:y", "tick_rate": "5"}, 409),
    ("POST", "/api/v1/timelines", None, "text", 415),
    ("GET", "/api/v1/timelines/{name}", "/api/v1/timelines/x", None, 200),
    ("GET", "/api/v1/timelines/{name}", "/api/v1/timelines/y", None, 404),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/x", {"available": True}, 200),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/x",
     {"position_ticks": 1, "speed": 1.5, "available": False, "accuracy_s": None, "in_s": 999}, 202),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/x", {"speed": None}, 400),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/y", {"speed": 1}, 404),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/x", "text", 415),
    ("GET", "/api/v1/media", None, None, 200),
    ("PATCH", "/api/v1/media", None, {"speed": 1}, 200),
    ("PATCH", "/api/v1/media", None, {"seek_s": 1, "in_s": 999}, 202),
    ("PATCH", "/api/v1/media", None, {"available": True}, 400),
    ("PATCH", "/api/v1/media", None, "text", 415),
    ("GET", "/api/v1/scheduled", None, None, 200),
    ("DELETE", "/api/v1/scheduled/{id}", "/api/v1/scheduled/1", None, 204),
    ("DELETE", "/api/v1/scheduled/{id}", "/api/v1/scheduled/1", None, 404),
    ("DELETE", "/api/v1/timelines/{name}", "/api/v1/timelines/x", None, 204),
    ("DELETE", "/api/v1/timelines/{name}", "/api/v1/timelines/x", None, 404),
    ("GET", "/api/v1/adjustments", None, None, 200),
    ("PATCH", "/api/v1/adjustments", None, {"delay_ms": "late"}, 400),
    ("PATCH", "/api/v1/adjustments", None, "text", 415),
    ("PATCH", "/api/v1/adjustments", None, {"delay_ms": 12.5, "content_id_override": None}, 200),
    ("GET", "/api/v1/programme", None, None, 200),
    ("PATCH", "/api/v1/programme", None, {}, 400),
    ("PATCH", "/api/v1/programme", None, "text", 415),
    ("POST", "/api/v1/reload", None, None, 200),
    ("PATCH", "/api/v1/programme", None, {"running": True}, 200),
    # The programme runs from here on.
    ("PATCH", "/api/v1/content", None, {}, 409),
    ("PATCH", "/api/v1/media", None, {"speed": 1}, 409),
    ("PATCH", "/api/v1/timelines/{name}", "/api/v1/timelines/pts", {"speed": 1}, 409),
    ("DELETE", "/api/v1/timelines/{name}", "/api/v1/timelines/pts", None, 409),
    ("DELETE", "/api/v1/scheduled/{id}", "/api/v1/scheduled/1", None, 409),
    ("PATCH", "/api/v1/programme", None, {"running": False}, 200),
]
WHILE_A_PAGE_IS_THE_TELEVISION = [
    ("PATCH", "/api/v1/programme", None, {"running": True}, 409),
    ("PATCH", "/api/v1/content", None, {}, 409),
]
# Over TCP only (test_control_access.py), or a matter of the moment: a connection that closes while
# it is asked to, a configuration that turned bad (test_reload.py).
ELSEWHERE = {401, 403}
NOT_HERE = {("POST", "/api/v1/connections/{id}/close", 409), ("POST", "/api/v1/reload", 409)}


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tv = ControlledDaemon()
        cls.document = cls.tv.get("/openapi.json")

    @classmethod
    def tearDownClass(cls):
        try:
            code, said = cls.tv.stop()
            assert code == 0, said
        finally:
            cls.tv.__exit__(None, None, None)

    def test_the_daemon_serves_the_document_of_the_sources(self):
        with open(os.path.join(ROOT, "docs", "openapi", "dvbcssd.json"), encoding="utf-8") as file:
            self.assertEqual(json.load(file), self.document)
        self.assertRegex(self.document["openapi"], r"^3\.1\.")

    def test_the_table_of_routes_has_the_same_operations(self):
        source = os.path.join(ROOT, "tools", "dvbcssd", "api_routes.c")
        with open(source, encoding="utf-8") as file:
            routes = re.findall(r'\{"([A-Z]+)", "(/[^"]*)"', file.read())
        self.assertEqual(sorted(routes), sorted((m, p) for m, p, _ in operations(self.document)))

    def test_every_path_answers_with_exactly_its_methods(self):
        for path, item in self.document["paths"].items():
            with self.subTest(path=path):
                answer = self.tv.request("OPTIONS", re.sub(r"\{\w+\}", "x", path))
                self.assertEqual(answer.status, 204)
                self.assertEqual({m.strip() for m in answer.headers["Allow"].split(",")},
                                 {m.upper() for m in METHODS if m in item})

    def test_every_operation_has_a_name_a_summary_and_its_parameters(self):
        names = [operation["operationId"] for _, _, operation in operations(self.document)]
        self.assertEqual(len(names), len(set(names)))
        for _, path, operation in operations(self.document):
            self.assertTrue(operation["summary"])
            wanted = re.findall(r"\{(\w+)\}", path)
            found = [p["name"] for p in self.document["paths"][path].get("parameters", [])]
            self.assertEqual(found, wanted)

    def test_every_schema_is_used(self):
        text = json.dumps(self.document)
        for name in self.document["components"]["schemas"]:
            self.assertIn(f'"#/components/schemas/{name}"', text)


class Answers(unittest.TestCase):
    def check(self, operation, answer):
        described = operation["responses"][str(answer.status)]
        content = described.get("content")
        if content is None:
            self.assertEqual(answer.text, "")
            return
        self.assertEqual([answer.type], list(content))
        if answer.type == "application/json":
            schema = content["application/json"]["schema"]
            self.assertEqual(violations(answer.json, schema, self.document), [])

    def check_request(self, operation, body, status):
        """What the API takes, the document takes; not the other way round: a schema is no code."""
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json")
        self.assertEqual(body is not None, schema is not None or "requestBody" in operation)
        if isinstance(body, dict) and status < 300:
            self.assertEqual(violations(body, schema["schema"], self.document), [])

    def bring_about(self, tv, exchanges):
        described = {(m, p): o for m, p, o in operations(self.document)}
        for method, path, at, body, status in exchanges:
            with self.subTest(method=method, path=path, status=status):
                kind = {"Content-Type": "text/plain"} if body == "text" else None
                raw = b"text" if body == "text" else body
                if method == "POST" and body is None:
                    raw, kind = b"", None
                answer = tv.request(method, at or path, raw, kind)
                self.assertEqual(answer.status, status, answer.text)
                self.check(described[(method, path)], answer)
                self.check_request(described[(method, path)], body, status)
                self.done.add((method, path, status))

    def send_bodies_that_nobody_expects(self, tv):
        for method, path, operation in operations(self.document):
            if "requestBody" not in operation:
                with self.subTest(method=method, path=path):
                    answer = tv.request(method, re.sub(r"\{\w+\}", "x", path), {})
                    self.assertEqual(answer.status, 400, answer.text)
                    self.check(operation, answer)
                    self.done.add((method, path, 400))

    def present(self, tv, page):
        page.handshake()
        page.send(frame(TEXT, b'{"cii": {"contentId": "dvb://1"}}'))
        end = time.monotonic() + DEADLINE_S
        while tv.get("/status")["page"]["state"] != "presented":
            self.assertLess(time.monotonic(), end)

    def test_each_status_of_each_operation_is_as_described(self):
        self.done = set()
        with ControlledDaemon() as tv:
            self.document = tv.get("/openapi.json")
            with RawWebSocket(tv.urls["cii"]) as cii, RawWebSocket(tv.urls["ts"]) as ts:
                cii.handshake()
                ts.handshake()
                ts.send(frame(TEXT, json.dumps({"contentIdStem": "",
                                                "timelineSelector": PTS}).encode()))
                ts.receive_text()
                ts.send(frame(TEXT, b'{"earliest": {"contentTime": "1", "wallClockTime": "2"},'
                                    b'"latest": {"contentTime": "1", "wallClockTime": '
                                    b'"plusinfinity"}}'))
                self.bring_about(tv, EXCHANGES)
            self.send_bodies_that_nobody_expects(tv)
            with RawWebSocket(tv.urls["page"]) as page:
                self.present(tv, page)
                self.bring_about(tv, WHILE_A_PAGE_IS_THE_TELEVISION)
            self.assertEqual(tv.stop()[0], 0)
        every = {(m, p, int(s)) for m, p, o in operations(self.document) for s in o["responses"]
                 if int(s) not in ELSEWHERE}
        self.assertEqual(every - self.done, NOT_HERE)

    def test_the_check_of_schemas_can_fail(self):
        schema = {"type": "object", "additionalProperties": False, "required": ["a"],
                  "properties": {"a": {"type": "integer", "minimum": 1}}}
        self.assertEqual(violations({"a": 1}, schema, {}), [])
        for wrong in ({}, {"a": 0}, {"a": True}, {"a": 1.5}, {"a": 1, "b": 2}, [], None):
            self.assertNotEqual(violations(wrong, schema, {}), [])


if __name__ == "__main__":
    unittest.main()
