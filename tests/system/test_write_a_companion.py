"""docs/write-a-companion.md keeps its word: the programs that it shows are built and run."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from processes import Daemon, Program

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/write-a-companion.md").read_text()
BUILD = pathlib.Path(os.environ["BUILD_DIR"])
SANITIZED = "ASAN_OPTIONS" in os.environ


def shown(language):
    """The one program of the page in a language."""
    (program,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return program


class Shown(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.tv = Daemon()
        self.addCleanup(self.tv.__exit__, None, None, None)

    def write(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(text)
        return str(path)

    @unittest.skipIf(SANITIZED, "a program without the sanitizer cannot use a library with it")
    def test_the_companion_in_c_follows(self):
        program = str(pathlib.Path(self.folder.name) / "follow")
        libraries = ["-L", str(BUILD), "-ldvbcss", "-ldvbcss-core", "-luv", f"-Wl,-rpath,{BUILD}"]
        source = self.write("follow.c", shown("c"))
        flags = ["-Wall", "-Wextra", "-Werror", "-I", str(ROOT / "include")]
        subprocess.run(["cc", *flags, "-o", program, source, *libraries], check=True)
        with Program([program, self.tv.urls["cii"]]) as companion:
            line = companion.out.until(lambda line: " s at speed " in line)
        self.assertRegex(line, r"^urn:dvb:css:timeline:\S+: \d+\.\d{3} s at speed \S+, within 0\.\d+ s$")

    def test_the_companion_without_udp_follows(self):
        source = self.write("follow.py", shown("python"))
        with Program(["/usr/bin/python3", source, self.tv.urls["app2app"]]) as companion:
            self.assertTrue(companion.out.next().startswith("content: dvb://"))
            line = companion.out.until(lambda line: " s at speed " in line)
        self.assertRegex(line, r"^\d+\.\d{3} s at speed \S+, within \d+\.\d+ ms$")

    def test_the_paths_are_those_of_the_daemon(self):
        with Daemon(settings={"http.port": "0"}) as tv:
            base = tv.urls["http"].replace("http", "ws")
        self.assertEqual(tv.urls["app2app"], f"{base}/app2app/")
        self.assertEqual(tv.urls["cii"], f"{base}/cii")
        self.assertEqual(tv.urls["wc_ws"], f"{base}/wc")


if __name__ == "__main__":
    unittest.main()
