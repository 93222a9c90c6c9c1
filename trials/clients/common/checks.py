"""Runs named checks one after another and reports them: the plan, a line a check, the totals.

It knows nothing of HubSpot but the simulator's control calls.
"""

import contextlib
import json
import os
import re
import sys
import time
import urllib.request

# A state that is waited for comes within this time.
STATE_LIMIT_S = 10
LOOK_AGAIN_S = 0.2
CONTROL_LIMIT_S = 10
# The window of HubSpot's limits, in milliseconds.
WINDOW_MS = 10_000
MESSAGE_MAX = 1_000


def _demand(name):
    value = os.environ.get(name)
    if not value:
        sys.exit(f"set {name}")
    return value


BASE_URL = _demand("HUBSPOT_BASE_URL")
TOKEN = _demand("HUBSPOT_TOKEN")

# Every name, address and key is new, so that a program can run again against the same simulator.
_RUN = format(int(time.time() * 1_000), "x")
_numbers = iter(range(1, 1_000_000))
_checks = []


def fresh(word):
    """A name that nothing has yet."""
    return f"{word}_{_RUN}_{next(_numbers)}"


def address(word="c"):
    """An e-mail address that nobody has yet."""
    return f"{fresh(word)}@example.test".lower()


def check(name):
    """Adds a function as the check of this name."""

    def add(function):
        _checks.append((name, function))
        return function

    return add


def run_all():
    """Runs all checks and ends the process. Each file of checks has a window of the limits to itself."""
    print(f"1..{len(_checks)}", flush=True)
    failed, module = 0, None
    for name, function in _checks:
        if module not in (None, function.__module__):
            control("POST", "clock", {"advance_ms": WINDOW_MS})
        module = function.__module__
        try:
            function()
        except Exception as error:  # noqa: BLE001: whatever goes wrong in a check is a failed check
            failed += 1
            print(f"not ok {name}: {_one_line(error)}", flush=True)
        else:
            print(f"ok {name}", flush=True)
    print(f"{len(_checks) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def equal(found, wanted):
    """Demands that two values are equal, and says both if they are not."""
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def contains(whole, part):
    """Demands that a value is in another, and says both if it is not."""
    assert part in whole, f"{part!r} is not in {whole!r}"


def eventually(ask, satisfies):
    """Asks again until the answer satisfies: new definitions become visible late."""
    end = time.monotonic() + STATE_LIMIT_S
    while True:
        answer = ask()
        if satisfies(answer):
            return answer
        assert time.monotonic() < end, f"never came: {answer!r}"
        time.sleep(LOOK_AGAIN_S)


def now():
    """What the simulator's clock says, in seconds."""
    return json.loads(control("GET", "clock"))["now_ms"] / 1_000


@contextlib.contextmanager
def fault(path, kind, times=1, **more):
    """Arms a fault for the calls of the block."""
    control("POST", "faults", {"path": path, "times": times, "fault": {"kind": kind, **more}})
    try:
        yield
    finally:
        control("DELETE", "faults")


def control(method, path, body=None):
    """The answer of one of the simulator's control calls."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE_URL}/_control/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=CONTROL_LIMIT_S) as answer:
        return answer.read()


def _one_line(error):
    text = re.sub(r"\s+", " ", str(error)) or "no message"
    return f"{type(error).__name__}: {text}"[:MESSAGE_MAX]
