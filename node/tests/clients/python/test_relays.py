"""Relays that are not spoken to as they want it, and relays that break: whatever they do, codes arrive through the next one."""

import tempfile
import time
import unittest

from broken import RESET, SILENCE, Relay, black_hole
from mailbox import Authority, Mailbox
from person import Person
from server import CLUSTER, Server, free_ports

WITHIN_SECS = 10
# It leads to this machine, and is none of the addresses that are known for it: what goes there must be encrypted.
ELSEWHERE = "0.0.0.0"


@unittest.skipIf(CLUSTER, "how a node speaks to relays does not hang on how many there are")
class RelayTest(unittest.TestCase):
    """Each test has a server and relays of its own."""

    def authority(self):
        """Somebody who signs certificates."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Authority(folder.name)

    def mailbox(self, **how):
        """A relay that works."""
        one = Mailbox(free_ports(1)[0], **how)
        self.addCleanup(one.stop)
        return one

    def relay(self, at, does):
        """One that does not."""
        one = Relay(at, does)
        self.addCleanup(one.stop)
        return one

    def code_arrives(self, name, mailbox, **relays):
        """Somebody with an account asks for a code to their address, and gets it in time."""
        mail = {f"DOORWARD__MAIL__{key}": value for key, value in relays.items()}
        server = Server(f"relays-{name}", DOORWARD__MAIL__FROM="doorward@mail.example", **mail)
        self.addCleanup(server.stop)
        person = Person(server.origin)
        person.register()
        began = time.monotonic()
        page = person.begin_address()
        code = mailbox.next_code(person.email, WITHIN_SECS)
        self.assertLess(time.monotonic() - began, WITHIN_SECS)
        page = person.submit(page, "one-time-code", [("one-time-code", code)])
        self.assertIn("Save your backup codes", page.words)
        return server

    def arrives_through_the_next(self, name, url, **more):
        """The same where the first relay is this one."""
        mailbox = self.mailbox()
        fallback = f"smtp://127.0.0.1:{mailbox.port}"
        return self.code_arrives(name, mailbox, SMTP__URL=url, FALLBACK__URL=fallback, **more)

    def test_a_relay_elsewhere_that_offers_starttls_is_spoken_to_in_tls(self):
        authority = self.authority()
        mailbox = self.mailbox(starttls=authority.context(ELSEWHERE))
        url = f"smtp://{ELSEWHERE}:{mailbox.port}"
        self.code_arrives("starttls", mailbox, SMTP__URL=url, SMTP__CA=str(authority.file))
        self.assertEqual(mailbox.encrypted, [True])

    def test_a_relay_elsewhere_that_offers_no_starttls_hears_nothing_of_a_message(self):
        login = {"SMTP__USERNAME": "me", "SMTP__PASSWORD": "hunter2"}
        stripped = self.relay("nothing is broken", SILENCE)
        self.arrives_through_the_next("stripped", f"smtp://{ELSEWHERE}:{stripped.port}", **login)
        commands = {line.split(" ")[0] for line in stripped.heard}
        self.assertIn("EHLO", commands)
        self.assertLessEqual(commands, {"EHLO", "QUIT", ""})

    def test_a_relay_elsewhere_whose_certificate_is_not_its_own_hears_nothing_of_a_message(self):
        authority = self.authority()
        for name, context, ca in [
            ("of-another-host", authority.context("127.0.0.1"), authority),
            ("of-a-stranger", self.authority().context(ELSEWHERE), authority),
        ]:
            with self.subTest(name):
                wrong = self.mailbox(starttls=context)
                url = f"smtp://{ELSEWHERE}:{wrong.port}"
                self.arrives_through_the_next(name, url, SMTP__CA=str(ca.file))
                self.assertEqual((wrong.mail, wrong.encrypted), ([], []))

    def test_a_relay_that_refuses_is_left_at_once(self):
        for at, does in [
            ("", "421 not today"),
            ("", "554 not for you"),
            ("EHLO", "550 who are you"),
            ("MAIL", "530 log in first"),
            ("RCPT", "450 later"),
            ("RCPT", "550 no such user"),
            (".", "451 later"),
        ]:
            with self.subTest(at=at, does=does):
                relay = self.relay(at, does)
                self.arrives_through_the_next(f"refusing-{does[:3]}", f"smtp://127.0.0.1:{relay.port}")
                self.assertTrue(relay.reached.is_set())

    def test_a_relay_that_does_not_take_the_password_is_left_at_once(self):
        relay = self.relay("AUTH", "535 no")
        login = {"SMTP__USERNAME": "me", "SMTP__PASSWORD": "hunter2"}
        server = self.arrives_through_the_next("password", f"smtp://127.0.0.1:{relay.port}", **login)
        self.assertTrue(relay.reached.is_set())
        self.assertNotIn("hunter2", server.log.read_text())

    def test_a_relay_that_falls_silent_or_breaks_off_is_left_after_seconds(self):
        for at, does in [("EHLO", SILENCE), ("EHLO", "250-rel"), ("DATA", SILENCE), (".", SILENCE), (".", RESET)]:
            with self.subTest(at=at, does=does):
                relay = self.relay(at, does)
                self.arrives_through_the_next(f"breaking-{at or 'greeting'}", f"smtp://127.0.0.1:{relay.port}")
                self.assertTrue(relay.reached.is_set())

    def test_a_relay_that_nobody_can_connect_to_is_left_after_seconds(self):
        with black_hole() as port:
            self.arrives_through_the_next("black-hole", f"smtp://127.0.0.1:{port}")

    def test_a_relay_that_is_slow_does_not_keep_a_code_from_its_owner(self):
        slow = self.mailbox()
        slow.thinks_for_secs = 15
        self.arrives_through_the_next("slow", f"smtp://127.0.0.1:{slow.port}")


if __name__ == "__main__":
    unittest.main()
