"""What the commands make of a television that says odd things."""

import contextlib
import http.server
import json
import os
import subprocess
import threading
import unittest

from odd_tv import PTS, OddTv, timeline
from processes import DEADLINE_S

DVBCSS = os.environ["DVBCSS"]
ESCAPES = "\x1b]0;owned\x07\x1b[31m\x7f\x9b2J\nforged"
HARMLESS = r"\x1b]0;owned"

DEVICE = """<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device>
<deviceType>urn:schemas-upnp-org:device:tvdevice:1</deviceType>
<friendlyName>Toy&#x9b; TV</friendlyName><manufacturer>m</manufacturer><modelName>n</modelName>
<UDN>uuid:00000000-0000-4000-8000-000000000001</UDN></device></root>"""
APPLICATION = """<?xml version="1.0"?><service xmlns="urn:dial-multiscreen-org:schemas:dial"
xmlns:h="urn:hbbtv:HbbTVCompanionScreen:2014" dialVer="1.7"><name>HbbTV</name>
<options allowStop="false"/><state>running</state><additionalData>
<h:X_HbbTV_InterDevSyncURL>{}</h:X_HbbTV_InterDevSyncURL></additionalData></service>"""


@contextlib.contextmanager
def description(cii_url):
    """The location of a device description that leads to `cii_url`."""

    class Documents(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (DEVICE if self.path == "/dd.xml" else APPLICATION.format(cii_url)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Application-URL",
                             f"http://127.0.0.1:{self.server.server_port}/apps")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/dd.xml"
        finally:
            server.shutdown()
            thread.join()


def dvbcss(*arguments):
    done = subprocess.run([DVBCSS, *arguments], capture_output=True, timeout=DEADLINE_S,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Terminal(unittest.TestCase):
    def check(self, *arguments, codes=(0,)):
        code, out, err = dvbcss(*arguments)
        self.assertIn(code, codes, err)
        for text in (out, err):
            for control in "\x1b\x07\x7f\x9b":
                self.assertNotIn(control, text, arguments)
            self.assertNotRegex(text, "(?m)^forged", arguments)
        return out + err

    def test_companion_shows_no_escapes_of_a_tv(self):
        with OddTv({"timelines": [timeline(ESCAPES)]}) as tv:
            self.assertIn(HARMLESS, self.check("companion", "-n", "1", "-i", "0.05", tv.url))

    def test_cii_shows_no_escapes_of_a_tv(self):
        with OddTv({"contentId": ESCAPES, "presentationStatus": ESCAPES}) as tv:
            self.assertIn("owned", self.check("cii", "-n", "1", tv.url))

    def test_what_is_not_understood_is_shown_without_escapes(self):
        with OddTv({"timelines": ESCAPES}) as tv:
            self.check("cii", "-t", "1", tv.url, codes=(3,))
        with OddTv(control=lambda wall_ns: {"contentTime": ESCAPES, "wallClockTime": "1",
                                            "timelineSpeedMultiplier": 1}) as tv:
            self.check("ts", "-t", "1", f"ws://127.0.0.1:{tv.port}/ts",
                       f"udp://127.0.0.1:{tv.clock_port}", "", PTS, "90000", codes=(3,))

    def test_doctor_shows_no_escapes_of_a_tv(self):
        with OddTv({"contentIdStatus": ESCAPES, "protocolVersion": ESCAPES,
                    "timelines": [timeline(ESCAPES)]}) as tv:
            self.assertIn(HARMLESS, self.check("doctor", "--observe", "0.2", tv.url, codes=(1,)))

    def test_decode_shows_no_escapes_of_a_message(self):
        for message in ({"contentIdStem": ESCAPES, "timelineSelector": ESCAPES},
                        {"contentId": ESCAPES, "presentationStatus": "a " + ESCAPES,
                         "timelines": [timeline(ESCAPES)]},
                        {"contentTime": ESCAPES, "timelineSpeedMultiplier": 1},
                        {"private": [{"type": ESCAPES}]}):
            for raw in (True, False):
                self.check("decode", json.dumps(message, ensure_ascii=raw), codes=(0, 1))

    def test_discover_shows_no_escapes_of_a_tv(self):
        with OddTv({"contentId": ESCAPES, "timelines": [timeline(ESCAPES)]}) as tv:
            with description(tv.url) as location:
                said = self.check("discover", location)
                self.assertIn(HARMLESS, said)
                self.assertIn("Toy\\xc2\\x9b TV", said)

    def test_names_of_devices_keep_their_letters(self):
        _, out, _ = dvbcss("decode", json.dumps({"contentId": "Küche 電視 😀"}, ensure_ascii=False))
        self.assertIn("Küche 電視 😀", out)


class Tolerance(unittest.TestCase):
    def positions(self, tv, *arguments):
        code, out, err = dvbcss("companion", "--json", "-n", "2", "-i", "0.05", "-t", "20",
                                *arguments, tv.url)
        self.assertEqual(code, 0, err + out)
        return [json.loads(line) for line in out.splitlines()]

    def findings(self, tv, *arguments):
        code, out, _ = dvbcss("doctor", "--json", "--observe", "0.2", *arguments, tv.url)
        lines = [json.loads(line) for line in out.splitlines()]
        return code, {line["id"]: line for line in lines if line["event"] == "finding"}

    def test_without_a_list_companion_and_doctor_ask_for_pts(self):
        with OddTv({"timelines": None}) as tv:
            self.assertIn(PTS, {line.get("selector") for line in self.positions(tv)})
            code, found = self.findings(tv)
            self.assertEqual(code, 1)
            self.assertNotIn("empty", found["timelines-null"]["advice"])
            self.assertIn("timeline-good", found)
            self.assertEqual({setup["timelineSelector"] for setup in tv.setups}, {PTS})

    def test_one_timeline_nobody_could_follow_does_not_hide_the_others(self):
        with OddTv({"timelines": [timeline("urn:dvb:css:timeline:temi:1:1", 0), timeline()]}) as tv:
            self.assertIn(PTS, {line.get("selector") for line in self.positions(tv)})
            self.assertIn("is 0 and has", self.findings(tv)[1]["member-value"]["text"])

    def test_numbers_beyond_64_bits_do_not_hide_the_rest(self):
        with OddTv({"private": [{"type": "urn:x", "id": 2**64 - 1}]}) as tv:
            self.positions(tv)

    def test_times_with_fractions_are_followed(self):
        with OddTv(control=lambda wall_ns: {"contentTime": f"{wall_ns * 9e-5:.3f}",
                                            "wallClockTime": str(wall_ns),
                                            "timelineSpeedMultiplier": 1}) as tv:
            self.positions(tv)

    def test_doctor_compares_whole_addresses(self):
        with OddTv({"tsUrl": "ws://127.0.0.1.invalid:1/ts"}) as tv:
            self.assertIn("127.0.0.1.invalid", self.findings(tv)[1]["host-other"]["text"])

    def test_doctor_blames_the_options_of_tls_by_their_name(self):
        for option, value in (("--ca-file", "/nonexistent"), ("--pin", "abc")):
            code, out, err = dvbcss("doctor", option, value, "wss://127.0.0.1:1/cii")
            self.assertEqual(code, 2, out)
            self.assertNotIn("url-malformed", out)
            self.assertIn(f"{option}: ", err)
            self.assertRegex(err, r": \S.+\n\Z")


if __name__ == "__main__":
    unittest.main()
