"""The wall clock over WebSocket, against the truth: dvbcssd's clock is one of this machine's."""

import asyncio
import json
import re
import struct
import unittest
import urllib.request
from decimal import Decimal

import websockets

from control_client import ControlledDaemon
from raw_websocket import BINARY, PING, PONG, TEXT, RawWebSocket, frame

NS = 1_000_000_000


def request_bytes(seconds=0, nanoseconds=0, kind=0, version=0):
    return struct.pack(">BBbBI6I", version, kind, 0, 0, 0, seconds, nanoseconds, 0, 0, 0, 0)


def read_bytes(answer):
    version, kind, precision, reserved, freq_error, s1, n1, s2, n2, s3, n3 = struct.unpack(
        ">BBbBI6I", answer
    )
    assert (version, kind, reserved) == (0, 1, 0), answer
    return {
        "originate": (s1, n1),
        "receive": s2 * NS + n2,
        "transmit": s3 * NS + n3,
        "precision_s": 2.0**precision,
        "ppm": freq_error / 256,
    }


class WallClock(unittest.TestCase):
    settings = {"http.metrics": "true"}

    def setUp(self):
        self.tv = ControlledDaemon(settings=self.settings)
        self.addCleanup(self.tv.__exit__, None, None, None)
        self.addCleanup(self.expect_life)

    def expect_life(self):
        self.assertIsNone(self.tv.process.poll(), "the daemon has ended")

    def ask(self, *messages):
        """The answers to messages that are sent one after the other, with the true times around."""

        async def talk():
            answers = []
            async with websockets.connect(self.tv.urls["wc_ws"]) as wc:
                for message in messages:
                    before = self.tv.wall_ns()
                    await wc.send(message)
                    answer = await asyncio.wait_for(wc.recv(), 30)
                    answers.append((before, answer, self.tv.wall_ns()))
            return answers

        return asyncio.run(talk())

    def metric(self, name, **labels):
        text = urllib.request.urlopen(self.tv.urls["http"] + "/metrics").read().decode()
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        found = re.search(rf"(?m)^dvbcss_{name}\{{{re.escape(wanted)}\}} (\S+)$", text)
        self.assertIsNotNone(found, (name, labels))
        return float(found.group(1))

    def requests(self, result):
        return self.metric("wc_ws_requests_total", endpoint="wc_ws", result=result)


class Answers(WallClock):
    def test_32_bytes_carry_the_wall_clock_that_udp_serves(self):
        for number, (before, answer, after) in enumerate(
            self.ask(*(request_bytes(7, 0xFFFFFFFF - n) for n in range(20)))
        ):
            got = read_bytes(answer)
            self.assertEqual(got["originate"], (7, 0xFFFFFFFF - number))
            self.assertEqual(got["ppm"], 500)
            self.assertLessEqual(before, got["receive"])
            self.assertLessEqual(got["receive"], got["transmit"])
            self.assertLessEqual(got["transmit"], after)

    def test_nanoseconds_are_whole_and_exact(self):
        for before, text, after in self.ask('{"v":0,"t":0,"p":-50,"mfe":50,"id":3,"ot":12.75}'):
            answer = json.loads(text)
            self.assertEqual(
                {key: answer[key] for key in ("v", "t", "mfe", "id", "ot")},
                {"v": 0, "t": 1, "mfe": 500, "id": 3, "ot": 12.75},
            )
            self.assertIsInstance(answer["rt"], int)
            self.assertTrue(before <= answer["rt"] <= answer["tt"] <= after)

    def test_seconds_have_nine_decimals(self):
        request = '{"v":0,"t":0,"p":0,"mfe":0,"otvs":1795252866,"otvn":224000123,"rt":0,"tt":0}'
        for request, names in ((request, {"otvs", "otvn"}), ('{"hello":[1]}', {"hello"})):
            ((before, text, after),) = self.ask(request)
            answer = json.loads(text, parse_float=Decimal)
            self.assertTrue(names <= set(answer), answer)
            self.assertEqual(answer["rt"].as_tuple().exponent, -9)
            self.assertTrue(before <= answer["rt"] * NS <= answer["tt"] * NS <= after, answer)
        self.assertEqual(answer["remoteReceiveTime"], answer["rt"] * NS)
        self.assertEqual(answer["remoteSendTime"], answer["tt"] * NS)

    def test_each_message_is_answered_in_kind_on_one_connection(self):
        answers = self.ask(request_bytes(1), '{"ot":1}', b'{"ot":1}', "{}", request_bytes(2))
        self.assertEqual([type(answer) for _, answer, _ in answers], [bytes, str, bytes, str, bytes])
        for result, count in (("binary", 2), ("nanoseconds", 2), ("plain", 1), ("split", 0)):
            self.assertEqual(self.requests(result), count, result)

    def test_the_precision_that_is_announced_is_the_one_in_the_metrics(self):
        answers = self.ask(*(request_bytes() for _ in range(40)))
        self.assertEqual(read_bytes(answers[0][1])["precision_s"], 2.0**-9)
        stated = read_bytes(self.ask(request_bytes())[0][1])["precision_s"]
        self.assertGreater(stated, 0)
        self.assertGreater(self.metric("wc_ws_precision_seconds", endpoint="wc_ws"), 0)

    def test_many_may_be_under_way(self):
        async def talk():
            async with websockets.connect(self.tv.urls["wc_ws"]) as wc:
                for number in range(30):
                    await wc.send(json.dumps({"id": number, "ot": number}))
                return [json.loads(await asyncio.wait_for(wc.recv(), 30))["id"] for _ in range(30)]

        self.assertEqual(asyncio.run(talk()), list(range(30)))


class Hostile(WallClock):
    settings = {
        "http.metrics": "true",
        "wc_ws.answers_per_second": "5",
        "wc_ws.max_connections": "3",
    }

    def test_who_asks_too_often_is_answered_at_the_limit_and_others_are_not_disturbed(self):
        with RawWebSocket(self.tv.urls["wc_ws"]) as greedy:
            greedy.handshake()
            for number in range(100):
                greedy.send(frame(TEXT, json.dumps({"id": number, "ot": 1}).encode()))
            greedy.send(frame(PING, b"all"))
            self.ask(request_bytes())
            answered = []
            # The pong says that all has been looked at.
            while (got := greedy.receive()) != (PONG, b"all"):
                answered.append(json.loads(got[1])["id"])
            self.assertEqual(answered[:5], [0, 1, 2, 3, 4])
            # What came later was dropped, however fast this machine is.
            self.assertGreater(self.requests("limited"), 50)

    def test_what_is_no_request_is_counted_and_the_connection_lives(self):
        nonsense = [
            (TEXT, b"hello"),
            (TEXT, b"[]"),
            (TEXT, b'{"t":1,"ot":1}'),
            (TEXT, b'{"v":7}'),
            (TEXT, b'{"a":' * 400),
            (TEXT, b""),
            (BINARY, b""),
            (BINARY, request_bytes()[:31]),
            (BINARY, request_bytes() + b"x"),
            (BINARY, request_bytes(kind=1)),
            (BINARY, request_bytes(version=1)),
            (BINARY, b"{" + bytes(31)),
        ]
        for opcode, payload in nonsense:
            with RawWebSocket(self.tv.urls["wc_ws"]) as peer:
                peer.handshake()
                peer.send(frame(opcode, payload) + frame(TEXT, b'{"ot":1}'))
                self.assertEqual(json.loads(peer.receive_text())["ot"], 1, payload)
        self.assertEqual(self.requests("malformed"), len(nonsense))
        said = [line for line in self.tv.err.seen if "wc-ws-ignored" in line]
        self.assertTrue(1 <= len(said) <= 5, said)

    def test_what_is_too_long_or_no_websocket_is_closed(self):
        with RawWebSocket(self.tv.urls["wc_ws"]) as peer, RawWebSocket(
            self.tv.urls["wc_ws"]
        ) as other:
            peer.handshake()
            other.handshake()
            peer.send(frame(TEXT, b" " * 2049))
            self.assertEqual(peer.close_code(), 1009)
            other.send(frame(TEXT, b'{"ot":1}', masked=True))
            self.assertEqual(json.loads(other.receive_text())["t"], 1)
            other.send(frame(TEXT, b'{"ot":"\xff"}'))
            self.assertEqual(other.close_code(), 1007)

    def test_one_more_than_may_be_is_refused(self):
        peers = [RawWebSocket(self.tv.urls["wc_ws"]) for _ in range(4)]
        statuses = [peer.handshake()[0] for peer in peers]
        for peer in peers:
            peer.socket.close()
        self.assertEqual(statuses, [101, 101, 101, 503])


class Configured(unittest.TestCase):
    def test_it_can_be_elsewhere_and_nowhere(self):
        with ControlledDaemon(settings={"wc_ws.path": "/clock"}) as tv:
            self.assertTrue(tv.urls["wc_ws"].endswith("/clock"))
            with RawWebSocket(tv.urls["wc_ws"]) as peer:
                self.assertEqual(peer.handshake()[0], 101)
                changed = tv.request("PATCH", "/api/v1/endpoints/wc_ws", {"enabled": False})
                self.assertEqual(changed.json["enabled"], False)
                self.assertEqual(peer.close_code(), 1001)
        with ControlledDaemon(settings={"wc_ws.enabled": "false"}) as tv:
            self.assertIsNone(tv.urls["wc_ws"])
            with RawWebSocket(tv.urls["cii"].replace("/cii", "/wc")) as peer:
                self.assertEqual(peer.handshake()[0], 403)


if __name__ == "__main__":
    unittest.main()
