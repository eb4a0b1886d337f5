"""Requests to a daemon's control API, and a check of answers against its OpenAPI document."""

import http.client
import json
import os
import re
import socket
import tempfile

from processes import DEADLINE_S, Daemon

PTS = "urn:dvb:css:timeline:pts"
CONTENT = {"content.id": "dvb://1.2.3", "timeline.pts.selector": PTS}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def type(self):
        return (self.headers["Content-Type"] or "").split(";")[0]


def exchange(connection, method, path, body=None, headers=None):
    """One request; a body that is no bytes is sent as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class ControlledDaemon(Daemon):
    """dvbcssd with a control socket in a folder of its own, and content unless told otherwise."""

    def __init__(self, *arguments, settings=None, env=None, content=True, **options):
        self.folder = tempfile.TemporaryDirectory()
        self.socket_path = os.path.join(self.folder.name, "control.sock")
        chosen = {"control.socket": self.socket_path, **(CONTENT if content else {})}
        chosen.update(settings or {})
        try:
            super().__init__(*arguments, settings=chosen, env=env, **options)
        except BaseException:
            self.folder.cleanup()
            raise

    def __exit__(self, *details):
        super().__exit__(*details)
        self.folder.cleanup()

    def request(self, method, path, body=None, headers=None):
        return exchange(UnixConnection(self.socket_path), method, path, body, headers)

    def get(self, path):
        answer = self.request("GET", "/api/v1" + path)
        assert answer.status == 200, (path, answer.status, answer.text)
        return answer.json

    def patch(self, path, body):
        return self.request("PATCH", "/api/v1" + path, body)

    def post(self, path, body=None):
        return self.request("POST", "/api/v1" + path, b"" if body is None else body)

    def delete(self, path):
        return self.request("DELETE", "/api/v1" + path)


# ---- the document ------------------------------------------------------------------------------

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
# What the check below understands; a document that uses more must not pass unread.
KEYWORDS = {
    "$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "oneOf",
    "minimum", "maximum", "minLength", "maxLength", "pattern", "description", "default",
}


def violations(value, schema, document, where="$"):
    """What is wrong with a value by a JSON schema of the document, as a list of texts."""
    unknown = set(schema) - KEYWORDS
    if unknown:
        return [f"{where}: schema uses {sorted(unknown)}, which is not checked"]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return violations(value, document["components"]["schemas"][name], document, where)
    found = []
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(TYPES[t](value) for t in types):
        return [f"{where}: {value!r} is no {' or '.join(types)}"]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of {schema['enum']}")
    if "oneOf" in schema:
        fits = [s for s in schema["oneOf"] if not violations(value, s, document, where)]
        if len(fits) != 1:
            found.append(f"{where}: {value!r} fits {len(fits)} of oneOf")
    if TYPES["number"](value):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{where}: {value!r} is out of range")
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            found.append(f"{where}: {value!r} does not match {schema['pattern']}")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                found.append(f"{where}: {name} is missing")
        for name, member in value.items():
            if name in properties:
                found += violations(member, properties[name], document, f"{where}.{name}")
            elif schema.get("additionalProperties", True) is False:
                found.append(f"{where}: {name} is not described")
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            found += violations(item, schema["items"], document, f"{where}[{index}]")
    return found
