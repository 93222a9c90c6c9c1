"""Singer's HubSpot tap, its own program unchanged, against the simulator: discovery, a full sync, a sync of changes.

HUBSPOT_BASE_URL=http://127.0.0.1:4010 HUBSPOT_TOKEN=pat-test-1 HUBSPOT_CA=ca.pem python main.py

The simulator runs with --tls-ca ca.pem and with --index-lag off.
"""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))

from checks import TOKEN, check, equal, fault, run_all
from fixed_host import CUSTOM, ENGAGEMENTS, dump, fill, forget_calls, ids, pairs, refused, run, touch, write

PROGRAM = "tap-hubspot"
# Beyond one page of each: 100 contacts, deals and tickets, 250 companies, 190 engagements.
COUNTS = {"contacts": 230, "companies": 260, "deals": 110, "tickets": 105, "products": 1, "line_items": 1, "owners": 4}
ENGAGEMENTS_EACH = 45
CUSTOM_COUNT = 107
# Stream by stream, the type of the records that it reads and the name of their key.
OBJECTS = {
    "contacts": ("contacts", "id"),
    "companies": ("companies", "companyId"),
    "deals": ("deals", "dealId"),
    "tickets": ("tickets", "id"),
    CUSTOM: (f"p_{CUSTOM}", "id"),
}
OTHERS = ["owners", "engagements", "deal_pipelines", "contacts_by_company"]

state = {}


def config():
    return write("config.json", {
        "api_key": TOKEN, "start_date": "2020-01-01T00:00:00Z", "select_fields_by_default": "true",
    })


def discover():
    (found,) = run(PROGRAM, "--config", config(), "--discover")
    return {stream["tap_stream_id"]: stream for stream in found["streams"]}


def catalog():
    if "catalog" not in state:
        state["catalog"] = discover()
    return state["catalog"]


def sync(*names, saved=None):
    """Syncs streams; the records by stream and the last state."""
    streams = [catalog()[name] for name in names]
    for stream in streams:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    arguments = ["--config", config(), "--properties", write("catalog.json", {"streams": streams})]
    if saved is not None:
        arguments += ["--state", write("state.json", saved)]
    messages = run(PROGRAM, *arguments)
    records = collections.defaultdict(list)
    for message in messages:
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    return records, [message["value"] for message in messages if message["type"] == "STATE"][-1]


def everything():
    if "records" not in state:
        state["records"], state["saved"] = sync(*OBJECTS, *OTHERS)
    return state["records"]


def keys(records, name):
    return sorted(int(record[OBJECTS[name][1]]) for record in records[name])


def kept(name):
    return sorted(int(record) for record in ids(OBJECTS[name][0]))


fill(engagements=ENGAGEMENTS_EACH, custom=CUSTOM_COUNT, **COUNTS)
forget_calls()


@check("the catalog has the streams, the account's properties and the custom object")
def _():
    equal({*OBJECTS, *OTHERS} - set(catalog()), set())
    assert "property_email" in catalog()["contacts"]["schema"]["properties"]
    assert "property_dealname" in catalog()["deals"]["schema"]["properties"]
    equal(catalog()[CUSTOM]["schema"]["properties"]["property_length"]["type"], ["null", "number", "string"])


@check("a stream that the token may not see is left out")
def _():
    with fault("/companies/v2/properties", "status", status=403):
        found = discover()
    equal(set(catalog()) - set(found), {"companies"})


@check("a full sync has every record once")
def _():
    equal({name: keys(everything(), name) for name in OBJECTS}, {name: kept(name) for name in OBJECTS})
    for name in OBJECTS:
        equal(len(kept(name)), {**COUNTS, CUSTOM: CUSTOM_COUNT}[name])


@check("owners, pipelines and engagements are all there")
def _():
    equal(len(everything()["owners"]), COUNTS["owners"])
    equal([one["pipelineId"] for one in everything()["deal_pipelines"]], ["default"])
    kinds = collections.Counter(record["engagement"]["type"] for record in everything()["engagements"])
    equal(kinds, dict.fromkeys(["CALL", "EMAIL", "MEETING", "NOTE", "TASK"], ENGAGEMENTS_EACH))


@check("contacts by company are the account's associations")
def _():
    # Once for each type that a pair has: the older paths list the primary company's twice.
    rows = everything()["contacts_by_company"]
    found = collections.Counter((str(row["company-id"]), str(row["contact-id"])) for row in rows)
    equal(sorted(found), pairs("companies", "contacts"))
    equal(set(found.values()), {2})


@check("a record has the account's values")
def _():
    contacts = {record["id"]: record["properties"] for record in dump("contacts")}
    for record in everything()["contacts"]:
        for field in ["email", "firstname", "city"]:
            equal(record.get(f"property_{field}"), contacts[record["id"]].get(field))
    for name, fields in [("companies", ["name", "domain"]), ("deals", ["dealname", "dealstage"])]:
        values = {int(record["id"]): record["properties"] for record in dump(name)}
        for record in everything()[name]:
            for field in fields:
                equal(record[f"property_{field}"]["value"], values[record[OBJECTS[name][1]]][field])
    amounts = {int(record["id"]): float(record["properties"]["amount"]) for record in dump("deals")}
    equal({deal["dealId"]: float(deal["property_amount"]["value"]) for deal in everything()["deals"]}, amounts)
    links = {deal["dealId"]: deal["associations"]["associatedVids"] for deal in everything()["deals"]}
    equal(sorted((str(deal), str(other)) for deal in links for other in links[deal]), pairs("deals", "contacts"))
    notes = {int(record["id"]): record["properties"]["hs_note_body"] for record in dump("notes")}
    found = [one for one in everything()["engagements"] if one["engagement"]["type"] == "NOTE"]
    equal({one["engagement_id"]: one["metadata"]["body"] for one in found}, notes)


@check("a second sync has what was changed and nothing else")
def _():
    # What was changed at the very moment of the bookmark comes again.
    again = {name: newest(dump(object_type)) for name, (object_type, _) in OBJECTS.items()}
    touched = {name: touch(object_type, 3) for name, (object_type, _) in OBJECTS.items()}
    changed = {int(record) for object_type in ENGAGEMENTS for record in touch(object_type, 1)}
    found, _ = sync(*OBJECTS, "engagements", saved=state["saved"])
    wanted = {name: sorted({int(record) for record in [*touched[name], *again[name]]}) for name in OBJECTS}
    equal({name: keys(found, name) for name in OBJECTS}, wanted)
    equal({record["engagement_id"] for record in found["engagements"]}, changed)


def newest(records):
    latest = max(record["updatedAt"] for record in records)
    return [record["id"] for record in records if record["updatedAt"] == latest]


@check("a sync rides out a limit and a bad gateway and loses nothing")
def _():
    with fault("/crm/v3/objects/contacts", "rate_limit", policy="ten_secondly"):
        with fault("/deals/v1/deal/paged", "status", status=502):
            found, _ = sync("contacts", "deals")
    for name in ["contacts", "deals"]:
        equal(keys(found, name), kept(name))


@check("nothing was refused but what was injected, and what went beyond the ten seconds")
def _():
    # It reads companies one by one and as fast as it can.
    equal(set(refused()) - {"429 GET /companies/v2/companies/{id}"}, set())


run_all()
