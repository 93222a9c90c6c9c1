"""What HubSpot refuses in part or whole, and which refusals HubSpot's new Python SDK tries again by itself."""

import httpx
import hubspot_sdk
from hubspot_sdk import HubSpot

from checks import BASE_URL, TOKEN, address, check, equal, eventually, fault, fresh

hub = HubSpot(access_token=TOKEN, base_url=BASE_URL, max_retries=0)
crm = hub.crm
patient = HubSpot(access_token=TOKEN, base_url=BASE_URL).crm
contacts, companies, deals = crm.objects.contacts, crm.objects.companies, crm.objects.deals
UNKNOWN_ID = "999999999999"
# The SDK calls deals by their number.
DEALS = "/crm/objects/2026-03/0-3"
PAIR = {"from_object_type": "contacts"}
DEFINED = [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 279}]


def new_contact(**properties):
    return contacts.create(associations=[], properties=properties)


def new_company():
    return companies.create(associations=[], properties={"name": "Errors"})


def new_deal(**properties):
    return deals.create(associations=[], properties={"dealname": "Errors", **properties})


def refused(kind, call, *args, **kwargs):
    """The error of a call that must fail in this way."""
    try:
        answer = call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"expected {kind.__name__}, got {answer!r}")


def refusal(kind, call, *args, **kwargs):
    """The body of that error."""
    return refused(kind, call, *args, **kwargs).body


# Records.


@check("an update keeps what it does not name, and a read without a list returns the defaults")
def _():
    made = new_contact(firstname="Ada", lastname="Byron", jobtitle="Countess")
    contacts.update(made.id, properties={"lastname": "Lovelace"})
    read = contacts.get(made.id)
    equal((read.properties["firstname"], read.properties["lastname"]), ("Ada", "Lovelace"))
    equal(sorted(read.properties), ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"])


@check("the generic calls reach the same records")
def _():
    made = crm.objects.custom.create("0-3", associations=[], properties={"dealname": fresh("deal")})
    equal(deals.get(made.id).properties["dealname"], made.properties["dealname"])


@check("a batch that names the same id twice is refused whole")
def _():
    one = {"id": new_contact().id, "properties": {"firstname": "Twice"}}
    error = refusal(hubspot_sdk.BadRequestError, contacts.batch.update, inputs=[one, one])
    equal(error["message"], f"Duplicate IDs found in batch input: [{one['id']}]. IDs must be unique")


@check("a batch read by address finds the record, with its history")
def _():
    known = new_contact(email=address(), firstname="Ada")
    read = contacts.batch.get(
        id_property="email", properties=["email"], properties_with_history=["firstname"],
        inputs=[{"id": known.properties["email"]}],
    )
    equal([one.id for one in read.results], [known.id])
    equal(read.results[0].properties_with_history["firstname"][0].value, "Ada")


@check("a list of options limits the values")
def _():
    name = fresh("choice")
    options = [{"value": one, "label": one, "hidden": False, "display_order": at} for at, one in enumerate("rg")]
    crm.properties.create(
        "contacts", name=name, label=name, group_name="contactinformation", type="enumeration", field_type="select",
        options=options,
    )
    eventually(lambda: crm.properties.list("contacts"), lambda all_: name in [one.name for one in all_.results])
    contact = new_contact(**{name: "r"})
    error = refusal(hubspot_sdk.BadRequestError, contacts.update, contact.id, properties={name: "b"})
    equal(error["category"], "VALIDATION_ERROR")
    assert "INVALID_OPTION" in error["message"], error


# Searches.


@check("searches are refused in a shape of their own")
def _():
    unknown = [{"filters": [{"property_name": "no_such", "operator": "EQ", "value": "x"}]}]
    asked = {"after": "0", "filter_groups": [], "limit": 100, "properties": [], "sorts": []}
    for more in [{"after": "9901"}, {"after": "10000"}, {"filter_groups": unknown}]:
        error = refusal(hubspot_sdk.BadRequestError, patient.objects.contacts.search, **{**asked, **more})
        equal(sorted(error), ["correlationId", "message", "status"])
        equal((error["status"], error["message"]), ("error", "There was a problem with the request."))


# Associations.


@check("a record is created with its association")
def _():
    company = new_company()
    made = contacts.create(properties={}, associations=[{"to": {"id": company.id}, "types": DEFINED}])
    read = contacts.get(made.id, associations=["companies"])
    equal({link.id for link in read.associations["companies"].results}, {company.id})


@check("a batch of associations makes those that it can and reports the rest")
def _():
    contact, to = new_contact().id, {"id": new_company().id}
    inputs = [{"from": {"id": one}, "to": to, "types": DEFINED} for one in (contact, "nobody")]
    done = crm.associations.batch.create("companies", **PAIR, inputs=inputs)
    equal([str(link.from_object_id) for link in done.results], [contact])
    # The SDK's model of this answer knows no errors and keeps them as they came.
    equal((done.numErrors, done.errors[0]["message"]), (1, "nobody is not a valid ID"))
    page = crm.associations.list("companies", object_type="contacts", object_id=contact)
    equal([str(link.to_object_id) for link in page], [to["id"]])


@check("a batch read of associations reports the record that has none")
def _():
    linked, alone, company = new_contact().id, new_contact().id, new_company().id
    crm.associations.create(company, from_object_type="contacts", from_object_id=linked, to_object_type="companies")
    read = crm.associations.batch.get("companies", **PAIR, inputs=[{"id": linked}, {"id": alone}])
    equal([row.from_.id for row in read.results], [linked])
    (error,) = read.errors
    equal(error["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND")
    equal(error["message"], f"No company is associated with contact {alone}.")


@check("labels that are put on a pair replace those that it had")
def _():
    labels, contact, company, made = crm.associations_schema.labels, new_contact().id, new_company().id, {}
    path = {"object_type": "contacts", "object_id": contact, "to_object_type": "companies"}
    for label in (fresh("First"), fresh("Second")):
        results = labels.create_label("companies", **PAIR, label=label, name=label.lower()).results
        made[label] = next(known.type_id for known in results if known.label == label)
        spec = [{"association_category": "USER_DEFINED", "association_type_id": made[label]}]
        equal(crm.associations.update_labels(company, **path, body=spec).labels, [label])
    (link,) = crm.associations.list("companies", object_type="contacts", object_id=contact).results
    equal([known.label for known in link.association_types if known.label in made], [list(made)[1]])
    for number in made.values():
        labels.delete_label(number, from_object_type="contacts", to_object_type="companies")


@check("404: an association with a record that is not there")
def _():
    path = {"object_type": "contacts", "object_id": new_contact().id, "to_object_type": "companies"}
    error = refusal(hubspot_sdk.NotFoundError, crm.associations.update_labels, UNKNOWN_ID, **path, body=DEFINED)
    equal((error["category"], error["subCategory"]), ("OBJECT_NOT_FOUND", "crm.associations.TO_OBJECT_NOT_FOUND"))


# Errors and faults.


@check("400: a type of records that is none")
def _():
    error = refusal(hubspot_sdk.BadRequestError, crm.objects.custom.list, "unicorns")
    equal(error["message"], "Unable to infer object type from: unicorns")
    assert "category" not in error, error


@check("an error has the same correlation in its body and its header")
def _():
    error = refused(hubspot_sdk.NotFoundError, contacts.get, UNKNOWN_ID)
    equal(error.body["correlationId"], error.response.headers["x-hubspot-correlation-id"])


@check("404: a path that leads nowhere is a page")
def _():
    error = refused(hubspot_sdk.NotFoundError, hub.get, "/crm/nowhere/2026-03/at/all", cast_to=httpx.Response)
    equal(error.response.headers["content-type"].split(";")[0], "text/html")


@check("the limit of the day is named")
def _():
    with fault(DEALS, "rate_limit", policy="daily"):
        equal(refusal(hubspot_sdk.RateLimitError, new_deal)["policyName"], "DAILY")


@check("a locked account is an error with its status")
def _():
    with fault(DEALS, "status", status=423):
        equal(refused(hubspot_sdk.APIStatusError, new_deal).status_code, 423)


@check("a page of the edge is an error for the hasty and tried again by the patient")
def _():
    made, change = new_deal(), {"dealname": "Changed"}
    with fault(DEALS, "status", status=502):
        error = refused(hubspot_sdk.InternalServerError, deals.update, made.id, properties=change)
        assert "<html" in error.response.text, error.response.text
    with fault(DEALS, "status", status=502):
        equal(patient.objects.deals.update(made.id, properties=change).properties["dealname"], "Changed")


@check("a connection that is cut before the call changes nothing")
def _():
    made = new_deal()
    with fault(DEALS, "reset"):
        refused(hubspot_sdk.APIConnectionError, deals.update, made.id, properties={"dealname": "Changed"})
    equal(deals.get(made.id, properties=["dealname"]).properties["dealname"], "Errors")
