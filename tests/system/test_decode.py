"""dvbcss decode from the outside: each kind of message, each of its clothes, and what is wrong."""

import base64
import os
import subprocess
import unittest

DVBCSS = os.environ["DVBCSS"]
REQUEST = "0000f600000032005476482733f5fc00" + "00" * 16
ANSWER = "0001f70000003200" + "6b0162820d59f87b" + "6b0162820d693a00" + "6b0162820d787c00"


def decode(*arguments, stdin=b""):
    return subprocess.run(
        [DVBCSS, "decode", *arguments], input=stdin, capture_output=True, timeout=30, check=False
    )


class Decode(unittest.TestCase):
    def shown(self, *arguments, stdin=b""):
        done = decode(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def refused(self, *arguments, stdin=b""):
        done = decode(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr.decode()

    def test_a_wall_clock_request_in_hex(self):
        text = self.shown(REQUEST)
        self.assertIn("request", text)
        self.assertIn("50 ppm", text)
        self.assertIn("2^-10 s", text)
        self.assertIn("1417037863 s + 871758848 ns", text)

    def test_the_same_bytes_in_other_clothes(self):
        plain = self.shown(ANSWER)
        raw = bytes.fromhex(ANSWER)
        spaced = ":".join(f"{byte:02X}" for byte in raw)
        self.assertEqual(self.shown("0x" + ANSWER), plain)
        self.assertEqual(self.shown(spaced), plain)
        self.assertEqual(self.shown(base64.b64encode(raw).decode()), plain)
        self.assertEqual(self.shown(stdin=raw), plain)
        self.assertEqual(self.shown("-", stdin=ANSWER.encode() + b"\n"), plain)

    def test_a_wall_clock_message_that_is_none(self):
        self.assertIn("length", self.refused(REQUEST[:-2]))
        self.assertIn("version", self.refused("01" + REQUEST[2:]))
        self.assertIn("type", self.refused("0004" + REQUEST[4:]))

    def test_an_answer_sent_before_its_request_came(self):
        wrong = "0001f70000003200" + "00" * 8 + "0000000500000000" + "0000000400000000"
        self.assertIn("transmitted before", self.refused(wrong))

    def test_a_cii_message(self):
        text = self.shown(
            '{"protocolVersion":"1.1","contentId":"dvb://1.2.3","mrsUrl":null,'
            '"timelines":[{"timelineSelector":"urn:dvb:css:timeline:pts","timelineProperties":'
            '{"unitsPerTick":1,"unitsPerSecond":90000,"accuracy":0.2}}]}'
        )
        for words in ("CSS-CII", "dvb://1.2.3", "null: there is none", "omitted: unchanged",
                      "90000 ticks/s", "accurate to 0.2 s"):
            self.assertIn(words, text)

    def test_ts_messages_are_told_apart(self):
        self.assertIn("setup", self.shown('{"contentIdStem":"","timelineSelector":"x:y"}'))
        self.assertIn(
            "control timestamp",
            self.shown('{"contentTime":"12345","wallClockTime":"900028432",'
                       '"timelineSpeedMultiplier":1.0}'),
        )
        self.assertIn(
            "as early as you like",
            self.shown('{"earliest":{"contentTime":"1","wallClockTime":"minusinfinity"},'
                       '"latest":{"contentTime":"1","wallClockTime":"plusinfinity"}}'),
        )

    def test_what_only_the_field_sends_is_shown_and_marked(self):
        done = decode('{"contentTime":5,"wallClockTime":"7","timelineSpeedMultiplier":1}')
        self.assertEqual(done.returncode, 1)
        self.assertIn("5 ticks", done.stdout.decode())
        self.assertIn("contentTime", done.stderr.decode())
        self.assertIn("can be understood", done.stderr.decode())

    def test_json_that_is_broken_is_refused_with_its_place(self):
        self.assertIn("at byte", self.refused('{"contentId": }'))
        self.assertIn("contentIdStatus", self.refused('{"contentIdStatus": {}}'))

    def test_the_kind_can_be_said(self):
        self.assertIn("timelineSelector", self.refused("--as", "setup", "{}"))
        self.assertEqual(decode("--as", "nonsense", "{}").returncode, 2)
        self.assertEqual(decode("{}", "{}").returncode, 2)

    def test_too_much_is_refused(self):
        self.assertIn("longer", self.refused(stdin=b"{" * (1 << 21)))

    def test_messages_of_ts_are_known_by_any_of_their_members(self):
        for message, kind in (
            ('{"contentTime":"5","wallClockTime":"7"}', "control timestamp"),
            ('{"contentTime":null}', "control timestamp"),
            ('{"wallClockTime":"7"}', "control timestamp"),
            ('{"latest":{"contentTime":"1","wallClockTime":"2"}}', "presentation timestamps"),
            ('{"actual":{"contentTime":"1","wallClockTime":"2"}}', "presentation timestamps"),
            ('{"contentIdStem":"dvb://"}', "setup-data"),
        ):
            done = decode(message)
            self.assertEqual(done.returncode, 1, message)
            self.assertIn(kind.encode(), done.stdout + done.stderr, message)
            self.assertNotIn(b"CII", done.stdout + done.stderr, message)


if __name__ == "__main__":
    unittest.main()
