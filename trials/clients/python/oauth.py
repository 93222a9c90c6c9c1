"""OAuth with HubSpot's own Python client: from the consent page to a revoked token."""

import json
import urllib.parse

from hubspot import HubSpot
from hubspot.utils.oauth import get_auth_url
from urllib3.util.retry import Retry

from checks import BASE_URL, check, contains, equal, fresh
from consent import APP, FORM, REDIRECT_URI, decide, expire, last_grant

SCOPES = ("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write")
HALF_AN_HOUR_S = 1_800

hub = HubSpot(host=BASE_URL, retry=Retry(total=0)).oauth
state = {}


def page(**more):
    return get_auth_url(client_id=APP["client_id"], redirect_uri=REDIRECT_URI, scope=SCOPES, **more)


def exchange(code, **more):
    asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, **APP, **more}
    return hub.tokens_api.create(**asked)


def refresh(tokens):
    return hub.tokens_api.create(grant_type="refresh_token", refresh_token=tokens.refresh_token, **APP)


def tokens():
    """Those of one installation that the checks share."""
    if "tokens" not in state:
        state["tokens"] = exchange(decide(page())["code"])
        state["grant"] = last_grant()
    return state["tokens"]


def crm_of(token):
    return HubSpot(access_token=token, host=BASE_URL, retry=Retry(total=0)).crm


def refusal(status, call, *args, **kwargs):
    """The error body of a call that must fail with this status."""
    try:
        answer = call(*args, **kwargs)
    except Exception as error:
        if getattr(error, "status", None) != status:
            raise
        return json.loads(error.body)
    raise AssertionError(f"expected {status}, got {answer!r}")


def ask_about(path, token):
    """A call that this client has no function for, through the one that it has for such calls."""
    return HubSpot().api_request({
        "base_url": BASE_URL, "path": path, "method": "POST", "default_json": False,
        "headers": {"Content-Type": FORM}, "body": urllib.parse.urlencode({**APP, "token": token}),
    })


@check("a person who consents is sent back with a code, one who refuses without")
def _():
    word = fresh("state") + " &="
    given = decide(page(state=word))
    equal((sorted(given), given["state"]), (["code", "state"], word))
    refused = decide(page(state=word), "refuse")
    equal((refused["error"], refused["state"], "code" in refused), ("access_denied", word, False))


@check("a code becomes tokens once")
def _():
    code = decide(page())["code"]
    got = exchange(code)
    equal((got.token_type, got.expires_in), ("bearer", HALF_AN_HOUR_S))
    assert got.access_token and got.refresh_token and got.access_token != got.refresh_token
    equal(refusal(400, exchange, code)["status"], "BAD_AUTH_CODE")


@check("a code is lost with another address, and kept by another secret")
def _():
    code = decide(page())["code"]
    equal(refusal(400, exchange, code, client_secret="guessed")["status"], "BAD_CLIENT_SECRET")
    equal(refusal(400, exchange, code, redirect_uri=f"{REDIRECT_URI}/")["status"], "BAD_REDIRECT_URI")
    equal(refusal(400, exchange, code)["status"], "BAD_AUTH_CODE")


@check("an optional scope is granted where the person leaves it checked")
def _():
    optional = "crm.objects.deals.read"
    got = exchange(decide(page(optional_scope=(optional,)))["code"])
    equal(sorted(hub.access_tokens_api.get(got.access_token).scopes), sorted([*SCOPES, optional]))
    _, status, _ = crm_of(got.access_token).deals.basic_api.get_page_with_http_info(limit=1)
    equal(status, 200)


@check("an access token calls what its scopes allow and nothing else")
def _():
    crm = crm_of(tokens().access_token)
    made = crm.contacts.basic_api.create({"properties": {"firstname": "Ada"}})
    equal(crm.contacts.basic_api.get_by_id(made.id).properties["firstname"], "Ada")
    error = refusal(403, crm.companies.basic_api.get_page)
    equal(error["category"], "MISSING_SCOPES")
    contains(error["errors"][0]["context"]["requiredGranularScopes"], "crm.objects.companies.read")
    _, _, headers = crm.contacts.basic_api.get_page_with_http_info(limit=1)
    # Since public apps have no limit of a day.
    equal((headers["X-HubSpot-RateLimit-Max"], headers.get("X-HubSpot-RateLimit-Daily")), ("110", None))


@check("an access token is described")
def _():
    info = hub.access_tokens_api.get(tokens().access_token)
    equal((info.token, info.token_type), (tokens().access_token, "access"))
    equal((info.hub_id, info.app_id), (state["grant"]["portal_id"], state["grant"]["app_id"]))
    equal(sorted(info.scopes), sorted(SCOPES))
    contains(range(HALF_AN_HOUR_S + 1), info.expires_in)


@check("a refresh token is described")
def _():
    info = hub.refresh_tokens_api.get(tokens().refresh_token)
    equal((info.token, info.token_type), (tokens().refresh_token, "refresh"))
    equal((info.hub_id, info.client_id), (state["grant"]["portal_id"], APP["client_id"]))
    equal(refusal(404, hub.refresh_tokens_api.get, "nobodys")["status"], "error")


@check("both tokens are introspected")
def _():
    for token, token_use in [(tokens().access_token, "access_token"), (tokens().refresh_token, "refresh_token")]:
        answer = ask_about("/oauth/2026-03/token/introspect", token)
        equal(answer.status_code, 200)
        told = answer.json()
        equal((told["active"], told["token_use"], told["hub_id"]), (True, token_use, state["grant"]["portal_id"]))
    equal(ask_about("/oauth/2026-03/token/introspect", "nobodys").json(), {"active": False})


@check("an expired token is refused, and the same refresh token gives the next")
def _():
    old = tokens()
    expire(state["grant"])
    error = refusal(401, crm_of(old.access_token).contacts.basic_api.get_page)
    equal(error["category"], "EXPIRED_AUTHENTICATION")
    new = state["tokens"] = refresh(old)
    assert new.access_token != old.access_token
    equal(new.refresh_token, old.refresh_token)
    equal(len(crm_of(new.access_token).contacts.basic_api.get_page(limit=1).results), 1)


@check("a revoked access token is dead at once")
def _():
    dead = refresh(tokens()).access_token
    equal(ask_about("/oauth/2026-03/token/revoke", dead).status_code, 204)
    refusal(401, crm_of(dead).contacts.basic_api.get_page)
    equal(ask_about("/oauth/2026-03/token/introspect", dead).json(), {"active": False})


@check("an archived refresh token gives no more, and what it gave lives on")
def _():
    last = tokens()
    equal(hub.refresh_tokens_api.archive(last.refresh_token), None)
    error = refusal(400, refresh, last)
    equal((error["error"], error["status"]), ("invalid_grant", "BAD_REFRESH_TOKEN"))
    equal(len(crm_of(last.access_token).contacts.basic_api.get_page(limit=1).results), 1)
    refusal(404, hub.refresh_tokens_api.archive, last.refresh_token)
