"""Discovery with other people's programs between network namespaces: gssdp-discover of Debian, npm
peer-dial and node-ssdp."""

import json
import os
import subprocess
import unittest

from network import Machine, cable, require_namespaces
from processes import Program

PEERS = os.path.join(os.environ["INTEROP_DIR"], "discovery-peers")
TOY = os.path.join(os.environ["INTEROP_DIR"], "toy-tv", "toy_tv.js")
DVBCSS = os.environ["DVBCSS"]
DVBCSSD = os.environ["DVBCSSD"]
DIAL = "urn:dial-multiscreen-org:service:dial:1"
LOCATION = "http://10.77.0.1:7681/dd.xml"


class Peers(unittest.TestCase):
    def setUp(self):
        require_namespaces()
        self.tv, self.phone = Machine(), Machine()
        self.addCleanup(self.tv.__exit__)
        self.addCleanup(self.phone.__exit__)
        cable(self.tv, "tv0", self.phone, "ph0")
        for machine, device, address in (
            (self.tv, "tv0", "10.77.0.1/24"),
            (self.phone, "ph0", "10.77.0.2/24"),
        ):
            machine.address(device, address)
            machine.route_multicast(device)

    def daemon(self, *settings):
        command = [DVBCSSD, "--ready-file", "-"]
        for setting in (
            "discovery.enabled=true",
            "discovery.name=Living room",
            "control.socket=",
            *settings,
        ):
            command += ["--set", setting]
        return Program(self.tv.command(*command))

    def ready(self, program):
        program.out.until(lambda line: line.startswith("{"))

    def peer(self, machine, script, *arguments):
        return Program(machine.command("node", os.path.join(PEERS, script), *arguments))

    def test_gssdp_discover_finds_it_by_each_target(self):
        with self.daemon() as tv:
            self.ready(tv)
            for target in (
                DIAL,
                "upnp:rootdevice",
                "urn:schemas-upnp-org:device:tvdevice:1",
                "ssdp:all",
            ):
                command = ["gssdp-discover", "-i", "ph0", "-n", "10", "-t", target]
                with Program(self.phone.command("stdbuf", "-oL", *command)) as discover:
                    discover.out.until(lambda line: "resource available" in line)
                    discover.out.until(lambda line: line.split()[-1:] == [LOCATION])

    def test_gssdp_discover_hears_it_leave(self):
        command = ["stdbuf", "-oL", "gssdp-discover", "-i", "ph0", "-n", "30", "-m", "all", "-t", DIAL]
        with Program(self.phone.command(*command)) as discover:
            with self.daemon() as tv:
                self.ready(tv)
                discover.out.until(lambda line: "resource available" in line)
            discover.out.until(lambda line: "resource unavailable" in line)

    def test_peer_dial_reads_the_application_and_launches_it(self):
        with self.daemon("discovery.launch_command=/bin/cat") as tv:
            self.ready(tv)
            with self.peer(self.phone, "dial_client.js", "an AIT") as client:
                found = client.json(lambda line: line["event"] == "found")
                self.assertEqual(found["location"], LOCATION)
                device = client.json(lambda line: line["event"] == "device")
                self.assertEqual(device["friendlyName"], "Living room")
                self.assertEqual(device["applicationUrl"], "http://10.77.0.1:7681/dial/apps")
                application = client.json(lambda line: line["event"] == "application")
                info = application["info"]
                self.assertEqual(info["name"], "HbbTV")
                self.assertIn("ws://10.77.0.1:7681/cii", json.dumps(info))
                launched = client.json(lambda line: line["event"] == "launched")
                self.assertNotIn("error", launched)
                tv.err.until(lambda line: "an AIT" in line)

    def test_peer_dial_sees_it_come_and_go(self):
        with self.peer(self.phone, "dial_client.js") as client:
            client.json(lambda line: line["event"] == "ready")
            with self.daemon() as tv:
                self.ready(tv)
                client.json(lambda line: line["event"] == "application" and line["info"])
            client.json(lambda line: line["event"] == "disappeared")

    def test_node_ssdp_gets_an_answer_with_the_target_it_asked_for(self):
        with self.daemon() as tv:
            self.ready(tv)
            with self.peer(self.phone, "ssdp_client.js", DIAL) as client:
                answer = client.json()
        self.assertEqual(answer["statusCode"], 200)
        self.assertEqual(answer["from"], "10.77.0.1")
        self.assertEqual(answer["headers"]["ST"], DIAL)
        self.assertEqual(answer["headers"]["LOCATION"], LOCATION)
        self.assertTrue(answer["headers"]["USN"].endswith(f"::{DIAL}"))

    def test_we_find_a_tv_that_node_ssdp_announces(self):
        with Program(self.tv.command("node", TOY, "10.77.0.1")) as toy:
            location = toy.json()["dial"]
            with self.peer(self.tv, "ssdp_server.js", location) as server:
                server.json(lambda line: line["event"] == "ready")
                done = subprocess.run(
                    self.phone.command(DVBCSS, "discover", "--json", "-n", "1"),
                    capture_output=True,
                    text=True,
                    timeout=30,
                    check=False,
                )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = json.loads(done.stdout.splitlines()[0])
        self.assertEqual(found["name"], "Toy TV")
        self.assertEqual(found["description"], location)
        self.assertEqual(found["presents"]["contentId"], "dvb://233a.1004.1044")


if __name__ == "__main__":
    unittest.main()
