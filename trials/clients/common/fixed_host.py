"""Runs programs whose host is fixed: they take the simulator for their HTTPS proxy and trust its certificate.

It also fills the simulator's account and reads it back, as the owner of the account would.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from checks import BASE_URL, TOKEN, control, eventually

CA = os.environ.get("HUBSPOT_CA") or sys.exit("set HUBSPOT_CA to the file of `linchpin sim --tls-ca`")
RUN_LIMIT_S = 150
CALL_LIMIT_S = 30
BATCH_MAX = 100
EXCERPT = 600
ENGAGEMENTS = {
    "calls": "hs_call_title",
    "emails": "hs_email_subject",
    "meetings": "hs_meeting_title",
    "notes": "hs_note_body",
    "tasks": "hs_task_subject",
}
CUSTOM = "boat"

_TRUST = pathlib.Path(__file__).resolve().parent / "trust"
_folder = tempfile.TemporaryDirectory()
_home = pathlib.Path(_folder.name)


def write(name, value):
    """Writes a file of JSON and returns its path."""
    path = _home / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def run(program, *arguments):
    """Runs one of the installed programs and returns its lines of JSON."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(_home),
        "HTTPS_PROXY": BASE_URL,
        "HUBSPOT_CA": CA,
        "PYTHONPATH": str(_TRUST),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TZ": "UTC",
    }
    path = pathlib.Path(sys.executable).parent / program
    ended = subprocess.run(
        [path, *arguments], cwd=_home, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        timeout=RUN_LIMIT_S, check=False, text=True, encoding="utf-8",
    )
    said = f"{ended.stderr[-EXCERPT:]} {ended.stdout[-EXCERPT:]}"
    assert ended.returncode == 0, f"{program} {arguments[0]} ended with {ended.returncode}: {said}"
    try:
        whole = json.loads(ended.stdout)
        return [whole]
    except json.JSONDecodeError:
        return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


def hubspot(method, path, body=None):
    """One call of the owner of the account."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    request = urllib.request.Request(f"{BASE_URL}{path}", data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=CALL_LIMIT_S) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read()[:EXCERPT]}") from error


def in_batches(method, path, inputs):
    """The results of a batch call with as many inputs as one likes."""
    results = []
    for at in range(0, len(inputs), BATCH_MAX):
        results += hubspot(method, path, {"inputs": inputs[at : at + BATCH_MAX]})["results"]
    return results


def fill(**counts):
    """Fills the account: records with associations, engagements of each type, a custom object."""
    engagements, custom = counts.pop("engagements"), counts.pop("custom")
    control("POST", "seed", {**counts, "associate": True})
    now = int(time.time() * 1_000)
    contact = ids("contacts")[0]
    for object_type, words in ENGAGEMENTS.items():
        texts = [f"{object_type} {number}" for number in range(engagements)]
        inputs = [{"properties": {"hs_timestamp": str(now), words: text}} for text in texts]
        made = in_batches("POST", f"/crm/v3/objects/{object_type}/batch/create", inputs)
        hubspot("PUT", f"/crm/v4/objects/{object_type}/{made[0]['id']}/associations/default/contacts/{contact}")
    hubspot("POST", "/crm/v3/schemas", {
        "name": CUSTOM,
        "labels": {"singular": "Boat", "plural": "Boats"},
        "primaryDisplayProperty": "name",
        "requiredProperties": ["name"],
        "associatedObjects": ["CONTACT"],
        "properties": [
            {"name": "name", "label": "Name", "type": "string", "fieldType": "text"},
            {"name": "length", "label": "Length", "type": "number", "fieldType": "number"},
        ],
    })
    path = f"/crm/v3/objects/p_{CUSTOM}/batch/create"
    eventually(lambda: hubspot("GET", f"/crm/v3/schemas/p_{CUSTOM}"), lambda schema: len(schema["properties"]) > 2)
    in_batches("POST", path, [{"properties": {"name": f"boat {n}", "length": str(n)}} for n in range(custom)])
    # What is changed last has a moment of its own, so that a bookmark at that moment holds few records.
    for object_type in [*counts, *ENGAGEMENTS, f"p_{CUSTOM}"]:
        if object_type != "owners":
            touch(object_type, 1)


def touch(object_type, count):
    """Changes the first records of a type in a batch and returns their ids."""
    time.sleep(0.01)
    words = {**ENGAGEMENTS, "contacts": "jobtitle", "deals": "description", "companies": "description",
             "products": "description", "line_items": "description", "tickets": "content"}.get(object_type, "name")
    changed = ids(object_type)[:count]
    inputs = [{"id": record, "properties": {words: f"changed {time.time()}"}} for record in changed]
    in_batches("POST", f"/crm/v3/objects/{object_type}/batch/update", inputs)
    return changed


def dump(object_type):
    """Every live record of a type, as the simulator keeps it."""
    return [json.loads(line) for line in control("GET", f"dump/{object_type}").splitlines()]


def ids(object_type):
    """The ids of every live record of a type, ascending."""
    return [record["id"] for record in dump(object_type)]


def pairs(object_type, to_type):
    """Every association between two types, once."""
    return sorted({
        (record["id"], link["toObjectId"])
        for record in dump(object_type)
        for link in record["associations"]
        if link["toObjectType"] == to_type
    })


def forget_calls():
    """Empties the simulator's book of calls."""
    control("POST", "reset", {"stats": True})


def refused():
    """How many calls were refused, by status and route; what was injected is left out."""
    return _refusals(False)


def injected():
    """How many calls an injected fault refused, by status and route."""
    return _refusals(True)


def _refusals(by_fault):
    calls = [json.loads(line) for line in control("GET", "ledger").splitlines()]
    refusals = [call for call in calls if (call["status"] or 999) >= 400 and bool(call["fault"]) == by_fault]
    return collections.Counter(f"{call['status']} {call['route']}" for call in refusals)
