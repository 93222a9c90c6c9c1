//! How much one call may hold, and how long names and values may be.
//!
//! Where HubSpot is silent or sources differ, the smaller number stands and its doc comment says so.

/// Inputs of one batch of objects or properties
/// (<https://developers.hubspot.com/docs/guides/crm/using-object-apis>; 101 are a 400).
pub const BATCH_INPUTS_MAX: usize = 100;
/// Inputs of one batch read that asks for `propertiesWithHistory`; more are a 400 with a message of its own
/// (PipedreamHQ/pipedream#8462).
pub const BATCH_INPUTS_WITH_HISTORY_MAX: usize = 50;
/// Largest `limit` of a list of objects; the default is 10.
pub const LIST_MAX: u32 = 100;
/// Largest `limit` of a list of objects with `propertiesWithHistory`.
pub const LIST_WITH_HISTORY_MAX: u32 = 50;
/// Longest value of a text property, in characters.
pub const VALUE_CHARS_MAX: usize = 65_536;
/// Longest path with query that is sure to pass, in bytes: the edge answers 414 beyond a length that sources put
/// between 8 KB and 32 KB. Reads with more properties go through a batch read or a search.
pub const TARGET_BYTES_MAX: usize = 7_000;

/// Largest `limit` of a search.
pub const SEARCH_LIMIT_MAX: u32 = 200;
/// `after` plus `limit` of a search may not pass this; further records need another filter.
pub const SEARCH_WINDOW_MAX: u64 = 10_000;
/// Groups of filters in a search. The documentation of 2025 and 2026; a changelog of 2024 allowed more.
pub const SEARCH_GROUPS_MAX: usize = 5;
/// Filters in one group.
pub const SEARCH_FILTERS_PER_GROUP_MAX: usize = 6;
/// Filters in all groups together.
pub const SEARCH_FILTERS_MAX: usize = 18;
/// Characters of a search's `query`.
pub const SEARCH_QUERY_CHARS_MAX: usize = 3_000;

/// Inputs of one association batch read. The documentation says 1,000, one changelog 100 (airbytehq/airbyte#48834):
/// the stricter holds until it is measured.
pub const ASSOCIATION_BATCH_READ_MAX: usize = 100;
/// Inputs of one association batch create or default associate (third-party statement; HubSpot is silent).
pub const ASSOCIATION_BATCH_CREATE_MAX: usize = 2_000;
/// Distinct `from` records of one association batch archive (third-party statement; HubSpot is silent).
pub const ASSOCIATION_BATCH_ARCHIVE_MAX: usize = 100;
/// Largest `limit` of the associations of one record (the specification's default; no maximum is written anywhere).
pub const ASSOCIATION_LIST_MAX: u32 = 500;
/// Labels that an account may define between two object types (HubSpot's documentation; a live probe met 50 types
/// with a 437 for the next).
pub const LABELS_MAX: usize = 10;

/// Custom properties with unique values per object type, set at creation only.
pub const UNIQUE_PROPERTIES_MAX: usize = 10;
/// Stages of one pipeline of deals, tickets or custom objects; 30 elsewhere.
pub const STAGES_MAX: usize = 100;
/// Searchable properties of a custom object (<https://developers.hubspot.com/docs/api-reference/search/guide>).
pub const SEARCHABLE_PROPERTIES_MAX: usize = 20;

/// Owners per page: HubSpot's default. A maximum of 500 is said by third parties alone (estuary/connectors).
pub const OWNERS_LIST_MAX: u32 = 100;
/// Users per page (HubSpot's default and, where it is silent about a maximum, ours).
pub const USERS_LIST_MAX: u32 = 100;

/// Largest `count` of a search of lists
/// (<https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide>; the default is 20).
pub const LIST_SEARCH_MAX: u32 = 500;
/// Largest `limit` of a list's members (estuary/connectors pages by 250).
pub const MEMBERSHIPS_LIST_MAX: u32 = 250;
/// Records of one change of memberships
/// (<https://developers.hubspot.com/docs/api-reference/crm-lists-v3/guide>; the same page copies up to 100,000 from
/// another list).
pub const MEMBERSHIPS_CHANGE_MAX: usize = 100_000;

/// Webhook subscriptions of one app; the next one is a 400.
pub const WEBHOOK_SUBSCRIPTIONS_MAX: usize = 1_000;
/// Requests that a webhook target may be sent at once must be more than this (HubSpot's webhooks guide; default 10).
pub const WEBHOOK_CONCURRENCY_ABOVE: u32 = 5;
/// Entries of one batch read of the journal. HubSpot is silent: the number of every other batch.
pub const JOURNAL_BATCH_MAX: usize = 100;

/// A call that HubSpot would refuse for its size, found before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {found} are more than the {max} that HubSpot takes in one call")]
pub struct OverLimit {
    /// What there is too much of (`filters`, `inputs of a batch read`).
    pub what: &'static str,
    /// How much there is.
    pub found: u64,
    /// How much HubSpot takes.
    pub max: u64,
}

/// Compares one number with its limit.
pub(crate) fn at_most<N: TryInto<u64>, M: TryInto<u64>>(what: &'static str, found: N, max: M) -> Result<(), OverLimit> {
    let (found, max) = (found.try_into().unwrap_or(u64::MAX), max.try_into().unwrap_or(u64::MAX));
    if found <= max { Ok(()) } else { Err(OverLimit { what, found, max }) }
}

/// Cuts inputs into as few lists as a batch's limit allows, in their order; none when there are none.
///
/// ```
/// let cut = linchpin_hubspot::limits::sizes::cut(vec![1, 2, 3, 4, 5], 2);
/// assert_eq!(cut, [vec![1, 2], vec![3, 4], vec![5]]);
/// ```
pub fn cut<T>(inputs: Vec<T>, max: usize) -> Vec<Vec<T>> {
    let mut lists: Vec<Vec<T>> = Vec::new();
    for input in inputs {
        match lists.last_mut() {
            Some(list) if list.len() < max => list.push(input),
            Some(_) | None => lists.push(vec![input]),
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_limit_is_met_by_itself_and_passed_by_one_more() {
        assert_eq!(at_most("x", 5_usize, 5_u32), Ok(()));
        let over = at_most("filters", 6_usize, 5_u32).expect_err("one too many");
        assert_eq!(over.to_string(), "filters: 6 are more than the 5 that HubSpot takes in one call");
    }

    proptest! {
        #[test]
        fn cutting_keeps_everything_in_order_and_within_the_limit(
            inputs in proptest::collection::vec(any::<u8>(), 0..300), max in 1_usize..120,
        ) {
            let lists = cut(inputs.clone(), max);
            prop_assert!(lists.iter().all(|list| !list.is_empty() && list.len() <= max));
            prop_assert_eq!(lists.len(), inputs.len().div_ceil(max));
            prop_assert_eq!(lists.concat(), inputs);
        }
    }
}
