"""A real SMTP server in this process, and the mail that it took."""

import asyncio
import datetime
import email
import ipaddress
import pathlib
import re
import ssl
import threading

from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ARRIVES_WITHIN_SECS = 60


class Mailbox:
    """Takes mail on a port; `stop` ends it, `start` begins anew on the same port.

    `tls` is spoken from the first byte; where `starttls` is given it is offered, and nothing is taken before.
    """

    def __init__(self, port, tls=None, starttls=None):
        self.port = port
        self.tls = {"ssl_context": tls, "tls_context": starttls, "require_starttls": starttls is not None}
        self.mail = []
        self.encrypted = []
        self.thinks_for_secs = 0
        self._seen = {}
        self._arrived = threading.Condition()
        self.start()

    def start(self):
        """Listens."""
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **self.tls)
        self._controller.start()

    def stop(self):
        """Listens no more."""
        self._controller.stop()

    async def handle_DATA(self, _server, session, envelope):
        """Called for each message."""
        self.encrypted.append(session.ssl is not None)
        await asyncio.sleep(self.thinks_for_secs)
        with self._arrived:
            self.mail.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
            self._arrived.notify_all()
        return "250 taken"

    def next(self, address, within=ARRIVES_WITHIN_SECS):
        """The earliest message to an address that was not asked for before; waits until it is there."""

        def unseen():
            return [message for to, message in self.mail if address in to][self._seen.get(address, 0) :]

        with self._arrived:
            if not self._arrived.wait_for(unseen, within):
                raise AssertionError(f"no mail to {address} within {within} s")
            message = unseen()[0]
            self._seen[address] = self._seen.get(address, 0) + 1
        return message

    def next_code(self, address, within=ARRIVES_WITHIN_SECS):
        """The code in that message."""
        text = self.next(address, within).get_payload(decode=True).decode()
        return re.search(r"^(\d{6})\r?$", text, re.MULTILINE).group(1)


class Authority:
    """Signs certificates."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail test authority")])
        certificate = self._sign(self.name, self.key.public_key())
        self.file = self.folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name, key, host=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        if host:
            here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
            builder = builder.add_extension(here, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host="127.0.0.1"):
        """What a server at this address speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
        certificate = self._sign(name, key.public_key(), host)
        file = self.folder / f"{host}.pem"
        plain = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context
