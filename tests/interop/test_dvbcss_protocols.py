"""npm dvbcss-protocols with dvbcss-clocks: its CII, TS and wall-clock clients against dvbcssd,
its UDP wall-clock server against our client. Positions are compared with the daemon's own, by the
clocks of the machine that both run on."""

import asyncio
import json
import os
import unittest

import websockets

from processes import Daemon, Program, convert_clock

PEER = os.path.join(os.environ["INTEROP_DIR"], "dvbcss-protocols")
DVBCSS = os.environ["DVBCSS"]
PTS = "urn:dvb:css:timeline:pts"
RATE = 90000
# Their clocks tick in milliseconds; this covers reading two clocks one after the other, and a tick.
READING_S = 0.0005


async def control_timestamp(url):
    async with websockets.connect(url) as socket:
        await socket.send(json.dumps({"contentIdStem": "", "timelineSelector": PTS}))
        return json.loads(await asyncio.wait_for(socket.recv(), 20))


class Companion(unittest.TestCase):
    SETTINGS = {
        "content.id": "dvb://233a.1004.1044",
        "timeline.pts.selector": PTS,
        "timeline.pts.start": "900000",
    }

    def companion(self, tv):
        script = os.path.join(PEER, "companion.js")
        return Program(["node", script, tv.urls["cii"], PTS, str(RATE), "50"])

    def test_it_reaches_the_position_within_its_claimed_bound(self):
        with Daemon(settings=self.SETTINGS) as tv, self.companion(tv) as companion:
            cii = companion.json(lambda line: line["event"] == "cii")
            self.assertEqual(cii["contentId"], "dvb://233a.1004.1044")
            self.assertEqual(cii["presentationStatus"], "okay")
            for _ in range(20):
                line = companion.json(lambda line: line["event"] == "position" and line["available"])
                wall = tv.wall_ns_at(int(line["monotonic_ns"]))
                self.assert_within(line, wall, asyncio.run(control_timestamp(tv.urls["ts"])))

    def assert_within(self, line, wall, timestamp):
        elapsed = wall - int(timestamp["wallClockTime"])
        true = int(timestamp["contentTime"]) + elapsed * RATE / 1e9
        error_s = abs(line["position"] - true) / RATE
        self.assertLessEqual(error_s, line["bound_s"] + READING_S, line)
        wall_error_s = abs(line["wall_ns"] - wall) / 1e9
        self.assertLessEqual(wall_error_s, line["wall_bound_s"] + READING_S, line)
        self.assertLess(line["bound_s"], 0.1)

    def test_it_sees_the_end_of_the_daemon_as_1001(self):
        with Daemon(settings=self.SETTINGS) as tv, self.companion(tv) as companion:
            companion.json(lambda line: line["event"] == "position" and line["available"])
            self.assertEqual(tv.stop()[0], 0)
            closed = companion.json(lambda line: line["event"] == "cii-closed")
            self.assertEqual(closed["code"], 1001)

    def test_it_follows_the_demo_programme(self):
        settings = {"programme.demo": "true", "programme.step": "0.5"}
        with Daemon(settings=settings) as tv, self.companion(tv) as companion:
            playing = lambda line: line["event"] == "position" and line["available"]  # noqa: E731
            companion.json(lambda line: playing(line) and line["speed"] == 1)
            companion.json(lambda line: playing(line) and line["speed"] == 0)
            companion.json(lambda line: playing(line) and line["speed"] == 1)
            changed = companion.json(
                lambda line: line["event"] == "cii" and "contentId" in line["changed"]
            )
            self.assertTrue(changed["contentId"])


class WallClockOverWebSocket(unittest.TestCase):
    """Its clients by binary frames and by JSON, against dvbcssd."""

    def follow(self, path, kind):
        with Daemon(settings={"wc_ws.answers_per_second": "0"}) as tv:
            url = path(tv.urls)
            script = os.path.join(PEER, "wall_clock_ws_client.js")
            with Program(["node", script, url, kind, "50"]) as client:
                for _ in range(20):
                    line = client.json(lambda line: line["available"])
                    error_s = abs(line["wall_ns"] - tv.wall_ns_at(int(line["monotonic_ns"]))) / 1e9
                    self.assertLessEqual(error_s, line["bound_s"] + READING_S, line)
                    self.assertLess(line["bound_s"], 0.1)

    def test_binary_frames_keep_its_clock_within_its_bound(self):
        self.follow(lambda urls: urls["wc_ws"], "binary")

    def test_json_keeps_its_clock_within_its_bound(self):
        self.follow(lambda urls: urls["wc_ws"], "json")

    def test_the_compatibility_channel_serves_it_as_well(self):
        self.follow(lambda urls: urls["app2app"] + "hbbtv-sync-wc", "json")


class WallClockServer(unittest.TestCase):
    def follow(self, *arguments):
        script = os.path.join(PEER, "wall_clock_server.js")
        with Program(["node", script, *arguments]) as server:
            port = server.json()["port"]
            command = [DVBCSS, "wc", f"udp://127.0.0.1:{port}", "--json", "--count", "8"]
            with Program(command) as client:
                for _ in range(8):
                    line = client.json(lambda line: line["event"] == "clock" and line["available"])
                    self.assert_within(line, server.json(lambda line: "wall_ns" in line))
                self.assertEqual(client.wait(), 0)

    def assert_within(self, line, truth):
        then = convert_clock(line["local_ns"], "CLOCK_MONOTONIC_RAW", "CLOCK_MONOTONIC")
        true = truth["wall_ns"] + then - int(truth["monotonic_ns"])
        # Their statement of the time is a millisecond coarse, too.
        error_s = abs(line["wall_ns"] - true) / 1e9
        self.assertLessEqual(error_s, line["bound_s"] + 0.001 + READING_S, (line, truth))
        self.assertLess(line["bound_s"], 0.1)

    def test_plain_answers_are_followed(self):
        self.follow()

    def test_follow_ups_are_followed(self):
        self.follow("follow-up")


if __name__ == "__main__":
    unittest.main()
