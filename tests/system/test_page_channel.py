"""The page channel: a web page that is the TV, and companions that follow it."""

import json
import os
import re
import socket
import tempfile
import time
import unittest

import websockets

from control_client import PTS, ControlledDaemon
from page_client import GONE, Page, Peer, stamp
from processes import Program
from raw_websocket import TEXT, RawWebSocket, frame

DVBCSS = os.environ["DVBCSS"]
DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "page-channel.md")
TEMI = "urn:dvb:css:timeline:temi:1:1"
FILM = "https://tv.example/film.mpd"
TOKEN = "correct-horse-battery"
LONG_SILENCE = {"page.silence_timeout": "3600"}


def where(timestamp, wall_ns, rate):
    """Where a control timestamp's line is at a time of the wall clock, in ticks."""
    elapsed_ns = wall_ns - int(timestamp["wallClockTime"])
    speed = timestamp["timelineSpeedMultiplier"]
    return int(timestamp["contentTime"]) + elapsed_ns * speed * rate / 1e9


def available(message):
    return message["contentTime"] is not None


def address_of_this_machine():
    """One that is not loopback: who connects to it comes from it, as from another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            raise unittest.SkipTest("this machine has no address but loopback's") from None
        return probe.getsockname()[0]


class Channel(unittest.IsolatedAsyncioTestCase):
    def start(self, settings=None, **options):
        tv = ControlledDaemon(settings={**LONG_SILENCE, **(settings or {})}, **options)
        self.addCleanup(tv.__exit__, None, None, None)
        self.addAsyncCleanup(self.hang_up)
        self.tv, self.peers = tv, []
        return tv

    async def hang_up(self):
        for peer in self.peers:
            await peer.close()

    def keep(self, peer):
        self.peers.append(peer)
        return peer

    async def page(self, hello=True, **options):
        page = self.keep(await Page.connect(self.tv.urls["page"], **options))
        if hello:
            await page.greet()
        return page

    async def cii(self):
        return self.keep(await Peer.connect(self.tv.urls["cii"]))

    async def ts(self, selector=PTS, stem=""):
        companion = self.keep(await Peer.connect(self.tv.urls["ts"]))
        await companion.say({"contentIdStem": stem, "timelineSelector": selector})
        return companion

    def status(self):
        return self.tv.get("/status")["page"]

    def metric(self, name):
        text = self.tv.request("GET", "/metrics").text
        return float(re.search(rf"^dvbcss_{re.escape(name)} (\S+)$", text, re.M).group(1))

    def assert_on_line(self, told, given, rate):
        """A companion was told the very line that the page gave: exact to the rounding of the wall
        clock time to a nanosecond."""
        self.assertEqual(told["timelineSpeedMultiplier"], given["timelineSpeedMultiplier"])
        error = int(told["contentTime"]) - where(given, int(told["wallClockTime"]), rate)
        self.assertLess(abs(error), 0.001, (told, given))


class Presenting(Channel):
    async def test_the_daemon_says_where_companions_find_it_and_what_they_want(self):
        tv = self.start()
        await self.ts(TEMI)
        await self.cii()
        page = await self.page(hello=False)
        hello = await page.hear()
        self.assertEqual(hello["hello"]["version"], 2)
        self.assertEqual(hello["hello"]["id"], "page-1")
        self.assertIs(hello["hello"]["tokenNeeded"], False)
        self.assertEqual(hello["hello"]["silenceTimeout"], 3600)
        self.assertEqual(await page.hear(), {"ciiUrl": tv.urls["cii"]})
        # The companions may not have been read yet.
        selectors = await page.hear()
        while selectors.get("add_timelineSelectors") != [TEMI]:
            selectors = await page.hear()
        self.assertEqual(selectors["remove_timelineSelectors"], [])

    async def test_a_programme_is_followed_through_pause_seek_and_speed(self):
        tv = self.start()
        cii, ts = await self.cii(), await self.ts()
        page = await self.page()
        began = tv.wall_ns() - 10**9
        given = stamp(900000, began, 1)
        await page.present(FILM, {PTS: 90000}, {PTS: given})
        content = await cii.hear(lambda m: m.get("contentId") == FILM)
        self.assertEqual(content["contentIdStatus"], "final")
        self.assertEqual(
            content["timelines"],
            [{"timelineSelector": PTS,
              "timelineProperties": {"unitsPerTick": 1, "unitsPerSecond": 90000}}])  # fmt: skip
        told = await ts.hear(lambda m: available(m) and int(m["contentTime"]) > 800000)
        self.assert_on_line(told, given, 90000)
        changes = [
            ("pause", stamp(1350000, began + 5 * 10**9, 0)),
            ("play", stamp(1350000, tv.wall_ns(), 1)),
            ("seek", stamp(90000000, tv.wall_ns(), 1)),
            ("twice as fast", stamp(90000123, tv.wall_ns(), 2)),
            ("in reverse", stamp(90000123, tv.wall_ns(), -0.5)),
            # Given for a time to come, it holds at once.
            ("ahead", stamp(180000000, tv.wall_ns() + 10**9, 1)),
        ]
        for name, change in changes:
            with self.subTest(name):
                await page.present(timestamps={PTS: change})
                told = await ts.hear(
                    lambda m, c=change: available(m)
                    and m["timelineSpeedMultiplier"] == c["timelineSpeedMultiplier"]
                    and abs(int(m["contentTime"]) - where(c, int(m["wallClockTime"]), 90000)) < 1
                )
                self.assert_on_line(told, change, 90000)
        await page.present(timestamps={PTS: GONE})
        self.assertIsNone((await ts.hear(lambda m: not available(m)))["timelineSpeedMultiplier"])
        self.assertEqual(self.tv.get("/timelines")["timelines"][0]["name"], "pts")

    async def test_an_unchanged_list_keeps_lines_and_a_shorter_one_takes_timelines_away(self):
        tv = self.start()
        page = await self.page()
        pts, temi = stamp(0, tv.wall_ns(), 1), stamp(7, tv.wall_ns(), 0)
        await page.present(FILM, {PTS: 90000, TEMI: 1000}, {PTS: pts, TEMI: temi})
        await page.present(FILM + "#2", {TEMI: 1000, PTS: 90000})
        ts = await self.ts(TEMI)
        self.assert_on_line(await ts.hear(available), temi, 1000)
        await page.present(timelines={PTS: 90000})
        await ts.hear(lambda m: not available(m))
        self.assertEqual([t["selector"] for t in tv.get("/timelines")["timelines"]], [PTS])

    async def test_a_selector_that_tells_its_rate_need_not_be_listed(self):
        tv = self.start()
        mpd = "urn:dvb:css:timeline:mpd:period:rel:25"
        elapsed = "tag:rd.bbc.co.uk,2015-12-08:dvb:css:timeline:simple-elapsed-time:50"
        page = await self.page()
        given = stamp(100, tv.wall_ns(), 1)
        await page.present(FILM, {}, {mpd: given, elapsed: given})
        self.assert_on_line(await (await self.ts(mpd)).hear(available), given, 25)
        self.assert_on_line(await (await self.ts(elapsed)).hear(available), given, 50)
        names = {t["name"] for t in tv.get("/timelines")["timelines"]}
        self.assertEqual(names, {"mpd-period-rel-25", "simple-elapsed-time-50"})
        await page.present(timestamps={mpd: GONE})
        await page.settle()
        self.assertEqual([t["selector"] for t in tv.get("/timelines")["timelines"]], [elapsed])

    async def test_the_clock_of_the_channel_is_the_wall_clock(self):
        tv = self.start()
        page = await self.page()
        for t1 in ("a page's own time", 12345678901234, 0.5):
            before = tv.wall_ns()
            await page.say({"clock": {"t1": t1}})
            clock = await page.hear_member("clock")
            after = tv.wall_ns()
            self.assertEqual(clock["t1"], t1)
            self.assertTrue(before <= int(clock["t2"]) <= int(clock["t3"]) <= after, clock)

    async def test_changes_of_cii_are_held_back_until_they_are_released(self):
        self.start()
        page = await self.page()
        await page.present(FILM, {PTS: 90000})
        await page.settle()
        cii = await self.cii()
        await cii.hear(lambda m: m.get("contentId") == FILM)
        await page.present("https://tv.example/next.mp4", options={"blockCii": True})
        await page.settle()
        late = await self.cii()
        self.assertEqual((await late.hear())["contentId"], FILM)
        await page.say({"cii": {"presentationStatus": "okay"}, "options": {"blockCii": False}})
        for companion in (cii, late):
            self.assertEqual((await companion.hear())["contentId"], "https://tv.example/next.mp4")

    async def test_the_urls_of_the_daemon_cannot_be_set(self):
        tv = self.start()
        page = await self.page()
        await page.say({"cii": {"contentId": FILM, "contentIdStatus": "final",
                                "tsUrl": "ws://evil.example/ts", "wcUrl": None,
                                "protocolVersion": "9.9"}})  # fmt: skip
        await page.settle()
        content = tv.get("/content")
        self.assertEqual(content["contentId"], FILM)
        self.assertEqual(content["protocolVersion"], "1.1")
        self.assertTrue(content["tsUrl"].endswith("/ts"))
        self.assertNotIn("evil", content["tsUrl"])
        self.assertTrue(content["wcUrl"].startswith("udp://"))

    async def test_a_companion_of_ours_follows_exactly(self):
        tv = self.start()
        page = await self.page()
        given = stamp(900000, tv.wall_ns(), 1)
        await page.present(FILM, {PTS: 90000}, {PTS: given})
        await page.settle()
        with Program([DVBCSS, "companion", tv.urls["cii"], "--json", "--interval", "0.05"]) as us:
            at = us.json(lambda line: line.get("position") is not None)
            # Both have the same clock, which the companion does not know.
            expected = where(given, at["local_ns"] - tv.urls["wall_clock"]["epoch_ns"], 90000)
            self.assertLess(abs(at["position"] - expected) / 90000, at["bound_s"])


class Sharing(Channel):
    async def test_the_page_hears_which_timelines_are_wanted_and_how_many_companions_there_are(self):
        self.start()
        page = await self.page()
        ts = await self.ts(TEMI)
        await page.hear(lambda m: m.get("add_timelineSelectors") == [TEMI])
        await ts.say({"contentIdStem": "", "timelineSelector": PTS})
        change = await page.hear(lambda m: PTS in m.get("add_timelineSelectors", []))
        self.assertEqual(change["remove_timelineSelectors"], [TEMI])
        cii = await self.cii()
        await page.hear(lambda m: m.get("nrOfSlaves") == 1)
        await cii.close()
        await page.hear(lambda m: m.get("nrOfSlaves") == 0)

    async def test_the_page_hears_who_companions_are_and_what_they_report(self):
        self.start()
        early = await self.cii()
        page = await self.page()
        met = await page.hear_member("companion")
        self.assertEqual(met["id"], "cii-1")
        self.assertEqual(met["event"], "connected")
        self.assertRegex(met["address"], r"^127\.0\.0\.1:\d+$")
        ts = await self.ts(PTS, "dvb:")
        self.assertEqual((await page.hear_member("companion"))["event"], "connected")
        asked = await page.hear_member("companion")
        self.assertEqual(asked, {"id": "ts-1", "event": "asked", "contentIdStem": "dvb:",
                                 "timelineSelector": PTS})  # fmt: skip
        report = {
            "earliest": {"contentTime": "100", "wallClockTime": "minusinfinity"},
            "latest": {"contentTime": "100", "wallClockTime": "plusinfinity"},
            "actual": {"contentTime": "834188", "wallClockTime": "11593857"},
        }
        await ts.say(report)
        reported = await page.hear_member("companion")
        self.assertEqual(reported, {"id": "ts-1", "event": "reported", "timelineSelector": PTS,
                                    **report})  # fmt: skip
        for companion, name in ((ts, "ts-1"), (early, "cii-1")):
            await companion.close()
            left = await page.hear_member("companion")
            self.assertEqual(left, {"id": name, "event": "disconnected"})

    async def test_a_flood_of_reports_reaches_the_page_as_its_newest(self):
        self.start({"ts.max_messages_per_s": "0"})
        page = await self.page()
        ts = await self.ts()
        for n in range(500):
            point = {"contentTime": str(n), "wallClockTime": "plusinfinity"}
            early = {"contentTime": str(n), "wallClockTime": "minusinfinity"}
            await ts.say({"earliest": early, "latest": point})
        await page.hear(
            lambda m: m.get("companion", {}).get("latest", {}).get("contentTime") == "499"
        )
        reports = [m for m in page.heard if m.get("companion", {}).get("event") == "reported"]
        self.assertLess(len(reports), 500)


class VersionOne(Channel):
    async def test_its_times_are_those_of_the_machine_since_1970(self):
        tv = self.start()
        page = await self.page(hello=False)
        before = tv.wall_ns()
        sent = time.time_ns()
        await page.present(FILM, {PTS: 90000}, {PTS: stamp(0, sent, 1)}, options={})
        told = await (await self.ts()).hear(available)
        began = int(told["wallClockTime"]) - int(told["contentTime"]) * 1e9 / 90000
        self.assertLess(abs(began - before), 1e9)

    async def test_what_nobody_wants_any_more_is_forgotten(self):
        tv = self.start()
        page = await self.page(hello=False)
        ts = await self.ts()
        await page.hear(lambda m: m.get("add_timelineSelectors") == [PTS])
        await page.present(FILM, {PTS: 90000}, {PTS: stamp(0, time.time_ns(), 1)})
        await ts.hear(available)
        await ts.close()
        await page.hear(lambda m: m.get("remove_timelineSelectors") == [PTS])
        self.assertIs(tv.get("/timelines")["timelines"][0]["available"], False)
        ts = await self.ts()
        await page.hear(lambda m: m.get("add_timelineSelectors") == [PTS])
        await page.present(timestamps={PTS: stamp(5, time.time_ns(), 0)})
        self.assertEqual((await ts.hear(available))["contentTime"], "5")

    async def test_it_hears_nothing_that_it_does_not_know_and_is_never_given_up(self):
        self.start({"page.silence_timeout": "0.2"})
        page = await self.page(hello=False)
        await page.present(FILM)
        await self.ts()
        await page.hear(lambda m: m.get("add_timelineSelectors") == [PTS])
        # Longer than its silence may be, for one of version 2: another page has been given up since.
        with ControlledDaemon(settings={"page.silence_timeout": "0.2"}) as other:
            page2 = self.keep(await Page.connect(other.urls["page"]))
            await page2.greet()
            await page2.present(FILM)
            await page2.hear_member("notice")
            await page2.close()
        self.assertEqual(self.status()["state"], "presented")
        known = {"hello", "ciiUrl", "add_timelineSelectors", "remove_timelineSelectors",
                 "nrOfSlaves"}  # fmt: skip
        self.assertLessEqual({name for m in page.heard for name in m}, known)


class Silence(Channel):
    async def test_a_silent_page_is_given_up_and_has_everything_back_when_it_speaks(self):
        tv = self.start({"page.silence_timeout": "0.5"})
        cii, ts = await self.cii(), await self.ts(TEMI)
        page = await self.page()
        given = stamp(1000, tv.wall_ns(), 1)
        await page.present(FILM, {TEMI: 1000}, {TEMI: given})
        await cii.hear(lambda m: m.get("contentId") == FILM)
        await ts.hear(available)
        notice = await page.hear_member("notice")
        self.assertEqual(notice["code"], "silent")
        self.assertEqual((await cii.hear())["contentId"], "dvb://1.2.3")
        await ts.hear(lambda m: not available(m))
        status = self.status()
        self.assertEqual((status["state"], status["owner"]["id"]), ("withdrawn", "page-1"))
        await page.say({})
        self.assertEqual((await page.hear_member("notice"))["code"], "resumed")
        self.assertEqual((await cii.hear())["contentId"], FILM)
        self.assert_on_line(await ts.hear(available), given, 1000)
        self.assertEqual(self.metric("page_silences_total"), 1)
        self.assertEqual(self.metric("page_resumptions_total"), 1)

    async def test_a_page_that_says_good_bye_is_followed_by_what_is_configured_at_once(self):
        self.start()
        cii = await self.cii()
        page = await self.page()
        await page.present(FILM)
        await cii.hear(lambda m: m.get("contentId") == FILM)
        await page.close()
        self.assertEqual((await cii.hear())["contentId"], "dvb://1.2.3")
        self.assertEqual(self.status(), {"state": "nothing", "owner": None})

    async def test_a_page_that_is_lost_has_time_to_come_back(self):
        tv = self.start()
        cii, ts = await self.cii(), await self.ts(TEMI)
        page = await self.page()
        await page.present(FILM, {TEMI: 1000}, {TEMI: stamp(1000, tv.wall_ns(), 0)})
        await ts.hear(available)
        await cii.hear(lambda m: m.get("contentId") == FILM)
        page.lose()
        again = await self.page()
        self.assertEqual(self.status()["state"], "inherited")
        await again.present(FILM, {TEMI: 1000}, {TEMI: stamp(2000, tv.wall_ns(), 0)})
        told = await ts.hear(lambda m: m["contentTime"] != "1000")
        self.assertEqual(told["contentTime"], "2000")
        await again.close()
        await cii.hear(lambda m: m.get("contentId") == "dvb://1.2.3")
        self.assertEqual([m["contentId"] for m in cii.heard if "contentId" in m],
                         ["dvb://1.2.3", FILM, "dvb://1.2.3"])  # fmt: skip

    async def test_the_time_of_a_page_that_is_lost_runs_out(self):
        self.start({"page.silence_timeout": "0.3"})
        cii = await self.cii()
        page = await self.page()
        await page.present(FILM)
        await cii.hear(lambda m: m.get("contentId") == FILM)
        page.lose()
        await cii.hear(lambda m: m.get("contentId") == "dvb://1.2.3")
        self.assertEqual(self.status(), {"state": "nothing", "owner": None})


class Owning(Channel):
    async def test_a_second_page_is_told_and_sent_away(self):
        self.start()
        page = await self.page()
        await page.present(FILM)
        second = await self.page(hello=False)
        error = await second.hear_member("error")
        self.assertEqual(error["code"], "owned")
        self.assertEqual(await second.closed(), 4009)
        self.assertEqual(self.metric('page_refusals_total{reason="owned"}'), 1)
        await page.settle()
        self.assertEqual(self.status()["owner"]["id"], "page-1")

    async def test_a_second_page_takes_the_place_of_a_silent_one(self):
        self.start({"page.silence_timeout": "0.3"})
        page = await self.page()
        await page.present(FILM)
        await page.hear_member("notice")
        second = await self.page()
        error = await page.hear_member("error")
        self.assertEqual(error["code"], "taken_over")
        self.assertEqual(await page.closed(), 4001)
        await second.present(FILM + "#2")
        await second.settle()
        self.assertEqual(self.status()["owner"]["id"], "page-2")

    async def test_while_a_page_presents_control_may_not(self):
        tv = self.start()
        page = await self.page()
        self.assertEqual(tv.patch("/content", {"contentId": "dvb://by.control"}).status, 200)
        await page.present(FILM, {PTS: 90000})
        await page.settle()
        for method, path, body in (("PATCH", "/content", {"contentId": "x"}),
                                   ("PATCH", "/media", {"speed": 0}),
                                   ("DELETE", "/timelines/pts", None),
                                   ("PATCH", "/programme", {"running": True})):  # fmt: skip
            answer = tv.request(method, "/api/v1" + path, body)
            self.assertEqual(answer.status, 409, path)
            self.assertIn("page", answer.json["reason"])
        self.assertEqual(tv.post("/connections/page-1/close", {"code": 4000}).status, 204)
        self.assertEqual(await page.closed(), 4000)
        self.assertEqual(tv.patch("/content", {"contentId": "dvb://by.control"}).status, 200)

    async def test_a_page_takes_the_place_of_the_demo_programme_which_is_back_after_it(self):
        tv = self.start({"programme.demo": "true"})
        page = await self.page()
        self.assertIs(tv.get("/programme")["running"], True)
        await page.present(FILM, {PTS: 90000})
        await page.settle()
        self.assertIs(tv.get("/programme")["running"], False)
        cii = await self.cii()
        first = await cii.hear()
        self.assertEqual(first["contentId"], FILM)
        self.assertEqual(len(first["timelines"]), 1)
        await page.close()
        await cii.hear(lambda m: m.get("contentId", "").startswith("dvb://"))
        self.assertIs(tv.get("/programme")["running"], True)

    async def test_a_page_can_be_disabled(self):
        tv = self.start({"page.enabled": "false"})
        self.assertIsNone(tv.urls["page"])
        url = tv.urls["cii"].replace("/cii", "/server")
        with self.assertRaises(websockets.InvalidStatusCode) as refused:
            await Page.connect(url)
        self.assertEqual(refused.exception.status_code, 403)
        self.assertEqual(tv.patch("/endpoints/page", {"enabled": True}).status, 200)
        self.keep(await Page.connect(url))

    async def test_status_says_who_it_is(self):
        self.start()
        page = await self.page(hello=False)
        await page.greet(name="Wohnzimmer \N{TELEVISION}", clock="wall")
        await page.present(FILM)
        await page.settle()
        owner = self.status()["owner"]
        self.assertEqual((owner["id"], owner["name"], owner["version"]),
                         ("page-1", "Wohnzimmer \N{TELEVISION}", 2))  # fmt: skip
        self.assertGreaterEqual(owner["owned_s"], owner["silent_s"])


class Reloading(Channel):
    def start_with(self, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tv.conf")
        self.token_path = os.path.join(folder.name, "token")
        self.write(text)
        return self.start(None, content=False)

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text.format(token=self.token_path))

    def start(self, settings=None, **options):
        tv = ControlledDaemon("--config", self.path, settings=settings, **options)
        self.addCleanup(tv.__exit__, None, None, None)
        self.addAsyncCleanup(self.hang_up)
        self.tv, self.peers = tv, []
        return tv

    async def test_new_content_waits_until_the_page_goes(self):
        tv = self.start_with("[content]\nid = dvb://1\n")
        cii = await self.cii()
        page = await self.page()
        await page.present(FILM, {PTS: 90000})
        await cii.hear(lambda m: m.get("contentId") == FILM)
        self.write("[content]\nid = dvb://2\n[timeline.x]\nselector = " + PTS + "\n")
        self.assertEqual(tv.post("/reload").status, 200)
        self.assertEqual(tv.get("/content")["contentId"], FILM)
        await page.close()
        self.assertEqual((await cii.hear())["contentId"], "dvb://2")
        self.assertEqual([t["name"] for t in tv.get("/timelines")["timelines"]], ["x"])

    async def test_token_origins_and_silence_are_taken_anew(self):
        tv = self.start_with("[page]\n")
        with open(self.token_path, "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")
        text = "[page]\ntoken_file = {token}\ntrust_loopback = no\norigins = https://tv.example\n"
        self.write(text + "silence_timeout = 77\n")
        self.assertEqual(tv.post("/reload").json["needs_restart"], [])
        page = await self.page(hello=False, origin="https://tv.example")
        hello = await page.hear_member("hello")
        self.assertEqual((hello["tokenNeeded"], hello["silenceTimeout"]), (True, 77))
        await page.greet(token=TOKEN)
        self.write("[page]\ntoken_file = /nowhere\n")
        self.assertEqual(tv.post("/reload").status, 409)
        self.write("[page]\nenabled = no\n")
        self.assertEqual(tv.post("/reload").status, 200)
        self.assertEqual(await page.closed(), 1001)


class Strangers(Channel):
    def handshake(self, **headers):
        with RawWebSocket(self.tv.urls["page"]) as visitor:
            return visitor.handshake({name.capitalize(): text for name, text in headers.items()})

    async def test_pages_from_elsewhere_are_refused_before_the_upgrade(self):
        self.start({"page.origins": "https://tv.example", "http.hosts": "tv.local"})
        host = self.tv.urls["page"].split("/")[2]
        allowed = ({}, {"origin": f"http://{host}"}, {"origin": "https://tv.example"},
                   {"host": "tv.local:80", "origin": "http://tv.local:80"})  # fmt: skip
        for headers in allowed:
            with self.subTest(headers):
                self.assertEqual(self.handshake(**headers)[0], 101)
        foreign = ("https://evil.example", "null", f"http://{host}.evil.example",
                   "http://127.0.0.1:1")  # fmt: skip
        for origin in foreign:
            with self.subTest(origin):
                self.assertEqual(self.handshake(origin=origin)[0], 403)
        self.assertEqual(
            self.metric('refusals_total{listener="public",reason="origin"}'), len(foreign)
        )

    async def test_a_foreign_name_for_this_machine_is_refused(self):
        self.start()
        port = self.tv.urls["page"].split(":")[2].split("/")[0]
        name = f"evil.example:{port}"
        status, _ = self.handshake(host=name, origin=f"http://{name}")
        self.assertEqual(status, 421)
        self.assertEqual(self.metric('refusals_total{listener="public",reason="host"}'), 1)

    async def test_without_a_token_in_the_configuration_no_other_machine_may(self):
        self.start({"page.trust_loopback": "false"})
        status, _ = self.handshake()
        self.assertEqual(status, 403)
        self.assertEqual(self.metric('page_refusals_total{reason="unauthorized"}'), 1)

    async def test_a_page_on_another_machine_needs_the_token(self):
        address = address_of_this_machine()
        settings = {"http.address": "0.0.0.0"}
        for token, expected in (("", 403), (TOKEN, 101)):
            tv = self.start({**settings, "page.token": token})
            port = tv.urls["page"].split(":")[2].split("/")[0]
            with RawWebSocket(f"ws://{address}:{port}/server") as visitor:
                self.assertEqual(visitor.handshake()[0], expected)
        page = self.keep(await Page.connect(f"ws://{address}:{port}/server"))
        self.assertIs((await page.hear_member("hello"))["tokenNeeded"], True)
        await page.greet(token=TOKEN)
        self.assertEqual(await page.hear_member("ciiUrl"), f"ws://{address}:{port}/cii")
        near = self.keep(await Page.connect(tv.urls["page"]))
        self.assertIs((await near.hear_member("hello"))["tokenNeeded"], False)

    async def test_the_token_opens_and_nothing_else_does(self):
        tv = self.start({"page.trust_loopback": "false", "page.token": TOKEN})
        wrong = ({"hello": {"version": 2, "token": TOKEN[:-1] + "x"}},
                 {"hello": {"version": 2, "token": TOKEN + "x"}},
                 {"hello": {"version": 2}}, {"clock": {"t1": 1}}, {"cii": {"contentId": "x"}}, "no")
        for message in wrong:
            with self.subTest(message):
                page = await self.page(hello=False)
                self.assertIs((await page.hear_member("hello"))["tokenNeeded"], True)
                await page.say(message)
                self.assertEqual((await page.hear_member("error"))["code"], "unauthorized")
                self.assertEqual(await page.closed(), 4003)
                self.assertEqual([set(m) for m in page.heard], [{"hello"}, {"error"}])
        page = await self.page(hello=False)
        await page.greet(token=TOKEN)
        self.assertEqual(await page.hear_member("ciiUrl"), tv.urls["cii"])
        await page.present(FILM)
        await page.settle()
        self.assertEqual(tv.get("/content")["contentId"], FILM)
        self.assertEqual(
            self.metric('page_refusals_total{reason="unauthorized"}'), len(wrong)
        )
        await page.close()
        code, said = tv.stop()
        self.assertEqual(code, 0)
        self.assertFalse([line for line in said if TOKEN[:-1] in line])

    def come_and_say_nothing(self, host):
        peer = RawWebSocket(self.tv.urls["page"], source=f"127.0.0.{host}")
        self.addCleanup(peer.socket.close)
        self.assertEqual(peer.handshake()[0], 101)
        return peer

    async def test_pages_that_show_no_token_keep_nobody_out(self):
        tv = self.start({"page.trust_loopback": "false", "page.token": TOKEN,
                         "page.token_timeout": "0"})
        for place in range(64):
            self.come_and_say_nothing(5 + place % 8)
        page = await self.page(hello=False)
        await page.greet(token=TOKEN)
        self.assertEqual(await page.hear_member("ciiUrl"), tv.urls["cii"])
        self.assertGreater(self.metric('page_refusals_total{reason="unauthorized"}'), 0)

    async def test_of_those_that_wait_the_oldest_of_the_same_host_goes_first(self):
        self.start({"page.trust_loopback": "false", "page.token": TOKEN,
                    "page.token_timeout": "0", "page.max_connections": "8"})
        first, second = self.come_and_say_nothing(5), self.come_and_say_nothing(6)
        third = self.come_and_say_nothing(6)
        self.assertEqual(second.close_frame()[0], 4003)
        self.come_and_say_nothing(7)
        self.assertEqual(first.close_frame(), (4003, "too many pages have not shown a token yet"))
        third.send(frame(TEXT, json.dumps({"hello": {"version": 2, "token": TOKEN}}).encode()))
        while "ciiUrl" not in (heard := json.loads(third.receive_text())):
            self.assertNotIn("error", heard)

    async def test_a_page_that_never_shows_a_token_does_not_stay(self):
        self.start({"page.trust_loopback": "false", "page.token": TOKEN})
        page = await self.page(hello=False)
        self.assertEqual(await page.closed(), 1008)


class Mistakes(Channel):
    CASES = (
        ("not json", "", "not JSON"),
        ("[]", "", "an object"),
        ({"ciii": {}}, "ciii", "no such member"),
        ('{"cii": {}, "cii": {}}', "", "duplicate"),
        ({"hello": 5}, "hello", "an object"),
        ({"hello": {}}, "hello.version", "missing"),
        ({"hello": {"version": "2"}}, "hello.version", "a whole number"),
        ({"hello": {"version": 2, "clock": "sundial"}}, "hello.clock", "wall or unix"),
        ({"hello": {"version": 2, "name": "x" * 101}}, "hello.name", "a length"),
        ({"hello": {"version": 2, "colour": "red"}}, "hello.colour", "no such member"),
        ({"clock": {}}, "clock.t1", "a string or a number"),
        ({"clock": {"t1": "x" * 80}}, "clock.t1", "71 bytes"),
        ({"cii": 5}, "cii", "an object"),
        ({"cii": {"contentId": {}}}, "cii.contentId", "a string"),
        ({"cii": {"timelines": [{}]}}, "cii.timelines[0].timelineSelector", ""),
        ({"cii": {"timelines": [{"timelineSelector": PTS, "timelineProperties": {
            "unitsPerTick": 0, "unitsPerSecond": 1}}]}},
         "cii.timelines[0].timelineProperties", "unitsPerTick"),
        ({"cii": {"timelines": [{"timelineSelector": PTS, "timelineProperties": {
            "unitsPerTick": 1, "unitsPerSecond": 1}}] * 2}}, "timelines[1]", "twice"),
        ({"controlTimestamps": []}, "controlTimestamps", "an object"),
        ({"controlTimestamps": {PTS: {"contentTime": "soon", "wallClockTime": "0",
                                      "timelineSpeedMultiplier": 1}}}, "contentTime", ""),
        ({"controlTimestamps": {PTS: stamp(0, 0, 1001)}}, "timelineSpeedMultiplier", "1000"),
        ({"controlTimestamps": {PTS: stamp(0, time.time_ns(), 1)}}, "wallClockTime", "a year"),
        ({"controlTimestamps": {PTS: stamp(2**62 + 1024, 0, 0)}}, "contentTime", "beyond"),
        ({"controlTimestamps": {"urn:x": stamp(0, 0, 1)}}, "controlTimestamps.urn:x", "tick rate"),
        ({"controlTimestamps": {"": stamp(0, 0, 1)}}, "controlTimestamps.", "selector"),
        ({"controlTimestamps": {f"urn:dvb:css:timeline:mpd:period:rel:{n}": GONE
                                for n in range(1, 102)}}, "controlTimestamps", "100"),
        ({"options": {"blockCii": "yes"}}, "options.blockCii", "true or false"),
        ({"options": {"blockTs": True}}, "options.blockTs", "no such member"),
    )  # fmt: skip

    async def test_each_is_answered_and_changes_nothing(self):
        tv = self.start()
        page = await self.page()
        await page.present(FILM, {PTS: 90000}, {PTS: stamp(5, tv.wall_ns(), 0)})
        await page.settle()
        before = tv.get("/content"), tv.get("/timelines")["timelines"][0]["position_ticks"]
        for message, member, reason in self.CASES:
            with self.subTest(message=str(message)[:80]):
                if isinstance(message, dict) and "cii" not in message:
                    # Good beside bad changes nothing either.
                    message = {"cii": {"contentId": "https://never.example/"}, **message}
                await page.say(message)
                error = await page.hear_member("error")
                self.assertEqual(error["code"], "bad_message")
                self.assertIn(member, error["member"] or "", error)
                self.assertIn(reason, error["reason"], error)
                if not member:
                    self.assertIsNone(error["member"])
        after = tv.get("/content"), tv.get("/timelines")["timelines"][0]["position_ticks"]
        self.assertEqual(after, before)
        self.assertEqual(self.metric("page_mistakes_total"), len(self.CASES))

    async def test_a_hundred_timelines_are_the_most(self):
        tv = self.start()
        page = await self.page()
        rates = {f"urn:x:{n}": n for n in range(1, 101)}
        await page.present(FILM, rates)
        await page.present(timestamps={PTS: stamp(0, tv.wall_ns(), 1)})
        self.assertIn("100", (await page.hear_member("error"))["reason"])
        await page.present(FILM, {**rates, PTS: 90000})
        self.assertIn("100", (await page.hear_member("error"))["reason"])
        self.assertEqual(len(tv.get("/timelines")["timelines"]), 100)

    async def test_what_no_page_sends_ends_its_connection_and_no_other(self):
        self.start()
        ts = await self.ts()
        await ts.hear(available)
        for sent, code in ((b"\x00\x01", 1003), ('"' + "x" * 70000 + '"', 1009)):
            page = await self.page()
            await page.say(sent)
            self.assertEqual(await page.closed(), code)
        # It is told again every 2 s, and still is.
        await ts.hear(available)

    async def test_who_says_too_much_is_closed(self):
        tv = self.start()
        page = await self.page()
        with self.assertRaises(websockets.ConnectionClosed):
            for _ in range(100000):
                await page.say({})
        # The close frame may be lost to the reset that follows what was not read any more.
        self.assertIn(await page.closed(), (1006, 1008))
        code, said = tv.stop()
        self.assertEqual(code, 0)
        self.assertTrue([line for line in said if "page-1" in line and "code 1008" in line], said)


class Document(Channel):
    """docs/page-channel.md is true: what it has a page send is sent, and what it has the daemon say
    is compared."""

    # What differs from run to run: numbers and addresses.
    VARYING = {"server", "silenceTimeout", "ciiUrl", "t2", "t3", "address", "contentTime",
               "wallClockTime", "reason"}  # fmt: skip

    def setUp(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        blocks = re.findall(r"<!-- (page|daemon): (\S+) -->\n```json\n(.*?)```", text, re.S)
        self.said = {"page": {}, "daemon": {}}
        for who, name, block in blocks:
            decoder, position, objects = json.JSONDecoder(), 0, []
            while block[position:].strip():
                position += len(block[position:]) - len(block[position:].lstrip())
                value, end = decoder.raw_decode(block, position)
                objects.append(value)
                position = end
            self.said[who][name] = objects
        self.used = set()

    def take(self, who, name):
        self.used.add((who, name))
        return self.said[who][name]

    def alike(self, value, pattern):
        if not isinstance(pattern, dict):
            return value == pattern
        return (isinstance(value, dict) and set(value) == set(pattern)
                and all(k in self.VARYING and isinstance(value[k], str) == isinstance(pattern[k], str)
                        or self.alike(value[k], pattern[k]) for k in pattern))  # fmt: skip

    async def hear(self, page, name):
        for pattern in self.take("daemon", name):
            await page.hear(lambda message, p=pattern: self.alike(message, p))

    async def say(self, page, name):
        for message in self.take("page", name):
            await page.say(message)

    async def test_all_of_it(self):
        self.start({"page.silence_timeout": "1"})
        page = await self.page(hello=False)
        await self.hear(page, "greeting")
        await self.hear(page, "state")
        await self.say(page, "hello")
        await self.hear(page, "welcome")
        await self.say(page, "clock")
        await self.hear(page, "clock")
        await self.say(page, "content")
        ts = await self.ts(stem="https://tv.example/")
        await self.hear(page, "selectors")
        await self.hear(page, "companion-connected")
        await self.hear(page, "companion-asked")
        await ts.say({k: v for k, v in self.said["daemon"]["companion-reported"][0]["companion"]
                      .items() if k in ("actual", "earliest", "latest")})  # fmt: skip
        await self.hear(page, "companion-reported")
        await ts.close()
        await self.hear(page, "companion-disconnected")
        for name in ("pause", "unavailable", "block", "unblock", "heartbeat"):
            await self.say(page, name)
        await page.settle()
        self.assertFalse([m for m in page.heard if "error" in m])
        await self.say(page, "mistake")
        await self.hear(page, "mistake")
        error = page.heard[-1]["error"]
        self.assertEqual(error, self.said["daemon"]["mistake"][0]["error"])
        await self.hear(page, "silent")
        await self.say(page, "heartbeat")
        await self.hear(page, "resumed")
        await page.close()
        await self.check_token()
        documented = {(who, name) for who in self.said for name in self.said[who]}
        self.assertEqual(self.used, documented)

    async def check_token(self):
        (hello,) = self.take("page", "hello-token")
        with ControlledDaemon(settings={"page.trust_loopback": "false",
                                        "page.token": hello["hello"]["token"]}) as tv:  # fmt: skip
            page = await Page.connect(tv.urls["page"])
            await page.say(hello)
            await page.hear_member("ciiUrl")
            await page.close()


if __name__ == "__main__":
    unittest.main()
