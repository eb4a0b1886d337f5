"""A television that says whatever a test wants it to say."""

import asyncio
import contextlib
import json
import threading
import time

import websockets

PTS = "urn:dvb:css:timeline:pts"
DEADLINE_S = 30


def timeline(selector=PTS, ticks=90000):
    return {"timelineSelector": selector,
            "timelineProperties": {"unitsPerTick": 1, "unitsPerSecond": ticks}}


class _WallClock(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        seconds, nanoseconds = divmod(time.monotonic_ns(), 10**9)
        now = seconds.to_bytes(4, "big") + nanoseconds.to_bytes(4, "big")
        self.transport.sendto(b"\x00\x01\xec\x00\x00\x00\x32\x00" + data[8:16] + now + now, address)


class OddTv:
    """Serves CII, TS and a wall clock of loopback. `cii` are members of the CII message in place of
    the right ones; `control` makes a control timestamp out of the time of the wall clock, in ns."""

    def __init__(self, cii=None, control=None):
        self.members = cii or {}
        self.control = control or (lambda wall_ns: {
            "contentTime": str(wall_ns * 9 // 100000), "wallClockTime": str(wall_ns),
            "timelineSpeedMultiplier": 1})
        self.setups = []

    def __enter__(self):
        started = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, args=(started,))
        self.thread.start()
        assert started.wait(DEADLINE_S)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(DEADLINE_S)

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}/cii"

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(started))
        self.loop.close()

    async def _serve(self, started):
        self.over = asyncio.Event()
        clock, _ = await self.loop.create_datagram_endpoint(
            _WallClock, local_addr=("127.0.0.1", 0))
        self.clock_port = clock.get_extra_info("sockname")[1]
        async with websockets.serve(self._connected, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await self.over.wait()
        clock.close()

    async def _connected(self, connection, path):
        if path == "/cii":
            await connection.send(json.dumps(self._message()))
            await connection.wait_closed()
            return
        self.setups.append(json.loads(await connection.recv()))
        with contextlib.suppress(websockets.ConnectionClosed):
            while not self.over.is_set():
                await connection.send(json.dumps(self.control(time.monotonic_ns())))
                await asyncio.sleep(0.1)

    def _message(self):
        message = {"protocolVersion": "1.1", "mrsUrl": None, "contentId": "dvb://1.2.3",
                   "contentIdStatus": "final", "presentationStatus": "okay",
                   "wcUrl": f"udp://127.0.0.1:{self.clock_port}",
                   "tsUrl": f"ws://127.0.0.1:{self.port}/ts", "teUrl": None,
                   "timelines": [timeline()]}
        message.update(self.members)
        return message
