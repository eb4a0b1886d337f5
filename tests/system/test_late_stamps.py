"""Follow-ups of the wall clock while a queue of the network holds answers back, so that the kernel's
transmit stamps come late: the driver takes them when the packets leave the queue."""

import json
import subprocess
import unittest
from urllib.parse import urlsplit

from control_client import ControlledDaemon
from network import Machine, cable, require_namespaces

TV = "10.77.0.1"
BURST = 8
ROUNDS = 60
# On a wire of 5 Mbit/s a message of 32 bytes takes 118 us with its headers; beyond are those that
# were held back.
HELD_NS = 100_000

# Bursts of requests; prints a list for each: by how much the follow-up's transmit time is after that
# of the answer, in ns and in the order of the requests.
ASKER = """
import json, socket, struct, sys

port, burst, rounds = map(int, sys.argv[1:])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(30)
sock.connect(("10.77.0.1", port))
for first in range(0, burst * rounds, burst):
    for cookie in range(first, first + burst):
        sock.send(struct.pack(">8xII16x", cookie, 0))
    transmit_ns = {2: {}, 3: {}}
    while len(transmit_ns[3]) < burst or len(transmit_ns[2]) < burst:
        kind, cookie, seconds, nanoseconds = struct.unpack(">xB6xI12xII", sock.recv(100))
        assert cookie not in transmit_ns[kind], "twice"
        transmit_ns[kind][cookie] = seconds * 10**9 + nanoseconds
    print(json.dumps([transmit_ns[3][cookie] - transmit_ns[2][cookie]
                      for cookie in range(first, first + burst)]), flush=True)
"""


class LateStamps(unittest.TestCase):
    def measure(self, rate):
        """What ASKER prints when so much leaves the television, and the counters after it."""
        require_namespaces()
        settings = {"wallclock.address": TV, "wallclock.follow_ups": "true"}
        with Machine() as tv, Machine() as phone:
            cable(tv, "tv0", phone, "ph0")
            tv.address("tv0", f"{TV}/24")
            phone.address("ph0", "10.77.0.2/24")
            tv.hold_packets("tv0", rate)
            with ControlledDaemon(settings=settings, prefix=tv.command()) as daemon:
                port = urlsplit(daemon.urls["wc"]).port
                asked = subprocess.run(
                    phone.command("/usr/bin/python3", "-c", ASKER, str(port), str(BURST), str(ROUNDS)),
                    capture_output=True, text=True, timeout=120, check=False,
                )  # fmt: skip
                self.assertEqual(asked.returncode, 0, asked.stderr)
                counters = daemon.get("/status")["wall_clock"]["counters"]
        self.assertEqual(counters["answers"], BURST * ROUNDS)
        self.assertEqual(counters["follow_ups"], BURST * ROUNDS)
        self.assertEqual(counters["send_failures"], 0)
        return [json.loads(line) for line in asked.stdout.splitlines()], counters

    def test_departures_that_were_held_back_are_told(self):
        bursts, counters = self.measure("5mbit")
        later = [delay_ns for burst in bursts for delay_ns in burst if delay_ns > 0]
        self.assertGreaterEqual(min(map(min, bursts)), 0)
        self.assertGreaterEqual(counters["stamped_follow_ups"], len(later))
        # One after the other, as the queue lets them go; a busy machine may spoil some bursts.
        in_turn = [
            burst
            for burst in bursts
            if all(after - before > HELD_NS / 2 for before, after in zip(burst[-4:], burst[-3:]))
            and burst[-1] > 3 * HELD_NS
        ]
        self.assertTrue(in_turn, bursts)

    def test_those_held_back_for_longer_are_not_waited_for(self):
        bursts, counters = self.measure("500kbit")
        # Their places in the queue are more than a millisecond apart.
        self.assertTrue(any(burst[-1] == 0 for burst in bursts), bursts)
        self.assertLess(counters["stamped_follow_ups"], BURST * ROUNDS)


if __name__ == "__main__":
    unittest.main()
