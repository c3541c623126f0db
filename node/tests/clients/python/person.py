"""A person with a browser and an authenticator app, who finds the way by the words on the pages."""

import re
import secrets
import subprocess
import time
import urllib.parse

import requests

from page import Page

STEP_SECS = 30
SAFE_SECS = 8


class Authenticator:
    """One key in an authenticator app; the codes come from `oathtool`. A code is never given twice."""

    def __init__(self, uri):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
        self.secret = query["secret"][0]
        self.last = -1

    def next(self):
        """The earliest code not given before that the server accepts for some seconds to come; waits for the clock
        when there is none."""
        while True:
            now = time.time()
            current, passed = int(now // STEP_SECS), now % STEP_SECS
            earliest = current - 1 if STEP_SECS - passed > SAFE_SECS else current
            step = max(self.last + 1, earliest)
            if step <= current + 1:
                self.last = step
                return self._code(step)
            time.sleep(STEP_SECS - passed + 0.01)

    def _code(self, step):
        words = ["oathtool", "--totp", "--base32", "--digits=6", f"--now=@{step * STEP_SECS}", self.secret]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


class Person:
    """Somebody with a name and a password, and a browser without JavaScript."""

    def __init__(self, origin):
        self.origin = origin
        self.name = f"py{secrets.token_hex(5)}"
        self.email = f"{self.name}@mail.example"
        self.number = f"+49151{secrets.randbelow(10**8):08}"
        self.password = f"{secrets.token_hex(6)}-{secrets.token_hex(6)}"
        self.authenticator = None
        self.mailbox = None
        self.gateway = None
        self.forget_cookies()

    def forget_cookies(self):
        """From now on another browser is used."""
        self.browser = requests.Session()
        self.browser.headers["user-agent"] = "Person/1.0 (no scripts)"

    def visit(self, url, method="GET", data=None):
        """Opens an address; returns a `Page`, or the address outside the provider to which a redirect led."""
        for _ in range(10):
            url = urllib.parse.urljoin(self.origin, url)
            if not url.startswith(f"{self.origin}/"):
                return url
            headers = {"origin": self.origin} if method == "POST" else {}
            answer = self.browser.request(method, url, data=data, headers=headers, timeout=30, allow_redirects=False)
            if not answer.is_redirect:
                return Page(url, answer.status_code, answer.text)
            url, method, data = urllib.parse.urljoin(url, answer.headers["location"]), "GET", None
        raise AssertionError(f"too many redirects, the last to {url}")

    def follow(self, page, words):
        """Follows the link with these words."""
        href = page.link(re.compile(words, re.IGNORECASE))
        assert href, f"no link {words!r} on {page.describe()}"
        return self.visit(urllib.parse.urljoin(page.url, href))

    def submit(self, page, wanted, given=(), button=None):
        """Fills in the form with this `autocomplete` token or these words on a button, and sends it."""
        form = page.form(wanted)
        assert form, f"no form for {wanted} on {page.describe()}"
        pressed = form.button(button) if button else next(iter(form.buttons), None)
        action = urllib.parse.urljoin(page.url, form.action)
        return self.visit(action, "POST", form.answers(given, pressed))

    def register(self):
        """From the front page to a signed-in account."""
        page = self.follow(self.visit("/"), "create an account")
        answers = [("username", self.name), ("email", self.email), ("new-password", self.password)]
        page = self.submit(page, "new-password", answers)
        assert "Sign out" in page.words, page.describe()

    def enrol(self):
        """Sets up an authenticator app; returns the ten backup codes."""
        page = self.follow(self.visit("/account"), "multi-factor")
        page = self._prove(self.submit(page, re.compile("set up|enable|continue", re.IGNORECASE)))
        self.authenticator = Authenticator(next(href for href, _ in page.links if href.startswith("otpauth:")))
        page = self.submit(page, "one-time-code", [("one-time-code", self.authenticator.next())])
        codes = [one for one in page.items if re.fullmatch(r"[0-9A-Za-z]+([- ][0-9A-Za-z]+)+", one)]
        self.submit(page, re.compile("continue", re.IGNORECASE), [(re.compile("saved", re.IGNORECASE), True)])
        return codes

    def enrol_address(self, mailbox):
        """Has codes sent to the address from now on; returns the backup codes, if there are new ones."""
        self.mailbox = mailbox
        return self._confirm(self.begin_address(), mailbox.next_code(self.email))

    def enrol_phone(self, gateway):
        """The same for the phone."""
        self.gateway = gateway
        return self._confirm(self.begin_phone(), gateway.next_code(self.number))

    def _confirm(self, page, code):
        page = self.submit(page, "one-time-code", [("one-time-code", code)])
        codes = [one for one in page.items if re.fullmatch(r"[0-9A-Za-z]+([- ][0-9A-Za-z]+)+", one)]
        self.submit(page, re.compile("continue", re.IGNORECASE), [(re.compile("saved", re.IGNORECASE), True)])
        return codes

    def begin_address(self):
        """Asks for a code to the address; returns the page that wants it."""
        page = self.follow(self.visit("/account"), "multi-factor")
        return self.submit(page, re.compile("send a code to this address", re.IGNORECASE), [("email", self.email)])

    def begin_phone(self, language=None):
        """Asks for a code to the phone, from now on in this language; returns the page that wants it."""
        page = self.follow(self.visit("/account"), "multi-factor")
        if language:
            self.browser.headers["accept-language"] = language
        return self.submit(page, re.compile("send a code to this number", re.IGNORECASE), [("tel", self.number)])

    def _code(self):
        if self.authenticator:
            return self.authenticator.next()
        return self.gateway.next_code(self.number) if self.gateway else self.mailbox.next_code(self.email)

    def _prove(self, page):
        if not page.form("current-password"):
            return page
        given = [("current-password", self.password)]
        if page.form("one-time-code"):
            given.append(("one-time-code", self.authenticator.next()))
        return self.submit(page, "current-password", given)

    def authorize(self, url):
        """Opens an authorization request and does what is asked; returns the callback with its parameters."""
        page = self.visit(url)
        if isinstance(page, Page) and page.form("current-password"):
            given = [("username", self.name), ("current-password", self.password)]
            page = self.submit(page, "current-password", given)
        if isinstance(page, Page) and page.form("one-time-code"):
            page = self.submit(page, "one-time-code", [("one-time-code", self._code())])
        allow = re.compile("^allow", re.IGNORECASE)
        if isinstance(page, Page) and page.form(allow):
            page = self.submit(page, allow, button=allow)
        assert isinstance(page, str), f"not back at the application: {page.describe()}"
        return page
