"""dvbcss accuracy with npm dvbcss-protocols at either end, and at both: its clocks are measured
through our network, and the bounds hold."""

import json
import os
import subprocess
import unittest

PEER = os.path.join(os.environ["INTEROP_DIR"], "dvbcss-protocols")
DVBCSS = os.environ["DVBCSS"]
CLIENT = f"node {PEER}/wall_clock_client.js {{host}} {{port}} 20"
SERVER = f"node {PEER}/wall_clock_server.js"
# Their clocks tick in milliseconds, and so do their words about them.
TICK_S = "0.0015"


def measure(*arguments):
    command = [DVBCSS, "accuracy", "--json", "--duration", "4", "--settle", "1.5"]
    done = subprocess.run(
        [*command, "--model", "lan", "--truth-error", TICK_S, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


class Accuracy(unittest.TestCase):
    def assert_measured(self, found, server, client):
        self.assertEqual(found["coverage"], 1.0)
        self.assertGreater(found["counted"], 0)
        self.assertGreater(found["requests"], 0)
        self.assertEqual(found["setting"]["server"], server)
        self.assertEqual(found["setting"]["client"], client)

    def test_their_client_asks_our_server(self):
        self.assert_measured(measure("--client-command", CLIENT), "own", "command")

    def test_our_client_asks_their_server(self):
        self.assert_measured(measure("--server-command", SERVER), "command", "own")

    def test_their_client_asks_their_server(self):
        found = measure("--server-command", SERVER, "--client-command", CLIENT)
        self.assert_measured(found, "command", "command")


if __name__ == "__main__":
    unittest.main()
