"""Codes by text message through gateways with the interfaces of real providers: what arrives, what it proves, what it may cost, and
what happens when a provider does not work."""

import contextlib
import re
import socket
import tempfile
import time
import unittest

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from broken import RESET, SILENCE, Provider, black_hole
from gateway import SECRET, Gateway, settings
from mailbox import Authority
from person import Person
from server import CLUSTER, Server, free_ports

ONE_NODE = unittest.skipIf(CLUSTER, "how a node speaks to providers does not hang on how many there are")
CALLBACK = "https://app.example/callback"
FAILOVER_WITHIN_SECS = 10
KINDS = ("twilio", "vonage", "sns", "http")


class SmsTest(unittest.TestCase):
    """Each test has a server and gateways of its own."""

    def server(self, name, **more):
        """A server that sends to German and Austrian numbers."""
        one = Server(f"sms-{name}", **{"DOORWARD__SMS__COUNTRIES": "DE,AT:2", **more})
        self.addCleanup(one.stop)
        return one

    def gateway(self, port, kind, tls=None):
        """A gateway that works."""
        one = Gateway(port, kind, tls)
        self.addCleanup(one.stop)
        return one

    def registered(self, server):
        """Somebody with an account."""
        person = Person(server.origin)
        person.register()
        return person

    def test_a_code_that_arrives_completes_a_sign_in_and_the_token_says_so(self):
        (port,) = free_ports(1)
        gateway = self.gateway(port, "twilio")
        server = self.server("codes", **settings("twilio", port))
        client = server.create_client("--name", "Reading list", "--redirect-uri", CALLBACK)
        person = self.registered(server)
        self.assertEqual(len(person.enrol_phone(gateway)), 10)
        person.forget_cookies()
        found = requests.get(f"{server.origin}/.well-known/openid-configuration", timeout=30).json()
        application = OAuth2Session(client["client_id"], client["client_secret"], scope="openid", redirect_uri=CALLBACK)
        essential = '{"id_token":{"acr":{"essential":true,"value":"urn:doorward:acr:mfa"}}}'
        url, state = application.create_authorization_url(found["authorization_endpoint"], claims=essential)
        callback = person.authorize(url)
        token = application.fetch_token(found["token_endpoint"], authorization_response=callback, state=state)
        keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=30).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
        self.assertEqual(claims["amr"], ["mfa", "otp", "pwd", "sms"])
        self.assertEqual(claims["acr"], "urn:doorward:acr:mfa")

        printed = server.log.read_text() + requests.get(f"{server.management}/metrics", timeout=30).text
        codes = [re.search(r"\d{6}", text).group() for _, text in gateway.taken]
        for hidden in [person.number, person.number[1:], SECRET, *codes]:
            self.assertNotIn(hidden, printed)

    @ONE_NODE
    def test_every_provider_gets_the_message_as_it_wants_it(self):
        for kind in KINDS:
            with self.subTest(kind):
                (port,) = free_ports(1)
                gateway = self.gateway(port, kind)
                person = self.registered(self.server(kind, **settings(kind, port)))
                self.assertEqual(len(person.enrol_phone(gateway)), 10)
                ((to, text),) = gateway.taken
                self.assertEqual(to, person.number)
                self.assertRegex(text, r"^\d{6} confirms this number for Doorward\..*\n\n@localhost #\d{6}$")

    @ONE_NODE
    def test_every_provider_gets_a_message_in_chinese_as_it_wants_it(self):
        for kind in KINDS:
            with self.subTest(kind):
                (port,) = free_ports(1)
                gateway = self.gateway(port, kind)
                person = self.registered(self.server(f"chinese-{kind}", **settings(kind, port)))
                person.begin_phone(language="zh-CN")
                text = gateway.next(person.number)
                self.assertRegex(text, r"^(?=.*[\u4e00-\u9fff])[^?]*\d{6}[^?]*\n\n@localhost #\d{6}$")

    def arrives_through_the_other(self, name, broken, kind="sns"):
        """Codes arrive within ten seconds although the first provider does not work."""
        (port,) = free_ports(1)
        gateway = self.gateway(port, kind)
        server = self.server(name, **broken, **settings(kind, port, "FALLBACK"))
        person = self.registered(server)
        began = time.monotonic()
        person.begin_phone()
        gateway.next_code(person.number, FAILOVER_WITHIN_SECS)
        self.assertLess(time.monotonic() - began, FAILOVER_WITHIN_SECS)

    @ONE_NODE
    def test_a_provider_that_is_down_is_no_reason_to_wait(self):
        (port,) = free_ports(1)
        self.arrives_through_the_other("down", settings("twilio", port))

    @ONE_NODE
    def test_a_provider_that_refuses_is_left_at_once(self):
        for status in (401, 429, 500):
            with self.subTest(status):
                (port,) = free_ports(1)
                refusing = self.gateway(port, "twilio")
                refusing.refuses_with = status
                self.arrives_through_the_other(f"refusing-{status}", settings("twilio", port), "vonage")
                self.assertGreaterEqual(refusing.asked, 1)

    @ONE_NODE
    def test_a_provider_that_takes_connections_and_says_nothing_is_left_after_seconds(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
            self.arrives_through_the_other("silent", settings("http", silent.getsockname()[1]), "twilio")

    @ONE_NODE
    def test_a_provider_that_falls_silent_or_breaks_off_is_left_after_seconds(self):
        head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 20\r\n"
        for name, does in [("silent", SILENCE), ("head", head), ("body", f'{head}\r\n{{"sid"'), ("reset", RESET)]:
            with self.subTest(name):
                provider = Provider(does)
                self.addCleanup(provider.stop)
                self.arrives_through_the_other(f"breaking-{name}", settings("twilio", provider.port), "vonage")
                self.assertTrue(provider.reached.is_set())

    @ONE_NODE
    def test_a_provider_that_nobody_can_connect_to_is_left_after_seconds(self):
        with black_hole() as port:
            self.arrives_through_the_other("black-hole", settings("vonage", port), "http")

    @ONE_NODE
    def test_a_provider_that_is_slow_does_not_keep_a_code_from_its_owner(self):
        (port,) = free_ports(1)
        slow = self.gateway(port, "twilio")
        slow.thinks_for_secs = 15
        self.arrives_through_the_other("slow-first", settings("twilio", port), "sns")

    @ONE_NODE
    def test_a_provider_that_thinks_for_seconds_gets_a_message_once(self):
        (port,) = free_ports(1)
        gateway = self.gateway(port, "vonage")
        gateway.thinks_for_secs = 6
        server = self.server("slow", **settings("vonage", port))
        person = self.registered(server)
        page = person.begin_phone()
        page = person.submit(page, "one-time-code", [("one-time-code", gateway.next_code(person.number))])
        self.assertIn("Save your backup codes", page.words)
        deadline = time.monotonic() + FAILOVER_WITHIN_SECS
        told = 'doorward_messages_total{channel="sms",outcome="sent"} 1'
        while told not in requests.get(f"{server.management}/metrics", timeout=30).text.splitlines():
            self.assertLess(time.monotonic(), deadline, f"the metrics never said {told}")
            time.sleep(0.05)
        self.assertEqual(len(gateway.taken), 1)

    @ONE_NODE
    def test_a_provider_whose_certificate_nobody_vouches_for_gets_nothing(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        (port,) = free_ports(1)
        stranger = self.gateway(port, "twilio", Authority(folder.name).context())
        self.arrives_through_the_other("stranger", settings("twilio", port, scheme="https"))
        self.assertEqual(stranger.taken, [])

    @ONE_NODE
    def test_a_provider_whose_authority_is_named_is_spoken_to_in_tls(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority, (port,) = Authority(folder.name), free_ports(1)
        gateway = self.gateway(port, "sns", authority.context())
        named = {"DOORWARD__SMS__PROVIDER__CA": str(authority.file)}
        server = self.server("tls", **settings("sns", port, scheme="https"), **named)
        person = self.registered(server)
        person.begin_phone()
        gateway.next_code(person.number)

    def test_a_message_whose_server_was_killed_before_it_was_sent_is_sent_by_the_next(self):
        (port,) = free_ports(1)
        server = self.server("killed", **settings("twilio", port))
        person = self.registered(server)
        page = person.begin_phone()
        server.kill()
        gateway = self.gateway(port, "twilio")
        server.start()
        page = person.submit(page, "one-time-code", [("one-time-code", gateway.next_code(person.number))])
        self.assertIn("Save your backup codes", page.words)
        self.assertEqual(len(gateway.taken), 1)

    @ONE_NODE
    def test_spending_stops_at_the_budget_and_at_the_bound_of_a_country(self):
        (port,) = free_ports(1)
        gateway = self.gateway(port, "http")
        money = {"DOORWARD__SMS__PRICE": "0.08", "DOORWARD__SMS__BUDGET_PER_DAY": "0.40"}
        server = self.server("budget", **settings("http", port), **money, **{"DOORWARD__SMS__COUNTRY_SHARE": "100"})
        for n in range(4):
            pumping = self.registered(server)
            pumping.number = f"+43664123450{n}"
            page = pumping.begin_phone()
            self.assertEqual("sent to numbers of this country today" in page.words, n >= 2, page.describe())
        person = self.registered(server)
        person.enrol_phone(gateway)
        for left in (2, 1, 0):
            person.forget_cookies()
            page = person.visit("/login")
            given = [("username", person.name), ("current-password", person.password)]
            page = person.submit(page, "current-password", given)
            refused = "No more text messages are sent today. Choose another way below." in page.words
            self.assertEqual(refused, left == 0, page.describe())
        self.assertIsNotNone(page.link(re.compile("backup code")), page.describe())
        gateway.next(person.number)
        gateway.next(person.number)
        self.assertEqual(len(gateway.taken), 5)
        metrics = requests.get(f"{server.management}/metrics", timeout=30).text
        self.assertIn('doorward_sms_budget_total{country="AT",outcome="country_per_day"} 2', metrics)
        self.assertIn('doorward_sms_budget_total{country="DE",outcome="budget"} 1', metrics)

    @ONE_NODE
    def test_who_pumps_to_one_country_leaves_people_of_another_their_codes_though_no_bound_is_written(self):
        (port,) = free_ports(1)
        gateway = self.gateway(port, "http")
        money = {"DOORWARD__SMS__PRICE": "0.08", "DOORWARD__SMS__BUDGET_PER_DAY": "0.40"}
        server = self.server("pumped", **settings("http", port), **money, **{"DOORWARD__SMS__COUNTRIES": "DE,AT"})
        for n in range(4):
            pumping = self.registered(server)
            pumping.number = f"+43664123450{n}"
            page = pumping.begin_phone()
            self.assertEqual("sent to numbers of this country today" in page.words, n >= 2, page.describe())
        person = self.registered(server)
        self.assertEqual(len(person.enrol_phone(gateway)), 10)
        metrics = requests.get(f"{server.management}/metrics", timeout=30).text
        self.assertIn('doorward_sms_budget_total{country="AT",outcome="country_share"} 2', metrics)

    @unittest.skipIf(CLUSTER, "each node shows its own")
    def test_without_a_provider_a_development_server_shows_what_it_would_have_sent(self):
        server = Server("sms-inbox")
        self.addCleanup(server.stop)
        person = self.registered(server)
        person.begin_phone()
        self.assertIn(f"Text message To {person.number}", person.visit("/dev/inbox").words)

    @ONE_NODE
    def test_what_is_missing_of_a_provider_is_told_at_the_start_without_its_secret(self):
        (port,) = free_ports(1)
        wrong = settings("http", port) | {"DOORWARD__SMS__PROVIDER__BODY": "{{ number }}"}
        with self.assertRaises(RuntimeError) as refused:
            Server("sms-refused", **wrong)
        told = str(refused.exception)
        self.assertIn("`sms.countries`: names no country", told)
        self.assertIn("`sms.provider.body`: is not a template that can be filled in", told)
        self.assertNotIn(SECRET, told)


if __name__ == "__main__":
    unittest.main()
