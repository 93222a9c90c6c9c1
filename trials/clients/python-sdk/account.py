"""Lists, users, limits and families without content with HubSpot's new Python SDK (dated paths)."""

import hubspot_sdk
from hubspot_sdk import HubSpot

from checks import BASE_URL, TOKEN, address, check, contains, equal, fresh

# Refuses an answer that the SDK's own models do not allow.
hub = HubSpot(access_token=TOKEN, base_url=BASE_URL, max_retries=0, _strict_response_validation=True)
lists, users, limits = hub.crm.lists, hub.settings.users, hub.crm.limits
UNKNOWN_ID = "999999999999"


def new_list(processing_type="MANUAL", name=None):
    return lists.create(name=name or fresh("List"), object_type_id="0-1", processing_type=processing_type).list


def new_contacts(count):
    return [hub.crm.objects.contacts.create(associations=[], properties={}).id for _ in range(count)]


def refusal(kind, call, *args, **kwargs):
    """The error body of a call that must fail in this way."""
    try:
        answer = call(*args, **kwargs)
    except kind as error:
        return error.body
    raise AssertionError(f"expected {kind.__name__}, got {answer!r}")


@check("a list is made, found and deleted")
def _():
    made = new_list()
    equal(lists.get_by_object_type_and_name(made.name, object_type_id="0-1").list.list_id, made.list_id)
    equal(len(lists.list(list_ids=[made.list_id]).lists), 1)
    taken = refusal(hubspot_sdk.BadRequestError, new_list, name=made.name)
    equal(taken["subCategory"], "ILS.DUPLICATE_LIST_NAMES")
    lists.delete(made.list_id)
    refusal(hubspot_sdk.NotFoundError, lists.get, made.list_id)


@check("members join and are paged by the SDK's own iterator")
def _():
    listed, ids = new_list("SNAPSHOT").list_id, new_contacts(5)
    added = lists.add_memberships(listed, body=[*ids, UNKNOWN_ID])
    equal(added.record_ids_missing, [UNKNOWN_ID])
    walked = [member.record_id for member in lists.list_memberships(listed, limit=2)]
    equal(walked, sorted(ids, key=int))
    change = lists.add_and_remove_memberships(listed, record_ids_to_add=[], record_ids_to_remove=[ids[0]])
    equal(change.record_ids_removed, [ids[0]])
    inputs = [{"object_type_id": "0-1", "record_id": ids[1]}]
    batch = lists.batch_read_memberships(inputs=inputs)
    equal([known.list_id for known in batch.results[0].record_list_memberships], [listed])
    equal(lists.get_record_memberships(ids[0], object_type_id="0-1").results, [])
    lists.delete_memberships(listed)
    equal(list(lists.get_memberships_join_order(listed)), [])


@check("a search of lists pages by offset")
def _():
    word = fresh("Sought")
    for place in range(3):
        new_list(name=f"{word} {place}")
    asked = {"list_ids": [], "processing_types": [], "query": word, "count": 2}
    first = lists.list_by_search(offset=0, **asked)
    equal((first.has_more, first.offset, first.total), (True, 2, 3))
    equal(len(lists.list_by_search(offset=first.offset, **asked).lists), 1)


@check("a list moves into a folder")
def _():
    listed, folder = new_list().list_id, lists.create_folder(name=fresh("Folder")).folder.id
    lists.move_list(list_id=listed, new_folder_id=folder)
    equal(lists.list_folders(folder_id=folder).folder.child_lists, [int(listed)])


@check("a user is made, changed and removed")
def _():
    email = address("user")
    made = users.create(email=email, send_welcome_email=False)
    equal(users.update(made.id, first_name="Rey").first_name, "Rey")
    equal(users.get(email, id_property="EMAIL").id, made.id)
    contains([known.id for known in users.list(limit=100)], made.id)
    users.delete(made.id)
    refusal(hubspot_sdk.NotFoundError, users.get, made.id)
    equal((users.list_teams().results, users.list_roles().results), ([], []))


@check("the limits of the account are told")
def _():
    [before] = [one.usage for one in limits.get_record_limits().hubspot_defined_object_types if one.object_type_id == "0-1"]
    new_contacts(2)
    [after] = [one.usage for one in limits.get_record_limits().hubspot_defined_object_types if one.object_type_id == "0-1"]
    equal(after - before, 2)
    equal(limits.get_custom_object_type_limits().limit, 20)
    assert limits.get_custom_property_limits().overall_limit > 0
    assert limits.get_calculated_property_limits().overall_limit > 0
    assert limits.get_pipeline_limits().hubspot_defined_object_types[0].usage >= 1
    limits.get_association_label_limits()
    equal(limits.get_association_records_limits_from_objects().results, [])
    full = limits.get_association_records_limits_by_object_type("0-2", from_object_type_id="0-1")
    equal(full.total_records_at_limit, 0)


@check("families without content are empty")
def _():
    equal(list(hub.account.activity.list_audit_logs()), [])
    equal(list(hub.account.activity.list_login_activities()), [])
    equal(list(hub.crm.imports.list()), [])
    equal(list(hub.marketing.campaigns.list()), [])
    equal(list(hub.marketing.emails.list()), [])
