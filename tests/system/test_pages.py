"""The pages that dvbcssd serves: only what is meant to be served, and as browsers need it."""

import http.client
import json
import os
import pathlib
import tempfile
import unittest
from urllib.parse import urlsplit

from control_client import exchange
from processes import DEADLINE_S, Daemon

TOKEN = "correct-horse-battery-staple"
WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
ANSWER_MAX = 1048576


class Pages(unittest.TestCase):
    """A daemon with pages and media of our own."""

    settings = {}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.web = self.root / "web"
        self.media = self.root / "media"
        (self.web / "lib").mkdir(parents=True)
        self.media.mkdir()
        (self.web / "index.html").write_text("<!doctype html><title>first</title>")
        (self.web / "lib" / "a.js").write_text("export const a = 1;\n")
        (self.web / "empty.txt").write_text("")
        self.film = os.urandom(2 * ANSWER_MAX + 1000)
        (self.media / "film.mp4").write_bytes(self.film)
        self.tv = Daemon(settings={"pages.enabled": "true", "pages.folder": str(self.web),
                                   "pages.media": str(self.media), **self.settings})
        self.addCleanup(self.tv.__exit__, None, None, None)
        self.at = urlsplit(self.tv.urls["pages"])

    def tearDown(self):
        code, said = self.tv.stop()
        self.assertEqual(code, 0, said)

    def connection(self):
        return http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=DEADLINE_S)

    def request(self, method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return exchange(self.connection(), method, path, body, named)

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def part(self, path, wanted, **headers):
        """The raw bytes of an answer to a Range, and the answer."""
        connection = self.connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Range": wanted, **named})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body


class Files(Pages):
    def test_the_first_page_is_at_the_root(self):
        answer = self.get("/")
        self.assertEqual(answer.status, 200)
        self.assertIn("first", answer.text)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")

    def test_files_have_their_types(self):
        self.assertEqual(self.get("/lib/a.js").type, "text/javascript")
        self.assertEqual(self.get("/empty.txt").type, "text/plain")
        self.assertEqual(self.get("/empty.txt").text, "")
        for name, wanted in (("a.css", "text/css"), ("a.svg", "image/svg+xml"),
                             ("A.JPG", "image/jpeg"), ("a.vtt", "text/vtt"),
                             ("a.webm", "video/webm"), ("a.json", "application/json")):
            (self.web / name).write_text("x")
            self.assertEqual(self.get("/" + name).type, wanted, name)

    def test_nothing_outside_of_the_folder_is_served(self):
        secret = self.root / "secret.txt"
        secret.write_text("secret")
        os.symlink(secret, self.web / "link.txt")
        os.symlink(self.root, self.web / "up")
        os.symlink("a.js", self.web / "lib" / "b.js")
        for path in ("/../secret.txt", "/lib/../../secret.txt", "/%2e%2e/secret.txt",
                     "/..%2fsecret.txt", "/lib/..%2f..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
                     "/....//secret.txt", "/..\\secret.txt", "/..%5csecret.txt",
                     "/lib/%252e%252e/secret.txt", "//secret.txt", "/link.txt", "/up/secret.txt",
                     "/lib/b.js", f"/{secret}", f"/%2f{secret}", "/media/../../secret.txt",
                     "/media/..%2f..%2fsecret.txt", "/media/%2e%2e/secret.txt",
                     "/secret.txt%00.html", "/lib/a.js/../../../secret.txt"):
            try:
                answer = self.get(path)
            except http.client.RemoteDisconnected:
                continue
            self.assertIn(answer.status, (400, 404), path)
            self.assertNotEqual(answer.text, "secret", path)

    def test_what_is_hidden_unknown_or_no_file_is_not_served(self):
        (self.web / ".hidden.txt").write_text("x")
        (self.web / ".git").mkdir()
        (self.web / ".git" / "config.txt").write_text("x")
        (self.web / "program.sh").write_text("x")
        (self.web / "noextension").write_text("x")
        (self.web / "folder.html").mkdir()
        os.mkfifo(self.web / "pipe.txt")
        (self.web / "closed.txt").write_text("x")
        for path in ("/.hidden.txt", "/.git/config.txt", "/program.sh", "/noextension",
                     "/folder.html", "/folder.html/", "/pipe.txt", "/lib", "/lib/", "/nothing.html",
                     "/a" * 200 + ".txt", "/" + "a" * 300 + ".txt", "/media/.hidden.mp4"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_other_methods_are_refused(self):
        for path in ("/", "/lib/a.js", "/nothing.html", "/media/", "/media/film.mp4",
                     "/pages.json"):
            for method in ("DELETE", "OPTIONS"):
                answer = self.request(method, path)
                self.assertEqual(answer.status, 405, (method, path))
                self.assertEqual(answer.headers["Allow"], "GET, HEAD")
            for method in ("POST", "PUT", "PATCH"):
                self.assertEqual(self.request(method, path, b"x").status, 413, (method, path))
                self.assertEqual(self.request(method, path, b"").status, 405, (method, path))

    def test_head_tells_what_get_would_bring(self):
        for path in ("/", "/lib/a.js", "/pages.json", "/media/"):
            head, get = self.request("HEAD", path), self.get(path)
            self.assertEqual((head.status, head.text), (200, ""), path)
            for name in ("Content-Length", "Content-Type", "ETag", "Content-Security-Policy"):
                self.assertEqual(head.headers[name], get.headers[name], (path, name))
        head = self.request("HEAD", "/media/film.mp4")
        self.assertEqual(head.headers["Content-Length"], str(len(self.film)))
        self.assertEqual(self.request("HEAD", "/nothing.html").status, 404)

    def test_an_unchanged_file_is_not_sent_again(self):
        first = self.get("/lib/a.js")
        tag = first.headers["ETag"]
        self.assertEqual(first.headers["Cache-Control"], "no-cache")
        for tags in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = self.get("/lib/a.js", If_None_Match=tags)
            self.assertEqual((again.status, again.text), (304, ""), tags)
            self.assertEqual(again.headers["ETag"], tag)
        self.assertEqual(self.get("/lib/a.js", If_None_Match='"other"').status, 200)
        (self.web / "lib" / "a.js").write_text("export const a = 22;\n")
        changed = self.get("/lib/a.js", If_None_Match=tag)
        self.assertEqual((changed.status, changed.text), (200, "export const a = 22;\n"))

    def test_pages_are_kept_to_themselves(self):
        for path in ("/", "/lib/a.js", "/media/", "/pages.json", "/nothing.html"):
            headers = self.get(path).headers
            policy = headers["Content-Security-Policy"]
            for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                         "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
                         "media-src 'self' blob:",
                         f"connect-src 'self' ws://{self.at.hostname}:* wss://{self.at.hostname}:*"):
                self.assertIn(rule, policy.split("; "), path)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(headers["Cross-Origin-Opener-Policy"], "same-origin")
            self.assertEqual(headers["Cross-Origin-Embedder-Policy"], "require-corp")
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "same-origin")

    def test_a_host_header_cannot_loosen_the_policy(self):
        for host in ("a; script-src *", "a 'unsafe-inline'", "a,b", "*", "[::1]:80", "x" * 400):
            policy = self.get("/", Host=host).headers["Content-Security-Policy"] or ""
            self.assertNotIn("ws:", policy, host)
            self.assertNotIn("script-src *", policy)
            self.assertNotIn("unsafe", policy)
        policy = self.get("/", Host="tv.local:8080").headers["Content-Security-Policy"]
        self.assertIn("ws://tv.local:* wss://tv.local:*;", policy)

    def test_pages_learn_where_things_are(self):
        site = self.get("/pages.json").json
        self.assertEqual((site["cii"], site["ts"], site["media"]), ("/cii", "/ts", "/media/"))
        self.assertIs(site["api"], False)
        self.assertEqual(self.get("/pages.json/x").status, 404)
        self.assertEqual(self.get("/api/v1/status").status, 404)

    def test_companions_are_served_as_before(self):
        answer = self.get("/cii")
        self.assertEqual(answer.status, 426)


class Media(Pages):
    def test_the_folder_is_listed(self):
        (self.media / "b.webm").write_bytes(b"b")
        (self.media / ".hidden.mp4").write_bytes(b"x")
        (self.media / "notes.doc").write_bytes(b"x")
        (self.media / "more.mp4").mkdir()
        os.symlink("film.mp4", self.media / "link.mp4")
        os.close(os.open(os.fsencode(self.media) + b"/\xff.mp4", os.O_CREAT | os.O_WRONLY))
        (self.media / "Grüße 1.mp4").write_bytes(b"xyz")
        listed = self.get("/media/").json["media"]
        self.assertEqual([(m["name"], m["type"], m["size"]) for m in listed],
                         [("Grüße 1.mp4", "video/mp4", 3), ("b.webm", "video/webm", 1),
                          ("film.mp4", "video/mp4", len(self.film))])
        self.assertEqual(self.get("/media").json["media"], listed)
        self.assertEqual(self.get("/media/Gr%C3%BC%C3%9Fe%201.mp4").text, "xyz")

    def test_parts_are_the_bytes_that_were_asked_for(self):
        size = len(self.film)
        for wanted, first, last in (("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19),
                                    (f"bytes={size - 5}-", size - 5, size - 1),
                                    ("bytes=-5", size - 5, size - 1),
                                    (f"bytes={size - 5}-{size + 5}", size - 5, size - 1)):
            response, body = self.part("/media/film.mp4", wanted)
            self.assertEqual(response.status, 206, wanted)
            self.assertEqual(response.headers["Content-Range"], f"bytes {first}-{last}/{size}")
            self.assertEqual(response.headers["Accept-Ranges"], "bytes")
            self.assertEqual(body, self.film[first:last + 1], wanted)

    def test_a_large_file_comes_in_parts(self):
        size, have = len(self.film), b""
        while len(have) < size:
            response, body = self.part("/media/film.mp4", f"bytes={len(have)}-")
            self.assertEqual(response.status, 206)
            self.assertLessEqual(len(body), ANSWER_MAX)
            have += body
        self.assertEqual(have, self.film)
        whole = self.get("/media/film.mp4")
        self.assertEqual(whole.status, 403)
        self.assertIn("Range", whole.text)

    def test_a_part_that_is_not_there_is_refused(self):
        size = len(self.film)
        for wanted in (f"bytes={size}-", "bytes=-0", "bytes=99999999999999999999-"):
            response, body = self.part("/media/film.mp4", wanted)
            self.assertEqual((response.status, body), (416, b""), wanted)
            self.assertEqual(response.headers["Content-Range"], f"bytes */{size}")

    def test_a_range_that_is_not_understood_means_the_whole(self):
        (self.media / "short.mp4").write_bytes(b"0123456789")
        for wanted in ("bytes=5", "bytes=5-1", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b"):
            response, body = self.part("/media/short.mp4", wanted)
            self.assertEqual((response.status, body), (200, b"0123456789"), wanted)

    def test_a_part_of_what_has_changed_since_is_not_mixed_in(self):
        (self.media / "short.mp4").write_bytes(b"0123456789")
        response, _ = self.part("/media/short.mp4", "bytes=0-1")
        tag = response.headers["ETag"]
        response, body = self.part("/media/short.mp4", "bytes=2-3", If_Range=tag)
        self.assertEqual((response.status, body), (206, b"23"))
        (self.media / "short.mp4").write_bytes(b"abcdefghijk")
        response, body = self.part("/media/short.mp4", "bytes=2-3", If_Range=tag)
        self.assertEqual((response.status, body), (200, b"abcdefghijk"))


class WithoutMedia(Pages):
    settings = {"pages.media": ""}

    def test_there_is_nothing_to_play(self):
        self.assertEqual(self.get("/media/").json, {"media": []})
        self.assertEqual(self.get("/media/film.mp4").status, 404)


class Api(Pages):
    settings = {"pages.api": "true", "control.token": TOKEN}

    def authorised(self, method, path, body=None, **headers):
        return self.request(method, path, body, Authorization=f"Bearer {TOKEN}", **headers)

    def test_pages_need_the_token(self):
        for path in ("/api/v1/status", "/metrics"):
            self.assertEqual(self.get(path).status, 401)
            self.assertEqual(self.get(path, Authorization="Bearer wrong").status, 401)
            self.assertEqual(self.authorised("GET", path).status, 200)
        self.assertIs(self.get("/pages.json").json["api"], True)

    def test_own_pages_may_change_things_and_others_may_not(self):
        own = f"http://{self.at.netloc}"
        for origin, status in ((own, 200), ("http://evil.example", 403), ("null", 403),
                               (f"http://{self.at.hostname}:1", 403), (f"http://evil.{self.at.netloc}", 403),
                               (f"{own}.evil.example", 403)):
            answer = self.authorised("PATCH", "/api/v1/programme", {"running": False},
                                     Origin=origin)
            self.assertEqual(answer.status, status, origin)

    def test_a_page_whose_name_points_here_may_not(self):
        host = f"evil.example:{self.at.port}"
        for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}):
            answer = self.authorised("GET", "/api/v1/status", **headers)
            self.assertEqual(answer.status, 403, headers)
            self.assertIn("Host", json.loads(answer.text)["reason"])

    def test_figures_count_pages(self):
        self.get("/")
        self.get("/nothing.html")
        text = self.authorised("GET", "/metrics").text
        self.assertIn('dvbcss_pages_requests_total{answer="given"} 1\n', text)
        self.assertIn('dvbcss_pages_requests_total{answer="refused"} 1\n', text)
        self.assertRegex(text, r"dvbcss_pages_bytes_total [1-9]")


class Start(unittest.TestCase):
    def test_pages_are_off_by_default(self):
        with Daemon() as tv:
            self.assertIsNone(tv.urls["pages"])
            at = urlsplit(tv.urls["http"])
            connection = http.client.HTTPConnection(at.hostname, at.port, timeout=DEADLINE_S)
            self.assertEqual(exchange(connection, "GET", "/").status, 404)

    def refused(self, settings, reason):
        with self.assertRaisesRegex(AssertionError, reason):
            Daemon(settings=settings).__exit__()

    def test_a_folder_that_is_not_there_is_an_error(self):
        here = {"pages.enabled": "true", "pages.folder": str(WEB)}
        for key in ("pages.folder", "pages.media"):
            self.refused({**here, key: "/nowhere"}, "/nowhere: No such file")
            self.refused({**here, key: __file__}, "Not a directory")

    def test_the_api_needs_a_token_and_pages(self):
        self.refused({"pages.enabled": "true", "pages.folder": str(WEB), "pages.api": "true"},
                     "pages.api needs control.token")
        self.refused({"pages.api": "true", "control.token": TOKEN}, "pages.api needs pages.enabled")


if __name__ == "__main__":
    unittest.main()
