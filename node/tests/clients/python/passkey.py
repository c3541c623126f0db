"""An authenticator by the FIDO reference library `fido2`: its encodings of keys, authenticator data and client data are not ours."""

import hashlib
import json
import secrets

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fido2 import cose
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG
SYNCED = FLAG.UP | FLAG.UV | FLAG.BE | FLAG.BS
WITH_PIN = FLAG.UP | FLAG.UV
PLAIN = FLAG.UP


def es256():
    """A P-256 key, as most authenticators have."""
    return ec.generate_private_key(ec.SECP256R1()), cose.ES256, lambda key, data: key.sign(data, ec.ECDSA(hashes.SHA256()))


def es384():
    """A P-384 key."""
    return ec.generate_private_key(ec.SECP384R1()), cose.ES384, lambda key, data: key.sign(data, ec.ECDSA(hashes.SHA384()))


def rs256():
    """An RSA key, as older TPMs have."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, cose.RS256, lambda key, data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


class Passkey:
    """One key pair, made for the options of a page."""

    def __init__(self, origin, flags=WITH_PIN, algorithm=es256, aaguid=Aaguid.NONE, vouch=None):
        self.origin = origin
        self.flags = flags
        self.aaguid = aaguid
        self.vouch = vouch or (lambda signed: ("none", {}))
        self.key, self.kind, self.sign = algorithm()
        self.id = secrets.token_bytes(20)
        self.counter = 0

    def create(self, options):
        """What a browser answers to `navigator.credentials.create`, in JSON."""
        wanted = [one["alg"] for one in options["pubKeyCredParams"]]
        assert self.kind.ALGORITHM in wanted, f"{self.kind.ALGORITHM} is not in {wanted}"
        self.rp, self.user = options["rp"]["id"], websafe_decode(options["user"]["id"])
        public = self.kind.from_cryptography_key(self.key.public_key())
        attested = AttestedCredentialData.create(self.aaguid, self.id, public)
        data = AuthenticatorData.create(self._rp_hash(), self.flags | FLAG.AT, self.counter, attested)
        client_data = self._client_data(CollectedClientData.TYPE.CREATE, options)
        kind, statement = self.vouch(data + hashlib.sha256(client_data).digest())
        self.made = AttestationObject.create(kind, data, statement), hashlib.sha256(client_data).digest()
        return self._answer({"clientDataJSON": client_data, "attestationObject": self.made[0]})

    def get(self, options):
        """What a browser answers to `navigator.credentials.get`, in JSON."""
        assert options["rpId"] == self.rp, f"asked for {options['rpId']}"
        self.counter += 1
        client_data = self._client_data(CollectedClientData.TYPE.GET, options)
        data = AuthenticatorData.create(self._rp_hash(), self.flags, self.counter)
        signature = self.sign(self.key, data + hashlib.sha256(client_data).digest())
        return self._answer({
            "clientDataJSON": client_data,
            "authenticatorData": data,
            "signature": signature,
            "userHandle": self.user,
        })

    def _rp_hash(self):
        return hashlib.sha256(self.rp.encode()).digest()

    def _client_data(self, kind, options):
        return CollectedClientData.create(kind, options["challenge"], self.origin)

    def _answer(self, response):
        encoded = {name: websafe_encode(value) for name, value in response.items()}
        one = websafe_encode(self.id)
        return json.dumps({"id": one, "rawId": one, "type": "public-key", "clientExtensionResults": {}, "response": encoded})
