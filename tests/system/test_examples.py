"""The example programs do what they say. An example that nothing here runs fails the test."""

import os
import pathlib
import re
import signal
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from processes import Daemon, Program  # noqa: E402

FOLDER = pathlib.Path(os.environ["EXAMPLES_DIR"])
SOURCES = pathlib.Path(__file__).resolve().parents[2] / "examples"
DEADLINE_S = 20


def example(name, *arguments):
    return Program([str(FOLDER / f"example_{name}"), *arguments])


class Examples(unittest.TestCase):
    def test_each_example_is_run_here_and_short(self):
        for source in SOURCES.glob("*.c"):
            self.assertTrue(hasattr(self, f"test_{source.stem}"), source.name)
            code = re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)
            lines = [line for line in code.splitlines() if line.strip()]
            self.assertLess(len(lines), 100, source.name)

    def test_core_responder(self):
        with example("core_responder", "127.0.0.1", "0", "1") as responder:
            port = int(responder.out.next())
            originate = b"ORIGINAL"
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(DEADLINE_S)
                client.connect(("127.0.0.1", port))
                client.send(b"not a request")
                client.send(bytes(8) + originate + bytes(16))
                answer = client.recv(64)
            self.assertEqual(responder.wait(), 0)
        self.assertEqual(len(answer), 32)
        self.assertEqual(answer[:2], b"\x00\x01")
        self.assertEqual(answer[8:16], originate)
        receive = struct.unpack(">II", answer[16:24])
        transmit = struct.unpack(">II", answer[24:32])
        self.assertLessEqual(receive, transmit)

    def test_companion(self):
        with Daemon() as tv, example("companion", tv.urls["cii"], "3") as companion:
            lines = companion.out.rest()
            self.assertEqual(companion.wait(), 0)
        self.assertIn("synchronised", lines)
        self.assertEqual(len([line for line in lines if " s at speed " in line]), 3)

    def test_tv(self):
        with example("tv") as tv:
            url = tv.out.next()
            with example("companion", url, "1") as companion:
                self.assertEqual(companion.wait(), 0, companion.err.seen)
                self.assertIn("urn:dvb:css:timeline:pts: ", companion.out.rest()[-1])
            tv.signal(signal.SIGINT)
            self.assertEqual(tv.wait(), 0)


unittest.main()
