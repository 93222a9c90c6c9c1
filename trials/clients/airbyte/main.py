"""Airbyte's HubSpot source, its own program unchanged, against the simulator: it reads a whole account, then changes.

HUBSPOT_BASE_URL=http://127.0.0.1:4010 HUBSPOT_TOKEN=pat-test-1 HUBSPOT_CA=ca.pem python main.py

The simulator runs with --tls-ca ca.pem and with --index-lag off, so that a search sees what was just written.
"""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))

from checks import TOKEN, check, equal, fault, run_all
from fixed_host import CUSTOM, dump, fill, forget_calls, hubspot, ids, injected, pairs, refused, run, touch, write

PROGRAM = "source-hubspot"
LONG_AGO = "2020-01-01T00:00:00Z"
# Products, line items and goals are paged by an offset, of which HubSpot takes no notice: beyond 99 records this
# version of the source never ends (airbytehq/airbyte issue 61352, mended in its 5.8.6).
COUNTS = {
    "contacts": 420, "companies": 130, "deals": 110, "tickets": 105, "products": 60, "line_items": 70, "owners": 4,
}
ENGAGEMENTS_EACH = 45
# Stream by stream, the type of the records that it reads.
SEARCHED = {
    "contacts": "contacts",
    "companies": "companies",
    "deals": "deals",
    "tickets": "tickets",
    "engagements_calls": "calls",
    "engagements_emails": "emails",
    "engagements_meetings": "meetings",
    "engagements_notes": "notes",
    "engagements_tasks": "tasks",
    CUSTOM: f"p_{CUSTOM}",
}
LISTED = {"products": "products", "line_items": "line_items"}
OBJECTS = {**SEARCHED, **LISTED}
# The states that a pipeline's stages have: HubSpot takes no ticket pipeline without a closed one.
STAGES = {
    "deals": [{"probability": "0.0"}, {"probability": "1.0"}],
    "tickets": [{"ticketState": "OPEN"}, {"ticketState": "CLOSED"}],
}
# More than a page of a search, and more inputs than a batch read of associations in version 3 may have.
MANY = 230

state = {}


def config(token=TOKEN):
    credentials = {"credentials_title": "Private App Credentials", "access_token": token}
    return write("config.json", {"credentials": credentials, "start_date": LONG_AGO})


def only(messages, kind):
    """What messages of a kind say: CONNECTION_STATUS under connectionStatus."""
    first, *others = kind.lower().split("_")
    name = first + "".join(other.title() for other in others)
    return [message[name] for message in messages if message["type"] == kind]


def catalog():
    if "catalog" not in state:
        (found,) = only(run(PROGRAM, "discover", "--config", config()), "CATALOG")
        state["catalog"] = {stream["name"]: stream for stream in found["streams"]}
    return state["catalog"]


def read(*names, saved=None):
    """Reads streams; the records by stream and the last state of each."""
    streams = [
        {
            "stream": catalog()[name],
            "sync_mode": "incremental",
            "destination_sync_mode": "append",
            "cursor_field": catalog()[name]["default_cursor_field"],
        }
        for name in names
    ]
    arguments = ["--config", config(), "--catalog", write("catalog.json", {"streams": streams})]
    if saved is not None:
        arguments += ["--state", write("state.json", saved)]
    messages = run(PROGRAM, "read", *arguments)
    records = collections.defaultdict(list)
    for record in only(messages, "RECORD"):
        records[record["stream"]].append(record["data"])
    states = {one["stream"]["stream_descriptor"]["name"]: one for one in only(messages, "STATE")}
    return records, list(states.values())


def everything():
    if "records" not in state:
        names = [*OBJECTS, "engagements", "owners", "deal_pipelines", "ticket_pipelines"]
        # A limit and a bad gateway in the middle of it: whatever is read must be whole all the same.
        with fault("/crm/v3/objects/contact", "rate_limit", policy="ten_secondly"):
            with fault("/crm/v3/objects/company", "status", status=502):
                state["records"], state["saved"] = read(*names)
    return state["records"]


def record_ids(records):
    return sorted(str(record["id"]) for record in records)


fill(engagements=ENGAGEMENTS_EACH, custom=107, **COUNTS)
for kind, states in STAGES.items():
    stages = [{"label": f"Stage {at}", "displayOrder": at, "metadata": one} for at, one in enumerate(states)]
    hubspot("POST", f"/crm/v3/pipelines/{kind}", {"label": "Renewals", "displayOrder": 1, "stages": stages})
hubspot("POST", "/crm/v3/properties/contacts", {
    "name": "shoe_size", "label": "Shoe size", "type": "number", "fieldType": "number",
    "groupName": "contactinformation",
})
forget_calls()


@check("the specification is told")
def _():
    (spec,) = only(run(PROGRAM, "spec"), "SPEC")
    assert "credentials" in spec["connectionSpecification"]["properties"]


@check("a good token connects and a bad one does not")
def _():
    for token, wanted in [(TOKEN, "SUCCEEDED"), ("pat-na1-nobody", "FAILED")]:
        (status,) = only(run(PROGRAM, "check", "--config", config(token)), "CONNECTION_STATUS")
        equal(status["status"], wanted)


@check("the catalog has the streams, the account's own properties and the custom object")
def _():
    others = {"engagements", "owners", "deal_pipelines", "ticket_pipelines", "goals", "leads"}
    equal({*OBJECTS, *others} - set(catalog()), set())
    equal(catalog()["contacts"]["json_schema"]["properties"]["properties_shoe_size"]["type"], ["null", "number"])
    equal(catalog()[CUSTOM]["json_schema"]["properties"]["properties_length"]["type"], ["null", "number"])


@check("a full read has every record once")
def _():
    found = {name: record_ids(everything()[name]) for name in OBJECTS}
    wanted = {name: sorted(ids(object_type)) for name, object_type in OBJECTS.items()}
    equal({name: len(of) for name, of in found.items()}, {name: len(of) for name, of in wanted.items()})
    equal(found, wanted)


@check("engagements of five types are one stream")
def _():
    kinds = collections.Counter(record["type"] for record in everything()["engagements"])
    equal(kinds, dict.fromkeys(["CALL", "EMAIL", "MEETING", "NOTE", "TASK"], ENGAGEMENTS_EACH))
    linked = [record for record in everything()["engagements"] if record["associations_contactIds"]]
    equal(len(linked), 5)


@check("owners and pipelines are read")
def _():
    equal(len(everything()["owners"]), COUNTS["owners"])
    # Those that every account has are older than any start date.
    equal([one["label"] for one in everything()["deal_pipelines"]], ["Renewals"])
    equal([one["label"] for one in everything()["ticket_pipelines"]], ["Renewals"])


@check("a record has the account's values and associations")
def _():
    for name, object_type, to_type in [("contacts", "contacts", "companies"), ("deals", "deals", "contacts")]:
        wanted = pairs(object_type, to_type)
        assert wanted, f"{name} without {to_type}"
        found = {(record["id"], other) for record in everything()[name] for other in record.get(to_type, [])}
        equal(sorted(found), wanted)
    kept = {record["id"]: record for record in dump("contacts")}
    for record in everything()["contacts"]:
        values = kept[record["id"]]["properties"]
        for field in ["email", "firstname", "lastname", "city"]:
            equal(record[f"properties_{field}"], values.get(field))
    (first, *_) = everything()["contacts"]
    assert first["updatedAt"].startswith(kept[first["id"]]["updatedAt"][:19]), first["updatedAt"]


@check("a second read has what was changed and nothing else")
def _():
    # What was changed at the very moment of the bookmark comes again: at least once, never not.
    again = {name: [of["id"] for of in newest(dump(object_type))] for name, object_type in OBJECTS.items()}
    touched = {name: touch(object_type, 2) for name, object_type in OBJECTS.items() if name != "contacts"}
    touched["contacts"] = touch("contacts", MANY)
    fresh = hubspot("POST", "/crm/v3/objects/tickets", {"properties": {"subject": "New", "hs_pipeline_stage": "1"}})
    touched["tickets"].append(fresh["id"])
    found, _ = read(*OBJECTS, "engagements", saved=state["saved"])
    wanted = {name: sorted({*touched[name], *again[name]}) for name in OBJECTS}
    equal({name: record_ids(found[name]) for name in OBJECTS}, wanted)
    changed = sum(len(wanted[name]) for name in OBJECTS if name.startswith("engagements_"))
    assert 10 <= len(found["engagements"]) <= changed, len(found["engagements"])
    companies = dict.fromkeys(record for record, _ in pairs("contacts", "companies"))
    linked = {record["id"] for record in found["contacts"] if record.get("companies")}
    equal(linked, {record for record in companies if record in touched["contacts"]})


def newest(records):
    latest = max(record["updatedAt"] for record in records)
    return [record for record in records if record["updatedAt"] == latest]


@check("the full read rode out a limit and a bad gateway")
def _():
    everything()
    equal(injected(), {"429 GET /crm/v3/objects/contact": 1, "502 GET /crm/v3/objects/company": 1})


@check("nothing was refused but the bad token and what was injected")
def _():
    found = {call: count for call, count in refused().items() if not call.endswith("search")}
    equal(set(found), {"401 GET /properties/v2/contact/properties"})


run_all()
