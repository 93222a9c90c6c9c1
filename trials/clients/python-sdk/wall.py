"""A search that is paged to its wall with HubSpot's new Python SDK: ten thousand results, and the rest behind them.

What is refused beyond the wall stands among the errors.
"""

from hubspot_sdk import HubSpot

from checks import BASE_URL, TOKEN, check, control, equal

WALL = 10_000
PAGE = 200
BEYOND = 50

# Five searches a second are allowed, and this reads as fast as it can: the SDK waits and tries again.
line_items = HubSpot(access_token=TOKEN, base_url=BASE_URL, max_retries=4).crm.objects.line_items
found = []


def search(after_id, after="0"):
    behind = {"property_name": "hs_object_id", "operator": "GT", "value": after_id}
    return line_items.search(
        filter_groups=[{"filters": [behind]}], sorts=["hs_object_id"], properties=["hs_object_id"], limit=PAGE,
        after=after,
    )


@check("a search is paged through ten thousand results, each once and in order")
def _():
    zero = line_items.create(associations=[], properties={"name": "The one before"}).id
    control("POST", "seed", {"line_items": WALL + BEYOND})
    after = "0"
    while len(found) < WALL:
        page = search(zero, after)
        equal((page.total, len(page.results)), (WALL + BEYOND, PAGE))
        found.extend(int(one.id) for one in page.results)
        after = page.paging.next.after
        equal(after, str(len(found)))
    equal(found, sorted(set(found)))
    assert found[0] > int(zero), found[0]


@check("a search that starts again behind the last result has the rest")
def _():
    equal(len(found), WALL)
    rest = search(str(found[-1]))
    equal((rest.total, len(rest.results), rest.paging), (BEYOND, BEYOND, None))
