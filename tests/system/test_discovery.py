"""Discovery between machines: dvbcssd and dvbcss in network namespaces, with real multicast."""

import json
import os
import socket
import subprocess
import unittest

from network import Machine, cable, require_namespaces
from processes import Program

DVBCSSD = os.environ["DVBCSSD"]
DVBCSS = os.environ["DVBCSS"]
DIAL = "urn:dial-multiscreen-org:service:dial:1"


def tv_command(*settings):
    command = [DVBCSSD, "--ready-file", "-"]
    for setting in (
        "discovery.enabled=true",
        "discovery.name=Living room",
        "http.address=::",
        "wallclock.address=::",
        "control.socket=",
        *settings,
    ):
        command += ["--set", setting]
    return command


class Tv(Program):
    """dvbcssd in a namespace; ready when `with` begins."""

    def __init__(self, machine, *settings):
        super().__init__(machine.command(*tv_command(*settings)))
        self.urls = json.loads(self.out.until(lambda line: line.startswith("{")))


def tool(machine, *arguments, deadline_s=30):
    return subprocess.run(
        machine.command(DVBCSS, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )


def found(done):
    """The TVs of `dvbcss discover --json`."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if line["event"] == "tv"]


class House(unittest.TestCase):
    """A TV and a phone, joined by a cable."""

    def setUp(self):
        require_namespaces()
        self.tv = self.enterContext(Machine())
        self.phone = self.enterContext(Machine())
        cable(self.tv, "tv0", self.phone, "ph0")

    def enterContext(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def give_ipv4(self):
        self.tv.address("tv0", "10.77.0.1/24")
        self.phone.address("ph0", "10.77.0.2/24")


class Finding(House):
    def test_a_tv_is_found_by_ipv4_with_all_that_it_serves(self):
        self.give_ipv4()
        with Tv(self.tv):
            done = tool(self.phone, "discover", "--json", "--count", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        (tv,) = found(done)
        self.assertEqual(tv["name"], "Living room")
        self.assertEqual(tv["description"], "http://10.77.0.1:7681/dd.xml")
        self.assertEqual(tv["cii"], "ws://10.77.0.1:7681/cii")
        self.assertEqual(tv["presents"]["wcUrl"], "udp://10.77.0.1:6677")
        self.assertEqual(tv["presents"]["tsUrl"], "ws://10.77.0.1:7681/ts")
        self.assertTrue(tv["presents"]["contentId"])
        self.assertIsNone(tv["trouble"])

    def test_a_tv_is_found_by_ipv6_alone_with_its_zone(self):
        with Tv(self.tv):
            done = tool(self.phone, "discover", "--json", "--count", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        (tv,) = found(done)
        self.assertRegex(tv["cii"], r"^ws://\[fe80::[0-9a-f:]+%25ph0\]:7681/cii$")
        self.assertTrue(tv["presents"]["contentId"])

    def test_one_tv_is_shown_once_though_it_answers_by_both_families(self):
        self.give_ipv4()
        with Tv(self.tv):
            done = tool(self.phone, "discover", "--json", "--wait", "2")
        self.assertEqual(len(found(done)), 1, done.stdout)

    def test_a_tv_on_two_networks_names_the_address_of_each(self):
        self.give_ipv4()
        tablet = self.enterContext(Machine())
        cable(self.tv, "tv1", tablet, "tab0")
        self.tv.address("tv1", "10.78.0.1/24")
        tablet.address("tab0", "10.78.0.2/24")
        with Tv(self.tv):
            for machine, address in ((self.phone, "10.77.0.1"), (tablet, "10.78.0.1")):
                (tv,) = found(tool(machine, "discover", "--json", "--count", "1"))
                self.assertEqual(tv["cii"], f"ws://{address}:7681/cii")

    def test_an_interface_that_comes_later_is_served(self):
        self.tv.ip("link", "del", "tv0")
        with Tv(self.tv) as tv:
            cable(self.tv, "tv0", self.phone, "ph0")
            self.give_ipv4()
            tv.err.until(lambda line: "http://10.77.0.1:7681/dd.xml on tv0" in line)
            done = tool(self.phone, "discover", "--json", "--count", "1")
            self.assertEqual(len(found(done)), 1, done.stderr)
            self.tv.ip("link", "del", "tv0")
            tv.err.until(lambda line: "tv0 is gone" in line)

    def test_without_multicast_a_tv_is_found_by_its_address_and_by_its_url(self):
        self.give_ipv4()
        # As a guest network does.
        self.phone.ip("link", "set", "ph0", "multicast", "off")
        subprocess.run(
            self.phone.command("sysctl", "-qw", "net.ipv6.conf.ph0.disable_ipv6=1"), check=True
        )
        with Tv(self.tv):
            for place in ("10.77.0.1", "http://10.77.0.1:7681/dd.xml"):
                done = tool(self.phone, "discover", "--json", "--count", "1", place)
                (tv,) = found(done)
                self.assertEqual(tv["name"], "Living room")

    def test_on_an_empty_network_the_status_is_1_and_people_learn_what_to_try(self):
        self.give_ipv4()
        done = tool(self.phone, "discover", "--wait", "0.3")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no TV was found", done.stdout)
        self.assertIn("dvbcss discover HOST", done.stdout)

    def test_discovery_is_off_unless_it_is_asked_for(self):
        self.give_ipv4()
        with Tv(self.tv, "discovery.enabled=false") as tv:
            self.assertIsNone(tv.urls["dial"])
            self.assertEqual(tool(self.phone, "discover", "--wait", "0.5").returncode, 1)

    def test_it_can_be_kept_to_one_interface(self):
        self.give_ipv4()
        with Tv(self.tv, "discovery.interfaces=lo"):
            self.assertEqual(tool(self.phone, "discover", "--wait", "0.5").returncode, 1)
            self.assertEqual(len(found(tool(self.tv, "discover", "--json", "-n", "1"))), 1)


class Companion(House):
    def test_a_companion_follows_a_tv_that_has_link_local_addresses_alone(self):
        with Tv(self.tv):
            done = tool(self.phone, "companion", "--json", "--count", "1")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn('"SYNCHRONISED"', done.stdout)

    def test_a_companion_takes_the_only_tv_or_the_one_of_that_name(self):
        self.give_ipv4()
        with Tv(self.tv):
            for name in ([], ["living"], ["LIVING ROOM"], ["http://10.77.0.1:7681/dd.xml"]):
                done = tool(self.phone, "companion", "--json", "--count", "1", *name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn('"SYNCHRONISED"', done.stdout)

    def test_a_name_that_no_tv_has_or_that_several_have_is_told(self):
        self.give_ipv4()
        second = self.enterContext(Machine())
        cable(second, "sec0", self.phone, "ph1")
        second.address("sec0", "10.79.0.1/24")
        self.phone.address("ph1", "10.79.0.2/24")
        with Tv(self.tv), Tv(second, "discovery.name=Bedroom room"):
            done = tool(self.phone, "companion", "kitchen")
            self.assertEqual(done.returncode, 1)
            self.assertIn('no TV called "kitchen"', done.stderr)
            done = tool(self.phone, "companion", "room")
            self.assertEqual(done.returncode, 1)
            self.assertIn("2 TVs", done.stderr)
            self.assertIn("Bedroom room", done.stderr)
            done = tool(self.phone, "companion", "--count", "1", "bedroom")
            self.assertEqual(done.returncode, 0, done.stderr)


class Doctor(House):
    def test_our_own_tv_is_healthy(self):
        self.give_ipv4()
        with Tv(self.tv):
            done = tool(self.phone, "doctor", "--json", "--observe", "2.5")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(lines[-1], {"event": "result", "problems": 0, "notes": 0})
        steps = {line["step"] for line in lines[:-1]}
        self.assertEqual(steps, {"discovery", "cii", "wall clock", "timeline"})


class Wire(House):
    """What a companion of one's own sees, datagram by datagram."""

    SEARCH = (
        "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 3\r\n"
        "ST: {}\r\n\r\n"
    )
    # Runs in the phone: sends its argument from a port, or from an address, and prints what comes.
    ASK = """
import socket, sys
text, source, port = sys.argv[1].encode().decode("unicode_escape"), sys.argv[2], int(sys.argv[3])
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
asker.bind((source, port))
asker.settimeout(float(sys.argv[4]))
asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[5]))
asker.sendto(text.encode(), ("239.255.255.250", 1900))
try:
    while True:
        print(repr(asker.recv(4096)), flush=True)
except TimeoutError:
    pass
"""

    def ask(self, target, source="", port=0, patience_s=1.0):
        text = self.SEARCH.format(target).encode("unicode_escape").decode()
        done = subprocess.run(
            self.phone.command(
                "/usr/bin/python3", "-c", self.ASK, text, source, str(port), str(patience_s),
                "10.77.0.2",
            ),  # fmt: skip
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return [eval(line) for line in done.stdout.splitlines()]  # pylint: disable=eval-used

    def test_a_search_from_port_1900_is_answered_there(self):
        self.give_ipv4()
        with Tv(self.tv):
            answers = self.ask(DIAL, port=1900)
        answers = [answer for answer in answers if answer.startswith(b"HTTP/1.1 200 OK\r\n")]
        self.assertGreaterEqual(len(answers), 1)
        for answer in answers:
            self.assertLessEqual(len(answer), 1024)
            self.assertIn(f"\r\nST: {DIAL}\r\n".encode(), answer)

    def test_an_answer_comes_twice_and_one_to_all_once_for_each_role(self):
        self.give_ipv4()
        with Tv(self.tv):
            self.assertEqual(len(self.ask(DIAL)), 2)
            answers = self.ask("ssdp:all")
        self.assertEqual(len(answers), 4)
        self.assertEqual(len(set(answers)), 4)
        self.assertTrue(any(f"\r\nST: {DIAL}\r\n".encode() in answer for answer in answers))

    def test_a_source_on_no_link_of_the_tv_gets_no_answer(self):
        self.give_ipv4()
        self.phone.address("lo", "203.0.113.7/32")
        self.tv.ip("route", "add", "203.0.113.0/24", "via", "10.77.0.2")
        with Tv(self.tv) as tv:
            self.assertEqual(self.ask(DIAL, source="203.0.113.7"), [])
            tv.err.until(lambda line: "203.0.113.7 is on no link" in line)

    def test_notifications_come_at_the_start_and_at_the_end(self):
        self.give_ipv4()
        listen = self.phone.command("/usr/bin/python3", "-uc", LISTEN, "10.77.0.2")
        with Program(listen) as listener:
            listener.out.until(lambda line: line == "listening")
            with Tv(self.tv):
                listener.out.until(lambda line: f"NT: {DIAL}" in line and "ssdp:alive" in line)
            listener.out.until(lambda line: f"NT: {DIAL}" in line and "ssdp:byebye" in line)


LISTEN = """
import socket, sys
group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
group.bind(("", 1900))
membership = socket.inet_aton("239.255.255.250") + socket.inet_aton(sys.argv[1])
group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
print("listening")
while True:
    print(repr(group.recv(4096).decode()))
"""


class Http(unittest.TestCase):
    """DIAL over loopback; needs no namespaces, as SSDP is kept to an interface that is not there."""

    def test_a_launch_is_handed_to_the_configured_command(self):
        with Program(self.command(f"discovery.launch_command={CAT}")) as tv:
            url = json.loads(tv.out.until(lambda line: line.startswith("{")))["dial"]
            base = url[: -len("/dd.xml")]
            status, headers = self.request("POST", f"{base}/dial/apps/HbbTV", b"an AIT")
            self.assertEqual(status, 201)
            self.assertEqual(headers["Location"], f"{base}/dial/apps/HbbTV/run")
            tv.err.until(lambda line: "an AIT" in line)

    def test_without_commands_a_launch_is_501_and_a_foreign_page_403(self):
        with Program(self.command()) as tv:
            url = json.loads(tv.out.until(lambda line: line.startswith("{")))["dial"]
            app = url.replace("/dd.xml", "/dial/apps/HbbTV")
            self.assertEqual(self.request("POST", app, b"")[0], 501)
            origin = {"Origin": "https://evil.example"}
            self.assertEqual(self.request("POST", app, b"", origin)[0], 403)

    def test_what_cannot_be_announced_is_told_in_one_line(self):
        done = subprocess.run(
            self.command("discovery.name=" + "x" * 2000),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("discovery: DIAL: name, manufacturer and model are too long", done.stderr)

    def command(self, *settings):
        return tv_command(
            "http.address=127.0.0.1",
            "http.port=0",
            "wallclock.address=127.0.0.1",
            "wallclock.port=0",
            "discovery.interfaces=none",
            *settings,
        )

    def request(self, method, url, body=None, headers=None):
        import urllib.error
        import urllib.request

        request = urllib.request.Request(url, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers


CAT = "/bin/cat"

if __name__ == "__main__":
    unittest.main()
