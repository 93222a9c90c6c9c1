"""Lists, pipelines' rules, users and owners with HubSpot's own Python client."""

import json

from hubspot import HubSpot
from hubspot.crm.lists import ListCreateRequest, ListSearchRequest, MembershipChangeRequest
from hubspot.settings.users import PublicUserUpdate, UserProvisionRequest
from urllib3.util.retry import Retry

from checks import BASE_URL, TOKEN, address, check, contains, equal, fresh

hub = HubSpot(access_token=TOKEN, host=BASE_URL, retry=Retry(total=0))
lists, members, folders = hub.crm.lists.lists_api, hub.crm.lists.memberships_api, hub.crm.lists.folders_api
contacts, owners, users = hub.crm.contacts.basic_api, hub.crm.owners.owners_api, hub.settings.users.users_api
UNKNOWN_ID = "999999999999"


def new_list(processing_type="MANUAL", name=None):
    asked = ListCreateRequest(name=name or fresh("List"), object_type_id="0-1", processing_type=processing_type)
    return lists.create(asked).list


def new_contacts(count):
    return [contacts.create({"properties": {}}).id for _ in range(count)]


def record_ids(page):
    return [member.record_id for member in page.results]


def refusal(status, call, *args, **kwargs):
    """The error body of a call that must fail with this status."""
    try:
        answer = call(*args, **kwargs)
    except Exception as error:
        if getattr(error, "status", None) != status:
            raise
        return json.loads(error.body)
    raise AssertionError(f"expected {status}, got {answer!r}")


@check("a list is made, found, renamed, deleted and restored")
def _():
    made = new_list()
    equal(lists.get_by_name(made.name, "0-1").list.list_id, made.list_id)
    name = fresh("Renamed")
    equal(lists.update_name(made.list_id, list_name=name).updated_list.name, name)
    equal(len(lists.get_all(list_ids=[made.list_id]).lists), 1)
    lists.remove(made.list_id)
    refusal(404, lists.get_by_id, made.list_id)
    lists.restore(made.list_id)
    equal(lists.get_by_id(made.list_id).list.name, name)


@check("a taken list name is refused by its subcategory")
def _():
    equal(refusal(400, new_list, name=new_list().name)["subCategory"], "ILS.DUPLICATE_LIST_NAMES")


@check("members join, leave and are paged in both orders")
def _():
    listed, ids = new_list("SNAPSHOT").list_id, new_contacts(3)
    by_id = sorted(ids, key=int)
    added = members.add(listed, [*ids, UNKNOWN_ID])
    equal((sorted(added.records_ids_added, key=int), added.record_ids_missing), (by_id, [UNKNOWN_ID]))
    first = members.get_page(listed, limit=2)
    rest = members.get_page(listed, limit=2, after=first.paging.next.after)
    equal(record_ids(first) + record_ids(rest), by_id)
    equal(rest.paging, None)
    change = MembershipChangeRequest(record_ids_to_add=[], record_ids_to_remove=[by_id[0]])
    equal(members.add_and_remove(listed, change).record_ids_removed, [by_id[0]])
    other = new_list().list_id
    members.add_all_from_list(other, listed)
    equal(len(members.get_page_ordered_by_added_to_list_date(other).results), 2)
    equal(sorted(known.list_id for known in members.get_lists("0-1", by_id[1]).results), sorted([listed, other]))
    contacts.archive(by_id[1])
    equal(record_ids(members.get_page(listed)), [by_id[2]])
    members.remove_all(listed)
    equal(members.get_page(listed).results, [])


@check("a search of lists pages by offset")
def _():
    word = fresh("Sought")
    for place in range(3):
        new_list(name=f"{word} {place}")
    first = lists.do_search(ListSearchRequest(query=word, offset=0, count=2))
    equal((first.has_more, first.offset, first.total), (True, 2, 3))
    equal(first.lists[0].additional_properties["hs_list_size"], "0")
    rest = lists.do_search(ListSearchRequest(query=word, offset=first.offset, count=2))
    equal((rest.has_more, len(rest.lists)), (False, 1))


@check("a list moves into a folder")
def _():
    listed, folder = new_list().list_id, folders.create({"name": fresh("Folder")}).folder.id
    folders.move_list({"listId": listed, "newFolderId": folder})
    equal(folders.get_all(folder_id=folder).folder.child_lists, [int(listed)])
    refusal(400, folders.remove, folder)
    folders.move_list({"listId": listed, "newFolderId": "0"})
    folders.remove(folder)


@check("a stage without a probability and a label that is taken are refused")
def _():
    pipelines, stages = hub.crm.pipelines.pipelines_api, hub.crm.pipelines.pipeline_stages_api

    def stage(label, order, metadata):
        return {"label": label, "displayOrder": order, "metadata": metadata}

    half = {"probability": "0.5"}
    made = pipelines.create("deals", {"label": fresh("P"), "displayOrder": 1, "stages": [stage("A", 0, half)]})
    refusal(400, stages.create, "deals", made.id, stage("B", 1, {}))
    taken = refusal(400, stages.create, "deals", made.id, stage(" a ", 1, half))
    equal(taken["subCategory"], "PipelineError.STAGE_LABEL_EXISTS")
    replaced = pipelines.replace(
        "deals", made.id, {"label": fresh("New"), "displayOrder": 2, "stages": [stage("C", 0, half)]}
    )
    equal([known.label for known in replaced.stages], ["C"])
    audits = hub.crm.pipelines.pipeline_audits_api.get_audit("deals", made.id)
    equal([entry.action for entry in audits.results], ["UPDATE", "CREATE"])


@check("a user is made, becomes an owner, is changed and removed")
def _():
    email = address("user")
    made = users.create(UserProvisionRequest(email=email, send_welcome_email=False))
    equal(users.get_by_id(email, id_property="EMAIL").id, made.id)
    equal(users.replace(made.id, PublicUserUpdate(secondary_team_ids=[])).email, email)
    owner = owners.get_by_id(int(made.id), id_property="userId")
    equal(owner.email, email)
    users.archive(made.id)
    refusal(404, users.get_by_id, made.id)
    equal(owners.get_by_id(int(owner.id), archived=True).archived, True)


@check("users, teams and roles are listed")
def _():
    contains(range(3, 1_000), len(users.get_page(limit=100).results))
    equal(hub.settings.users.teams_api.get_all().results, [])
    equal(hub.settings.users.roles_api.get_all().results, [])
