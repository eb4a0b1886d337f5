"""A web page that is the TV, and companions, by Python's websockets."""

import asyncio
import json
import os
import time

import websockets

DEADLINE_S = float(os.environ.get("TEST_DEADLINE_S", "30"))


class Peer:
    """A WebSocket that says and hears JSON objects."""

    def __init__(self, socket):
        self.socket = socket
        self.heard = []

    @classmethod
    async def connect(cls, url, **options):
        return cls(await websockets.connect(url, **options))

    async def say(self, message):
        await self.socket.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def hear(self, wanted=lambda message: True):
        """The next message for which wanted(message) is true."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
            self.heard.append(message)
            if wanted(message):
                return message

    async def hear_member(self, name):
        """The next message that has this member; its value."""
        return (await self.hear(lambda message: name in message))[name]

    async def closed(self):
        """Waits for the close and returns its code."""
        await asyncio.wait_for(self.socket.wait_closed(), DEADLINE_S)
        return self.socket.close_code

    async def close(self):
        await self.socket.close()

    def lose(self):
        """Ends the connection without a word."""
        self.socket.transport.abort()


class Page(Peer):
    """A page of version 2 whose clock is the wall clock itself, or one of version 1."""

    async def greet(self, **hello):
        await self.say({"hello": {"version": 2, **hello}})
        return await self.hear_member("welcome")

    async def present(self, content_id=None, timelines=None, timestamps=None, **more):
        """Says what it presents: {selector: ticks per second}, {selector: control timestamp}."""
        message = {**more}
        if content_id is not None:
            message["cii"] = {"contentId": content_id, "contentIdStatus": "final",
                              "presentationStatus": "okay"}  # fmt: skip
        if timelines is not None:
            message.setdefault("cii", {})["timelines"] = [
                {"timelineSelector": selector,
                 "timelineProperties": {"unitsPerTick": 1, "unitsPerSecond": rate}}
                for selector, rate in timelines.items()
            ]  # fmt: skip
        if timestamps is not None:
            message["controlTimestamps"] = timestamps
        await self.say(message)

    async def settle(self):
        """Waits until the daemon has done what was said before."""
        mark = str(time.monotonic_ns())
        await self.say({"clock": {"t1": mark}})
        await self.hear(lambda message: message.get("clock", {}).get("t1") == mark)


def stamp(content, wall_ns, speed):
    """A control timestamp."""
    return {"contentTime": str(content), "wallClockTime": str(wall_ns),
            "timelineSpeedMultiplier": speed}  # fmt: skip


GONE = {"contentTime": None, "wallClockTime": "0", "timelineSpeedMultiplier": None}
