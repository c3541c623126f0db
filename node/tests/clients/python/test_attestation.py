"""Attestation by the FIDO reference library: what it takes for a true statement of a trusted maker reaches `phrh`, and nothing else."""

import json
import pathlib
import re
import tempfile
import unittest
import urllib.parse

import requests
from authlib.integrations.requests_client import OAuth2Session
from fido2.attestation import Attestation, verify_x509_chain
from fido2.attestation.base import InvalidAttestation
from fido2.webauthn import Aaguid
from joserfc import jwt
from joserfc.jwk import KeySet

from maker import Maker
from passkey import PLAIN, SYNCED, WITH_PIN, Passkey
from person import Person
from server import Server

CALLBACK = "https://app.example/callback"
KIND = Aaguid.fromhex("2fc0579f811347eab116bb5a8db9202a")
OTHER_KIND = Aaguid.fromhex("ee882879721c491397753dfcce97072a")


def form_of(page):
    """The passkey form of a page."""
    return next(one for one in page.forms if "data-options" in one.attributes)


def answer(person, page, text):
    """Sends the answer of an authenticator."""
    form = form_of(page)
    fields = {**form.answers(()), "answer": text}
    return person.visit(urllib.parse.urljoin(page.url, form.action), "POST", fields)


def is_true(key, maker):
    """Does the library take the statement for a true one, whose chain ends in this maker's root?"""
    made, client_data_hash = key.made
    try:
        result = Attestation.for_type(made.fmt)().verify(made.att_stmt, made.auth_data, client_data_hash)
        verify_x509_chain([*result.trust_path, maker.der()])
    except InvalidAttestation:
        return False
    return bool(result.trust_path)


class AttestationTest(unittest.TestCase):
    """All tests share a maker, and a server that trusts it."""

    @classmethod
    def setUpClass(cls):
        cls.maker, cls.stranger = Maker("Maker"), Maker("Stranger")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        roots = pathlib.Path(folder.name) / "roots.pem"
        roots.write_bytes(cls.maker.pem())
        settings = {"DOORWARD__PASSKEYS__ATTESTATION": "direct", "DOORWARD__PASSKEYS__ATTESTATION_ROOTS": str(roots)}
        cls.server = Server("attestation", **settings)
        cls.addClassCleanup(cls.server.stop)
        cls.client = cls.server.create_client("--name", "Vault", "--redirect-uri", CALLBACK, "--trusted")
        cls.found = requests.get(f"{cls.server.origin}/.well-known/openid-configuration", timeout=30).json()

    def enrol(self, key):
        """Somebody adds this passkey; returns that person and the page that answers."""
        person = Person(self.server.origin)
        person.register()
        page = person.submit(person.visit("/account/mfa"), re.compile("add a passkey", re.IGNORECASE))
        options = json.loads(form_of(page).attributes["data-options"])
        self.assertEqual(options["attestation"], "direct")
        return person, answer(person, page, key.create(options))

    def acr(self, person, key, password):
        """Signs in to an application; returns `acr`."""
        person.forget_cookies()
        application = OAuth2Session(
            self.client["client_id"], self.client["client_secret"], scope="openid", redirect_uri=CALLBACK
        )
        url, state = application.create_authorization_url(self.found["authorization_endpoint"])
        page = person.visit(url)
        if password:
            page = person.submit(page, "current-password", [("username", person.name), ("current-password", person.password)])
        callback = answer(person, page, key.get(json.loads(form_of(page).attributes["data-options"])))
        self.assertIsInstance(callback, str, getattr(callback, "words", ""))
        token = application.fetch_token(self.found["token_endpoint"], authorization_response=callback, state=state)
        keys = KeySet.import_key_set(requests.get(self.found["jwks_uri"], timeout=30).json())
        return jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims["acr"]

    def test_the_metadata_have_the_rung(self):
        self.assertEqual(self.found["acr_values_supported"][-2:], ["phr", "phrh"])

    def test_a_true_statement_of_the_maker_reaches_phrh_where_the_key_cannot_leave(self):
        for flags, reached in ((WITH_PIN, "phrh"), (PLAIN, "phrh"), (SYNCED, "phr")):
            with self.subTest(reached, flags=flags):
                key = Passkey(self.server.origin, flags, aaguid=KIND, vouch=self.maker.batch(KIND))
                person, page = self.enrol(key)
                self.assertIn("Save your backup codes", page.words, page.describe())
                self.assertTrue(is_true(key, self.maker))
                self.assertEqual(self.acr(person, key, password=flags == PLAIN), reached)

    def test_a_statement_of_another_maker_is_worth_nothing(self):
        key = Passkey(self.server.origin, aaguid=KIND, vouch=self.stranger.batch(KIND))
        person, _ = self.enrol(key)
        self.assertFalse(is_true(key, self.maker))
        self.assertEqual(self.acr(person, key, password=False), "phr")

    def test_a_certificate_that_has_ended_is_worth_nothing(self):
        key = Passkey(self.server.origin, aaguid=KIND, vouch=self.maker.batch(KIND, days=-1))
        person, _ = self.enrol(key)
        self.assertEqual(self.acr(person, key, password=False), "phr")

    def test_a_certificate_of_another_kind_makes_no_passkey(self):
        key = Passkey(self.server.origin, aaguid=OTHER_KIND, vouch=self.maker.batch(KIND))
        _, page = self.enrol(key)
        self.assertFalse(is_true(key, self.maker))
        self.assertEqual(page.status, 422)


if __name__ == "__main__":
    unittest.main()
