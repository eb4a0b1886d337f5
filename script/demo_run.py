"""The demo: a television, our companion and somebody else's, side by side.

Starts dvbcssd with its demo programme, `dvbcss companion` and (if given) a companion made of
dvbcss-protocols; compares where each believes the programme to be with where the television says
it is. Exits with 0 only if every companion locked and followed a pause, a seek and a change of
content, and ours was never further off than it claimed.

With --serve the television then goes on for browsers on this machine until Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import statistics
import sys
import time

import websockets

SELECTOR = "urn:dvb:css:timeline:pts"
RATE = 90000
STEP_S = 3.0
STEPS = 8
# A companion hears of a change a moment after the television made it.
SETTLE_S = 0.5


def wall_ns(clock, raw_ns):
    return raw_ns - clock["epoch_ns"]


def raw_of_monotonic(monotonic_ns):
    """CLOCK_MONOTONIC_RAW at a recent time of CLOCK_MONOTONIC; good to microseconds."""
    readings = []
    for _ in range(5):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        raw = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        # The closer together, the better they belong together.
        readings.append((after - before, raw - (before + after) // 2))
    return monotonic_ns + min(readings)[1]


def tell(what):
    print(f"-- {what}", flush=True)


class Television:
    """What the television says of itself: its control timestamps and its content."""

    def __init__(self, urls):
        self.urls = urls
        self.timestamps = []
        self.content = None
        self.status = None

    async def watch_ts(self):
        async with websockets.connect(self.urls["ts"]) as socket:
            await socket.send(json.dumps({"contentIdStem": "", "timelineSelector": SELECTOR}))
            async for text in socket:
                message = json.loads(text)
                message["heard"] = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
                if self.timestamps:
                    self.tell(self.timestamps[-1], message)
                self.timestamps.append(message)

    def tell(self, before, now):
        """Says what a control timestamp has changed."""
        if before["contentTime"] is None or now["contentTime"] is None:
            return
        moved_s = (
            int(now["contentTime"]) - self.on_line(before, int(now["wallClockTime"]))
        ) / RATE
        if now["timelineSpeedMultiplier"] != before["timelineSpeedMultiplier"]:
            tell("television: " + ("play" if now["timelineSpeedMultiplier"] else "pause"))
        elif abs(moved_s) > 0.1:
            tell(f"television: seek by {moved_s:+.1f} s")

    async def watch_cii(self):
        async with websockets.connect(self.urls["cii"]) as socket:
            async for text in socket:
                message = json.loads(text)
                before = (self.content, self.status)
                self.content = message.get("contentId", self.content)
                self.status = message.get("presentationStatus", self.status)
                if before != (self.content, self.status):
                    tell(f"television: {self.content} ({self.status})")

    @staticmethod
    def on_line(message, wall):
        elapsed = wall - int(message["wallClockTime"])
        speed = message["timelineSpeedMultiplier"]
        return int(message["contentTime"]) + elapsed * RATE * speed / 1e9

    def position(self, raw_ns):
        """(ticks, speed) at a time of CLOCK_MONOTONIC_RAW, or None if not known or in change."""
        wall = wall_ns(self.urls["wall_clock"], raw_ns)
        known = [m for m in self.timestamps if m["heard"] <= raw_ns]
        if not known or known[-1]["contentTime"] is None:
            return None
        last = known[-1]
        for earlier in reversed(known[:-1]):
            if raw_ns - last["heard"] > SETTLE_S * 1e9:
                break
            if earlier["contentTime"] is None:
                return None
            moved = abs(self.on_line(earlier, wall) - self.on_line(last, wall))
            if moved > RATE * 0.001:
                return None
            if raw_ns - earlier["heard"] > SETTLE_S * 1e9:
                break
        return self.on_line(last, wall), last["timelineSpeedMultiplier"]


class Companion:
    """One companion: its last sample, and what it has been seen to follow."""

    def __init__(self, name, television):
        self.name = name
        self.television = television
        self.process = None
        self.sample = None
        self.errors_s = []
        self.bounds_s = []
        self.outside = 0
        self.seen = {"lock": False, "pause": False, "seek": False, "content": False}
        self._contents = set()
        self._line = None
        self._started = time.monotonic()

    async def run(self, *command):
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        try:
            async for line in self.process.stdout:
                self.hear(line)
        finally:
            if self.process.returncode is None:
                self.process.terminate()
                await self.process.wait()

    def hear(self, line):
        with contextlib.suppress(ValueError):
            self.take(json.loads(line))

    def take(self, message):
        content = message.get("contentId", message.get("content_id"))
        if content:
            self._contents.add(content)
            self.notice("content", len(self._contents) > 1, "a change of content")
        if message.get("event") != "position" or not message.get("available"):
            return
        if "local_ns" in message:
            raw = int(message["local_ns"])
        else:
            raw = raw_of_monotonic(int(message["monotonic_ns"]))
        self.sample = {**message, "raw_ns": raw}
        self.follow(raw, message)
        truth = self.television.position(raw)
        if truth is None:
            return
        error = (message["position"] - truth[0]) / RATE
        self.errors_s.append(error)
        self.bounds_s.append(message["bound_s"])
        # A tick of the control timestamp and the reading of two clocks one after the other.
        if abs(error) > message["bound_s"] + 1.0 / RATE + 0.0005:
            self.outside += 1
        if not self.seen["lock"]:
            tell(f"{self.name}: locked after {time.monotonic() - self._started:.2f} s")
        self.seen["lock"] = True
        self.sample["error_s"] = error

    def notice(self, what, happened, words):
        if happened and not self.seen[what]:
            self.seen[what] = True
            tell(f"{self.name}: followed {words}")

    def follow(self, raw, message):
        self.notice("pause", message["speed"] == 0, "the pause")
        if self._line is not None:
            expected = self._line[1] + (raw - self._line[0]) * RATE * message["speed"] / 1e9
            self.notice("seek", message["position"] - expected > RATE * 30, "the seek")
        self._line = (raw, message["position"])

    def describe(self):
        if self.sample is None or "error_s" not in self.sample:
            return "following a change" if self.sample else "not locked"
        error, bound = self.sample["error_s"] * 1e3, self.sample["bound_s"] * 1e3
        return f"{error:+8.3f} ms (claims ±{bound:.3f})"

    def summary(self):
        if not self.errors_s:
            return f"{self.name}: never locked"
        errors = sorted(abs(e) * 1e3 for e in self.errors_s)
        followed = ", ".join(name for name, seen in self.seen.items() if seen)
        inside = 100.0 * (1 - self.outside / len(errors))
        return (
            f"{self.name}: followed {followed}\n"
            f"    difference from the television: median {statistics.median(errors):.3f} ms, "
            f"largest {errors[-1]:.3f} ms over {len(errors)} samples\n"
            f"    claimed bound: median {statistics.median(self.bounds_s) * 1e3:.3f} ms; "
            f"{inside:.1f} % of the differences within it"
        )


def clock_text(ticks):
    seconds = ticks / RATE
    return f"{int(seconds // 60):3d}:{seconds % 60:06.3f}"


async def show(television, companions, duration_s):
    """A line a second: the television and how far each companion is from it."""
    for _ in range(int(duration_s)):
        await asyncio.sleep(1)
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        truth = television.position(now)
        if truth is None:
            where = "changing        "
        else:
            where = f"{clock_text(truth[0])} {'paused ' if truth[1] == 0 else 'playing'}"
        print(f"   {where:18s} | " + " | ".join(f"{c.describe():32s}" for c in companions),
              flush=True)


def page_settings(arguments, token):
    """What a television with pages needs on top, as arguments and environment."""
    if not arguments.serve:
        return [], None
    settings = ["--set", "pages.enabled=true", "--set", f"pages.folder={arguments.serve}",
                "--set", "pages.api=true"]
    if arguments.media:
        settings += ["--set", f"pages.media={arguments.media}"]
    return settings, {**os.environ, "DVBCSS_CONTROL_TOKEN": token}


async def start_television(arguments, token):
    settings, environment = page_settings(arguments, token)
    return await asyncio.create_subprocess_exec(
        arguments.dvbcssd, *settings,
        "--set", "http.address=127.0.0.1", "--set", "http.port=0",
        "--set", "wallclock.address=127.0.0.1", "--set", "wallclock.port=0",
        "--set", "programme.demo=true", "--set", f"programme.step={STEP_S}",
        "--set", "discovery.enabled=true", "--set", "discovery.interfaces=lo",
        "--set", "log.level=warning", "--ready-file", "-",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=environment,
        process_group=0,  # Ctrl-C is for us: a second signal would end it before its time.
    )


async def urls_of(process):
    line = await asyncio.wait_for(process.stdout.readline(), 10)
    if not line:
        sys.exit("the television did not start")
    return json.loads(line)


def when_told_to_end(callback):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, callback)


async def serve_pages(process, urls, token):
    """Tells where the pages are, and waits for Ctrl-C or the end of the television."""
    stop = asyncio.Event()
    when_told_to_end(stop.set)
    print(f"""
Pages, until Ctrl-C. Open two of them side by side:
    television  {urls['pages']}tv.html
    companion   {urls['pages']}companion.html
    dashboard   {urls['pages']}dashboard.html#token={token}""", flush=True)
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(process.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def main(arguments):
    token = secrets.token_urlsafe(24)
    when_told_to_end(asyncio.current_task().cancel)
    process = await start_television(arguments, token)
    try:
        return await demonstrate(arguments, process, await urls_of(process), token)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def demonstrate(arguments, process, urls, token):
    """Shows it all with a television that runs, and ends that; returns the exit status."""
    television = Television(urls)
    ours = Companion("dvbcss companion", television)
    companions = [ours]
    tasks = [
        asyncio.create_task(television.watch_ts()),
        asyncio.create_task(television.watch_cii()),
        asyncio.create_task(
            ours.run(arguments.dvbcss, "companion", urls["cii"], "--json", "--interval", "0.1",
                     "--timeline", SELECTOR)
        ),
    ]
    if arguments.peer:
        theirs = Companion("dvbcss-protocols 0.0.4", television)
        companions.append(theirs)
        tasks.append(
            asyncio.create_task(
                theirs.run("node", arguments.peer, urls["cii"], SELECTOR, str(RATE), "100")
            )
        )
    print(f"Television: {urls['cii']}  wall clock: {urls['wc']}")
    print("   television         | " + " | ".join(f"{c.name:32s}" for c in companions))
    try:
        await show(television, companions, STEP_S * (STEPS + 1))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    print()
    for companion in companions:
        print(companion.summary())
    if arguments.serve:
        await serve_pages(process, urls, token)
    if process.returncode is None:
        process.terminate()
    status = await process.wait()
    failed = [c.name for c in companions if not all(c.seen.values())]
    if failed:
        print(f"FAILED: {', '.join(failed)} did not follow everything")
    if ours.outside:
        failed.append(ours.name)
        print(f"FAILED: {ours.name} was further off than it claimed")
    if status != 0:
        print(f"FAILED: dvbcssd ended with status {status}")
    if not arguments.serve:
        print("\nPages for your browser, with a television that goes on: script/demo --serve")
    return 1 if failed or status != 0 else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dvbcssd", required=True)
    parser.add_argument("--dvbcss", required=True)
    parser.add_argument("--peer", help="companion.js of tests/interop, with its packages installed")
    parser.add_argument("--serve", metavar="WEB", help="serve the pages of this folder afterwards")
    parser.add_argument("--media", help="folder of files that the pages play")
    try:
        sys.exit(asyncio.run(main(parser.parse_args())))
    except asyncio.CancelledError:
        sys.exit("ended before its time")
