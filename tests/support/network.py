"""Networks of network namespaces, made by the test itself: machines that are joined by cables.

Needs root and iproute2; where they are missing, `require_namespaces` skips the test and says so.
"""

import os
import shutil
import subprocess
import unittest
import uuid


def require_namespaces():
    """Skips the test unless namespaces can be made here."""
    if os.geteuid() != 0:
        raise unittest.SkipTest("network namespaces need root")
    if not shutil.which("ip"):
        raise unittest.SkipTest("network namespaces need ip of iproute2")
    name = f"dvbcss-{uuid.uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise unittest.SkipTest(f"no network namespace can be made: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "del", name], check=True)


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


class Machine:
    """A network namespace with loopback up. Ends with the `with` block."""

    def __init__(self):
        self.name = f"dvbcss-{uuid.uuid4().hex[:8]}"
        run("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run("ip", "netns", "del", self.name)

    def ip(self, *arguments):
        run("ip", "-n", self.name, *arguments)

    def command(self, *arguments):
        """A command line that runs in here."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def address(self, device, address):
        self.ip("addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def hold_packets(self, device, rate):
        """Has what leaves through a device wait in a queue before its driver takes it, at a rate of
        bits as "5mbit"; of small packets a few go at once. Skips the test where no queue can."""
        made = subprocess.run(
            self.command("tc", "qdisc", "add", "dev", device, "root",
                         "tbf", "rate", rate, "burst", "300", "latency", "1s"),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode != 0:
            raise unittest.SkipTest(f"no queue can be made: {made.stderr.strip()}")

    def route_multicast(self, device):
        """For programs that leave the choice of the interface to the routing table."""
        self.ip("route", "add", "239.0.0.0/8", "dev", device)


def cable(one, device_one, other, device_other):
    """Joins two machines; neither end has an address but a link-local one of IPv6, at once."""
    run("ip", "-n", one.name, "link", "add", device_one, "type", "veth",
        "peer", "name", device_other, "netns", other.name)  # fmt: skip
    for machine, device in ((one, device_one), (other, device_other)):
        # Detecting duplicate addresses would take a second or two.
        run(*machine.command("sysctl", "-qw", f"net.ipv6.conf.{device}.accept_dad=0"))
        machine.ip("link", "set", device, "up")
