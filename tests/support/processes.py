"""Starts the programs under test and other people's, and reads what they print.

Everything waits for an event (a line, the end of a process) with a deadline; nothing sleeps.
"""

import json
import os
import queue
import signal
import subprocess
import threading
import time

# Put before a command: it has no right to go before other programs then.
UNPRIVILEGED = ["prlimit", "--rtprio=0"]
if os.geteuid() == 0:
    UNPRIVILEGED += ["setpriv", "--bounding-set=-sys_nice"]

DEADLINE_S = float(os.environ.get("TEST_DEADLINE_S", "30"))


def convert_clock(time_ns, source, target):
    """What the clock named `target` showed when the one named `source` showed time_ns.

    Both are read now, as close together as can be had; exact to some microseconds for times of
    the last seconds.
    """
    source, target = getattr(time, source), getattr(time, target)
    readings = []
    for _ in range(5):
        before = time.clock_gettime_ns(source)
        other = time.clock_gettime_ns(target)
        after = time.clock_gettime_ns(source)
        readings.append((after - before, other - (before + after) // 2))
    return time_ns + min(readings)[1]


class Lines:
    """The lines of a stream, read in the background so that the writer never blocks."""

    def __init__(self, stream):
        self._queue = queue.Queue()
        self.seen = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            self.seen.append(line.rstrip("\n"))
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)
        stream.close()

    def next(self, deadline_s=DEADLINE_S):
        """The next line, or None at the end; fails after the deadline."""
        try:
            return self._queue.get(timeout=deadline_s)
        except queue.Empty:
            raise AssertionError(f"no line within {deadline_s} s; so far: {self.seen}") from None

    def until(self, wanted, deadline_s=DEADLINE_S):
        """Reads until wanted(line) is true and returns that line."""
        end = time.monotonic() + deadline_s
        while True:
            line = self.next(max(0.01, end - time.monotonic()))
            assert line is not None, f"ended without what was waited for; said: {self.seen}"
            if wanted(line):
                return line

    def rest(self):
        """All lines up to the end."""
        while self.next() is not None:
            pass
        return self.seen


class Program:
    """A child process whose output is read line by line. Ends with the `with` block."""

    def __init__(self, arguments, **options):
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **options,
        )
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def json(self, wanted=lambda value: True, deadline_s=DEADLINE_S):
        """The next JSON line of stdout for which wanted(value) is true."""
        found = []

        def check(line):
            try:
                value = json.loads(line)
            except ValueError:
                return False
            if wanted(value):
                found.append(value)
            return bool(found)

        self.out.until(check, deadline_s)
        return found[0]

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, deadline_s=DEADLINE_S):
        """Waits for the end and returns the exit code."""
        return self.process.wait(deadline_s)


class Daemon(Program):
    """dvbcssd on free ports of loopback; `urls` is its ready file. `prefix` is a command that runs
    another, and `options` are those of Popen()."""

    def __init__(self, *arguments, settings=None, env=None, prefix=(), **options):
        chosen = {
            "http.address": "127.0.0.1",
            "http.port": "0",
            "wallclock.address": "127.0.0.1",
            "wallclock.port": "0",
            # The default place is one for all daemons of the machine.
            "control.socket": "",
        }
        chosen.update(settings or {})
        command = [*prefix, os.environ["DVBCSSD"], "--ready-file", "-"]
        for key, value in chosen.items():
            command += ["--set", f"{key}={value}"]
        super().__init__(command + list(arguments), env=env, **options)
        line = self.out.next()
        if line is None:
            self.wait()
            raise AssertionError(f"dvbcssd did not start: {self.err.rest()}")
        self.urls = json.loads(line)

    def stop(self):
        """Asks it to end and returns (exit code, stderr lines)."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        return code, self.err.rest()

    def wall_ns(self):
        """What its wall clock shows now: the truth, as the daemon states it."""
        clock = self.urls["wall_clock"]
        return time.clock_gettime_ns(getattr(time, clock["clock"])) - clock["epoch_ns"]

    def wall_ns_at(self, monotonic_ns):
        """What its wall clock showed when CLOCK_MONOTONIC showed monotonic_ns."""
        clock = self.urls["wall_clock"]
        return convert_clock(monotonic_ns, "CLOCK_MONOTONIC", clock["clock"]) - clock["epoch_ns"]
