"""A gateway for text messages in this process, with the interface of a provider, and the messages that it took."""

import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
import urllib.parse

ARRIVES_WITHIN_SECS = 60
ACCOUNT = "AC0123456789"
SECRET = "hunter2-at-the-gateway"
SENDER = "+4930123456"
REGION = "eu-central-1"
# The default alphabet and its extension, 3GPP TS 23.038.
GSM_7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
BODY = '{"to": {{ to|tojson }}, "text": {{ text|tojson }}}'


class Gateway:
    """Takes messages on a port as `kind` does; `stop` ends it."""

    def __init__(self, port, kind, tls=None):
        self.port = port
        self.kind = kind
        self.taken = []
        self.asked = 0
        self.refuses_with = None
        self.thinks_for_secs = 0
        self._seen = {}
        self._arrived = threading.Condition()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            protocol_version = "HTTP/1.1"

            def do_POST(self):
                """Called for each message."""
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                status, kind, answer = gateway.answer(self.path, self.headers, body)
                payload = answer.encode()
                # Whoever asks may have gone to another provider meanwhile.
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(payload)))
                    self.end_headers()
                    self.wfile.write(payload)

            def log_message(self, *_):
                """Nothing is printed."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, headers, body):
        """What the provider would say."""
        self.asked += 1
        if self.refuses_with:
            return self.refuses_with, "text/plain", "not now"
        time.sleep(self.thinks_for_secs)
        to, text, answer = getattr(self, f"_{self.kind}")(path, headers, body)
        with self._arrived:
            self.taken.append((to, text))
            self._arrived.notify_all()
        return answer

    def _twilio(self, path, headers, body):
        assert path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", path
        expected = base64.b64encode(f"{ACCOUNT}:{SECRET}".encode()).decode()
        assert headers["authorization"] == f"Basic {expected}"
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        assert form["From"] == SENDER
        return form["To"], form["Body"], (201, "application/json", '{"sid": "SM1", "status": "queued"}')

    def _vonage(self, path, _headers, body):
        assert path == "/sms/json", path
        message = json.loads(body)
        assert (message["api_key"], message["api_secret"]) == (ACCOUNT, SECRET)
        answer = {"message-count": "1", "messages": [{"to": message["to"], "status": "0"}]}
        # It believes what it is told of the alphabet; text that is not in it arrives as question marks.
        text = message["text"] if message["type"] == "unicode" else "".join(c if c in GSM_7 else "?" for c in message["text"])
        return f"+{message['to']}", text, (200, "application/json", json.dumps(answer))

    def _sns(self, path, headers, body):
        assert headers["authorization"] == signature(path, headers, body), headers["authorization"]
        form = dict(urllib.parse.parse_qsl(body, strict_parsing=True))
        assert form["Action"] == "Publish"
        return form["PhoneNumber"], form["Message"], (200, "text/xml", "<PublishResponse></PublishResponse>")

    def _http(self, path, headers, body):
        assert (path, headers["x-key"]) == ("/send/?to=all", SECRET)
        message = json.loads(body)
        return message["to"], message["text"], (202, "text/plain", "taken")

    def next(self, number, within=ARRIVES_WITHIN_SECS):
        """The earliest message to a number that was not asked for before; waits until it is there."""

        def unseen():
            return [text for to, text in self.taken if to == number][self._seen.get(number, 0) :]

        with self._arrived:
            if not self._arrived.wait_for(unseen, within):
                raise AssertionError(f"no message to {number} within {within} s")
            text = unseen()[0]
            self._seen[number] = self._seen.get(number, 0) + 1
        return text

    def next_code(self, number, within=ARRIVES_WITHIN_SECS):
        """The code that a browser takes out of that message."""
        last = self.next(number, within).split("\n")[-1]
        return re.fullmatch(r"@localhost #(\d{6})", last).group(1)


def signature(path, headers, body):
    """What `Authorization` must say, by AWS Signature Version 4."""

    def mac(key, text):
        return hmac.digest(key, text.encode(), "sha256")

    date, day = headers["x-amz-date"], headers["x-amz-date"][:8]
    names = "content-type;host;x-amz-date"
    signed = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    digest = hashlib.sha256(body.encode()).hexdigest()
    canonical = hashlib.sha256(f"POST\n{path}\n\n{signed}\n{names}\n{digest}".encode()).hexdigest()
    scope = f"{day}/{REGION}/sns/aws4_request"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = mac(key, part)
    proof = mac(key, f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}").hex()
    return f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/{scope}, SignedHeaders={names}, Signature={proof}"


def settings(kind, port, section="PROVIDER", scheme="http"):
    """The settings of a provider on this machine."""
    path = "/send/?to=all" if kind == "http" else ""
    values = {
        "KIND": kind,
        "URL": f"{scheme}://127.0.0.1:{port}{path}",
        "FROM": SENDER,
        "USERNAME": ACCOUNT,
        "PASSWORD": SECRET,
    }
    if kind == "sns":
        values["REGION"] = REGION
    if kind == "http":
        values["HEADERS"] = "Content-Type: application/json, X-Key: {{ password }}"
        values["BODY"] = BODY
    return {f"DOORWARD__SMS__{section}__{name}": value for name, value in values.items()}
