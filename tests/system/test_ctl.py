"""dvbcss ctl: each command against a daemon, what it prints, and its completion in shells."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from control_client import PTS, ControlledDaemon
from processes import DEADLINE_S
from raw_websocket import TEXT, RawWebSocket, frame

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COMPLETION = os.path.join(ROOT, "packaging", "completion")
DVBCSS = os.environ["DVBCSS"]


def run(*arguments, env=None):
    return subprocess.run([DVBCSS, "ctl", *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=DEADLINE_S, env=env, check=False)


def help_commands():
    """The commands of `dvbcss ctl` as its help lists them: lists of words."""
    below = run("--help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    # What stands in capitals or brackets is an argument.
    return [re.match(r"  ((?:[a-z]+ )+)", line).group(1).split() for line in below.splitlines()]


class Ctl(unittest.TestCase):
    def setUp(self):
        self.tv = ControlledDaemon()
        self.addCleanup(self.tv.__exit__, None, None, None)

    def tearDown(self):
        self.assertEqual(self.tv.stop()[0], 0)

    def run_ctl(self, *arguments, code=0):
        done = run("--socket", self.tv.socket_path, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def json(self, *arguments):
        return json.loads(self.run_ctl("--json", *arguments))

    def test_every_command_of_the_help_is_understood(self):
        some = {
            "enable": ["cii"], "disable": ["cii"], "limit": ["ts", "5"], "connection": ["cii-1"],
            "close": ["cii-1"], "content set": ["contentId=dvb://7", "teUrl:=null"],
            "timeline show": ["pts"], "timeline add": ["x", "urn:x:y", "--rate", "1000"],
            "timeline remove": ["x"], "timeline play": ["pts"], "timeline pause": ["pts"],
            "timeline speed": ["pts", "-1.5"], "timeline seek": ["pts", "-10"],
            "timeline jump": ["pts", "-90000"], "timeline available": ["pts", "no"],
            "timeline accuracy": ["pts", "none"], "media speed": ["2"], "media seek": ["-.5"],
            "cancel": ["1"], "adjust delay": ["-12.5"], "adjust content": ["none"],
        }
        listed = [" ".join(words) for words in help_commands()]
        self.assertEqual(set(some) - set(listed), set())
        # In this order, each finds what it needs.
        listed.sort(key=lambda name: (name in ("disable", "programme start"), name == "close",
                                      name == "timeline remove", name == "cancel"))
        with RawWebSocket(self.tv.urls["cii"]) as cii:
            cii.handshake()
            cii.receive_text()
            self.run_ctl("media", "seek", "1", "--in", "1000")
            for name in listed:
                with self.subTest(command=name):
                    self.assertNotEqual(self.run_ctl(*name.split(), *some.get(name, [])), "")

    def test_status_is_a_table_for_people(self):
        said = self.run_ctl("status")
        self.assertRegex(said, r"(?m)^content +dvb://1\.2\.3$")
        self.assertRegex(said, r"(?m)^ENDPOINT +PATH +ENABLED +CONNECTIONS +LIMIT$")
        self.assertRegex(said, r"(?m)^cii +/cii +yes +0 +100$")
        self.assertRegex(said, rf"(?m)^pts +90000 +\d+ +1 +1 +yes +- +{re.escape(PTS)}$")

    def test_json_is_the_answer_as_it_is(self):
        self.assertEqual(self.json("media").keys(), self.tv.get("/media").keys())
        self.assertEqual(self.json("timeline", "remove", "pts"), {})

    def test_connections_show_what_a_peer_said_without_its_escapes(self):
        with RawWebSocket(self.tv.urls["ts"]) as ts:
            ts.handshake()
            ts.send(frame(TEXT, json.dumps({"contentIdStem": "\x1b[2J",
                                            "timelineSelector": PTS}).encode()))
            ts.receive_text()
            said = self.run_ctl("connections", "ts")
            self.assertNotIn("\x1b", said)
            self.assertRegex(said, rf"(?m)^ts-1 +127\.0\.0\.1:\d+ .*{re.escape(PTS)} +\\x1b\[2J")
            self.assertEqual(len(self.run_ctl("connections", "cii").splitlines()), 1)

    def test_changes_arrive(self):
        self.run_ctl("content", "set", "contentId=dvb://8", "contentIdStatus=partial",
                     'private:=[{"type":"x"}]')
        content = self.tv.get("/content")
        self.assertEqual((content["contentId"], content["contentIdStatus"], content["private"]),
                         ("dvb://8", "partial", [{"type": "x"}]))
        self.run_ctl("timeline", "add", "x", "urn:x:y", "--rate", "30000/1001", "--position", "-5",
                     "--speed", "-2", "--accuracy", "0.5", "--unavailable")
        added = self.tv.get("/timelines/x")
        self.assertEqual((added["tick_rate"], added["speed"], added["accuracy_s"],
                          added["available"]), ("30000/1001", -2, 0.5, False))
        self.run_ctl("timeline", "pause", "pts")
        self.assertEqual(self.tv.get("/timelines/pts")["speed"], 0)
        self.run_ctl("limit", "cii", "none")
        self.assertIsNone(self.tv.get("/endpoints/cii")["max_connections"])
        at = self.tv.wall_ns() + 10**12
        self.assertIn("change 1", self.run_ctl("media", "pause", "--at", str(at)))
        self.assertEqual(self.tv.get("/scheduled")["scheduled"][0]["at_ns"], at)
        self.assertRegex(self.run_ctl("scheduled"), rf'(?m)^1 +{at} +- +{{"speed":0.0}}$')

    def test_refusals_say_which_member_and_why(self):
        self.assertIn("speed: expected a number from -1000",
                      self.run_ctl("media", "speed", "5000", code=1))
        self.assertIn("no timeline a b",
                      self.run_ctl("timeline", "play", "a b", code=1))
        self.assertIn("title: CII has no such property",
                      self.run_ctl("content", "set", "title=x", code=1))

    def test_a_bad_command_line_is_a_usage_error(self):
        for arguments in ([], ["frobnicate"], ["media", "speed"], ["media", "speed", "x"],
                          ["timeline", "frob", "pts"], ["timeline", "seek", "pts"],
                          ["status", "now"], ["content", "set", "x"], ["content", "set", "a:=b"],
                          ["timeline", "available", "pts", "maybe"], ["--timeout", "x", "status"],
                          ["close", "cii-1", "--code", "x"], ["media", "pause", "--at", "1.5"],
                          ["--nonsense"], ["enable", ""], ["timeline", "show", "a/../pts"]):
            with self.subTest(arguments=arguments):
                said = self.run_ctl(*arguments, code=2)
                self.assertIn("dvbcss ctl", said)

    def test_reload_names_what_it_did(self):
        self.assertIn("nothing", self.run_ctl("reload"))

    def test_the_environment_names_the_socket(self):
        done = run("health", env={**os.environ, "DVBCSS_CONTROL_SOCKET": self.tv.socket_path})
        self.assertEqual((done.returncode, done.stdout.split()), (0, ["status", "ok"]))


class Reaching(unittest.TestCase):
    def test_over_tcp_with_the_token_of_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "token")
            with open(path, "w", encoding="utf-8") as file:
                file.write("a-token-of-some-length\n")
            with ControlledDaemon(settings={"control.tcp_address": "127.0.0.1",
                                            "control.tcp_port": "0",
                                            "control.token_file": path}) as tv:
                url = tv.urls["control"]
                self.assertEqual(run("--url", url, "--token-file", path, "status").returncode, 0)
                done = run("--url", url, "status")
                self.assertEqual(done.returncode, 1)
                self.assertIn("token", done.stderr)
                done = run("--url", url, "--token-file", path + "x", "status")
                self.assertEqual(done.returncode, 1)
                self.assertIn(path, done.stderr)

    def test_nobody_there_is_one_clear_line(self):
        done = run("--socket", "/nonexistent/control.sock", "status")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("/nonexistent/control.sock: No such file or directory;", done.stderr)


BASH = r"""
source "$1"; shift
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
"_${1##*/}"
printf '%s\n' "${COMPREPLY[@]}"
"""
ZSH = r"""
source $1; shift
_dvbcss_candidates "$@"
"""


class Completion(unittest.TestCase):
    """What the shells offer is what the programs say in their help: nothing can drift apart."""

    def bash(self, *words):
        return self.ask(["bash", "-c", BASH, "bash", os.path.join(COMPLETION, "dvbcss.bash")],
                        words)

    def zsh(self, *words):
        return self.ask(["zsh", "-fc", ZSH, "zsh", os.path.join(COMPLETION, "_dvbcss")], words)

    def ask(self, command, words):
        done = subprocess.run(command + list(words), text=True, capture_output=True,
                              timeout=DEADLINE_S, check=True,
                              env={**os.environ, "DVBCSS_CONTROL_SOCKET": self.socket})
        self.assertEqual(done.stderr, "")
        return set(done.stdout.split())

    def shells(self):
        return [self.bash] + ([self.zsh] if shutil.which("zsh") else [])

    def test_commands_options_and_names_are_offered(self):
        top = subprocess.run([DVBCSS, "--help"], capture_output=True, text=True, check=True).stdout
        commands = set(re.findall(r"(?m)^  ([a-z]+) ", top))
        self.assertIn("ctl", commands)
        ctl = help_commands()
        with ControlledDaemon() as tv:
            self.socket = tv.socket_path
            for shell in self.shells():
                with self.subTest(shell=shell.__name__):
                    self.assertEqual(shell(DVBCSS, ""), commands)
                    self.assertEqual(shell(DVBCSS, "ctl", ""), {words[0] for words in ctl})
                    self.assertEqual(shell(DVBCSS, "ctl", "timeline", ""),
                                     {words[1] for words in ctl if words[0] == "timeline"})
                    self.assertEqual(shell(DVBCSS, "ctl", "timeline", "play", ""), {"pts"})
                    self.assertEqual(shell(DVBCSS, "ctl", "enable", ""),
                                     {"cii", "ts", "wc_ws", "app2app", "compat_cii",
                                      "compat_wc", "compat_ts", "page"})
                    self.assertEqual(shell(DVBCSS, "ctl", "-"),
                                     set(re.findall(r"--[a-z-]+", run("--help").stdout)))
                    for command in commands:
                        self.assertIn("--help", shell(DVBCSS, command, "-"))
                    self.assertIn("--check-config", shell(os.environ["DVBCSSD"], "-"))
            self.assertEqual(self.bash(DVBCSS, "ctl", "tim"), {"timeline", "timelines"})

    def test_keys_of_the_configuration_are_offered(self):
        self.socket = ""
        printed = subprocess.run([os.environ["DVBCSSD"], "--print-config"], text=True,
                                 capture_output=True, check=True).stdout
        offered = self.bash(os.environ["DVBCSSD"], "--set", "")
        self.assertEqual(len(offered), len(re.findall(r"(?m)^[a-z0-9_]+ = ", printed)))
        self.assertIn("control.token_file=", offered)


if __name__ == "__main__":
    unittest.main()
