"""What HubSpot refuses in part or whole, and which refusals the Python client's patience outlasts."""

import json

from hubspot import HubSpot
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from checks import BASE_URL, TOKEN, check, contains, equal, fault, fresh

PATIENCE = Retry(total=5, backoff_factor=0.3, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)
hub = HubSpot(access_token=TOKEN, host=BASE_URL, retry=Retry(total=0))
patient = HubSpot(access_token=TOKEN, host=BASE_URL, retry=PATIENCE).crm
contacts, companies, deals = hub.crm.contacts.basic_api, hub.crm.companies.basic_api, hub.crm.deals.basic_api
links = hub.crm.associations.v4
UNKNOWN_ID = "999999999999"
DEALS = "/crm/v3/objects/deals"
DEFINED = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]


def new_contact():
    return contacts.create({"properties": {}})


def new_company():
    return companies.create({"properties": {"name": "Errors"}})


def new_deal():
    return deals.create({"properties": {"dealname": "Errors"}})


def refused(status, call, *args, **kwargs):
    """The error of a call that must fail with this status."""
    try:
        answer = call(*args, **kwargs)
    except Exception as error:
        if getattr(error, "status", None) != status:
            raise
        return error
    raise AssertionError(f"expected {status}, got {answer!r}")


def refusal(status, call, *args, **kwargs):
    """The body of that error."""
    return json.loads(refused(status, call, *args, **kwargs).body)


@check("searches are refused in a shape of their own")
def _():
    unknown = {"filterGroups": [{"filters": [{"propertyName": "no_such", "operator": "EQ", "value": "x"}]}]}
    for asked in [{"limit": 100, "after": "9901"}, {"limit": 100, "after": "10000"}, unknown]:
        error = refusal(400, patient.contacts.search_api.do_search, asked)
        equal(sorted(error), ["correlationId", "message", "status"])
        equal((error["status"], error["message"]), ("error", "There was a problem with the request."))


@check("a batch of associations makes those that it can and reports the rest")
def _():
    contact, to = new_contact().id, {"id": new_company().id}
    inputs = [{"from": {"id": one}, "to": to, "types": DEFINED} for one in (contact, "nobody")]
    done = links.batch_api.create("contacts", "companies", {"inputs": inputs})
    equal([str(link.from_object_id) for link in done.results], [contact])
    equal((done.num_errors, done.errors[0].message), (1, "nobody is not a valid ID"))
    page = links.basic_api.get_page("contacts", contact, "companies")
    equal([str(link.to_object_id) for link in page.results], [to["id"]])


@check("a batch read of associations reports the record that has none")
def _():
    linked, alone = new_contact().id, new_contact().id
    links.basic_api.create_default("contacts", linked, "companies", new_company().id)
    read = links.batch_api.get_page("contacts", "companies", {"inputs": [{"id": linked}, {"id": alone}]})
    equal([row._from.id for row in read.results], [linked])
    (error,) = read.errors
    equal(error.sub_category, "crm.associations.NO_ASSOCIATIONS_FOUND")
    equal(error.message, f"No company is associated with contact {alone}.")


@check("404: an association with a record that is not there")
def _():
    error = refusal(404, links.basic_api.create, "contacts", new_contact().id, "companies", UNKNOWN_ID, DEFINED)
    equal((error["category"], error["subCategory"]), ("OBJECT_NOT_FOUND", "crm.associations.TO_OBJECT_NOT_FOUND"))


@check("labels that are put on a pair replace those that it had")
def _():
    pair, made = ("contacts", new_contact().id, "companies", new_company().id), {}
    definitions = links.schema.definitions_api
    for label in (fresh("First"), fresh("Second")):
        results = definitions.create("contacts", "companies", {"label": label, "name": label.lower()}).results
        made[label] = next(known.type_id for known in results if known.label == label)
        spec = [{"associationCategory": "USER_DEFINED", "associationTypeId": made[label]}]
        equal(links.basic_api.create(*pair, spec).labels, [label])
    types = links.basic_api.get_page(*pair[:3]).results[0].association_types
    equal([known.label for known in types if known.label in made], [list(made)[1]])
    for number in made.values():
        definitions.remove("contacts", "companies", number)


@check("400: a type of records that is none")
def _():
    error = refusal(400, hub.crm.objects.basic_api.get_page, "unicorns")
    equal(error["message"], "Unable to infer object type from: unicorns")
    assert "category" not in error, error


@check("an error has the same correlation in its body and its header")
def _():
    error = refused(404, contacts.get_by_id, UNKNOWN_ID)
    equal(json.loads(error.body)["correlationId"], error.headers["x-hubspot-correlation-id"])


@check("404: a path that leads nowhere is a page")
def _():
    answer = hub.api_request({"base_url": BASE_URL, "path": "/crm/v3/nowhere/at/all"})
    equal((answer.status_code, answer.headers["content-type"].split(";")[0]), (404, "text/html"))


@check("the limit of the day is named")
def _():
    with fault(DEALS, "rate_limit", policy="daily"):
        equal(refusal(429, new_deal)["policyName"], "DAILY")


@check("a locked account is an error with its status")
def _():
    with fault(DEALS, "status", status=423):
        refused(423, new_deal)


@check("a page of the edge reaches the caller as it came, and is tried again by the patient")
def _():
    made = new_deal()
    change = {"properties": {"dealname": "Changed"}}
    with fault(DEALS, "status", status=502):
        contains(refused(502, deals.update, made.id, change).body, "<html>")
    with fault(DEALS, "status", status=502):
        equal(patient.deals.basic_api.update(made.id, change).properties["dealname"], "Changed")


@check("a connection that is cut before the call changes nothing")
def _():
    made = new_deal()
    with fault(DEALS, "reset"):
        try:
            answer = deals.update(made.id, {"properties": {"dealname": "Changed"}})
        except HTTPError:
            pass
        else:
            raise AssertionError(f"expected no answer, got {answer!r}")
    equal(deals.get_by_id(made.id, properties=["dealname"]).properties["dealname"], "Errors")
