"""Codes by e-mail through real SMTP servers: what arrives, what it proves, and what happens when a relay does not work."""

import contextlib
import secrets
import socket
import tempfile
import time
import unittest
import urllib.parse

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from mailbox import Authority, Mailbox
from person import Person
from server import CLUSTER, Server, free_ports

ONE_NODE = unittest.skipIf(CLUSTER, "how a node speaks to relays does not hang on how many there are")
CALLBACK = "https://app.example/callback"
FAILOVER_WITHIN_SECS = 10


def relay(port, scheme="smtp"):
    """The address of a relay on this machine."""
    return f"{scheme}://127.0.0.1:{port}"


class MailTest(unittest.TestCase):
    """Each test has a server and relays of its own."""

    def server(self, name, **settings):
        """A server that sends from an address of its own."""
        one = Server(f"mail-{name}", DOORWARD__MAIL__FROM="Doorward <doorward@mail.example>", **settings)
        self.addCleanup(one.stop)
        return one

    def mailbox(self, port, tls=None):
        """A relay that works."""
        one = Mailbox(port, tls)
        self.addCleanup(one.stop)
        return one

    def registered(self, server):
        """Somebody with an account."""
        person = Person(server.origin)
        person.register()
        return person

    def test_a_code_that_arrives_completes_a_sign_in_and_the_token_says_so(self):
        (port,) = free_ports(1)
        mailbox = self.mailbox(port)
        server = self.server("codes", DOORWARD__MAIL__SMTP__URL=relay(port))
        client = server.create_client("--name", "Reading list", "--redirect-uri", CALLBACK)
        person = self.registered(server)
        self.assertEqual(len(person.enrol_address(mailbox)), 10)

        to, message = mailbox.mail[0]
        self.assertEqual((to, message["to"]), ([person.email], person.email))
        self.assertEqual(message["from"], "Doorward <doorward@mail.example>")
        self.assertEqual(message["auto-submitted"], "auto-generated")
        self.assertEqual(message.get_content_type(), "text/plain")
        self.assertTrue(message["message-id"].endswith("@mail.example>"))

        person.forget_cookies()
        found = requests.get(f"{server.origin}/.well-known/openid-configuration", timeout=30).json()
        application = OAuth2Session(
            client["client_id"], client["client_secret"], scope="openid email", redirect_uri=CALLBACK
        )
        url, state = application.create_authorization_url(found["authorization_endpoint"])
        callback = person.authorize(url)
        token = application.fetch_token(found["token_endpoint"], authorization_response=callback, state=state)
        keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=30).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
        self.assertEqual(claims["amr"], ["email", "otp", "pwd"])
        self.assertEqual(claims["acr"], "urn:doorward:acr:2step")
        info = application.get(found["userinfo_endpoint"]).json()
        self.assertEqual((info["email"], info["email_verified"]), (person.email, True))

        essential = '{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}'
        url, _ = application.create_authorization_url(found["authorization_endpoint"], claims=essential)
        refused = urllib.parse.parse_qs(urllib.parse.urlsplit(person.authorize(url)).query)
        self.assertEqual(refused["error"], ["unmet_authentication_requirements"])

    def arrives_through_the_other(self, name, broken):
        """Codes arrive within ten seconds although the first relay does not work."""
        port = free_ports(1)[0]
        mailbox = self.mailbox(port)
        server = self.server(name, DOORWARD__MAIL__SMTP__URL=broken, DOORWARD__MAIL__FALLBACK__URL=relay(port))
        person = self.registered(server)
        began = time.monotonic()
        person.begin_address()
        mailbox.next_code(person.email, FAILOVER_WITHIN_SECS)
        self.assertLess(time.monotonic() - began, FAILOVER_WITHIN_SECS)

    @ONE_NODE
    def test_a_relay_that_is_down_is_no_reason_to_wait(self):
        (port,) = free_ports(1)
        self.arrives_through_the_other("down", relay(port))

    @ONE_NODE
    def test_a_relay_that_takes_connections_and_says_nothing_is_left_after_seconds(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
            self.arrives_through_the_other("silent", relay(silent.getsockname()[1]))

    @ONE_NODE
    def test_a_relay_that_thinks_for_seconds_gets_a_message_once(self):
        (port,) = free_ports(1)
        mailbox = self.mailbox(port)
        mailbox.thinks_for_secs = 6
        server = self.server("slow", DOORWARD__MAIL__SMTP__URL=relay(port))
        person = self.registered(server)
        page = person.begin_address()
        code = mailbox.next_code(person.email)
        person.submit(page, "one-time-code", [("one-time-code", code)])
        self.until_told(server, 'doorward_messages_total{channel="email",outcome="sent"} 1')
        self.assertEqual(len(mailbox.mail), 1)

    def until_told(self, server, line):
        """Waits until the metrics have this line."""
        deadline = time.monotonic() + FAILOVER_WITHIN_SECS
        while line not in requests.get(f"{server.management}/metrics", timeout=30).text.splitlines():
            self.assertLess(time.monotonic(), deadline, f"the metrics never said {line}")
            time.sleep(0.05)

    @ONE_NODE
    def test_a_relay_whose_certificate_nobody_vouches_for_gets_nothing(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        (port,) = free_ports(1)
        stranger = self.mailbox(port, Authority(folder.name).context())
        self.arrives_through_the_other("stranger", relay(port, "smtps"))
        self.assertEqual(stranger.mail, [])

    @ONE_NODE
    def test_a_relay_whose_authority_is_named_is_spoken_to_in_tls(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority, (port,) = Authority(folder.name), free_ports(1)
        mailbox = self.mailbox(port, authority.context())
        server = self.server(
            "tls", DOORWARD__MAIL__SMTP__URL=relay(port, "smtps"), DOORWARD__MAIL__SMTP__CA=str(authority.file)
        )
        person = self.registered(server)
        person.begin_address()
        mailbox.next_code(person.email)

    def test_a_message_whose_server_was_killed_before_it_was_sent_is_sent_by_the_next(self):
        (port,) = free_ports(1)
        server = self.server("killed", DOORWARD__MAIL__SMTP__URL=relay(port))
        person = self.registered(server)
        page = person.begin_address()
        server.kill()
        mailbox = self.mailbox(port)
        server.start()
        code = mailbox.next_code(person.email)
        page = person.submit(page, "one-time-code", [("one-time-code", code)])
        self.assertIn("Save your backup codes", page.words)
        self.assertEqual(len(mailbox.mail), 1)

    @unittest.skipIf(CLUSTER, "each node shows its own")
    def test_without_a_relay_a_development_server_shows_what_it_would_have_sent(self):
        server = Server("mail-inbox")
        self.addCleanup(server.stop)
        person = self.registered(server)
        person.email = f"{secrets.token_hex(4)}@mail.example"
        person.begin_address()
        words = person.visit("/dev/inbox").words
        self.assertIn(f"To {person.email}", words)


if __name__ == "__main__":
    unittest.main()
