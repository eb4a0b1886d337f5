"""Who reaches the control API: the socket's file, the token, Host and Origin, and nobody else."""

import grp
import http.client
import os
import pwd
import signal
import socket
import stat
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

from control_client import ControlledDaemon, UnixConnection, exchange
from processes import DEADLINE_S, Daemon

TOKEN = "correct-horse-battery-staple"


def run(*settings, env=None):
    """Starts a daemon that is expected to end by itself; returns (exit code, stderr)."""
    command = [os.environ["DVBCSSD"]]
    for setting in ("http.address=127.0.0.1", "http.port=0", "wallclock.address=127.0.0.1",
                    "wallclock.port=0", *settings):
        command += ["--set", setting]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE_S, env=env, check=False)
    return done.returncode, done.stderr


class Socket(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "control.sock")

    def answers(self):
        return exchange(UnixConnection(self.path), "GET", "/healthz").status == 200

    def test_it_has_mode_and_owner_of_the_configuration(self):
        user = pwd.getpwuid(os.getuid()).pw_name
        group = grp.getgrgid(os.getgid()).gr_name
        for mode in ("0600", "0660", "666"):
            with Daemon(settings={"control.socket": self.path, "control.socket_mode": mode,
                                  "control.socket_owner": user,
                                  "control.socket_group": group}) as tv:
                found = os.stat(self.path)
                self.assertTrue(stat.S_ISSOCK(found.st_mode))
                self.assertEqual(stat.S_IMODE(found.st_mode), int(mode, 8))
                self.assertEqual(tv.urls["control_socket"], self.path)
                self.assertIsNone(tv.urls["control"])
                self.assertEqual(tv.stop()[0], 0)
            self.assertFalse(os.path.exists(self.path), "removed at the end")

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_another_owner_is_set(self):
        with Daemon(settings={"control.socket": self.path, "control.socket_owner": "nobody",
                              "control.socket_group": "nogroup"}):
            found = os.stat(self.path)
            self.assertEqual(found.st_uid, pwd.getpwnam("nobody").pw_uid)
            self.assertEqual(found.st_gid, grp.getgrnam("nogroup").gr_gid)

    def test_a_stale_socket_is_replaced(self):
        with Daemon(settings={"control.socket": self.path}) as tv:
            tv.signal(signal.SIGKILL)
            tv.wait()
        self.assertTrue(os.path.exists(self.path))
        with Daemon(settings={"control.socket": self.path}):
            self.assertTrue(self.answers())

    def test_a_living_one_is_left_alone(self):
        with Daemon(settings={"control.socket": self.path}):
            code, said = run(f"control.socket={self.path}")
            self.assertEqual(code, 1)
            self.assertIn(self.path, said)
            self.assertIn("in use", said)
            self.assertTrue(self.answers())

    def test_a_file_that_is_no_socket_is_left_alone(self):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("mine")
        code, said = run(f"control.socket={self.path}")
        self.assertEqual(code, 1)
        self.assertIn("no socket", said)
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")

    def test_what_took_its_place_is_left_alone(self):
        with Daemon(settings={"control.socket": self.path}) as tv:
            os.unlink(self.path)
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
                other.bind(self.path)
                self.assertEqual(tv.stop()[0], 0)
                self.assertTrue(os.path.exists(self.path))

    def test_one_that_was_asked_for_must_be_had(self):
        code, said = run("control.socket=/nonexistent/control.sock")
        self.assertEqual(code, 1)
        self.assertEqual(len([line for line in said.splitlines() if "error" in line]), 1, said)
        self.assertIn("/nonexistent/control.sock", said)
        code, said = run("control.socket=" + "/x" * 80)
        self.assertEqual(code, 1)
        self.assertIn("longer", said)

    def test_owners_that_nobody_is_are_refused(self):
        for key in ("owner", "group"):
            code, said = run(f"control.socket={self.path}", f"control.socket_{key}=no-such-one")
            self.assertEqual(code, 1)
            self.assertIn("no-such-one", said)
            self.assertFalse(os.path.exists(self.path))

    def test_by_default_it_is_where_the_service_manager_says(self):
        env = {**os.environ, "RUNTIME_DIRECTORY": os.path.dirname(self.path) + ":/other"}
        with Daemon(settings={"control.socket": "auto"}, env=env) as tv:
            self.assertEqual(tv.urls["control_socket"], self.path)
            self.assertTrue(self.answers())

    def test_by_default_it_may_be_missing(self):
        env = {**os.environ, "RUNTIME_DIRECTORY": "/nonexistent"}
        with Daemon(settings={"control.socket": "auto"}, env=env) as tv:
            self.assertIsNone(tv.urls["control_socket"])
            code, said = tv.stop()
            self.assertEqual(code, 0)
            self.assertTrue([line for line in said if "control-socket" in line], said)

    def test_none_is_possible(self):
        with Daemon(settings={"control.socket": ""}) as tv:
            self.assertIsNone(tv.urls["control_socket"])
            self.assertEqual(tv.stop()[0], 0)


class Public(unittest.TestCase):
    def get(self, tv, path):
        url = urlsplit(tv.urls["http"])
        return exchange(http.client.HTTPConnection(url.hostname, url.port, timeout=DEADLINE_S),
                        "GET", path)

    def test_companions_do_not_reach_the_api(self):
        with ControlledDaemon() as tv:
            for path in ("/api/v1/status", "/api", "/metrics", "/healthz"):
                self.assertEqual(self.get(tv, path).status, 404, path)

    def test_metrics_and_health_are_shared_if_configured(self):
        with ControlledDaemon(settings={"http.metrics": "true"}) as tv:
            self.assertEqual(self.get(tv, "/healthz").json, {"status": "ok"})
            self.assertIn("dvbcss_build_info", self.get(tv, "/metrics").text)
            for path in ("/api/v1/status", "/metrics/x", "/healthzz"):
                self.assertEqual(self.get(tv, path).status, 404, path)
            self.assertEqual(tv.stop()[0], 0)


class Tcp(unittest.TestCase):
    settings = {
        "control.tcp_address": "127.0.0.1",
        "control.tcp_port": "0",
        "control.token": TOKEN,
        "control.hosts": "tv.example other.example",
        "control.origins": "https://remote.example http://localhost:8080",
        "log.level": "debug",
    }

    @classmethod
    def setUpClass(cls):
        cls.tv = ControlledDaemon(settings=cls.settings)
        cls.url = urlsplit(cls.tv.urls["control"])

    @classmethod
    def tearDownClass(cls):
        try:
            code, said = cls.tv.stop()
            assert code == 0, said
            assert not [line for line in said if TOKEN in line], "the token is in the log"
        finally:
            cls.tv.__exit__(None, None, None)

    def ask(self, token=TOKEN, method="GET", path="/api/v1/status", **headers):
        chosen = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            chosen["Authorization"] = f"Bearer {token}"
        return exchange(http.client.HTTPConnection(self.url.hostname, self.url.port,
                                                   timeout=DEADLINE_S),
                        method, path, None, chosen)

    def test_the_right_token_opens(self):
        self.assertEqual(self.ask().status, 200)
        self.assertEqual(self.ask(token=None, Authorization=f"bearer {TOKEN}").status, 200)

    def test_any_other_does_not(self):
        for token in (None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 300, TOKEN[:-1] + "f"):
            answer = self.ask(token)
            self.assertEqual(answer.status, 401, token)
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
            self.assertEqual(answer.json["error"], "unauthorized")
        self.assertEqual(self.ask(token=None, Authorization=f"Basic {TOKEN}").status, 401)
        self.assertEqual(self.ask(token=None, Authorization=TOKEN).status, 401)

    def test_nothing_is_told_without_one(self):
        for path in ("/metrics", "/api/v1/openapi.json", "/nothing"):
            self.assertEqual(self.ask(None, path=path).status, 401, path)
        self.assertEqual(self.ask(None, path="/healthz").status, 200)

    def test_a_request_without_one_changes_nothing(self):
        answer = exchange(http.client.HTTPConnection(self.url.hostname, self.url.port,
                                                     timeout=DEADLINE_S),
                          "PATCH", "/api/v1/content", {"contentId": "dvb://evil"})
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.tv.get("/content")["contentId"], "dvb://1.2.3")

    def test_host_must_be_an_address_or_known(self):
        for host in ("127.0.0.1", "192.0.2.1:7682", "[::1]:7682", "localhost:1", "tv.example",
                     "TV.example:80", "other.example"):
            self.assertEqual(self.ask(Host=host).status, 200, host)
        for host in ("evil.example", "tv.example.evil.example", "example", "127.0.0.1.evil.example",
                     "[evil]", "[::1", "tv.exampl", "tv"):
            self.assertEqual(self.ask(Host=host).status, 403, host)
            self.assertEqual(self.ask(None, path="/healthz", Host=host).status, 403, host)

    def test_a_host_in_the_target_counts_in_place_of_the_header(self):
        for host, header, status in (("tv.example", "evil.example", 200),
                                     ("evil.example", "tv.example", 403),
                                     ("evil.example:7682", "127.0.0.1", 403),
                                     ("tv.example@evil.example", "tv.example", 403)):
            answer = self.ask(path=f"http://{host}/api/v1/status", Host=header)
            self.assertEqual(answer.status, status, host)

    def test_web_pages_must_be_allowed(self):
        for origin in ("https://evil.example", "null", "https://remote.example.evil.example",
                       "http://remote.example", "https://remote.example:444", "http://localhost"):
            answer = self.ask(Origin=origin)
            self.assertEqual(answer.status, 403, origin)
            self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
        answer = self.ask(Origin="https://remote.example")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "https://remote.example")
        self.assertEqual(answer.headers["Vary"], "Origin")
        # The page may read why it was refused.
        answer = self.ask("x" * 20, Origin="http://localhost:8080")
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "http://localhost:8080")

    def test_a_browser_may_ask_first(self):
        answer = self.ask(None, method="OPTIONS", path="/api/v1/content",
                          Origin="https://remote.example", Access_Control_Request_Method="PATCH")
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["Access-Control-Allow-Methods"], "GET, PATCH")
        self.assertIn("Authorization", answer.headers["Access-Control-Allow-Headers"])
        answer = self.ask(None, method="OPTIONS", path="/api/v1/content",
                          Origin="https://evil.example")
        self.assertEqual(answer.status, 403)

    def test_the_socket_needs_no_token(self):
        self.assertEqual(self.tv.request("GET", "/api/v1/status").status, 200)

    def test_refusals_are_counted(self):
        text = self.tv.request("GET", "/metrics").text
        before = [line for line in text.splitlines() if line.startswith("dvbcss_api_refusals")]
        self.ask(None)
        text = self.tv.request("GET", "/metrics").text
        after = [line for line in text.splitlines() if line.startswith("dvbcss_api_refusals")]
        self.assertEqual(int(after[0].split()[1]), int(before[0].split()[1]) + 1)


class Configuration(unittest.TestCase):
    def refused(self, *settings, code=2):
        done, said = run(*settings)
        self.assertEqual(done, code, said)
        return said

    def test_tcp_needs_a_token(self):
        self.assertIn("token", self.refused("control.tcp_address=127.0.0.1"))

    def test_a_weak_token_is_refused_and_not_shown(self):
        for token in ("short-secret", "has a space in it, and is long", "x" * 256):
            said = self.refused("control.tcp_address=127.0.0.1", f"control.token={token}")
            self.assertIn("16 to 255", said)
            self.assertNotIn(token, said)

    def test_one_token_is_enough(self):
        self.refused(f"control.token={TOKEN}", "control.token_file=/x")

    def test_a_token_file_is_read_and_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")
            said = self.refused("control.tcp_address=127.0.0.1", "control.tcp_port=0",
                                f"control.token_file={path}", code=1)
            self.assertIn(path, said)
            with open(path, "w", encoding="utf-8") as file:
                file.write("too short\n")
            said = self.refused("control.tcp_address=127.0.0.1", "control.tcp_port=0",
                                f"control.token_file={path}", code=1)
            self.assertNotIn("too short", said)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{TOKEN}\nanother line\n")
            with ControlledDaemon(settings={"control.tcp_address": "127.0.0.1",
                                            "control.tcp_port": "0",
                                            "control.token_file": path}) as tv:
                url = urlsplit(tv.urls["control"])
                answer = exchange(http.client.HTTPConnection(url.hostname, url.port), "GET",
                                  "/api/v1/media", None, {"Authorization": f"Bearer {TOKEN}"})
                self.assertEqual(answer.status, 200)

    def test_permissions_are_octal(self):
        for mode in ("rw", "0888", "1777", "-1", ""):
            self.refused(f"control.socket_mode={mode}")

    def test_a_taken_control_port_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            said = self.refused("control.socket=", "control.tcp_address=127.0.0.1",
                                f"control.token={TOKEN}",
                                f"control.tcp_port={taken.getsockname()[1]}", code=1)
            self.assertIn("in use", said)
            self.assertNotIn(TOKEN, said)

    def test_secrets_are_not_among_the_printed_defaults(self):
        done = subprocess.run([os.environ["DVBCSSD"], "--print-config"], capture_output=True,
                              text=True, check=True)
        self.assertIn("\ntoken = \n", done.stdout)


if __name__ == "__main__":
    unittest.main()
