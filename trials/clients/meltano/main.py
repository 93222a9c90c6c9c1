"""Meltano's HubSpot tap, its own program unchanged, against the simulator: discovery, a full sync, a sync of changes.

HUBSPOT_BASE_URL=http://127.0.0.1:4010 HUBSPOT_TOKEN=pat-test-1 HUBSPOT_CA=ca.pem python main.py

The simulator runs with --tls-ca ca.pem and with --index-lag off, so that a search sees what was just written.
"""

import collections
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "common"))

from checks import TOKEN, check, equal, fault, run_all
from fixed_host import CUSTOM, ENGAGEMENTS, dump, fill, forget_calls, hubspot, ids, pairs, refused, run, touch, write

PROGRAM = "tap-hubspot"
COUNTS = {
    "contacts": 230, "companies": 120, "deals": 110, "tickets": 105, "products": 103, "line_items": 104, "owners": 4,
}
ENGAGEMENTS_EACH = 12
CUSTOM_COUNT = 107
FULLY_NAMED = f"p{hubspot('GET', '/account-info/v3/details')['portalId']}_{CUSTOM}"
ASSOCIATIONS = "contact_company_associations"
# Those that are searched for what has changed since the bookmark, and those that are listed each time.
SEARCHED = ["contacts", "companies", "deals", "line_items", *ENGAGEMENTS, FULLY_NAMED]
LISTED = ["products", "tickets"]
# Their types have no records in this account.
EMPTY = [
    "leads", "quotes", "goal_targets", "communications", "postal_mail", "feedback_submissions", "email_subscriptions",
]
OTHERS = ["owners", "deal_pipelines", "ticket_pipelines", "properties", ASSOCIATIONS]

state = {}


def config():
    return write("config.json", {
        "access_token": TOKEN,
        "start_date": "2020-01-01T00:00:00Z",
        "custom_object_types": [FULLY_NAMED],
        "associations": {"contact": ["company"]},
    })


def catalog():
    if "catalog" not in state:
        (found,) = run(PROGRAM, "--config", config(), "--discover")
        state["catalog"] = {stream["tap_stream_id"]: stream for stream in found["streams"]}
    return state["catalog"]


def sync(*names, saved=None):
    """Syncs streams; the records by stream and the last state."""
    streams = list(catalog().values())
    for stream in streams:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in names
    arguments = ["--config", config(), "--catalog", write("catalog.json", {"streams": streams})]
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
        state["records"], state["saved"] = sync(*SEARCHED, *LISTED, *EMPTY, *OTHERS)
    return state["records"]


def keys(records, name):
    return sorted(record["id"] for record in records[name])


fill(engagements=ENGAGEMENTS_EACH, custom=CUSTOM_COUNT, **COUNTS)
forget_calls()


@check("the catalog has the streams, the account's properties and the custom object")
def _():
    equal({*SEARCHED, *LISTED, *EMPTY, *OTHERS} - set(catalog()), set())
    for name, field in [("contacts", "email"), ("tasks", "hs_task_subject"), (FULLY_NAMED, "length")]:
        assert field in catalog()[name]["schema"]["properties"]["properties"]["properties"], f"{name} without {field}"


@check("a full sync has every record once")
def _():
    names = [*SEARCHED, *LISTED]
    equal({name: keys(everything(), name) for name in names}, {name: sorted(ids(name)) for name in names})
    equal({name: len(everything()[name]) for name in EMPTY}, dict.fromkeys(EMPTY, 0))


@check("owners, pipelines and definitions are all there")
def _():
    equal(len(everything()["owners"]), COUNTS["owners"])
    equal([one["pipelineId"] for one in everything()["deal_pipelines"]], ["default"])
    equal([one["pipelineId"] for one in everything()["ticket_pipelines"]], ["0"])
    assert "hs_note_body" in {one["name"] for one in everything()["properties"]}


@check("associations are the account's, each with its type")
def _():
    found = [(one["from_id"], one["to_id"], one["association_type_id"]) for one in everything()[ASSOCIATIONS]]
    equal(len(found), len(set(found)))
    equal(sorted({(one, other) for one, other, _ in found}), pairs("contacts", "companies"))
    equal({kind for _, _, kind in found}, {1, 279})


@check("a record has the account's values")
def _():
    for name, fields in [("contacts", ["email", "firstname", "city"]), (FULLY_NAMED, ["name", "length"])]:
        kept = {record["id"]: record["properties"] for record in dump(name)}
        for record in everything()[name]:
            values = kept[record["id"]]
            equal([record["properties"][field] for field in fields], [values.get(field) for field in fields])


@check("a second sync has what was changed and nothing else")
def _():
    # What was changed at the very moment of the bookmark comes again.
    again = {name: newest(dump(name)) for name in SEARCHED}
    touched = {name: touch(name, 3) for name in SEARCHED}
    found, _ = sync(*SEARCHED, saved=state["saved"])
    wanted = {name: sorted({*touched[name], *again[name]}) for name in SEARCHED}
    equal({name: keys(found, name) for name in SEARCHED}, wanted)


def newest(records):
    latest = max(record["updatedAt"] for record in records)
    return [record["id"] for record in records if record["updatedAt"] == latest]


@check("a sync rides out a limit and a bad gateway and loses nothing")
def _():
    with fault("/crm/v3/objects/tickets", "rate_limit", policy="ten_secondly"):
        with fault("/crm/v3/objects/products", "status", status=502):
            found, _ = sync("tickets", "products")
    equal({name: keys(found, name) for name in LISTED}, {name: sorted(ids(name)) for name in LISTED})


@check("nothing was refused but the searches beyond five a second")
def _():
    found = [call for call in refused() if not (call.startswith("429 POST ") and call.endswith("/search"))]
    equal(found, [])


run_all()
