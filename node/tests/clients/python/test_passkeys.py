"""Passkeys by the FIDO reference library: what it makes and signs is taken, of every algorithm that is asked for."""

import json
import re
import unittest
import urllib.parse

import requests
from authlib.integrations.requests_client import OAuth2Session
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions
from joserfc import jwt
from joserfc.jwk import KeySet

from passkey import PLAIN, SYNCED, WITH_PIN, Passkey, es256, es384, rs256
from person import Person
from server import Server

CALLBACK = "https://app.example/callback"


def options_of(page):
    """What a page asks of the browser's passkeys, with the form that takes the answer."""
    form = next((one for one in page.forms if "data-options" in one.attributes), None)
    assert form, f"no passkey form on {page.describe()}"
    return json.loads(form.attributes["data-options"]), form


def answer(person, page, text):
    """Sends the answer of an authenticator."""
    _, form = options_of(page)
    fields = {**form.answers(()), "answer": text}
    return person.visit(urllib.parse.urljoin(page.url, form.action), "POST", fields)


class PasskeyTest(unittest.TestCase):
    """All tests share a server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("passkeys")
        cls.addClassCleanup(cls.server.stop)
        words = ["--name", "Reading list", "--redirect-uri", CALLBACK, "--trusted"]
        cls.client = cls.server.create_client(*words)
        cls.found = requests.get(f"{cls.server.origin}/.well-known/openid-configuration", timeout=30).json()

    def member(self, flags=WITH_PIN, algorithm=es256):
        """Somebody with a passkey, whose browser is left behind."""
        person = Person(self.server.origin)
        person.register()
        key = Passkey(self.server.origin, flags, algorithm)
        page = person.submit(person.visit("/account/mfa"), re.compile("add a passkey", re.IGNORECASE))
        options, _ = options_of(page)
        page = answer(person, page, key.create(options))
        self.assertIn("Save your backup codes", page.words, page.describe())
        person.forget_cookies()
        return person, key

    def claims(self, person, key, password=False):
        """Signs in to an application; returns the claims of the ID token."""
        application = OAuth2Session(
            self.client["client_id"], self.client["client_secret"], scope="openid", redirect_uri=CALLBACK
        )
        url, state = application.create_authorization_url(self.found["authorization_endpoint"])
        page = person.visit(url)
        if password:
            page = person.submit(page, "current-password", [("username", person.name), ("current-password", person.password)])
        options, _ = options_of(page)
        callback = answer(person, page, key.get(options))
        self.assertIsInstance(callback, str, getattr(callback, "words", ""))
        token = application.fetch_token(self.found["token_endpoint"], authorization_response=callback, state=state)
        keys = KeySet.import_key_set(requests.get(self.found["jwks_uri"], timeout=30).json())
        return jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims

    def test_a_passkey_of_each_algorithm_signs_in_alone(self):
        for algorithm in (es256, es384, rs256):
            with self.subTest(algorithm.__name__):
                claims = self.claims(*self.member(WITH_PIN, algorithm))
                self.assertEqual(claims["amr"], ["hwk", "mfa", "pop", "user"])
                self.assertEqual(claims["acr"], "phr")

    def test_the_token_says_what_the_authenticator_proved(self):
        claims = self.claims(*self.member(SYNCED))
        self.assertEqual(claims["amr"], ["mfa", "pop", "swk", "user"])
        claims = self.claims(*self.member(PLAIN), password=True)
        self.assertEqual((claims["amr"], claims["acr"]), (["hwk", "mfa", "pop", "pwd", "user"], "phr"))

    def test_the_options_are_what_the_library_takes_for_such(self):
        person = Person(self.server.origin)
        person.register()
        page = person.submit(person.visit("/account/mfa"), re.compile("add a passkey", re.IGNORECASE))
        made = PublicKeyCredentialCreationOptions.from_dict(options_of(page)[0])
        self.assertEqual(made.authenticator_selection.resident_key, "preferred")
        self.assertEqual((made.rp.id, made.user.name, len(made.challenge)), ("localhost", person.name, 32))
        person.forget_cookies()
        asked = PublicKeyCredentialRequestOptions.from_dict(options_of(person.visit("/login"))[0])
        self.assertEqual((asked.user_verification, len(asked.challenge)), ("required", 32))

    def test_what_is_signed_for_another_site_or_twice_signs_nobody_in(self):
        person, key = self.member()
        page = person.visit("/login")
        key.origin = self.server.origin.replace("localhost", "localhost.example")
        refused = answer(person, page, key.get(options_of(page)[0]))
        self.assertEqual(refused.status, 422)
        key.origin = self.server.origin
        page = person.visit("/login")
        signed = key.get(options_of(page)[0])
        self.assertIn("Sign out", answer(person, page, signed).words)
        person.forget_cookies()
        refused = answer(person, person.visit("/login"), signed)
        self.assertEqual(refused.status, 422)

    def test_a_counter_that_goes_back_is_refused(self):
        person, key = self.member()
        for counter, status in ((9, 200), (9, 422), (3, 422), (20, 200)):
            person.forget_cookies()
            key.counter = counter
            page = person.visit("/login")
            self.assertEqual(answer(person, page, key.get(options_of(page)[0])).status, status, counter)


if __name__ == "__main__":
    unittest.main()
