"""OAuth with HubSpot's new Python SDK (dated paths): from the consent page to a revoked token.

HubSpot's token endpoints take forms. This version of the SDK sends its own calls of them as JSON, so that they are
refused; the same calls go through the SDK's `post`, whose body an application can choose.
"""

import base64
import hashlib
import secrets
import urllib.parse

import httpx
import hubspot_sdk
from hubspot_sdk import HubSpot
from hubspot_sdk.types.auth.access_token_response import AccessTokenResponse
from hubspot_sdk.types.auth.client_credentials_token_response import ClientCredentialsTokenResponse
from hubspot_sdk.types.auth.public_access_token_info_response import PublicAccessTokenInfoResponse
from hubspot_sdk.types.auth.public_refresh_token_info_response import PublicRefreshTokenInfoResponse

from checks import BASE_URL, check, contains, equal, fresh
from consent import APP, FORM, REDIRECT_URI, decide, expire, last_grant

SCOPES = ["oauth", "crm.objects.contacts.read", "crm.objects.contacts.write"]
HALF_AN_HOUR_S = 1_800
TOKEN_PATH = "/oauth/2026-03/token"

# Refuses an answer that the SDK's own models do not allow.
strict = HubSpot(base_url=BASE_URL, max_retries=0, _strict_response_validation=True)
lenient = HubSpot(base_url=BASE_URL, max_retries=0)
state = {}


def page(**more):
    """The SDK has no function for the page's address."""
    asked = {"client_id": APP["client_id"], "redirect_uri": REDIRECT_URI, "scope": " ".join(SCOPES), **more}
    return f"https://app.hubspot.com/oauth/authorize?{urllib.parse.urlencode(asked)}"


def send(client, path, kind, **fields):
    body = urllib.parse.urlencode({**APP, **fields}).encode()
    return client.post(path, cast_to=kind, content=body, options={"headers": {"Content-Type": FORM}})


def exchange(code, **more):
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, **more}
    return send(strict, TOKEN_PATH, AccessTokenResponse, **fields)


def refresh(tokens):
    fields = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
    return send(strict, TOKEN_PATH, AccessTokenResponse, **fields)


def introspect(token, kind=object, client=lenient):
    return send(client, f"{TOKEN_PATH}/introspect", kind, token=token)


def revoke(token):
    return send(strict, f"{TOKEN_PATH}/revoke", httpx.Response, token=token).status_code


def tokens():
    """Those of one installation that the checks share."""
    if "tokens" not in state:
        state["tokens"] = exchange(decide(page())["code"])
        state["grant"] = last_grant()
    return state["tokens"]


def crm_of(token):
    # Records have properties without a value, which the SDK's own model does not allow.
    return HubSpot(access_token=token, base_url=BASE_URL, max_retries=0).crm


def refusal(kind, call, *args, **kwargs):
    """The error body of a call that must fail in this way."""
    try:
        answer = call(*args, **kwargs)
    except kind as error:
        return error.body
    raise AssertionError(f"expected {kind.__name__}, got {answer!r}")


@check("the SDK's own token calls send JSON, which is refused")
def _():
    calls = [
        lambda: strict.auth.oauth.create_token(grant_type="client_credentials", scope="oauth", **APP),
        lambda: strict.auth.oauth.introspect_token(token="any", **APP),
        lambda: strict.auth.oauth.revoke_token(token="any", **APP),
    ]
    for call in calls:
        try:
            answer = call()
        except hubspot_sdk.APIStatusError as error:
            equal(error.status_code, 415)
            equal(error.request.headers["content-type"], "application/json")
        else:
            raise AssertionError(f"expected 415, got {answer!r}")


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
    equal((got.token_type, got.expires_in, got.token_use), ("bearer", HALF_AN_HOUR_S, "access_token"))
    equal((got.hub_id, sorted(got.scopes)), (last_grant()["portal_id"], sorted(SCOPES)))
    equal(refusal(hubspot_sdk.BadRequestError, exchange, code)["status"], "BAD_AUTH_CODE")


@check("a code with a challenge needs its verifier")
def _():
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    stolen = decide(page(**asked))["code"]
    error = refusal(hubspot_sdk.BadRequestError, exchange, stolen, code_verifier=secrets.token_urlsafe(32))
    equal((error["error"], error["status"]), ("invalid_grant", "BAD_CODE_VERIFIER"))
    assert exchange(decide(page(**asked))["code"], code_verifier=verifier).access_token


@check("an access token calls what its scopes allow and nothing else")
def _():
    objects = crm_of(tokens().access_token).objects
    made = objects.contacts.create(associations=[], properties={"firstname": "Ada"})
    equal(objects.contacts.get(made.id).properties["firstname"], "Ada")
    error = refusal(hubspot_sdk.PermissionDeniedError, objects.companies.list)
    equal(error["category"], "MISSING_SCOPES")
    contains(error["errors"][0]["context"]["requiredGranularScopes"], "crm.objects.companies.read")
    answer = objects.contacts.with_raw_response.list(limit=1)
    # Since public apps have no limit of a day.
    limits = [answer.headers.get(f"X-HubSpot-RateLimit-{name}") for name in ("Max", "Daily")]
    equal(limits, ["110", None])


@check("both tokens are introspected")
def _():
    # The SDK's model demands a signed token as well, which the simulator does not make.
    told = introspect(tokens().access_token, PublicAccessTokenInfoResponse)
    equal((told.active, told.token_use, told.token), (True, "access_token", tokens().access_token))
    equal((told.hub_id, told.app_id), (state["grant"]["portal_id"], state["grant"]["app_id"]))
    equal((told.client_id, sorted(told.scopes)), (APP["client_id"], sorted(SCOPES)))
    contains(range(HALF_AN_HOUR_S + 1), told.expires_in)
    told = introspect(tokens().refresh_token, PublicRefreshTokenInfoResponse, strict)
    equal((told.active, told.token_use, told.token), (True, "refresh_token", tokens().refresh_token))
    equal(introspect("nobodys"), {"active": False})


@check("an expired token is refused, and the same refresh token gives the next")
def _():
    old = tokens()
    expire(state["grant"])
    error = refusal(hubspot_sdk.AuthenticationError, crm_of(old.access_token).objects.contacts.list)
    equal(error["category"], "EXPIRED_AUTHENTICATION")
    new = state["tokens"] = refresh(old)
    assert new.access_token != old.access_token
    equal(new.refresh_token, old.refresh_token)
    equal(len(crm_of(new.access_token).objects.contacts.list(limit=1).results), 1)


@check("a revoked access token is dead at once")
def _():
    dead = refresh(tokens()).access_token
    equal(revoke(dead), 204)
    refusal(hubspot_sdk.AuthenticationError, crm_of(dead).objects.contacts.list)
    equal(introspect(dead), {"active": False})


@check("a revoked refresh token gives no more, and what it gave lives on")
def _():
    last = tokens()
    equal(revoke(last.refresh_token), 204)
    equal(refusal(hubspot_sdk.BadRequestError, refresh, last)["status"], "BAD_REFRESH_TOKEN")
    equal(introspect(last.refresh_token), {"active": False})
    equal(len(crm_of(last.access_token).objects.contacts.list(limit=1).results), 1)
    # An unknown token is no error.
    equal(revoke("nobodys"), 204)


@check("an app gets a token of its own")
def _():
    scope = "developer.webhooks_journal.read"
    asked = {"grant_type": "client_credentials", "scope": scope}
    got = send(strict, TOKEN_PATH, ClientCredentialsTokenResponse, **asked)
    equal((got.token_use, got.scopes), ("client_credentials", [scope]))
    error = refusal(hubspot_sdk.BadRequestError, send, strict, TOKEN_PATH, object, **{**asked, "scope": "unheard"})
    equal(error["error"], "invalid_scope")
