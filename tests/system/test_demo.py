"""script/demo_run.py, which script/demo starts: that it ends when it is told to, and leaves nothing."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Demo:
    """The demo in a session of its own, as a terminal gives it."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", ROOT / "script" / "demo_run.py", "--dvbcssd", os.environ["DVBCSSD"],
             "--dvbcss", os.environ["DVBCSS"], *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.process.stdout.close()

    def until(self, pattern):
        """What was matched in the first line that matches."""
        for line in self.process.stdout:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it ended without {pattern}")

    def press_ctrl_c(self):
        """What is said after that, and the exit status. A terminal signals all that it runs."""
        os.killpg(self.process.pid, signal.SIGINT)
        said = self.process.stdout.read()
        return said, self.process.wait()


def is_served(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(port))) == 0


class Ending(unittest.TestCase):
    def test_ctrl_c_before_the_end_ends_the_television_too(self):
        with Demo() as demo:
            port = demo.until(r"^Television: ws://127\.0\.0\.1:(\d+)/")[1]
            said, status = demo.press_ctrl_c()
        self.assertIn("ended before its time", said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(status, 1)
        self.assertFalse(is_served(port))

    def test_ctrl_c_ends_serving_pages_without_a_complaint(self):
        with Demo("--serve", ROOT / "web") as demo:
            url = demo.until(r"television +(http://\S+)")[1]
            with urllib.request.urlopen(url, timeout=30) as answer:
                self.assertEqual(answer.status, 200)
            demo.until(r"dashboard +http://\S+#token=\S+")
            said, _ = demo.press_ctrl_c()
        self.assertNotIn("dvbcssd ended", said)
        self.assertNotIn("Traceback", said)
        self.assertFalse(is_served(re.search(r":(\d+)/", url)[1]))


if __name__ == "__main__":
    unittest.main()
