"""Python's websockets (other people's WebSocket client) against dvbcssd: connect, set up, limits,
refusals and close codes, seen from outside."""

import asyncio
import json
import os
import signal
import unittest
import urllib.error
import urllib.request

import websockets

from processes import Daemon

PTS = "urn:dvb:css:timeline:pts"
DEADLINE_S = 20

SETTINGS = {
    "content.id": "dvb://233a.1004.1044",
    "timeline.pts.selector": PTS,
    "timeline.pts.start": "900000",
    "ts.max_connections": "3",
    "cii.max_connections": "2",
}


def daemon(**settings):
    return Daemon(settings={**SETTINGS, **settings})


async def receive(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))


async def closed(socket):
    """Waits for the close and returns its code."""
    await asyncio.wait_for(socket.wait_closed(), DEADLINE_S)
    return socket.close_code


def setup(stem="", selector=PTS):
    return json.dumps({"contentIdStem": stem, "timelineSelector": selector})


class Cii(unittest.IsolatedAsyncioTestCase):
    async def test_the_full_state_comes_at_once(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["cii"]) as socket:
                message = await receive(socket)
        self.assertEqual(message["protocolVersion"], "1.1")
        self.assertEqual(message["contentId"], "dvb://233a.1004.1044")
        self.assertEqual(message["contentIdStatus"], "final")
        self.assertEqual(message["presentationStatus"], "okay")
        self.assertIsNone(message["mrsUrl"])
        self.assertIsNone(message["teUrl"])
        self.assertEqual(message["wcUrl"], tv.urls["wc"])
        self.assertEqual(message["tsUrl"], tv.urls["ts"])
        timeline = message["timelines"][0]
        self.assertEqual(timeline["timelineSelector"], PTS)
        self.assertEqual(
            timeline["timelineProperties"], {"unitsPerTick": 1, "unitsPerSecond": 90000}
        )

    async def test_urls_name_the_address_that_was_reached(self):
        with daemon(**{"http.address": "0.0.0.0", "wallclock.address": "0.0.0.0"}) as tv:
            port = tv.urls["cii"].rsplit(":", 1)[1].split("/")[0]
            async with websockets.connect(f"ws://127.0.0.2:{port}/cii") as socket:
                message = await receive(socket)
        self.assertEqual(message["tsUrl"], f"ws://127.0.0.2:{port}/ts")
        self.assertTrue(message["wcUrl"].startswith("udp://127.0.0.2:"))

    async def test_what_a_client_says_is_ignored(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["cii"]) as socket:
                await receive(socket)
                await socket.send("hello")
                await socket.send("[" * 1000)
                await asyncio.wait_for(await socket.ping(), DEADLINE_S)

    async def test_one_too_many_is_answered_503_with_retry_after(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["cii"]) as one:
                async with websockets.connect(tv.urls["cii"]) as two:
                    with self.assertRaises(websockets.InvalidStatusCode) as refused:
                        await websockets.connect(tv.urls["cii"])
                    self.assertEqual(refused.exception.status_code, 503)
                    self.assertIn("retry-after", refused.exception.headers)
                    await receive(one)
                    await receive(two)
                async with websockets.connect(tv.urls["cii"]) as again:
                    await receive(again)

    async def test_the_end_of_the_daemon_is_1001(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["cii"]) as cii:
                async with websockets.connect(tv.urls["ts"]) as ts:
                    await receive(cii)
                    tv.signal(signal.SIGTERM)
                    self.assertEqual(await closed(cii), 1001)
                    self.assertEqual(await closed(ts), 1001)
                    self.assertEqual(tv.wait(), 0)


class Refusals(unittest.IsolatedAsyncioTestCase):
    async def test_a_disabled_endpoint_is_403(self):
        with daemon(**{"ts.enabled": "false"}) as tv:
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await websockets.connect(tv.urls["cii"].replace("/cii", "/ts"))
            self.assertEqual(refused.exception.status_code, 403)

    async def test_an_unknown_path_is_404(self):
        with daemon() as tv:
            with self.assertRaises(websockets.InvalidStatusCode) as refused:
                await websockets.connect(tv.urls["cii"] + "/x")
            self.assertEqual(refused.exception.status_code, 404)

    async def test_plain_http_is_told_what_it_met(self):
        with daemon() as tv:
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(tv.urls["http"] + "/cii", timeout=DEADLINE_S)
            with refused.exception as answer:
                self.assertEqual(answer.code, 426)
                self.assertEqual(answer.headers["Upgrade"].lower(), "websocket")
                self.assertIn("WebSocket", answer.read().decode())


class Ts(unittest.IsolatedAsyncioTestCase):
    async def test_setup_is_answered_with_the_position(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                await socket.send(setup())
                message = await receive(socket)
                wall = tv.wall_ns()
        self.assertEqual(message["timelineSpeedMultiplier"], 1)
        self.assertRegex(message["contentTime"], r"^[1-9][0-9]*$")
        age_s = (wall - int(message["wallClockTime"])) / 1e9
        self.assertGreaterEqual(age_s, 0)
        self.assertLess(age_s, DEADLINE_S)
        self.assertGreaterEqual(int(message["contentTime"]), 900000)

    async def test_another_content_or_selector_is_unavailable(self):
        with daemon() as tv:
            for text in (setup(stem="dvb://ffff"), setup(selector="urn:example:none")):
                async with websockets.connect(tv.urls["ts"]) as socket:
                    await socket.send(text)
                    message = await receive(socket)
                    self.assertIsNone(message["contentTime"])
                    self.assertIsNone(message["timelineSpeedMultiplier"])
                    self.assertRegex(message["wallClockTime"], r"^[1-9][0-9]*$")

    async def test_a_second_setup_configures_anew(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                await socket.send(setup(selector="urn:example:none"))
                self.assertIsNone((await receive(socket))["contentTime"])
                await socket.send(setup())
                self.assertIsNotNone((await receive(socket))["contentTime"])

    async def test_nonsense_is_ignored_and_the_connection_lives(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                for text in ("", "nonsense", "{}", "[]", "5", '{"timelineSelector": 5}'):
                    await socket.send(text)
                await socket.send('{"timelineSelector":"%s"}' % PTS)
                self.assertIsNotNone((await receive(socket))["contentTime"])
                await socket.send('{"earliest": 3}')
                await asyncio.wait_for(await socket.ping(), DEADLINE_S)

    async def test_it_is_sent_again_on_the_same_line(self):
        with daemon(**{"ts.resend": "0.1"}) as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                await socket.send(setup())
                messages = [await receive(socket) for _ in range(4)]
        walls = [int(message["wallClockTime"]) for message in messages]
        self.assertEqual(walls, sorted(set(walls)))
        first = messages[0]
        for message in messages[1:]:
            ticks = int(message["contentTime"]) - int(first["contentTime"])
            elapsed = int(message["wallClockTime"]) - int(first["wallClockTime"])
            self.assertAlmostEqual(ticks, elapsed * 90000 / 1e9, delta=1.01)

    async def test_json_that_is_marked_as_binary_is_understood(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                await socket.send(bytes(range(256)))
                await socket.send(setup().encode())
                self.assertIsNotNone((await receive(socket))["contentTime"])

    async def test_a_message_that_is_too_long_is_refused_with_1009(self):
        with daemon() as tv:
            async with websockets.connect(tv.urls["ts"]) as socket:
                await socket.send("x" * 1_000_000)
                self.assertEqual(await closed(socket), 1009)


if __name__ == "__main__":
    unittest.main()
