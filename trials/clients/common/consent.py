"""The person at the consent page: fills in its form as a browser would, and is sent back to the app."""

import http.client
import html.parser
import json
import urllib.parse

from checks import BASE_URL, CONTROL_LIMIT_S, control, equal

# The app that the simulator knows by `--oauth-app client-1:secret-1`.
APP = {"client_id": "client-1", "client_secret": "secret-1"}
REDIRECT_URI = "http://localhost:3000/callback"
FORM = "application/x-www-form-urlencoded"


def decide(address, decision="approve"):
    """Opens HubSpot's address of the page at the simulator and decides; the fields that the app is sent."""
    asked = urllib.parse.urlsplit(address)
    equal((asked.scheme, asked.netloc), ("https", "app.hubspot.com"))
    status, _, page = _ask("GET", f"{asked.path}?{asked.query}")
    equal(status, 200)
    form = _Form(page)
    status, location, _ = _ask("POST", form.action, urllib.parse.urlencode([*form.fields, ("decision", decision)]))
    equal(status, 302)
    where, _, fields = location.partition("?")
    equal(where, REDIRECT_URI)
    return dict(urllib.parse.parse_qsl(fields))


def last_grant():
    """The grant that was made last, as the simulator's control calls tell it."""
    return json.loads(control("GET", "oauth"))["grants"][-1]


def expire(grant):
    """Makes the access tokens of a grant as old as they would be after half an hour."""
    control("POST", "oauth", {"expire": grant["id"]})


def _ask(method, path, body=None):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(BASE_URL).netloc, timeout=CONTROL_LIMIT_S)
    try:
        connection.request(method, path, body, {"Content-Type": FORM} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read().decode()
    finally:
        connection.close()


class _Form(html.parser.HTMLParser):
    """The page's only form: where it goes, and the fields that a browser would send untouched."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self._select = None, [], None
        self.feed(page)
        assert self.action, "the page has no form"

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.action = given["action"]
        elif tag == "input" and (given["type"] == "hidden" or "checked" in given):
            self.fields.append((given["name"], given["value"]))
        elif tag == "select":
            self._select = given["name"]

    def handle_data(self, data):
        # A browser sends the first option of a list that nobody touches.
        if self._select and data.strip():
            self.fields.append((self._select, data))
            self._select = None
