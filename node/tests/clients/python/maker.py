"""A maker of authenticators: an authority, and certificates that vouch for what they make, by the library `cryptography`."""

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fido2 import cose

AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
DAY = datetime.timedelta(days=1)


def name(common, unit=None):
    """A name in a certificate."""
    parts = [(NameOID.COUNTRY_NAME, "SE"), (NameOID.ORGANIZATION_NAME, "Soft Keys")]
    if unit:
        parts.append((NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in [*parts, (NameOID.COMMON_NAME, common)]])


class Maker:
    """An authority."""

    def __init__(self, common):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(common)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = self._builder(self.name, self.key.public_key(), 1000)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
        self.root = builder.sign(self.key, hashes.SHA256())

    def _builder(self, subject, public, days):
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(public)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - 400 * DAY).not_valid_after(now + days * DAY)

    def pem(self):
        """Its certificate, as operators have it."""
        return self.root.public_bytes(serialization.Encoding.PEM)

    def der(self):
        """The same, as libraries have it."""
        return self.root.public_bytes(serialization.Encoding.DER)

    def batch(self, aaguid, days=100):
        """Says `packed` for keys of this kind; its certificate ends after so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name("Batch 1", "Authenticator Attestation")
        builder = self._builder(subject, key.public_key(), days)
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        builder = builder.add_extension(x509.UnrecognizedExtension(AAGUID, b"\x04\x10" + bytes(aaguid)), False)
        certificate = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

        def packed(signed):
            signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
            return "packed", {"alg": cose.ES256.ALGORITHM, "sig": signature, "x5c": [certificate]}

        return packed
