//! Lists, users and teams; families that come later.

use super::{Fact, absent, guessed, known};

const LISTS_GUIDE: &str = "HubSpot's lists guide and reference, 2025-2026";
const USERS_GUIDE: &str = "HubSpot's user provisioning guide and reference, 2025-2026";
const SILENT: &str = "no source; the stricter reading";

pub(super) const FACTS: &[Fact] = &[
    known(
        "lists",
        "manual lists and snapshots are made, read by id and by name, renamed, on version 3 and dated paths",
        LISTS_GUIDE,
        "a_list_is_made_and_read_on_all_paths_by_id_and_by_name",
    ),
    known(
        "lists",
        "a taken name is a 400 of subcategory ILS.DUPLICATE_LIST_NAMES",
        "the subcategory is handled by many clients, among them segmentio/action-destinations",
        "a_name_belongs_to_one_list_at_a_time",
    ),
    guessed(
        "lists",
        "names differ by more than case; a deleted list frees its name, and cannot be restored while another has it",
        SILENT,
        "a_name_belongs_to_one_list_at_a_time",
    ),
    known(
        "lists",
        "a deleted list can be restored for 90 days",
        LISTS_GUIDE,
        "a_deleted_list_comes_back_with_its_members_for_ninety_days",
    ),
    guessed(
        "lists",
        "reading a deleted list is the 404 of a list that never was",
        SILENT,
        "a_deleted_list_comes_back_with_its_members_for_ninety_days",
    ),
    guessed(
        "lists",
        "a DYNAMIC list, and a SNAPSHOT with filters, is refused with a 400: an empty one would be a lie",
        "HubSpot makes them; filters are not evaluated here",
        "a_list_that_would_fill_itself_is_refused",
    ),
    known(
        "lists",
        "adding and removing answers recordsIdsAdded (so spelt), recordIdsRemoved, recordIdsMissing",
        "HubSpot's lists reference; amp-labs and other clients read these keys",
        "members_are_added_and_removed_and_unknown_records_are_named",
    ),
    known(
        "lists",
        "members come by ascending record id, downwards with `before` alone, or in the order of joining; at most 250",
        "HubSpot's lists reference; the limit by estuary/connectors",
        "members_are_paged_by_id_and_by_the_order_of_joining",
    ),
    guessed(
        "lists",
        "a page of more than 250 members is a 400; the tokens are record ids and places",
        "no source for the refusal and the form of the tokens",
        "members_are_paged_by_id_and_by_the_order_of_joining",
    ),
    known(
        "lists",
        "the members of one list are added to another, or all removed, up to 100,000 of them, with a 204",
        LISTS_GUIDE,
        "a_list_takes_the_members_of_another_and_is_emptied_at_once",
    ),
    guessed(
        "lists",
        "archived records leave their lists; the survivor of a merge takes the places of both",
        SILENT,
        "archived_records_leave_their_lists_and_merged_ones_pass_their_place_on",
    ),
    guessed(
        "lists",
        "the lists of a record that does not exist are a 404, in a batch one error of a 207",
        SILENT,
        "a_record_knows_its_lists_alone_and_in_a_batch",
    ),
    known(
        "lists",
        "a search answers offset, hasMore, lists and total; additionalProperties are texts, empty ones left out",
        "answers recorded in the tests of amp-labs/connectors, 2025",
        "a_search_of_lists_pages_by_offset_and_shows_extras_as_text",
    ),
    guessed(
        "lists",
        "a search for more than 500 lists gets 500",
        "the reference allows 500; Airbyte's source asks for 1,000 and works",
        "a_search_of_lists_gives_at_most_five_hundred",
    ),
    known(
        "lists",
        "folders hold lists and folders: made, renamed, moved, deleted",
        LISTS_GUIDE,
        "folders_hold_lists_and_folders_and_are_deleted_empty",
    ),
    guessed(
        "lists",
        "only an empty folder is deleted, at most ten stand inside each other, and there are 1,000",
        SILENT,
        "no_more_than_ten_folders_stand_inside_each_other",
    ),
    known(
        "lists",
        "no list has an id of version 1: the mapping names every asked id as missing",
        LISTS_GUIDE,
        "no_list_has_an_id_of_the_first_version",
    ),
    absent("lists", "filters, dynamic lists and their evaluation", LISTS_GUIDE),
    absent("lists", "conversion of dynamic lists, history of sizes, `sort` of a search", LISTS_GUIDE),
    absent("lists", "list permissions and membership settings", LISTS_GUIDE),
    known(
        "users",
        "users are listed, read by id or by address (`idProperty=EMAIL`), made, changed and removed",
        USERS_GUIDE,
        "users_are_listed_on_all_paths_and_read_by_id_and_by_address",
    ),
    guessed(
        "users",
        "a user is an owner: removing one archives the owner, whose records keep their value",
        "owners without a user are documented; how the two are tied is not",
        "a_user_that_is_made_owns_records_and_one_that_is_removed_does_not",
    ),
    guessed(
        "users",
        "a known address is a 409, an unknown team or role a 400",
        SILENT,
        "teams_and_roles_of_a_user_exist_and_are_shown_by_owner_team_and_user",
    ),
    known(
        "users",
        "owners show their teams, the primary one marked; teams show their users",
        USERS_GUIDE,
        "teams_and_roles_of_a_user_exist_and_are_shown_by_owner_team_and_user",
    ),
    known("users", "version 3 knows seats, dated versions do not", USERS_GUIDE, "seats_are_shown_by_version_3_alone"),
    known(
        "owners",
        "archived owners come with `archived=true` alone and have no userId; pages have at most 500",
        "Airbyte's source and HubSpot's owners guide",
        "owners_without_teams_do_not_name_them_and_pages_have_at_most_five_hundred",
    ),
    absent("owners", "owners of type QUEUE", "HubSpot's owners reference"),
    absent("users", "records of the object type `users` (0-115), and writing teams", USERS_GUIDE),
    known(
        "later families",
        "flows, workflows, sequences, imports, forms, marketing events, e-mails, campaigns, subscriptions, conversations, \
         event definitions, files, blogs, pages, tables, redirects, meeting links, business units, audit logs: lists are \
         empty, in the shape of an account without any",
        "HubSpot's API reference of each family",
        "lists_of_families_that_come_later_are_truthfully_empty",
    ),
    known(
        "later families",
        "the rest of these families, exports and timeline events included, is an unknown path",
        "not built; the page is that of any unknown path",
        "everything_else_of_them_is_an_unknown_path",
    ),
    known(
        "later families",
        "workflow actions, calling settings and event templates refuse a private app's token with a 401",
        "a live probe of April 2026 (Luigi08001/hscli)",
        "calls_for_developers_refuse_the_token_of_a_private_app",
    ),
    guessed(
        "later families",
        "sequences without userId and events without a type are 400s with the words of the probe",
        "a live probe of April 2026 (Luigi08001/hscli), the bodies cut",
        "lists_under_a_condition_say_what_they_miss",
    ),
    known(
        "later families",
        "import 0 and a workflow id that is no number are refused in words",
        "a live probe of April 2026 (Luigi08001/hscli)",
        "ids_that_cannot_be_are_refused_even_there",
    ),
];
