"""dvbcssd from the outside: its options, its configuration, what it says when something is wrong."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

from processes import Daemon

DVBCSSD = os.environ["DVBCSSD"]


def run(*arguments, env=None):
    return subprocess.run(
        [DVBCSSD, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        env=env,
        check=False,
    )


class Options(unittest.TestCase):
    def test_help_names_every_option(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--config", "--set", "--ready-file", "--check-config", "--print-config"):
            self.assertIn(option, done.stdout)

    def test_version(self):
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^dvbcssd \d+\.\d+\.\d+\n$")

    def test_an_unknown_option_is_a_usage_error(self):
        done = run("--frobnicate")
        self.assertEqual(done.returncode, 2)
        self.assertIn("frobnicate", done.stderr)

    def test_a_stray_argument_is_a_usage_error(self):
        done = run("tv.conf")
        self.assertEqual(done.returncode, 2)
        self.assertIn("tv.conf", done.stderr)


class Configuration(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, text):
        path = os.path.join(self.folder.name, "tv.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def check(self, text, *arguments, env=None):
        return run("--config", self.file(text), "--check-config", *arguments, env=env)

    def refused(self, text, *words):
        done = self.check(text)
        self.assertEqual(done.returncode, 2, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def test_the_printed_defaults_are_a_good_configuration(self):
        printed = run("--print-config")
        self.assertEqual(printed.returncode, 0)
        done = self.check(printed.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_whole_file_is_accepted(self):
        done = self.check(
            "# the living room\n[wallclock]\nport = 0\nmax_freq_error = 50\n"
            "[http]\n; any port\nport=0\n[content]\nid = dvb://233a.1004.1044;363a~20130218T0915Z"
            "--PT00H45M\n[timeline.pts]\nselector = urn:dvb:css:timeline:pts\nstart = 900000\n"
            "[timeline.film]\nselector = urn:example:frames\ntick_rate = 30000/1001\nspeed = 0\n"
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_errors_name_file_line_key_and_what_was_expected(self):
        self.refused("[wallclock]\n\nport = 70000\n", "tv.conf:3", "wallclock.port", "65535")
        self.refused("[wallclock]\nport = many\n", "tv.conf:2", "whole number", "many")
        self.refused("[http]\naddres = ::\n", "tv.conf:2", "addres", "http")
        self.refused("[nowhere]\na = b\n", "tv.conf:2", "nowhere")
        self.refused("port = 1\n[http]\n", "tv.conf:1", "port", "before any [section]")
        self.refused("[http]\nthis is no assignment\n", "tv.conf:2")
        self.refused("[content]\nid_status = maybe\n", "tv.conf:2", "partial", "final", "maybe")
        self.refused("[cii]\nenabled = perhaps\n", "tv.conf:2", "true or false")
        self.refused("[timeline.x]\ntick_rate = 0\n", "tv.conf:2", "tick_rate")
        self.refused("[timeline]\nspeed = 1\n", "tv.conf:2", "name")
        self.refused("[timeline.A_B]\nspeed = 1\n", "tv.conf:2", "lower-case")
        self.refused("[content]\nid = " + "x" * 300 + "\n", "tv.conf:2", "198")

    def test_what_one_key_cannot_show_is_checked_too(self):
        self.refused("[ts]\npath = /cii\n", "path", "/cii")
        self.refused("[cii]\npath = cii\n", "cii.path")
        self.refused("[timeline.x]\nspeed = 1\n", "timeline.x", "selector")
        self.refused("[timeline.x]\nselector = urn:example:x\n", "timeline.x", "tick_rate")

    def test_a_missing_file_is_named(self):
        done = run("--config", "/nonexistent/tv.conf", "--check-config")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/tv.conf", done.stderr)

    def test_set_and_environment_are_checked_alike(self):
        done = run("--set", "http.port=x", "--check-config")
        self.assertEqual(done.returncode, 2)
        self.assertIn("http.port", done.stderr)
        done = run("--set", "http.port", "--check-config")
        self.assertEqual(done.returncode, 2)
        done = run("--check-config", env={**os.environ, "DVBCSS_HTTP_PORT": "99999"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("http.port", done.stderr)
        done = run("--check-config", env={**os.environ, "DVBCSS_HTTP_PROT": "1"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("DVBCSS_HTTP_PROT", done.stderr)

    def test_later_sources_win(self):
        path = self.file("[http]\nport = 1\n[cii]\npath = /one\n[timeline.a]\nselector = x:y\n")
        env = {
            **os.environ,
            "DVBCSS_HTTP_PORT": "2",
            "DVBCSS_CII_PATH": "/two",
            "DVBCSS_TIMELINE_A_TICK_RATE": "50",
        }
        with Daemon("--config", path, settings={"cii.path": "/three"}, env=env) as daemon:
            self.assertTrue(daemon.urls["cii"].endswith("/three"))
            self.assertEqual(daemon.stop()[0], 0)


class Starting(unittest.TestCase):
    def test_the_ready_file_is_whole_when_it_appears(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ready.json")
            with Daemon("--ready-file", path) as daemon:
                with open(path, encoding="utf-8") as ready:
                    self.assertEqual(json.load(ready), daemon.urls)
                self.assertEqual(os.listdir(folder), ["ready.json"])

    def test_ports_that_are_free_are_named(self):
        with Daemon() as daemon:
            urls = daemon.urls
            self.assertRegex(urls["cii"], r"^ws://127\.0\.0\.1:\d+/cii$")
            self.assertRegex(urls["ts"], r"^ws://127\.0\.0\.1:\d+/ts$")
            self.assertRegex(urls["wc"], r"^udp://127\.0\.0\.1:\d+$")
            self.assertRegex(urls["http"], r"^http://127\.0\.0\.1:\d+$")
            self.assertEqual(daemon.stop()[0], 0)

    def test_a_taken_tcp_port_is_one_clear_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            done = run("--set", "http.address=127.0.0.1", "--set", f"http.port={port}",
                       "--set", "wallclock.port=0", "--set", "wallclock.address=127.0.0.1")
            self.assert_one_line(done, str(port), "in use")

    def test_a_taken_udp_port_is_one_clear_line(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            done = run("--set", "wallclock.address=127.0.0.1", "--set", f"wallclock.port={port}",
                       "--set", "http.port=0", "--set", "http.address=127.0.0.1")
            self.assert_one_line(done, str(port), "in use")

    def test_an_address_of_another_machine_is_one_clear_line(self):
        done = run("--set", "http.address=192.0.2.1", "--set", "http.port=0")
        self.assert_one_line(done, "192.0.2.1")

    def test_a_ready_file_that_cannot_be_written_is_one_clear_line(self):
        done = run("--set", "http.port=0", "--set", "wallclock.port=0",
                   "--set", "http.address=127.0.0.1", "--set", "wallclock.address=127.0.0.1",
                   "--ready-file", "/nonexistent/ready.json")
        self.assert_one_line(done, "/nonexistent/ready.json")

    def assert_one_line(self, done, *words):
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = [line for line in done.stderr.splitlines() if "error" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        for word in words:
            self.assertIn(word, lines[0])

    def test_both_signals_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon() as daemon:
                daemon.signal(number)
                self.assertEqual(daemon.wait(), 0)

    def test_ipv6_urls_have_brackets(self):
        if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("no IPv6 here")
        with Daemon(settings={"http.address": "::1", "wallclock.address": "::1"}) as daemon:
            self.assertRegex(daemon.urls["cii"], r"^ws://\[::1\]:\d+/cii$")
            self.assertRegex(daemon.urls["wc"], r"^udp://\[::1\]:\d+$")


if __name__ == "__main__":
    unittest.main()
