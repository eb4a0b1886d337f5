"""What companions need beside plain DVB-CSS: the compatibility channels below the App2App URL, URLs
behind NAT and reverse proxies, another content id, and calibration.

The client of the channels here knows what they promise and nothing of dvbcssd.
"""

import asyncio
import json
import re
import subprocess
import tempfile
import time
import unittest
from urllib.parse import urlsplit

import websockets

from certificates import Certificate
from control_client import ControlledDaemon
from network import Machine, require_namespaces
from processes import Program
from test_discovery import tv_command

PTS = "urn:dvb:css:timeline:pts"
DEADLINE_S = 30
FILM = "https://example.org/film.mpd"
NS = 1_000_000_000


def soon(waiting):
    return asyncio.wait_for(waiting, DEADLINE_S)


class ChannelClient:
    """A companion that knows the App2App URL only; `trust` is an SSL context for wss."""

    def __init__(self, app2app, trust=None):
        self.base = app2app.rstrip("/")
        self.trust = trust
        self.cii = {}

    async def connect(self, url):
        return await websockets.connect(url, ssl=self.trust)

    async def __aenter__(self):
        self.sockets = [await self.connect(self.base + "/hbbtv-sync-cii")]
        await self.learn()
        for member, channel in (("wcUrl", "hbbtv-sync-wc"), ("tsUrl", "hbbtv-sync-ts")):
            parts = urlsplit(self.cii[member])
            assert parts.scheme in ("ws", "wss"), self.cii
            assert parts.path.endswith("/" + channel), self.cii
        self.sockets.append(await self.connect(self.cii["wcUrl"]))
        self.sockets.append(await self.connect(self.cii["tsUrl"]))
        return self

    async def __aexit__(self, *_):
        for connection in self.sockets:
            await connection.close()

    async def learn(self):
        """Takes the next message of CII in."""
        while True:
            text = await soon(self.sockets[0].recv())
            assert isinstance(text, str)
            if text != "pairingcompleted":
                self.cii.update(json.loads(text))
                return self.cii

    async def measure(self, number):
        """One exchange with the wall clock: the least and the most it can have shown at a local
        time, which is returned with them."""
        sent = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        request = {"v": 0, "t": 0, "p": -50, "mfe": 50, "id": number, "ot": float(sent)}
        await self.sockets[1].send(json.dumps(request))
        answer = json.loads(await soon(self.sockets[1].recv()))
        received = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        assert answer["t"] == 1 and answer["id"] == number, answer
        assert answer["ot"] == request["ot"], answer
        return int(answer["rt"]) - sent, received - int(answer["tt"])

    async def ask_for_pts(self):
        await self.sockets[2].send(json.dumps({"timelineSelector": PTS}))
        return await self.position()

    async def position(self):
        """The next control timestamp, as its line: a function of the wall clock; None for none."""
        message = json.loads(await soon(self.sockets[2].recv()))
        if message["timelineSpeedMultiplier"] is None:
            return None
        content, wall = int(message["contentTime"]), int(message["wallClockTime"])
        speed = message["timelineSpeedMultiplier"]
        return lambda at_ns: content + (at_ns - wall) * 90000 * speed / NS


def daemon(**settings):
    chosen = {"content.id": FILM, "timeline.pts.selector": PTS, "ts.resend": "0"}
    return ControlledDaemon(
        content=False,
        settings=chosen | {name.replace("__", "."): value for name, value in settings.items()},
    )


class Channels(unittest.TestCase):
    def test_a_companion_gets_all_by_the_three_channels(self):
        async def companion(tv):
            async with ChannelClient(tv.urls["app2app"]) as client:
                self.assertEqual(client.cii["contentId"], FILM)
                self.assertEqual(client.cii["contentIdStatus"], "final")
                self.assertEqual(client.cii["presentationStatus"], "okay")
                self.assertIn(PTS, [line["timelineSelector"] for line in client.cii["timelines"]])
                for number in range(10):
                    there, back = await client.measure(number)
                    self.assertGreaterEqual(there, 0)
                    self.assertGreaterEqual(back, 0)
                line = await client.ask_for_pts()
                now = tv.wall_ns()
                state = tv.get("/timelines/pts")
                expected = state["position_ticks"] + (now - state["wall_clock_ns"]) * 90000 / NS
                self.assertAlmostEqual(line(now), expected, delta=2)

        with daemon() as tv:
            asyncio.run(companion(tv))

    def test_changes_reach_the_channels(self):
        async def companion(tv):
            async with ChannelClient(tv.urls["app2app"]) as client:
                urls = client.cii["wcUrl"], client.cii["tsUrl"]
                self.assertIsNotNone(await client.ask_for_pts())
                tv.request("PATCH", "/api/v1/timelines/pts", {"speed": 0})
                stopped = await client.position()
                self.assertEqual(stopped(0), stopped(10 * NS))
                tv.request("PATCH", "/api/v1/timelines/pts", {"available": False})
                self.assertIsNone(await client.position())
                other = "https://example.org/other.mpd"
                tv.request("PATCH", "/api/v1/content", {"contentId": other})
                while (await client.learn())["contentId"] != other:
                    pass
                self.assertEqual((client.cii["wcUrl"], client.cii["tsUrl"]), urls)

        with daemon() as tv:
            asyncio.run(companion(tv))

    def test_every_message_is_the_whole_state(self):
        async def companion(tv):
            async with websockets.connect(tv.urls["app2app"] + "hbbtv-sync-cii") as cii:
                self.assertEqual(await soon(cii.recv()), "pairingcompleted")
                first = json.loads(await soon(cii.recv()))
                tv.request("PATCH", "/api/v1/content", {"presentationStatus": "transitioning"})
                second = json.loads(await soon(cii.recv()))
                self.assertEqual(set(first), set(second))
                self.assertEqual(second["presentationStatus"], "transitioning")

        with daemon() as tv:
            asyncio.run(companion(tv))

    def test_native_and_channel_companions_are_told_the_same_and_their_own_urls(self):
        async def both(tv):
            async with websockets.connect(tv.urls["cii"]) as native:
                said = json.loads(await soon(native.recv()))
                async with ChannelClient(tv.urls["app2app"]) as client:
                    self.assertTrue(said["wcUrl"].startswith("udp://"))
                    self.assertTrue(said["tsUrl"].endswith("/ts"))
                    for member in set(said) - {"wcUrl", "tsUrl"}:
                        self.assertEqual(said[member], client.cii[member], member)

        with daemon() as tv:
            asyncio.run(both(tv))

    def test_without_them_their_names_are_a_page_s_to_take(self):
        with daemon(app2app__compatibility="false") as tv:
            for channel in ("cii", "wc", "ts"):
                url = f"{tv.urls['app2app']}hbbtv-sync-{channel}"
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    asyncio.run(self.open(url))
                self.assertEqual(refused.exception.status_code, 403)

    async def open(self, url):
        async with websockets.connect(url):
            pass

    def test_by_tls_they_lead_to_each_other_by_tls(self):
        async def companion(tv, trust):
            base = tv.urls["https"].replace("https", "wss") + "/app2app"
            async with ChannelClient(base, trust) as client:
                self.assertEqual(client.cii["wcUrl"], base + "/hbbtv-sync-wc")
                self.assertEqual(client.cii["tsUrl"], base + "/hbbtv-sync-ts")
                there, back = await client.measure(1)
                self.assertTrue(there >= 0 and back >= 0)
                self.assertIsNotNone(await client.ask_for_pts())

        with tempfile.TemporaryDirectory() as folder:
            certificate = Certificate(folder)
            settings = {
                "tls__enabled": "true",
                "tls__address": "127.0.0.1",
                "tls__port": "0",
                "tls__certificate": certificate.certificate,
                "tls__key": certificate.key,
            }
            with daemon(**settings) as tv:
                asyncio.run(companion(tv, certificate.trust()))

    def test_control_counts_who_is_on_them(self):
        async def companion(tv):
            async with ChannelClient(tv.urls["app2app"]) as client:
                await client.ask_for_pts()
                there = {c["endpoint"]: c for c in tv.get("/connections")["connections"]}
                self.assertEqual(set(there), {"compat_cii", "compat_wc", "compat_ts"})
                self.assertTrue(there["compat_cii"]["cii"]["up_to_date"])
                self.assertEqual(there["compat_ts"]["ts"]["asked_for"]["timeline_selector"], PTS)

        with daemon() as tv:
            asyncio.run(companion(tv))


class Told:
    """What CII says to who connects now."""

    def __init__(self, url):
        self.cii = asyncio.run(self.ask(url))

    async def ask(self, url):
        async with websockets.connect(url) as cii:
            while True:
                text = await soon(cii.recv())
                if text != "pairingcompleted":
                    return json.loads(text)


class Adjusted(unittest.TestCase):
    def test_urls_name_what_is_to_be_advertised(self):
        with daemon(
            http__advertise_host="tv.example",
            http__advertise_port="8443",
            wallclock__advertise_port="16677",
        ) as tv:
            native = Told(tv.urls["cii"]).cii
            self.assertEqual(native["wcUrl"], "udp://tv.example:16677")
            self.assertEqual(native["tsUrl"], "ws://tv.example:8443/ts")
            channels = Told(tv.urls["app2app"] + "hbbtv-sync-cii").cii
            self.assertEqual(channels["wcUrl"], "ws://tv.example:8443/app2app/hbbtv-sync-wc")
            self.assertEqual(channels["tsUrl"], "ws://tv.example:8443/app2app/hbbtv-sync-ts")

    def test_discovery_names_what_is_to_be_advertised(self):
        require_namespaces()
        with Machine() as machine:
            command = tv_command(
                "http.address=127.0.0.1",
                "discovery.interfaces=lo",
                "http.advertise_host=tv.example",
                "http.advertise_port=8443",
            )
            with Program(machine.command(*command)) as tv:
                urls = json.loads(tv.out.until(lambda line: line.startswith("{")))

                def get(url):
                    return subprocess.run(
                        machine.command("curl", "-si", url),
                        capture_output=True, text=True, check=True,
                    ).stdout  # fmt: skip

                description = get(urls["dial"])
                application = re.search(r"(?mi)^Application-URL: *(\S+)", description).group(1)
                self.assertTrue(application.startswith("http://tv.example:8443/"), application)
                path = urlsplit(application).path.rstrip("/")
                resource = get(f"{urls['http']}{path}/HbbTV")
                self.assertIn("ws://tv.example:8443/cii<", resource)
                self.assertIn("ws://tv.example:8443/app2app/<", resource)

    def test_another_content_id_is_told_in_place_of_any(self):
        with daemon(content__id="dvb://1.2.3", content__id_override=FILM) as tv:
            for url in (tv.urls["cii"], tv.urls["app2app"] + "hbbtv-sync-cii"):
                told = Told(url).cii
                self.assertEqual((told["contentId"], told["contentIdStatus"]), (FILM, "final"))
            tv.request("PATCH", "/api/v1/content", {"contentId": "dvb://7", "contentIdStatus": "partial"})
            self.assertEqual(Told(tv.urls["cii"]).cii["contentId"], FILM)
            # Stems are held against what companions know.
            self.assertIsNotNone(self.line(tv, "https://example.org/"))
            self.assertIsNone(self.line(tv, "dvb://"))
            changed = tv.request("PATCH", "/api/v1/adjustments", {"content_id_override": None})
            self.assertEqual(changed.status, 200, changed.text)
            told = Told(tv.urls["cii"]).cii
            self.assertEqual((told["contentId"], told["contentIdStatus"]), ("dvb://7", "partial"))
            self.assertIsNotNone(self.line(tv, "dvb://"))

    def line(self, tv, stem=""):
        """The timeline's line as a companion is told it; None if it is not available."""

        async def ask():
            async with websockets.connect(tv.urls["ts"]) as ts:
                await ts.send(json.dumps({"contentIdStem": stem, "timelineSelector": PTS}))
                return json.loads(await soon(ts.recv()))

        message = asyncio.run(ask())
        if message["contentTime"] is None:
            return None
        return int(message["contentTime"]) - int(message["wallClockTime"]) * 90000 / NS

    def test_a_delay_makes_companions_later_or_sooner(self):
        with daemon() as tv:
            before = self.line(tv)
            for delay_ms in (1500, -250.5, 0):
                answer = tv.request("PATCH", "/api/v1/adjustments", {"delay_ms": delay_ms})
                self.assertEqual(answer.json, {"delay_ms": delay_ms, "content_id_override": None})
                # At any time the content is as far behind as it comes later.
                self.assertAlmostEqual(self.line(tv), before - delay_ms * 90, delta=1)

    def test_a_delay_reaches_companions_that_are_there(self):
        async def companion(tv):
            async with ChannelClient(tv.urls["app2app"]) as client:
                before = await client.ask_for_pts()
                tv.request("PATCH", "/api/v1/adjustments", {"delay_ms": 100})
                after = await client.position()
                at = tv.wall_ns()
                self.assertAlmostEqual(after(at), before(at) - 9000, delta=2)

        with daemon() as tv:
            asyncio.run(companion(tv))

    def test_adjustments_are_configured_and_change_at_a_reload(self):
        with daemon(ts__delay_ms="85.5") as tv:
            self.assertEqual(tv.get("/status")["adjustments"],
                             {"delay_ms": 85.5, "content_id_override": None})  # fmt: skip

    def test_adjustments_out_of_range_change_nothing(self):
        with daemon() as tv:
            for body, member in (
                ({"delay_ms": 10001}, "delay_ms"),
                ({"delay_ms": None}, "delay_ms"),
                ({"delay_ms": 5, "content_id_override": ""}, "content_id_override"),
                ({"delay_ms": 5, "delay": 1}, "delay"),
            ):
                answer = tv.request("PATCH", "/api/v1/adjustments", body)
                self.assertEqual((answer.status, answer.json["member"]), (400, member))
            self.assertEqual(tv.get("/adjustments"), {"delay_ms": 0, "content_id_override": None})


if __name__ == "__main__":
    unittest.main()
