"""dvbcssd on sockets that a service manager opened, as systemd hands them over (sd_listen_fds(3))."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from certificates import Certificate
from control_client import UnixConnection, exchange
from processes import DEADLINE_S, Daemon, Program
from raw_websocket import RawWebSocket

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FIRST_FD = 3
# Where descriptors are put aside, so that none is in the way of those that are handed over.
ASIDE = 100


class Manager:
    """Holds listening sockets, and hands them over to daemons one after the other."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.sockets = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for held in self.sockets:
            held.close()
        self.folder.cleanup()

    def hold(self, held, address):
        self.sockets.append(held)
        held.bind(address)
        if held.type == socket.SOCK_STREAM:
            held.listen(64)
        return held.getsockname()

    def tcp(self, host="127.0.0.1", family=socket.AF_INET):
        return self.hold(socket.socket(family), (host, 0))[1]

    def unix(self):
        path = os.path.join(self.folder.name, "control.sock")
        return self.hold(socket.socket(socket.AF_UNIX), path)

    def udp(self):
        return self.hold(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", 0))[1]

    def daemon(self, names, settings=None, pid="$$", start=Daemon):
        """Starts a daemon that has all sockets, called as `names` says."""
        aside = [fcntl.fcntl(held, fcntl.F_DUPFD, ASIDE) for held in self.sockets]
        moves = " ".join(f"{FIRST_FD + i}<&{fd} {fd}<&-" for i, fd in enumerate(aside))
        script = f'LISTEN_PID={pid} LISTEN_FDS={len(aside)} LISTEN_FDNAMES="{names}" exec "$@" {moves}'
        chosen = {"content.id": "dvb://1.2.3", **(settings or {})}
        try:
            return start(settings=chosen, prefix=["bash", "-c", script, "bash"], pass_fds=aside)
        finally:
            for fd in aside:
                os.close(fd)

    def refusal(self, names):
        """What a daemon says that cannot start with these sockets."""

        def start(settings, prefix, **options):
            command = [*prefix, os.environ["DVBCSSD"]]
            for key, value in settings.items():
                command += ["--set", f"{key}={value}"]
            return Program(command, **options)

        with self.daemon(names, {"wallclock.enabled": "false"}, start=start) as refused:
            said = refused.err.rest()
            assert refused.wait() == 1, said
            return said[-1]


def knock(port, host="127.0.0.1"):
    """A companion that has sent its handshake, and waits."""
    companion = RawWebSocket(f"ws://{host}:{port}/cii")
    companion.send(companion.request())
    return companion


class Companions(unittest.TestCase):
    def assert_served(self, companion):
        status, _ = companion.answer()
        self.assertEqual(status, 101)
        self.assertEqual(json.loads(companion.receive_text())["contentId"], "dvb://1.2.3")

    def test_who_knocked_before_the_daemon_started_is_served(self):
        with Manager() as manager:
            port = manager.tcp()
            with knock(port) as early, manager.daemon("http") as tv:
                self.assertEqual(tv.urls["http"], f"http://127.0.0.1:{port}")
                self.assert_served(early)
                with knock(port) as late:
                    self.assert_served(late)

    def test_one_for_tls_is_served_by_tls(self):
        with Manager() as manager:
            cert = Certificate(manager.folder.name)
            settings = {"http.enabled": "false", "tls.enabled": "true",
                        "tls.certificate": cert.certificate, "tls.key": cert.key}
            port = manager.tcp()
            with manager.daemon("https", settings) as tv:
                self.assertEqual(tv.urls["https"], f"https://127.0.0.1:{port}")
                with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as peer:
                    with cert.trust().wrap_socket(peer, server_hostname="localhost") as secure:
                        secure.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        self.assertIn(b" 404 ", secure.recv(65536))

    def test_nobody_is_turned_away_while_the_daemon_restarts(self):
        with Manager() as manager:
            port = manager.tcp()
            with manager.daemon("http") as tv:
                with knock(port) as before:
                    self.assert_served(before)
                    code, said = tv.stop()
                    self.assertEqual(code, 0, said)
                    self.assertEqual(before.close_code(), 1001)
            with knock(port) as meanwhile, manager.daemon("http"):
                self.assert_served(meanwhile)

    def test_several_sockets_serve_alike(self):
        with Manager() as manager:
            ports = [manager.tcp(), manager.tcp(), manager.tcp("::1", socket.AF_INET6)]
            with manager.daemon("http:http:http"):
                for port, host in zip(ports, ("127.0.0.1", "127.0.0.1", "[::1]")):
                    with knock(port, host) as companion:
                        self.assert_served(companion)

    def test_sockets_without_a_name_of_ours_are_told_by_their_family(self):
        with Manager() as manager:
            port, path = manager.tcp(), manager.unix()
            with manager.daemon("dvbcssd.socket") as tv:
                self.assertEqual(tv.urls["control_socket"], path)
                with knock(port) as companion:
                    self.assert_served(companion)
                answer = exchange(UnixConnection(path), "GET", "/api/v1/status")
                self.assertEqual(answer.status, 200)

    def test_sockets_for_another_process_are_left_alone(self):
        with Manager() as manager:
            port = manager.tcp()
            with manager.daemon("http", pid="1") as tv:
                self.assertNotEqual(tv.urls["http"], f"http://127.0.0.1:{port}")


class Control(unittest.TestCase):
    def test_requests_from_before_the_start_are_answered_and_the_file_stays(self):
        with Manager() as manager:
            path = manager.unix()
            with socket.socket(socket.AF_UNIX) as early:
                early.connect(path)
                early.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")
                with manager.daemon("control", {"control.socket": "/nowhere/else"}) as tv:
                    self.assertTrue(early.recv(100).startswith(b"HTTP/1.1 200"))
                    code, said = tv.stop()
                    self.assertEqual(code, 0, said)
            self.assertTrue(os.path.exists(path))
            with manager.daemon("control"):
                answer = exchange(UnixConnection(path), "GET", "/api/v1/status")
                self.assertEqual(answer.status, 200)


class Refused(unittest.TestCase):
    def test_a_socket_that_does_not_listen(self):
        with Manager() as manager:
            manager.udp()
            self.assertIn("socket 3 (http) that was handed over: it does not listen",
                          manager.refusal("http"))

    def test_a_socket_of_the_wrong_family_for_its_name(self):
        with Manager() as manager:
            manager.tcp()
            self.assertIn("it is no Unix-domain socket", manager.refusal("control"))
        with Manager() as manager:
            manager.unix()
            self.assertIn("it is no TCP socket", manager.refusal("http"))

    def test_a_socket_for_what_is_not_enabled(self):
        with Manager() as manager:
            manager.tcp()
            self.assertIn("tls: a socket was handed over for it, but it is not enabled",
                          manager.refusal("https"))

    def test_more_than_can_be_served(self):
        with Manager() as manager:
            manager.tcp()
            for _ in range(16):
                manager.tcp()
            self.assertIn("socket 19 (http)", manager.refusal("http" + ":http" * 16))


class Unit(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_of_systemd_is_understood(self):
        with tempfile.TemporaryDirectory() as folder:
            unit = os.path.join(folder, "dvbcssd.socket")
            shutil.copy(os.path.join(ROOT, "packaging", "systemd", "dvbcssd.socket"), unit)
            with open(os.path.join(folder, "dvbcssd.service"), "w", encoding="utf-8") as service:
                service.write("[Service]\nExecStart=/bin/true\n")
            done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertNotIn("dvbcssd", done.stderr)


if __name__ == "__main__":
    unittest.main()
