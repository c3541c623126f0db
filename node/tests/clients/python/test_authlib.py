"""The main job with an application built on Authlib; ID tokens are verified by joserfc."""

import base64
import hashlib
import secrets
import time
import unittest
import urllib.parse

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from page import Page
from person import Person
from server import Server

CALLBACK = "https://app.example/callback"
AFTER_LOGOUT = "https://app.example/signed-out"
SCOPE = "openid profile email"


def _json(url):
    """A JSON document that anybody may read."""
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    return answer.json()


class AuthlibTest(unittest.TestCase):
    """Each test is one step of the same person's story with the same application, so their order matters."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server("authlib")
        cls.addClassCleanup(cls.server.stop)
        cls.registration = cls.server.create_client(
            "--name", "Reading list", "--redirect-uri", CALLBACK, "--post-logout-redirect-uri", AFTER_LOGOUT
        )
        cls.person = Person(cls.server.origin)
        cls.person.register()
        cls.codes = cls.person.enrol()
        cls.found = _json(f"{cls.server.origin}/.well-known/openid-configuration")

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"--- the server's log: {self.server.log}\n{self.server.tail()}\n---")

    def application(self, registration=None, method="client_secret_basic"):
        """The client object of an application."""
        registration = registration or self.registration
        return OAuth2Session(
            client_id=registration["client_id"],
            client_secret=registration.get("client_secret"),
            token_endpoint_auth_method=method,
            scope=SCOPE,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
        )

    def sign_in(self, application, person=None, **extra):
        """The whole code flow; returns the token response and the nonce that was sent."""
        nonce, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        url, state = application.create_authorization_url(
            self.found["authorization_endpoint"], nonce=nonce, code_verifier=verifier, **extra
        )
        callback = (person or self.person).authorize(url)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(callback).query)
        self.assertEqual(query["state"], [state])
        self.assertEqual(query["iss"], [self.server.origin])
        token = application.fetch_token(
            self.found["token_endpoint"], authorization_response=callback, code_verifier=verifier, state=state
        )
        return token, nonce

    def verified(self, token, client_id=None, algorithm="RS256", **expected):
        """The claims of an ID token after joserfc verified signature, issuer, audience and times."""
        keys = KeySet.import_key_set(_json(self.found["jwks_uri"]))
        decoded = jwt.decode(token["id_token"], keys, algorithms=[algorithm])
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.server.origin},
            aud={"essential": True, "value": client_id or self.registration["client_id"]},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            **{name: {"essential": True, "value": value} for name, value in expected.items()},
        )
        registry.validate(decoded.claims)
        digest = (hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256)(token["access_token"].encode()).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
        self.assertEqual(decoded.claims["at_hash"], half)
        return decoded.claims

    def test_code_with_pkce_gives_tokens_that_say_how_the_person_signed_in(self):
        self.assertEqual(len(set(self.codes)), 10)
        self.person.forget_cookies()
        token, nonce = self.sign_in(self.application())
        claims = self.verified(token, nonce=nonce)
        self.assertEqual(sorted(claims["amr"]), ["mfa", "otp", "pwd"])
        self.assertAlmostEqual(claims["auth_time"], time.time(), delta=60)

    def test_the_access_token_opens_userinfo(self):
        application = self.application()
        token, nonce = self.sign_in(application)
        claims = self.verified(token, nonce=nonce)
        answer = application.get(self.found["userinfo_endpoint"])
        self.assertEqual(answer.status_code, 200)
        info = answer.json()
        self.assertEqual(info["sub"], claims["sub"])
        self.assertEqual(info["preferred_username"], self.person.name)
        self.assertEqual((info["email"], info["email_verified"]), (self.person.email, False))

    def test_the_access_token_is_a_jwt_for_resource_servers(self):
        token, _ = self.sign_in(self.application())
        keys = KeySet.import_key_set(_json(self.found["jwks_uri"]))
        decoded = jwt.decode(token["access_token"], keys, algorithms=["ES256"])
        self.assertEqual(decoded.header["typ"], "at+jwt")
        self.assertEqual(decoded.claims["client_id"], self.registration["client_id"])
        self.assertIn("mfa", decoded.claims["amr"])

    def test_refresh_rotates_and_a_second_use_ends_the_family(self):
        application = self.application()
        first, nonce = self.sign_in(application)
        claims = self.verified(first, nonce=nonce)
        used = first["refresh_token"]
        second = application.refresh_token(self.found["token_endpoint"], refresh_token=used)
        self.assertNotEqual(second["refresh_token"], used)
        renewed = self.verified(second)
        for name in ("sub", "auth_time", "amr", "acr", "sid"):
            self.assertEqual(renewed[name], claims[name], name)
        for spent in (used, second["refresh_token"]):
            with self.assertRaises(AuthlibBaseError) as refused:
                application.refresh_token(self.found["token_endpoint"], refresh_token=spent)
            self.assertEqual(refused.exception.error, "invalid_grant")

    def test_a_revoked_token_is_refused(self):
        application = self.application()
        token, _ = self.sign_in(application)
        answer = application.revoke_token(
            self.found["revocation_endpoint"], token=token["refresh_token"], token_type_hint="refresh_token"
        )
        self.assertEqual(answer.status_code, 200)
        with self.assertRaises(AuthlibBaseError) as refused:
            application.refresh_token(self.found["token_endpoint"], refresh_token=token["refresh_token"])
        self.assertEqual(refused.exception.error, "invalid_grant")

    def test_a_wrong_secret_is_refused(self):
        application = self.application({**self.registration, "client_secret": "wrong"})
        with self.assertRaises(AuthlibBaseError) as refused:
            self.sign_in(application)
        self.assertEqual(refused.exception.error, "invalid_client")

    def test_a_public_client_needs_its_verifier_and_no_secret(self):
        flags = ("--name", "Phone app", "--redirect-uri", CALLBACK, "--public", "--trusted", "--id-token-alg", "EdDSA")
        registration = self.server.create_client(*flags)
        token, nonce = self.sign_in(self.application(registration, "none"))
        self.verified(token, registration["client_id"], "EdDSA", nonce=nonce)

    def test_logout_ends_the_session_and_the_tokens(self):
        person = Person(self.server.origin)
        person.register()
        application = self.application()
        token, nonce = self.sign_in(application, person)
        self.assertEqual(self.verified(token, nonce=nonce)["amr"], ["pwd"])
        query = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT, "state": "left"}
        left = person.visit(f"{self.found['end_session_endpoint']}?{urllib.parse.urlencode(query)}")
        self.assertEqual(left, f"{AFTER_LOGOUT}?state=left")
        page = person.visit("/account")
        self.assertIsInstance(page, Page)
        self.assertTrue(page.form("current-password"), page.describe())
        with self.assertRaises(AuthlibBaseError):
            application.refresh_token(self.found["token_endpoint"], refresh_token=token["refresh_token"])
        self.assertEqual(application.get(self.found["userinfo_endpoint"]).status_code, 401)


if __name__ == "__main__":
    unittest.main(verbosity=2)
