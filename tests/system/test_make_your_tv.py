"""docs/make-your-tv.md, followed word by word: its commands run in their order, as one would type
them, on a machine of their own, and its page is opened in a browser."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from network import Machine, require_namespaces

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENT = os.path.join(ROOT, "docs", "make-your-tv.md")
BUILD_DIR = os.environ["BUILD_DIR"]
TOOLS = os.path.dirname(os.environ["DVBCSS"])
DEADLINE_S = 120
# What a person would do and see. The page is closed at the end of all.
BROWSER = """
{chromium} --headless --no-sandbox --disable-gpu --user-data-dir=$PWD/browser {url} 2>/dev/null &
browser=$!
disown
trap 'kill $browser' EXIT
until dvbcss ctl --socket tv.sock status | grep -q '^page  *presented' &&
      dvbcss ctl --socket tv.sock timelines | grep -q '^pts .* yes '; do sleep 0.1; done
"""


def is_sanitized():
    with open(os.environ["DVBCSSD"], "rb") as program:
        return b"__asan_init" in program.read()


def blocks():
    """The commands, and what is to be opened in a browser, in their order: (kind, text)."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    found = re.finditer(r"```sh\n(.*?)```|<!-- browser: (\S+) -->", text, re.S)
    return [("sh", m[1]) if m[1] else ("browser", m[2]) for m in found]


def script():
    """All of it as one script. The programs are built already, and elsewhere."""
    chromium = shutil.which("chromium")
    lines = ["set -eu", f"PATH={TOOLS}:$PATH"]
    for kind, text in blocks():
        if kind == "browser":
            lines.append(BROWSER.format(chromium=chromium, url=text) if chromium else "")
        elif "cmake --build" not in text:
            lines.append(text.replace("build/release", BUILD_DIR))
    return "\n".join(lines)


def run(command, folder):
    """Runs a command and ends all that it started; returns its exit code and what was said."""
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            code = process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            code = "no end"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        said.seek(0)
        return code, said.read()


class Following(unittest.TestCase):
    def test_each_way_makes_a_tv(self):
        require_namespaces()
        if is_sanitized():
            raise unittest.SkipTest("a program of one's own has no sanitizer in it")
        with tempfile.TemporaryDirectory() as folder, Machine() as machine:
            os.symlink(os.path.join(ROOT, "examples"), os.path.join(folder, "examples"))
            code, said = run(machine.command("bash", "-c", script()), folder)
        self.assertEqual(code, 0, said)
        # Each of the three was followed.
        positions = re.findall(r"^\S+  speed \S+  \+/- .*urn:dvb:css:timeline:pts$", said, re.M)
        self.assertEqual(len(positions), 9, said)
        self.assertIn('"speed":0.5', said)
        if shutil.which("chromium"):
            self.assertRegex(said, r"page\s+presented")
            self.assertRegex(said, r"page name\s+My TV")


if __name__ == "__main__":
    unittest.main()
