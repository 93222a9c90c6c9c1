"""HubSpot's new Python SDK (alpha, dated paths) against the simulator: what an application does with it, call by call.

HUBSPOT_BASE_URL=http://127.0.0.1:4010 HUBSPOT_TOKEN=pat-test-1 python main.py

The simulator runs with --index-lag off, so that a search sees what was just written, and with
--oauth-app client-1:secret-1, the app that is installed.
"""

import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))

import hubspot_sdk
from hubspot_sdk import HubSpot

import account  # noqa: F401: adds its checks
import errors  # noqa: F401: adds its checks
import oauth  # noqa: F401: adds its checks
import wall  # noqa: F401: adds its checks
from checks import BASE_URL, TOKEN, address, check, contains, equal, eventually, fault, fresh, now, run_all

UNKNOWN_ID = "999999999999"
LONG_AGO_S = 60

patient = HubSpot(access_token=TOKEN, base_url=BASE_URL).crm
crm = HubSpot(access_token=TOKEN, base_url=BASE_URL, max_retries=0).crm
# Refuses an answer that the SDK's own models do not allow.
strict = HubSpot(access_token=TOKEN, base_url=BASE_URL, max_retries=0, _strict_response_validation=True).crm
contacts, companies, deals = strict.objects.contacts, strict.objects.companies, strict.objects.deals


def new_contact(**properties):
    return contacts.create(associations=[], properties={"email": address(), **properties})


def new_company(name=None):
    return companies.create(associations=[], properties={"name": name or fresh("company")})


def inputs(count, **properties):
    return [{"associations": [], "properties": {"email": address("b"), **properties}} for _ in range(count)]


def ids(items):
    return sorted(item.id for item in items)


def refusal(kind, call, *args, **kwargs):
    """The error body of a call that must fail in this way."""
    try:
        answer = call(*args, **kwargs)
    except kind as error:
        return error.body
    raise AssertionError(f"expected {kind.__name__}, got {answer!r}")


def gone(contact_id):
    refusal(hubspot_sdk.NotFoundError, contacts.get, contact_id)


def search(resource, **asked):
    defaults = {"after": "0", "filter_groups": [], "limit": 10, "properties": [], "sorts": []}
    return resource.search(**{**defaults, **asked})


def where(name, operator, **more):
    return {"property_name": name, "operator": operator, **more}


# Single records.


@check("a created contact has an id, dates and a lower-case address")
def _():
    email = address("Ada")
    made = new_contact(email=email.upper(), firstname="Ada")
    assert made.id.isdigit(), made.id
    equal((made.properties["email"], made.properties["hs_object_id"]), (email, made.id))
    assert abs(now() - made.created_at.timestamp()) < LONG_AGO_S, made.created_at
    equal(made.archived, False)


@check("a read returns the properties that were asked for, null where there is no value")
def _():
    made = new_contact(firstname="Grace")
    read = crm.objects.contacts.get(made.id, properties=["firstname", "jobtitle"])
    equal((read.properties["firstname"], read.properties["jobtitle"]), ("Grace", None))
    assert "lastname" not in read.properties


@check("a contact is found and changed by its address")
def _():
    made = new_contact()
    email = made.properties["email"]
    equal(crm.objects.contacts.get(email, id_property="email").id, made.id)
    changed = contacts.update(email, properties={"lastname": "Hopper"}, id_property="email")
    equal((changed.id, changed.properties["lastname"]), (made.id, "Hopper"))


@check("the history of a property holds every value, newest first")
def _():
    made = new_contact(firstname="one")
    contacts.update(made.id, properties={"firstname": "two"})
    read = crm.objects.contacts.get(made.id, properties_with_history=["firstname"])
    equal([entry.value for entry in read.properties_with_history["firstname"]], ["two", "one"])


@check("an archived record is gone, and found among the archived")
def _():
    made = new_contact()
    contacts.delete(made.id)
    gone(made.id)
    read = crm.objects.contacts.get(made.id, archived=True)
    equal(read.archived, True)
    assert isinstance(read.archived_at, datetime.datetime)


@check("a merge leaves one record that both ids lead to")
def _():
    winner, loser = new_contact(), new_contact()
    # The survivor has properties without a value, which the SDK's own model does not allow.
    merged = crm.objects.contacts.merge(primary_object_id=winner.id, object_id_to_merge=loser.id)
    equal(crm.objects.contacts.get(loser.id).id, merged.id)


@check("a purged contact is gone for good")
def _():
    made = new_contact()
    contacts.gdpr_delete(object_id=made.id)
    gone(made.id)


@check("a list is read page by page to its end")
def _():
    ticket = {"hs_pipeline": "0", "hs_pipeline_stage": "1"}
    wanted = [{"associations": [], "properties": {"subject": fresh("t"), **ticket}} for _ in range(7)]
    made = strict.objects.tickets.batch.create(inputs=wanted).results
    listed = ids(crm.objects.tickets.list(limit=3))
    equal(len(set(listed)), len(listed))
    assert set(ids(made)) <= set(listed)


# Batches.


@check("a batch of a hundred is created")
def _():
    wanted = inputs(100)
    made = contacts.batch.create(inputs=wanted)
    equal(made.status, "COMPLETE")
    found = sorted(result.properties["email"] for result in made.results)
    equal(found, sorted(one["properties"]["email"] for one in wanted))


@check("a batch of more than a hundred is refused")
def _():
    error = refusal(hubspot_sdk.BadRequestError, contacts.batch.create, inputs=inputs(101))
    equal(error["category"], "VALIDATION_ERROR")


@check("a batch that creates a known address is refused whole")
def _():
    (other,) = inputs(1)
    taken = {"associations": [], "properties": {"email": new_contact().properties["email"]}}
    error = refusal(hubspot_sdk.ConflictError, contacts.batch.create, inputs=[other, taken])
    equal((error["category"], error["message"]), ("CONFLICT", "Contact already exists"))
    refusal(hubspot_sdk.NotFoundError, contacts.get, other["properties"]["email"], id_property="email")


@check("a batch that creates a known address succeeds in part where its inputs have trace ids")
def _():
    known = new_contact()
    (other,) = inputs(1)
    taken = {"associations": [], "properties": {"email": known.properties["email"]}, "object_write_trace_id": "taken"}
    done = contacts.batch.create(inputs=[{**other, "object_write_trace_id": "free"}, taken])
    equal([result.properties["email"] for result in done.results], [other["properties"]["email"]])
    # The SDK's model knows no errors and keeps them as they came.
    equal(done.numErrors, 1)
    equal(done.errors[0]["context"], {"objectWriteTraceId": ["taken"], "existingId": [known.id]})


@check("a batch read reports the ids that it does not find")
def _():
    known = new_contact()
    read = contacts.batch.get(
        inputs=[{"id": known.id}, {"id": UNKNOWN_ID}], properties=["email"], properties_with_history=[]
    )
    equal(ids(read.results), [known.id])
    equal((read.numErrors, read.errors[0]["category"]), (1, "OBJECT_NOT_FOUND"))
    equal(read.errors[0]["context"], {"ids": [UNKNOWN_ID]})


@check("a batch update changes what it can and reports the rest")
def _():
    known = new_contact()
    wanted = [{"id": one, "properties": {"firstname": "New"}} for one in (known.id, UNKNOWN_ID)]
    updated = contacts.batch.update(inputs=wanted)
    equal([(one.id, one.properties["firstname"]) for one in updated.results], [(known.id, "New")])
    equal((updated.numErrors, updated.errors[0]["status"]), (1, "error"))


@check("an upsert tells the new from the known")
def _():
    known, email = new_contact(), address("u")
    wanted = [
        {"id": one, "id_property": "email", "properties": {"firstname": "U"}}
        for one in (known.properties["email"], email)
    ]
    done = contacts.batch.upsert(inputs=wanted)
    equal(len(done.results), 2)
    equal({result.id == known.id: result.new for result in done.results}, {True: False, False: True})


@check("an upsert with trace ids succeeds in part")
def _():
    wanted = [
        {"id": one, "id_property": "email", "object_write_trace_id": trace, "properties": {"firstname": "U"}}
        for one, trace in ((address("u"), "good"), ("no-address", "bad"))
    ]
    done = contacts.batch.upsert(inputs=wanted)
    equal((len(done.results), done.numErrors), (1, 1))
    equal(done.errors[0]["context"]["objectWriteTraceId"], ["bad"])


@check("a batch is archived")
def _():
    made = contacts.batch.create(inputs=inputs(3)).results
    contacts.batch.delete(inputs=[{"id": one.id} for one in made])
    gone(made[0].id)


# Search.


@check("a search finds a record by any of the common operators")
def _():
    city = fresh("city")
    made = new_contact(city=city, firstname="Ada", lastname="Lovelace")
    groups = [
        [where("city", "EQ", value=city), where("lastname", "CONTAINS_TOKEN", value="love*")],
        [where("city", "IN", values=[city]), where("firstname", "HAS_PROPERTY")],
        [where("hs_object_id", "BETWEEN", value=made.id, high_value=made.id)],
    ]
    found = search(
        patient.objects.contacts, filter_groups=[{"filters": filters} for filters in groups], properties=["city"]
    )
    equal((found.total, ids(found.results)), (1, [made.id]))
    equal(found.results[0].properties["city"], city)


@check("a search is paged to its end in the order that was asked for")
def _():
    city = fresh("city")
    made = contacts.batch.create(inputs=inputs(25, city=city)).results
    found, after = [], "0"
    while after is not None:
        page = search(
            patient.objects.contacts,
            filter_groups=[{"filters": [where("city", "EQ", value=city)]}],
            sorts=["-hs_object_id"],
            after=after,
        )
        equal(page.total, 25)
        found += [int(result.id) for result in page.results]
        after = page.paging.next.after if page.paging else None
    equal(found, sorted((int(one.id) for one in made), reverse=True))


@check("a search stops at its ten-thousandth record")
def _():
    refusal(hubspot_sdk.BadRequestError, search, patient.objects.contacts, limit=100, after="9950")


@check("a search by words finds a name")
def _():
    name = fresh("zebra").replace("_", "")
    made = new_company(name)
    equal(ids(search(patient.objects.companies, query=name).results), [made.id])


# Associations.


def pair_of(contact, company):
    return {"object_type": "contacts", "object_id": contact.id, "to_object_type": "companies"}, company.id


def linked(contact):
    page = crm.associations.list("companies", object_type="contacts", object_id=contact.id)
    return [str(link.to_object_id) for link in page]


@check("a default association is made, listed and removed")
def _():
    contact, company = new_contact(), new_company()
    made = strict.associations.create(
        company.id, from_object_type="contacts", from_object_id=contact.id, to_object_type="companies"
    )
    equal(made.status, "COMPLETE")
    equal(linked(contact), [company.id])
    path, to = pair_of(contact, company)
    crm.associations.delete(to, **path)
    equal(linked(contact), [])


@check("a label is defined, put on a pair, renamed and removed")
def _():
    labels, label = crm.associations_schema.labels, fresh("Label")
    made = labels.create_label("companies", from_object_type="contacts", label=label, name=label.lower())
    number = next(known.type_id for known in made.results if known.label == label)
    contact, company = new_contact(), new_company()
    path, to = pair_of(contact, company)
    spec = [{"association_category": "USER_DEFINED", "association_type_id": number}]
    equal(crm.associations.update_labels(to, **path, body=spec).labels, [label])
    link = crm.associations.list("companies", object_type="contacts", object_id=contact.id).results[0]
    contains([(known.type_id, known.label) for known in link.association_types], (number, label))
    renamed = f"{label} again"
    labels.update_label("companies", from_object_type="contacts", association_type_id=number, label=renamed)
    contains([known.label for known in labels.list_labels("companies", from_object_type="contacts").results], renamed)
    labels.delete_label(number, from_object_type="contacts", to_object_type="companies")
    left = labels.list_labels("companies", from_object_type="contacts").results
    assert number not in [known.type_id for known in left]


@check("associations are made, read and archived in batches")
def _():
    company, made = new_company(), contacts.batch.create(inputs=inputs(3)).results
    types = [{"association_category": "HUBSPOT_DEFINED", "association_type_id": 279}]
    batch, types_of_pair = crm.associations.batch, {"from_object_type": "contacts"}
    wanted = [{"from": {"id": one.id}, "to": {"id": company.id}, "types": types} for one in made]
    equal(len(batch.create("companies", **types_of_pair, inputs=wanted).results), 3)
    asked = [{"id": one.id} for one in made]
    read = batch.get("companies", **types_of_pair, inputs=asked)
    equal(sorted(row.from_.id for row in read.results), ids(made))
    equal({str(to.to_object_id) for row in read.results for to in row.to}, {company.id})
    unwanted = [{"from": {"id": one.id}, "to": [{"id": company.id}]} for one in made]
    batch.delete("companies", **types_of_pair, inputs=unwanted)
    left = batch.get("companies", **types_of_pair, inputs=asked)
    equal(left.results, [])
    equal({error["subCategory"] for error in left.errors}, {"crm.associations.NO_ASSOCIATIONS_FOUND"})


# Properties.


def property_of(name, group="contactinformation", **more):
    return {"name": name, "label": name, "group_name": group, "type": "string", "field_type": "text", **more}


@check("a property is created, read, changed and archived")
def _():
    name, api = fresh("prop"), strict.properties
    equal(api.create("contacts", **property_of(name, has_unique_value=True)).has_unique_value, True)
    eventually(lambda: api.list("contacts"), lambda all_: name in [known.name for known in all_.results])
    equal(api.update(name, object_type="contacts", label="Another").label, "Another")
    equal(api.get(name, object_type="contacts").field_type, "text")
    api.delete(name, object_type="contacts")
    refusal(hubspot_sdk.NotFoundError, api.get, name, object_type="contacts")


@check("the properties of HubSpot itself are described")
def _():
    known = {one.name: one for one in strict.properties.list("deals").results}
    equal((known["dealstage"].type, known["dealstage"].hubspot_defined), ("enumeration", True))
    equal(known["hs_object_id"].modification_metadata.read_only_value, True)


@check("a property that exists is not created again")
def _():
    refusal(hubspot_sdk.ConflictError, crm.properties.create, "contacts", **property_of("firstname"))


@check("properties are created, read and archived in batches")
def _():
    names, api = [fresh("prop"), fresh("prop")], strict.properties.batch
    made = api.create("companies", inputs=[property_of(name, "companyinformation") for name in names])
    equal(sorted(known.name for known in made.results), names)
    asked = [{"name": name} for name in names]

    def read():
        return api.get("companies", archived=False, data_sensitivity="non_sensitive", inputs=asked)

    eventually(read, lambda answer: len(answer.results) == len(names))
    api.delete("companies", inputs=asked)
    refusal(hubspot_sdk.NotFoundError, crm.properties.get, names[0], object_type="companies")


@check("a group of properties is created, read, changed and archived")
def _():
    name, api = fresh("group"), strict.properties.groups
    api.create("contacts", name=name, label="Group", display_order=-1)
    equal(api.get(name, object_type="contacts").label, "Group")
    equal(api.update(name, object_type="contacts", label="Other").label, "Other")
    contains([known.name for known in api.list("contacts").results], name)
    api.delete(name, object_type="contacts")


# Pipelines and owners.


@check("a pipeline with stages is created, changed and archived")
def _():
    def stage(label, order):
        return {"label": label, "display_order": order, "metadata": {"probability": "0.5"}}

    api = strict.pipelines
    made = api.create("deals", label=fresh("P"), display_order=9, stages=[stage("A", 0), stage("B", 1)])
    equal(len(made.stages), 2)
    contains([known.id for known in api.list("deals").results], made.id)
    label = fresh("Renamed")
    equal(api.update(made.id, object_type="deals", label=label).label, label)
    path = {"object_type": "deals", "pipeline_id": made.id}
    added = api.create_stage(made.id, object_type="deals", **stage("C", 2))
    equal(api.update_stage(added.id, **path, label="D", metadata={"probability": "0.6"}).label, "D")
    api.delete_stage(added.id, **path)
    equal([known.label for known in api.list_stages(made.id, object_type="deals").results], ["A", "B"])
    api.delete(made.id, object_type="deals")
    refusal(hubspot_sdk.NotFoundError, api.get, made.id, object_type="deals")


@check("a deal moves through the stages that exist, and no others")
def _():
    pipeline = strict.pipelines.list("deals").results[0]
    first, second = pipeline.stages[0].id, pipeline.stages[1].id
    given = {"dealname": fresh("deal"), "pipeline": pipeline.id, "dealstage": first, "amount": "12.50"}
    deal = deals.create(associations=[], properties=given)
    equal(deals.update(deal.id, properties={"dealstage": second}).properties["dealstage"], second)
    wrong = {"dealstage": "no_such_stage"}
    error = refusal(hubspot_sdk.BadRequestError, deals.update, deal.id, properties=wrong)
    equal(error["category"], "VALIDATION_ERROR")


@check("owners are listed page by page, found by address and by id")
def _():
    everybody = list(strict.owners.list(limit=1))
    equal(len(set(ids(everybody))), len(everybody))
    assert len(everybody) > 1, everybody
    owner = everybody[0]
    equal(ids(strict.owners.list(email=owner.email)), [owner.id])
    equal(strict.owners.get(int(owner.id)).email, owner.email)
    equal(strict.owners.get(owner.user_id, id_property="userId").id, owner.id)


# Custom objects.


@check("a custom object is defined, used, changed and removed")
def _():
    name, api, records = fresh("machine"), crm.object_schemas, crm.objects.custom
    serial = {"name": "serial", "label": "Serial", "type": "string", "field_type": "text", "has_unique_value": True}
    made = strict.object_schemas.create(
        name=name, labels={"singular": "Machine", "plural": "Machines"}, primary_display_property="serial",
        required_properties=["serial"], searchable_properties=["serial"], secondary_display_properties=[],
        properties=[serial], associated_objects=["CONTACT"], allows_sensitive_properties=False,
    )
    assert made.object_type_id.startswith("2-"), made.object_type_id
    contains([known.id for known in api.list().results], made.id)
    equal(api.get(made.object_type_id).name, name)
    record = records.create(made.fully_qualified_name, associations=[], properties={"serial": "S-1"})
    equal(records.get("S-1", object_type=made.object_type_id, id_property="serial").id, record.id)
    changed = api.update(made.object_type_id, clear_description=False, labels={"singular": "Engine", "plural": "Es"})
    equal(changed.labels.singular, "Engine")
    refusal(hubspot_sdk.BadRequestError, api.delete, made.object_type_id)
    records.delete(record.id, object_type=made.object_type_id)
    api.delete(made.object_type_id)
    assert made.id not in [known.id for known in api.list().results]


# Errors.


@check("409: a known address names the record that has it")
def _():
    known = new_contact()
    given = {"email": known.properties["email"]}
    error = refusal(hubspot_sdk.ConflictError, contacts.create, associations=[], properties=given)
    equal(error["message"], f"Contact already exists. Existing ID: {known.id}")


@check("404: an unknown record")
def _():
    equal(refusal(hubspot_sdk.NotFoundError, contacts.get, UNKNOWN_ID)["message"], "resource not found")


@check("400: an unknown property is named")
def _():
    error = refusal(hubspot_sdk.BadRequestError, new_contact, no_such_property="x")
    equal(error["category"], "VALIDATION_ERROR")
    contains([detail["code"] for detail in error["errors"]], "PROPERTY_DOESNT_EXIST")


@check("400: an address that is none")
def _():
    contains(refusal(hubspot_sdk.BadRequestError, new_contact, email="nobody")["message"], "INVALID_EMAIL")


@check("401: an unknown token")
def _():
    stranger = HubSpot(access_token="pat-test-stranger", base_url=BASE_URL).crm
    error = refusal(hubspot_sdk.AuthenticationError, stranger.objects.contacts.list)
    equal(error["category"], "EXPIRED_AUTHENTICATION")


@check("every answer tells the state of the limits")
def _():
    answer = crm.objects.contacts.with_raw_response.list(limit=1)
    equal(answer.http_response.status_code, 200)
    equal(answer.headers["X-HubSpot-RateLimit-Interval-Milliseconds"], "10000")
    assert 0 < int(answer.headers["X-HubSpot-RateLimit-Remaining"]) < int(answer.headers["X-HubSpot-RateLimit-Max"])


# Faults.

PRODUCTS = "/crm/objects/2026-03/products"


def new_product(who):
    return who.objects.products.create(associations=[], properties={"name": fresh("product")})


@check("a 503 is an error for the hasty and nothing for the patient")
def _():
    with fault(PRODUCTS, "status", status=503):
        refusal(hubspot_sdk.InternalServerError, new_product, crm)
    with fault(PRODUCTS, "status", times=2, status=503):
        assert new_product(patient).id


@check("a 429 is an error for the hasty and nothing for the patient")
def _():
    with fault(PRODUCTS, "rate_limit", policy="ten_secondly"):
        equal(refusal(hubspot_sdk.RateLimitError, new_product, crm)["policyName"], "TEN_SECONDLY_ROLLING")
    with fault(PRODUCTS, "rate_limit", times=2, policy="ten_secondly"):
        assert new_product(patient).id


@check("a cut connection is tried again, and a lost answer makes a record that was made a conflict")
def _():
    with fault(PRODUCTS, "reset"):
        assert new_product(patient).id
    with fault("/crm/objects/2026-03/contacts", "lost_answer"):
        wanted = {"associations": [], "properties": {"email": address("lost")}}
        refusal(hubspot_sdk.ConflictError, patient.objects.contacts.create, **wanted)


@check("a body that comes in drops arrives whole")
def _():
    with fault(PRODUCTS, "slow_body", over_ms=300):
        assert new_product(crm).id


run_all()
