"""dvbcssd with TLS from the outside: openssl, curl, Python's ssl and websockets, and our companion."""

import asyncio
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
from urllib.parse import urlsplit

import websockets

from certificates import Certificate
from control_client import PTS, ControlledDaemon
from processes import DEADLINE_S
from raw_websocket import RawWebSocket

DVBCSSD = os.environ["DVBCSSD"]
TOKEN = "0123456789abcdef0123456789abcdef"


def address_of(url):
    parts = urlsplit(url)
    return parts.hostname, parts.port


class TlsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.cert = Certificate(self.folder)

    def settings(self, **more):
        settings = {"tls.enabled": "true", "tls.address": "127.0.0.1", "tls.port": "0",
                    "tls.certificate": self.cert.certificate, "tls.key": self.cert.key}
        settings.update({key.replace("__", "."): value for key, value in more.items()})
        return settings

    def start(self, *arguments, **more):
        tv = ControlledDaemon(*arguments, settings=self.settings(**more))
        self.addCleanup(tv.__exit__, None, None, None)
        return tv

    def run_daemon(self, *settings):
        """Runs it to its end; returns (exit code, what it said)."""
        command = [DVBCSSD]
        for setting in ("http.port=0", "wallclock.port=0", "control.socket=", *settings):
            command += ["--set", setting]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S,
                              check=False)
        return done.returncode, done.stderr

    def get(self, tv, path, cert=None):
        """A GET by https, with this certificate trusted; its status and body."""
        host, port = address_of(tv.urls["https"])
        connection = http.client.HTTPSConnection(host, port, timeout=DEADLINE_S,
                                                 context=(cert or self.cert).trust())
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class Listening(TlsTest):
    def test_both_kinds_stand_side_by_side(self):
        tv = self.start()
        self.assertTrue(tv.urls["cii"].startswith("ws://127.0.0.1:"))
        self.assertTrue(tv.urls["cii_tls"].startswith("wss://127.0.0.1:"))
        self.assertTrue(tv.urls["ts_tls"].endswith("/ts"))
        self.assertTrue(tv.urls["https"].startswith("https://127.0.0.1:"))
        with RawWebSocket(tv.urls["cii"]) as plain:
            self.assertEqual(plain.handshake()[0], 101)
            told = json.loads(plain.receive_text())["tsUrl"]
            self.assertEqual(told, tv.urls["ts"])
        self.assertEqual(self.get(tv, "/nothing")[0], 404)
        self.assertEqual(tv.stop()[0], 0)

    def test_the_plain_one_can_be_off(self):
        tv = self.start(http__enabled="false")
        self.assertIsNone(tv.urls["http"])
        self.assertIsNone(tv.urls["cii"])
        self.assertEqual(self.get(tv, "/nothing")[0], 404)
        self.assertEqual(tv.stop()[0], 0)

    def test_without_tls_there_is_none(self):
        with ControlledDaemon() as tv:
            self.assertIsNone(tv.urls["https"])
            self.assertIsNone(tv.urls["cii_tls"])

    def test_mistakes_are_named(self):
        other = Certificate(self.folder, "other")
        on = "tls.enabled=true"
        certificate, key = f"tls.certificate={self.cert.certificate}", f"tls.key={self.cert.key}"
        cases = [
            ((on,), "tls.enabled needs tls.certificate"),
            (("http.enabled=false",), "http.enabled and tls.enabled"),
            ((on, certificate, key, "http.enabled=false", "discovery.enabled=true"),
             "discovery.enabled needs http.enabled"),
            (("control.tls=true", "control.tcp_address=127.0.0.1", f"control.token={TOKEN}"),
             "control.tls needs tls.certificate"),
            ((on, "tls.certificate=/nonexistent.pem"),
             "tls.certificate: /nonexistent.pem: no such file or directory"),
            ((on, certificate), "tls.key: " + self.cert.certificate + ": has no private key"),
            ((on, certificate, f"tls.key={other.key}"),
             "tls.key: " + other.key + ": is not the certificate's key"),
            ((on, f"tls.certificate={self.cert.key}", key),
             "tls.certificate: " + self.cert.key + ": has no certificate"),
            ((on, certificate, key, "tls.address=192.0.2.1"), "tls: 192.0.2.1"),
            ((on, certificate, key, "http.enabled=false", "tls.address=192.0.2.1"),
             "tls: 192.0.2.1"),
        ]
        for settings, expected in cases:
            code, said = self.run_daemon(*settings)
            self.assertIn(code, (1, 2), settings)
            self.assertIn(expected, said)
            self.assertNotIn(TOKEN, said)


class Protocol(TlsTest):
    """What openssl itself can agree on with the server."""

    def s_client(self, tv, *arguments):
        host, port = address_of(tv.urls["https"])
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile",
             self.cert.certificate, "-verify_return_error", *arguments],
            input="", capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_versions(self):
        tv = self.start()
        for version, agreed in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True),
                                ("-tls1_3", True)):
            code, said = self.s_client(tv, version, "-cipher", "ALL:@SECLEVEL=0")
            self.assertEqual(code == 0, agreed, (version, said))
            if not agreed:
                self.assertIn("protocol version", said)
        self.assertEqual(self.get(tv, "/nothing")[0], 404)

    def test_ciphers(self):
        tv = self.start()
        for cipher, agreed in (
                ("ECDHE-ECDSA-AES128-GCM-SHA256", True), ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
                ("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-AES128-SHA256", False),
                ("ECDHE-ECDSA-AES128-SHA", False), ("DHE", False), ("kRSA", False),
                ("aNULL", False), ("NULL", False), ("3DES", False)):
            code, said = self.s_client(tv, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
            self.assertEqual(code == 0 and "Cipher is (NONE)" not in said, agreed, (cipher, said))

    def test_http_1_1_is_all_that_is_offered(self):
        tv = self.start()
        _, said = self.s_client(tv, "-alpn", "h2,http/1.1")
        self.assertIn("ALPN protocol: http/1.1", said)
        _, said = self.s_client(tv, "-alpn", "h2")
        self.assertNotIn("ALPN protocol: h2", said)

    def test_no_tickets_and_no_renegotiation(self):
        tv = self.start()
        for version in ("-tls1_2", "-tls1_3"):
            _, said = self.s_client(tv, version, "-ign_eof")
            self.assertNotIn("TLS session ticket:", said)
        _, said = self.s_client(tv, "-tls1_2", "-reconnect")
        self.assertNotIn("Reused, TLS", said)


class Peers(TlsTest):
    def test_curl_reaches_the_api_with_the_certificate_alone(self):
        tv = self.start(control__tcp_address="127.0.0.1", control__tcp_port="0",
                        control__token=TOKEN, control__tls="true", http__metrics="true")
        self.assertTrue(tv.urls["control"].startswith("https://"))

        def curl(*arguments):
            done = subprocess.run(["curl", "-sS", "-m", str(DEADLINE_S), *arguments],
                                  capture_output=True, text=True, check=False)
            return done.returncode, done.stdout, done.stderr

        api = tv.urls["control"] + "/api/v1/status"
        trust = ("--cacert", self.cert.certificate)
        code, out, err = curl(*trust, "-H", "Authorization: Bearer " + TOKEN, api)
        self.assertEqual(code, 0, err)
        self.assertIn("version", json.loads(out))
        self.assertEqual(curl(*trust, tv.urls["https"] + "/healthz")[0], 0)
        self.assertEqual(curl(*trust, "-o", os.devnull, "-w", "%{http_code}", api)[1], "401")
        # 60: the certificate is not believed.
        self.assertEqual(curl(api)[0], 60, "nobody vouches for it")
        host, port = address_of(api)
        self.assertEqual(curl(*trust, "--connect-to", f"wrong.example:{port}:{host}:{port}",
                              f"https://wrong.example:{port}/healthz")[0], 60)
        # By plain HTTP nothing is to be had there.
        self.assertNotEqual(curl(api.replace("https", "http"))[0], 0)
        code, out, err = curl(*trust, tv.urls["https"] + "/metrics")
        self.assertEqual(code, 0, err)
        self.assertIn('dvbcss_tls_failures_total{listener="control"} ', out)
        figures = [line for line in out.splitlines()
                   if line.startswith('dvbcss_tls_handshakes_total{listener="public"}')]
        self.assertEqual([line.split()[-1] for line in figures], ["2"])

    def test_bodies_of_several_records_reach_the_api(self):
        tv = self.start(control__tcp_address="127.0.0.1", control__tcp_port="0",
                        control__token=TOKEN, control__tls="true")
        for size in (4000, 8192, 16384, 60000):
            host, port = address_of(tv.urls["control"])
            connection = http.client.HTTPSConnection(host, port, timeout=DEADLINE_S,
                                                     context=self.cert.trust())
            body = json.dumps({"contentId": "dvb://" + "x" * size})
            connection.request("PATCH", "/api/v1/content", body, {
                "Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"})
            self.assertIn(connection.getresponse().status, (200, 400))
            connection.close()

    def test_python_follows_by_wss(self):
        tv = self.start()

        async def follow():
            port = address_of(tv.urls["cii_tls"])[1]
            async with websockets.connect(f"wss://localhost:{port}/cii",
                                          ssl=self.cert.trust()) as cii:
                state = json.loads(await asyncio.wait_for(cii.recv(), DEADLINE_S))
                # The name that was asked for is the one that the certificate has.
                self.assertEqual(state["tsUrl"], f"wss://localhost:{port}/ts")
                self.assertTrue(state["wcUrl"].startswith("udp://localhost:"))
                async with websockets.connect(state["tsUrl"], ssl=self.cert.trust()) as ts:
                    await ts.send(json.dumps({"contentIdStem": "", "timelineSelector": PTS}))
                    answer = json.loads(await asyncio.wait_for(ts.recv(), DEADLINE_S))
                    self.assertIsNotNone(answer["contentTime"])
                    connections = tv.get("/connections")["connections"]
                    self.assertEqual([c["secure"] for c in connections], [True, True])
                tv.patch("/content", {"contentId": "dvb://9.9.9"})
                change = json.loads(await asyncio.wait_for(cii.recv(), DEADLINE_S))
                self.assertEqual(change["contentId"], "dvb://9.9.9")

        asyncio.run(follow())
        self.assertEqual(tv.stop()[0], 0)


class Commands(TlsTest):
    """Our own programs, which believe nobody without a reason."""

    def dvbcss(self, *arguments):
        done = subprocess.run([os.environ["DVBCSS"], *arguments], capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def cii(self, url, *arguments):
        return self.dvbcss("cii", "--once", "--count", "1", "--timeout", str(DEADLINE_S), *arguments,
                           url)

    def test_a_companion_follows_by_wss(self):
        tv = self.start(timeline__pts__speed="1")
        code, out, err = self.dvbcss(
            "companion", "--json", "--count", "2", "--timeout", str(DEADLINE_S), "--timeline", PTS,
            "--ca-file", self.cert.certificate, tv.urls["cii_tls"])
        self.assertEqual(code, 0, err)
        samples = [line for line in map(json.loads, out.splitlines())
                   if line["event"] == "position"]
        self.assertEqual(len(samples), 2, out)
        figures = [line for line in tv.request("GET", "/metrics").text.splitlines()
                   if line.startswith('dvbcss_tls_handshakes_total{listener="public"}')]
        self.assertEqual(figures[0].split()[-1], "2", "CII and TS")

    def test_who_is_believed(self):
        tv = self.start()
        other = Certificate(self.folder, "other")
        url = tv.urls["cii_tls"]
        local = url.replace("127.0.0.1", "localhost")
        hexadecimal = base64.b64decode(self.cert.pin().removeprefix("sha256//")).hex()
        for target, arguments in ((url, ("--ca-file", self.cert.certificate)),
                                  (local, ("--ca-file", self.cert.certificate)),
                                  (url, ("--pin", self.cert.pin())),
                                  (url, ("--pin", hexadecimal)),
                                  (local, ("--pin", self.cert.pin(), "--ca-file",
                                           self.cert.certificate))):
            code, out, err = self.cii(target, *arguments)
            self.assertEqual(code, 0, (arguments, err))
            self.assertIn("dvb://1.2.3", out)
        for target, arguments, reason in (
                (url, (), "no trusted authority vouches"),
                (url, ("--ca-file", other.certificate), "no trusted authority vouches"),
                (url, ("--pin", other.pin()), "key is not the pinned one"),
                (url, ("--pin", other.pin(), "--ca-file", self.cert.certificate),
                 "key is not the pinned one"),
                (url, ("--pin", self.cert.pin(), "--ca-file", other.certificate),
                 "no trusted authority vouches"),
                (url, ("--pin", "abc"), "--pin: expected the SHA-256"),
                (url, ("--ca-file", "/nonexistent"), "TLS failed"),
                (tv.urls["cii"].replace("ws:", "wss:"), ("--pin", self.cert.pin()), "TLS")):
            code, out, err = self.cii(target, *arguments)
            self.assertNotEqual(code, 0, (arguments, out))
            self.assertIn(reason, out + err, arguments)
            self.assertNotIn("dvb://1.2.3", out)

    def test_a_certificate_for_others(self):
        names = Certificate(self.folder, "names", "DNS:tv.example,IP:192.0.2.1")
        tv = self.start(tls__certificate=names.certificate, tls__key=names.key)
        for host in ("127.0.0.1", "localhost"):
            url = tv.urls["cii_tls"].replace("127.0.0.1", host)
            code, out, err = self.cii(url, "--ca-file", names.certificate)
            self.assertNotEqual(code, 0, out)
            self.assertIn("is for another host", out + err)
            # Who knows the key needs no name.
            self.assertEqual(self.cii(url, "--pin", names.pin())[0], 0)

    def test_ctl_by_https(self):
        tv = self.start(control__tcp_address="127.0.0.1", control__tcp_port="0",
                        control__token=TOKEN, control__tls="true")
        other = Certificate(self.folder, "other")
        token = os.path.join(self.folder, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write(TOKEN + "\n")

        def ctl(*arguments):
            code, out, err = self.dvbcss("ctl", "--url", tv.urls["control"], "--token-file", token,
                                         *arguments, "status")
            return code, out + err

        for arguments in (("--ca-file", self.cert.certificate), ("--pin", self.cert.pin()),
                          ("--ca-file", self.cert.certificate, "--pin", self.cert.pin())):
            self.assertEqual(ctl(*arguments)[0], 0, arguments)
        for arguments in ((), ("--ca-file", other.certificate), ("--pin", other.pin()),
                          ("--ca-file", other.certificate, "--pin", self.cert.pin()),
                          ("--ca-file", self.cert.certificate, "--pin", other.pin()),
                          ("--pin", "nonsense")):
            code, said = ctl(*arguments)
            self.assertNotEqual(code, 0, arguments)
            self.assertNotIn(TOKEN, said)

    def test_the_doctor_looks_at_a_tv_by_wss(self):
        tv = self.start(timeline__pts__speed="1")
        code, out, err = self.dvbcss("doctor", "--observe", "0.5", "--pin", self.cert.pin(),
                                     tv.urls["cii_tls"])
        self.assertEqual(code, 0, out + err)
        code, out, err = self.dvbcss("doctor", "--observe", "0.5", tv.urls["cii_tls"])
        self.assertNotEqual(code, 0, out + err)
        self.assertIn("no trusted authority vouches", out)


class Trouble(TlsTest):
    def connect(self, url):
        return socket.create_connection(address_of(url), timeout=DEADLINE_S)

    def read_to_end(self, peer):
        data = b""
        try:
            while chunk := peer.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
        return data

    def test_what_is_no_tls_hurts_nobody(self):
        tv = self.start()
        for said in (b"GET /cii HTTP/1.1\r\nHost: localhost\r\n\r\n", os.urandom(4096),
                     b"\x16\x03\x01\x00\x00", b"\x80\x80\x01\x03\x01", b"\x15\x03\x03\x00\x02\x02\x28"):
            with self.connect(tv.urls["https"]) as peer:
                try:
                    peer.sendall(said)
                    peer.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                self.assertNotIn(b"HTTP/", self.read_to_end(peer))
        self.assertEqual(self.get(tv, "/nothing")[0], 404)
        self.assertEqual(tv.stop()[0], 0)

    def test_tls_on_the_plain_listener_is_no_request(self):
        tv = self.start()
        with self.connect(tv.urls["http"]) as peer:
            with self.assertRaises(OSError):
                self.cert.trust().wrap_socket(peer, server_hostname="localhost")
        self.assertEqual(tv.stop()[0], 0)

    def test_peers_that_never_finish_their_handshake_keep_nobody_out(self):
        tv = self.start(http__header_timeout="2")
        slow = [self.connect(tv.urls["https"]) for _ in range(50)]
        for number, peer in enumerate(slow):
            self.addCleanup(peer.close)
            peer.sendall(b"\x16\x03\x01\x02\x00\x01"[: number % 7])
        self.assertEqual(self.get(tv, "/nothing")[0], 404)
        # Each is given up by itself, long before anybody's patience ends.
        for peer in slow:
            self.assertEqual(self.read_to_end(peer), b"")
        self.assertEqual(tv.stop()[0], 0)

    def test_the_daemon_ends_with_handshakes_under_way(self):
        tv = self.start()
        with self.connect(tv.urls["https"]) as peer:
            peer.sendall(b"\x16\x03\x01")
            self.assertEqual(tv.stop()[0], 0)


class Reload(TlsTest):
    def start_from_file(self, **more):
        self.path = os.path.join(self.folder, "tv.conf")
        self.write(**more)
        tv = ControlledDaemon("--config", self.path)
        self.addCleanup(tv.__exit__, None, None, None)
        return tv

    def write(self, **more):
        with open(self.path, "w", encoding="utf-8") as file:
            for name, value in self.settings(**more).items():
                section, key = name.split(".")
                file.write(f"[{section}]\n{key} = {value}\n")

    def put(self, new):
        shutil.copy(new.certificate, self.cert.certificate)
        shutil.copy(new.key, self.cert.key)

    def serves(self, tv, cert):
        try:
            return self.get(tv, "/nothing", cert)[0] == 404
        except ssl.SSLCertVerificationError:
            return False

    def test_a_new_certificate_in_the_same_files(self):
        tv = self.start_from_file()
        new = Certificate(self.folder, "new", kind="rsa")
        context = self.cert.trust()

        async def follow():
            async with websockets.connect(tv.urls["cii_tls"], ssl=context) as cii:
                await asyncio.wait_for(cii.recv(), DEADLINE_S)
                self.put(new)
                self.assertEqual(tv.post("/reload").json, {"applied": [], "needs_restart": []})
                self.assertTrue(self.serves(tv, new))
                tv.patch("/content", {"contentId": "dvb://still.there"})
                change = json.loads(await asyncio.wait_for(cii.recv(), DEADLINE_S))
                self.assertEqual(change["contentId"], "dvb://still.there")

        asyncio.run(follow())
        code, said = tv.stop()
        self.assertEqual(code, 0)
        self.assertEqual(len([line for line in said if "tls-certificate" in line]), 2, said)

    def test_other_files(self):
        tv = self.start_from_file()
        new = Certificate(self.folder, "new")
        self.write(tls__certificate=new.certificate, tls__key=new.key)
        self.assertEqual(tv.post("/reload").json,
                         {"applied": ["tls.certificate", "tls.key"], "needs_restart": []})
        self.assertTrue(self.serves(tv, new))
        self.assertFalse(self.serves(tv, self.cert))

    def test_control_gets_it_too(self):
        tv = self.start_from_file(control__tcp_address="127.0.0.1", control__tcp_port="0",
                                  control__token=TOKEN, control__tls="true")
        new = Certificate(self.folder, "new")
        self.put(new)
        self.assertEqual(tv.post("/reload").status, 200)
        with socket.create_connection(address_of(tv.urls["control"])) as peer:
            with new.trust().wrap_socket(peer, server_hostname="localhost") as secure:
                self.assertEqual(secure.version(), "TLSv1.3")

    def test_what_cannot_be_had_is_refused_whole(self):
        tv = self.start_from_file()
        old = shutil.copy(self.cert.certificate, os.path.join(self.folder, "old.pem"))
        other = Certificate(self.folder, "other")

        def refused(reason):
            answer = tv.post("/reload")
            self.assertEqual(answer.status, 409, answer.text)
            self.assertIn(reason, answer.json["reason"])
            self.assertEqual(tv.get("/content")["contentId"], "dvb://1.2.3")
            self.assertTrue(self.serves(tv, self.cert))

        os.rename(self.cert.certificate, old)
        self.cert.certificate, vanished = old, self.cert.certificate
        # What else has changed is not taken either.
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("[cii]\nmax_connections = 1\n")
        refused(f"tls.certificate: {vanished}: no such file or directory")
        self.assertEqual(tv.get("/endpoints/cii")["max_connections"], 100)
        shutil.copy(other.certificate, vanished)
        refused(f"tls.key: {self.cert.key}: is not the certificate's key")
        with open(vanished, "w", encoding="utf-8") as file:
            file.write("no certificate\n")
        refused(f"tls.certificate: {vanished}: has no certificate in PEM")
        shutil.copy(old, vanished)
        self.assertEqual(tv.post("/reload").json["applied"], ["cii.max_connections"])

    def test_tls_turned_off_waits_for_a_restart(self):
        tv = self.start_from_file()
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("[tls]\nenabled = false\n")
        result = tv.post("/reload").json
        self.assertIn("tls.enabled", result["needs_restart"])
        self.assertTrue(self.serves(tv, self.cert))


if __name__ == "__main__":
    unittest.main()
