"""How many descriptors dvbcssd gives itself, and what happens when the system allows few."""

import os
import re
import socket
import tempfile
import unittest
from urllib.parse import urlsplit

from control_client import UnixConnection, exchange
from processes import DEADLINE_S, Daemon
from raw_websocket import CLOSE, RawWebSocket, frame

# What the daemon keeps for everything but connections to endpoints.
SPARE = 1024


def limited(soft, hard):
    """Runs a command with these limits."""
    return ["bash", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "bash"]


def limits_of(tv):
    with open(f"/proc/{tv.process.pid}/limits", encoding="ascii") as file:
        return [int(n) for n in re.search(r"Max open files +(\d+) +(\d+)", file.read()).groups()]


class Limit(unittest.TestCase):
    def test_is_raised_to_what_the_limits_of_connections_ask_for(self):
        settings = {"cii.max_connections": "300", "ts.max_connections": "200",
                    "wc_ws.max_connections": "0", "app2app.max_connections": "0",
                    "page.max_connections": "10"}
        with Daemon(settings=settings, prefix=limited(256, 4096)) as tv:
            self.assertEqual(limits_of(tv), [510 + SPARE, 4096])

    def test_is_raised_to_what_is_configured(self):
        with Daemon(settings={"http.fd_limit": "2000"}, prefix=limited(256, 4096)) as tv:
            self.assertEqual(limits_of(tv), [2000, 4096])

    def test_is_raised_to_what_the_daemon_itself_needs_if_less_is_configured(self):
        with Daemon(settings={"http.fd_limit": "100"}, prefix=limited(256, 4096)) as tv:
            self.assertEqual(limits_of(tv), [SPARE, 4096])

    def test_is_never_lowered(self):
        with Daemon(settings={"http.fd_limit": "1024"}, prefix=limited(3000, 4096)) as tv:
            self.assertEqual(limits_of(tv), [3000, 4096])

    def test_that_the_system_does_not_allow_is_in_the_log(self):
        with Daemon(settings={"http.fd_limit": "5000"}, prefix=limited(256, 2048)) as tv:
            self.assertEqual(limits_of(tv), [2048, 2048])
            code, said = tv.stop()
            self.assertEqual(code, 0, said)
            self.assertIn("descriptors: the system allows 2048 file descriptors; the limits of "
                          "connections need 5000", "\n".join(said))


class Exhaustion(unittest.TestCase):
    def test_by_companions_does_not_lock_control_out(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "control.sock")
            settings = {"control.socket": path, "http.max_connections_per_address": "0"}
            with Daemon(settings=settings, prefix=limited(200, 200)) as tv:
                address = urlsplit(tv.urls["http"])
                held = []
                early = RawWebSocket(tv.urls["cii"])
                self.assertEqual(early.handshake()[0], 101)
                try:
                    # Those that are refused are told so: whoever is not has got a descriptor.
                    while len(held) < 200:
                        held.append(socket.create_connection((address.hostname, address.port)))
                    held[-1].settimeout(DEADLINE_S)
                    self.assertTrue(held[-1].recv(100).startswith(b"HTTP/1.1 503 "))
                    answer = exchange(UnixConnection(path), "GET", "/api/v1/status")
                    self.assertEqual(answer.status, 200)
                    # Who came in while there were enough is served.
                    self.assertIn("contentId", early.receive_text())
                    early.send(frame(CLOSE, b"\x03\xe8"))
                    self.assertEqual(early.close_code(), 1000)
                finally:
                    early.socket.close()
                    for connection in held:
                        connection.close()
                self.assertIn(101, (self.status_of(tv) for _ in range(1000)))

    @staticmethod
    def status_of(tv):
        """Of a handshake: 503 until the daemon has noticed that the others have gone."""
        with RawWebSocket(tv.urls["cii"]) as cii:
            return cii.handshake()[0]


if __name__ == "__main__":
    unittest.main()
