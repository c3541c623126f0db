"""A page as a browser without JavaScript sees it: links by their words, forms by their fields and buttons."""

import html.parser
import re

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Form:
    """One form: `fields` are attribute dictionaries with the label's words as `words`, `buttons` likewise."""

    def __init__(self, attributes):
        self.attributes = attributes
        self.action = attributes.get("action") or ""
        self.fields = []
        self.buttons = []
        self.labels = {}

    def field(self, wanted):
        """The field with this `autocomplete` token, or whose label matches this pattern."""
        for one in self.fields:
            if one.get("type") == "hidden":
                continue
            if isinstance(wanted, str):
                if wanted in (one.get("autocomplete") or "").split():
                    return one
            elif wanted.search(self.labels.get(one.get("id"), "")):
                return one
        return None

    def button(self, wanted):
        """The button whose words match."""
        return next((one for one in self.buttons if wanted.search(one["words"])), None)

    def answers(self, given, pressed=None):
        """What a browser sends: the values that stand in the form, with `given` filled in."""
        pairs = {}
        for one in self.fields:
            idle = one.get("type") in ("checkbox", "radio") and "checked" not in one
            if one.get("name") and not idle:
                pairs[one["name"]] = one.get("value") or ""
        for wanted, value in given:
            one = self.field(wanted)
            if one is None:
                raise AssertionError(f"the form has no field for {wanted}")
            pairs[one["name"]] = (one.get("value") or "on") if value is True else value
        if pressed is not None and pressed.get("name"):
            pairs[pressed["name"]] = pressed.get("value") or ""
        return pairs


class Page(html.parser.HTMLParser):
    """Parses one page."""

    def __init__(self, url, status, body):
        super().__init__(convert_charrefs=True)
        self.url = url
        self.status = status
        self.links = []
        self.forms = []
        self.items = []
        self.text = []
        self._open = []
        self.feed(body)
        self.close()

    @property
    def words(self):
        """All text of the page on one line."""
        return re.sub(r"\s+", " ", " ".join(self.text)).strip()

    def link(self, wanted):
        """The address of the first link whose words match."""
        return next((href for href, words in self.links if wanted.search(words)), None)

    def form(self, wanted):
        """The first form with a field of this `autocomplete` token, or with a button whose words match."""
        for one in self.forms:
            if (one.field(wanted) if isinstance(wanted, str) else one.button(wanted)) is not None:
                return one
        return None

    def describe(self):
        """For messages of failed tests."""
        return f"{self.status} {self.url}: {self.words[:700]}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append(Form(attributes))
        elif tag in ("input", "textarea") and self.forms:
            self.forms[-1].fields.append(attributes)
        if tag not in VOID:
            self._open.append((tag, attributes, []))

    def handle_endtag(self, tag):
        while any(name == tag for name, _, _ in self._open):
            name, attributes, parts = self._open.pop()
            self._closed(name, attributes, re.sub(r"\s+", " ", "".join(parts)).strip())
            if name == tag:
                return

    def _closed(self, tag, attributes, words):
        if tag == "a" and attributes.get("href"):
            self.links.append((attributes["href"], words))
        elif tag == "li":
            self.items.append(words)
        elif tag == "label" and self.forms:
            self.forms[-1].labels[attributes.get("for")] = words
        elif tag == "button" and self.forms and attributes.get("type", "submit") == "submit":
            self.forms[-1].buttons.append({**attributes, "words": words})

    def handle_data(self, data):
        if any(name in ("script", "style") for name, _, _ in self._open):
            return
        self.text.append(data)
        for _, _, parts in self._open:
            parts.append(data)
