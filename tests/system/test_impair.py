"""dvbcss impair from the outside: what its networks do, and that the relay does it to datagrams."""

import json
import os
import select
import signal
import socket
import subprocess
import time
import unittest

from processes import DEADLINE_S, UNPRIVILEGED, Program

DVBCSS = os.environ["DVBCSS"]


def impair(*arguments, prefix=()):
    return subprocess.run(
        [*prefix, DVBCSS, "impair", *arguments],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def draw(*arguments):
    """What the network does to 50,000 datagrams each way: {"up": ..., "down": ...}."""
    done = impair("--draw", "50000", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["direction"]: line for line in lines}


class Relay(Program):
    """A relay in front of a server that the test plays: `server` is its socket."""

    def __init__(self, *arguments):
        self.server = udp_socket()
        port = self.server.getsockname()[1]
        super().__init__(
            [DVBCSS, "impair", "--json", "--interval", "3600"]
            + ["--server", f"udp://127.0.0.1:{port}", *arguments]
        )
        self.listening = self.json()
        self.address = (self.listening["host"], self.listening["port"])

    def __exit__(self, *arguments):
        self.server.close()
        super().__exit__(*arguments)

    def statistics(self):
        """Ends it and returns what it has done."""
        self.signal(signal.SIGTERM)
        statistics = self.json(lambda line: line["event"] == "statistics")
        assert self.wait() == 0, self.err.rest()
        return statistics

    def client(self):
        client = udp_socket()
        client.connect(self.address)
        return client


def udp_socket():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    made.settimeout(DEADLINE_S)
    return made


class Models(unittest.TestCase):
    NAMES = ["none", "lan", "wifi-quiet", "wifi-busy", "wifi-powersave", "cellular", "asymmetric",
             "bursty-loss", "reorder", "route-change", "server-restart", "suspend", "attack"]

    def test_all_are_listed(self):
        lines = impair("--models").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in lines], self.NAMES)

    def test_each_can_be_drawn(self):
        for name in self.NAMES:
            self.assertEqual(draw("--model", name)["up"]["datagrams"], 50000)

    def test_the_same_seed_draws_the_same_and_another_does_not(self):
        one = draw("--model", "wifi-busy", "--seed", "7")
        self.assertEqual(draw("--model", "wifi-busy", "--seed", "7"), one)
        self.assertNotEqual(draw("--model", "wifi-busy", "--seed", "8"), one)
        self.assertNotEqual(one["up"]["lost"], one["down"]["lost"])

    # Draws are repeated by their seed: these figures are the same in each run.
    def test_none_lets_everything_pass_at_once(self):
        up = draw()["up"]
        self.assertEqual((up["lost"], up["duplicated"], up["delay_ms"]["max"]), (0, 0, 0))

    def test_delays_are_spread_as_the_model_says(self):
        lan = draw("--model", "lan")["up"]["delay_ms"]
        self.assertGreaterEqual(lan["min"], 0.1)
        # 0.1 + exp(0.03): median 0.1 + 0.03 ln 2; rare extras of 1.25 on average.
        self.assertAlmostEqual(lan["p50"], 0.1208, delta=0.001)
        self.assertAlmostEqual(lan["mean"], 0.1313, delta=0.001)
        asymmetric = draw("--model", "asymmetric")
        self.assertAlmostEqual(asymmetric["up"]["delay_ms"]["mean"], 1.3, delta=0.01)
        self.assertAlmostEqual(asymmetric["down"]["delay_ms"]["mean"], 6.3, delta=0.01)
        cellular = draw("--model", "cellular")
        self.assertGreaterEqual(cellular["up"]["delay_ms"]["min"], 35)
        self.assertGreaterEqual(cellular["down"]["delay_ms"]["min"], 25)

    def test_lognormal_delays_have_their_median(self):
        # The load comes and goes: without that it is 1.5 + lognormal(median 3), rarely more.
        busy = draw("--model", "wifi-busy", "--extra", "0", "--calm-s", "0.001", "--busy-s", "1e6")
        self.assertAlmostEqual(busy["up"]["delay_ms"]["p50"], 4.5, delta=0.1)

    def test_losses_have_their_share(self):
        self.assertAlmostEqual(draw("--model", "wifi-busy")["up"]["lost"], 1500, delta=150)
        self.assertEqual(draw("--loss", "1")["down"]["lost"], 50000)
        # 500 s of 12 s turns: 2 of 12 parts at 60 %, the rest at 0.5 %.
        self.assertAlmostEqual(draw("--model", "bursty-loss")["up"]["lost"], 5200, delta=1500)

    def test_duplicates_have_their_share(self):
        self.assertAlmostEqual(draw("--model", "reorder")["up"]["duplicated"], 2490, delta=200)

    def test_power_save_holds_until_the_beacon(self):
        held = ("--held", "1", "--beacon-ms", "100", "--delay-up-ms", "1")
        delay_ms = draw(*held)["up"]["delay_ms"]
        # Sent at multiples of 10 ms, they wait for ten different times, and then take 1 ms.
        self.assertAlmostEqual(delay_ms["max"] - delay_ms["min"], 90, places=5)
        self.assertAlmostEqual(delay_ms["mean"], (delay_ms["max"] + delay_ms["min"]) / 2, places=5)
        self.assertTrue(1 <= delay_ms["min"] <= 11)
        # The beacons' phase is the seed's.
        other = draw(*held, "--seed", "2")["up"]["delay_ms"]
        self.assertNotAlmostEqual(other["min"], delay_ms["min"], places=2)

    def test_the_route_changes_at_its_time(self):
        before = draw("--model", "route-change")
        after = draw("--model", "route-change", "--event-at", "0")
        self.assertAlmostEqual(before["up"]["delay_ms"]["mean"], 2.5, delta=0.02)
        self.assertAlmostEqual(after["up"]["delay_ms"]["mean"], 8.5, delta=0.02)
        self.assertEqual(after["down"], before["down"])

    def test_nothing_passes_while_one_end_is_away(self):
        for name in ("server-restart", "suspend"):
            away = draw("--model", name, "--loss", "0", "--event-at", "100", "--event-for", "50")
            self.assertEqual(away["up"]["lost"], 5000)


class Forwarding(unittest.TestCase):
    def test_both_ways_byte_for_byte(self):
        with Relay() as relay, relay.client() as client:
            for message in (b"", b"x", bytes(range(256)) * 5):
                client.send(message)
                received, source = relay.server.recvfrom(4096)
                self.assertEqual(received, message)
                relay.server.sendto(message + b"!", source)
                self.assertEqual(client.recv(4096), message + b"!")
            statistics = relay.statistics()
        self.assertEqual(statistics["up"]["forwarded"], 3)
        self.assertEqual(statistics["down"]["forwarded"], 3)
        self.assertEqual(statistics["clients"], 1)
        self.assertGreaterEqual(statistics["late_s"]["p99"], statistics["late_s"]["p50"])

    def test_each_client_is_an_address_of_its_own(self):
        with Relay() as relay:
            clients = [relay.client() for _ in range(8)]
            for number, client in enumerate(clients):
                client.send(b"%d" % number)
            sources = {}
            for _ in clients:
                received, source = relay.server.recvfrom(100)
                sources[source] = received
            self.assertEqual(len(sources), 8)
            for source, received in sources.items():
                relay.server.sendto(received, source)
            for number, client in enumerate(clients):
                self.assertEqual(client.recv(100), b"%d" % number)
                client.close()
            self.assertEqual(relay.statistics()["clients"], 8)

    def test_one_client_too_many_takes_the_place_of_the_oldest(self):
        with Relay("--clients", "2") as relay:
            clients = [relay.client() for _ in range(3)]
            sources = []
            for client in clients:
                client.send(b"?")
                sources.append(relay.server.recvfrom(100)[1])
            # The first client's address is gone: what is sent there reaches nobody.
            relay.server.sendto(b"lost", sources[0])
            for client, source in zip(clients[1:], sources[1:]):
                relay.server.sendto(b"!", source)
                self.assertEqual(client.recv(100), b"!")
            self.assertEqual(select.select([clients[0]], [], [], 0)[0], [])
            statistics = relay.statistics()
            for client in clients:
                client.close()
        self.assertEqual((statistics["clients"], statistics["evicted"]), (3, 1))
        self.assertEqual(statistics["down"]["received"], 2)

    def test_what_comes_from_elsewhere_is_dropped(self):
        with Relay() as relay, relay.client() as client, udp_socket() as stranger:
            client.send(b"?")
            source = relay.server.recvfrom(100)[1]
            stranger.sendto(b"strange", source)
            relay.server.sendto(b"right", source)
            self.assertEqual(client.recv(100), b"right")
            self.assertEqual(relay.statistics()["down"]["strange"], 1)

    def test_what_is_longer_than_a_frame_is_dropped(self):
        with Relay() as relay, relay.client() as client:
            client.send(bytes(1501))
            client.send(bytes(1500))
            self.assertEqual(len(relay.server.recv(4096)), 1500)
            self.assertEqual(relay.statistics()["up"]["too_long"], 1)

    def test_a_server_that_is_not_there_ends_nothing(self):
        with Relay() as relay, relay.client() as client:
            port = relay.server.getsockname()[1]
            relay.server.close()
            client.send(b"into the void")
            relay.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            relay.server.settimeout(DEADLINE_S)
            relay.server.bind(("127.0.0.1", port))
            received = b""
            while received != b"now":
                client.send(b"now")
                received = relay.server.recv(100)

    def test_ipv6(self):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
            server.bind(("::1", 0))
            server.settimeout(DEADLINE_S)
            command = [DVBCSS, "impair", "--json", "--listen", "[::1]:0"]
            command += ["--server", f"udp://[::1]:{server.getsockname()[1]}"]
            with Program(command) as relay:
                line = relay.json()
                self.assertEqual(line["url"], f"udp://[::1]:{line['port']}")
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
                    client.sendto(b"six", ("::1", line["port"]))
                    self.assertEqual(server.recv(100), b"six")


class Impairing(unittest.TestCase):
    def test_everything_is_lost(self):
        with Relay("--loss", "1", "--interval", "0.02") as relay, relay.client() as client:
            for _ in range(20):
                client.send(b"?")
            # Its lines of statistics tell when all have been taken.
            lost = lambda line: line.get("up", {}).get("lost") == 20  # noqa: E731
            self.assertEqual(relay.json(lost)["up"]["forwarded"], 0)

    def test_duplicates_arrive_twice(self):
        with Relay("--duplicate", "1") as relay, relay.client() as client:
            client.send(b"twice")
            received = [relay.server.recvfrom(100) for _ in range(2)]
            self.assertEqual(received[0], received[1])
            statistics = relay.statistics()
        self.assertEqual(statistics["up"]["duplicated"], 1)
        self.assertEqual(statistics["up"]["forwarded"], 2)

    def test_delays_are_at_least_as_told(self):
        with Relay("--delay-up-ms", "30", "--delay-down-ms", "20") as relay:
            with relay.client() as client:
                for _ in range(5):
                    sent = time.monotonic()
                    client.send(b"?")
                    received, source = relay.server.recvfrom(100)
                    there = time.monotonic()
                    relay.server.sendto(received, source)
                    client.recv(100)
                    self.assertGreaterEqual(there - sent, 0.030)
                    self.assertGreaterEqual(time.monotonic() - there, 0.020)

    def test_datagrams_overtake_each_other(self):
        with Relay("--extra", "0.5", "--extra-ms", "5") as relay, relay.client() as client:
            messages = [b"%d" % number for number in range(100)]
            for message in messages:
                client.send(message)
            received = [relay.server.recv(100) for _ in messages]
            self.assertEqual(sorted(received), sorted(messages))
            self.assertNotEqual(received, messages)
            self.assertGreater(relay.statistics()["up"]["overtaken"], 0)

    def test_an_attack_reaches_the_client_only(self):
        answer = bytes.fromhex("0001f70000003200" + "11" * 24)
        with Relay("--forged-hz", "500", "--replayed-hz", "500") as relay:
            with relay.client() as client:
                client.send(b"?")
                _, source = relay.server.recvfrom(100)
                relay.server.sendto(answer, source)
                seen = [client.recv(100) for _ in range(40)]
                self.assertGreater(seen.count(answer), 1)
                forged = [message for message in seen if message != answer]
                self.assertGreater(len(forged), 1)
                self.assertEqual({len(message) for message in forged}, {32})
                self.assertEqual({message[1] for message in forged[5:]}, {1})
                relay.server.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    relay.server.recv(100)


class CommandLine(unittest.TestCase):
    def test_help_names_every_option(self):
        done = impair("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--server", "--listen", "--model", "--seed", "--loss", "--draw", "--json"):
            self.assertIn(option, done.stdout)

    def test_mistakes_are_told(self):
        server = ["--server", "udp://127.0.0.1:1"]
        for wrong in (
            [],
            ["--server", "http://127.0.0.1:1"],
            ["--server", "udp://127.0.0.1"],
            [*server, "--model", "nonsense"],
            [*server, "--loss", "1.1"],
            [*server, "--loss", "-1"],
            [*server, "--delay-up-ms", "soon"],
            [*server, "--listen", "::1:0"],
            [*server, "--listen", "127.0.0.1:65536"],
            [*server, "--listen", "localhost:0"],
            [*server, "--clients", "0"],
            [*server, "--nonsense"],
            [*server, "more"],
            ["--draw", "0"],
            [*server, "--event-at", "1"],
            [*server, "--model", "route-change", "--event-at", "2", "--duration", "1"],
        ):
            done = impair(*wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ""), wrong)
            self.assertIn("impair", done.stderr)

    def test_an_address_that_is_taken_is_told(self):
        with udp_socket() as taken:
            port = taken.getsockname()[1]
            done = impair("--server", "udp://127.0.0.1:1", "--listen", f"127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot listen on udp://127.0.0.1:{port}: address is in use",
                      done.stderr)

    def test_an_address_that_is_not_of_this_machine_is_told(self):
        done = impair("--server", "udp://127.0.0.1:1", "--listen", "192.0.2.1:5")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot listen on udp://192.0.2.1:5: ", done.stderr)

    def test_the_want_of_the_right_to_go_first_is_told(self):
        done = impair("--server", "udp://127.0.0.1:1", "--realtime", "--duration", "0.05",
                      prefix=UNPRIVILEGED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("--realtime is without effect: Operation not permitted", done.stderr)

    def test_it_ends_by_itself(self):
        done = impair("--server", "udp://127.0.0.1:1", "--duration", "0.05")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("listening on udp://127.0.0.1:"))
        self.assertIn("late", done.stdout)


if __name__ == "__main__":
    unittest.main()
