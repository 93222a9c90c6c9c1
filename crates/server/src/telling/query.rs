//! What a question about events says.

use std::collections::BTreeMap;

use http::HeaderMap;
use linchpin_core::subscribers::filter::{Filter, NAMES_MAX};
use linchpin_core::time::Wall;
use linchpin_hubspot::id::{AppId, PortalId};
use linchpin_hubspot::value::instant_ms;

/// The longest question, in bytes.
const BYTES_MAX: usize = 16 * 1024;

/// Where somebody begins to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Beyond a place.
    After(u64),
    /// With what came in at a moment or later.
    Since(Wall),
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) portal: Option<PortalId>,
    pub(super) app: Option<AppId>,
    pub(super) from: Option<From>,
    pub(super) limit: Option<u16>,
    pub(super) filter: Filter,
}

impl Query {
    /// Reads what stands behind the question mark. Lists are repeated, or parted by commas.
    ///
    /// # Errors
    /// What is wrong with it, for the person who asked.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.len() > BYTES_MAX {
            return Err(format!("the query has more than {BYTES_MAX} bytes"));
        }
        let mut lists: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let number = |what: &str| value.parse().map_err(|_| format!("{name}: expected {what}"));
            match name.as_ref() {
                "portal" => query.portal = Some(PortalId(number("the number of an account")?)),
                "app" => query.app = Some(AppId(number("the number of an app")?)),
                "after" => query.set_from(From::After(number("a place: the `id` of an event, or 0")?))?,
                "since" => query.set_from(From::Since(moment(&value)?))?,
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=super::page::LIMIT_MAX).contains(limit));
                    let expected = || format!("limit: expected a number from 1 to {}", super::page::LIMIT_MAX);
                    query.limit = Some(limit.ok_or_else(expected)?);
                }
                "objectType" | "kind" | "property" => {
                    let list = ["objectType", "kind", "property"].into_iter().find(|list| *list == name);
                    let list = lists.entry(list.unwrap_or_default()).or_default();
                    list.extend(value.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned));
                    if list.len() > NAMES_MAX {
                        return Err(format!("{name}: more than {NAMES_MAX} names"));
                    }
                }
                other => {
                    let shown: String = other.chars().take(64).collect();
                    return Err(format!(
                        "{shown:?} is none of after, since, objectType, kind, property, portal, app and limit"
                    ));
                }
            }
        }
        let mut take = |list: &str| lists.remove(list).unwrap_or_default();
        query.filter = Filter::new(take("objectType"), take("kind"), take("property"));
        Ok(query)
    }

    fn set_from(&mut self, from: From) -> Result<(), String> {
        match self.from.replace(from) {
            None => Ok(()),
            Some(_) => Err("say after or since, once".to_owned()),
        }
    }
}

fn moment(text: &str) -> Result<Wall, String> {
    // A bare number is a moment to HubSpot; here it is more likely a place.
    let moment = instant_ms(text).filter(|_| text.contains('-'));
    moment.map(Wall).ok_or_else(|| "since: expected a moment such as 2026-01-31T12:00:00Z, or a date".to_owned())
}

/// Where a reader stopped that comes back.
///
/// # Errors
/// It is none of our ids.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.map(Some).ok_or_else(|| "Last-Event-ID: expected the `id` of an event".to_owned())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_question_is_read_whole() {
        let query = Query::read(
            "portal=1&app=2&since=2026-01-01T00%3A00%3A00%2B01:00&objectType=contact,deals&objectType=0-5&kind=creation&limit=7",
        )
        .unwrap();
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let filter = Filter::new(owned(&["contacts", "deals", "tickets"]), owned(&["creation"]), Vec::new());
        let expected = Query {
            portal: Some(PortalId(1)),
            app: Some(AppId(2)),
            from: Some(From::Since(Wall(1_767_222_000_000))),
            limit: Some(7),
            filter,
        };
        assert_eq!(query, expected);
        assert_eq!(Query::read("after=12").unwrap().from, Some(From::After(12)));
        assert_eq!(Query::read("since=2026-01-01").unwrap().from, Some(From::Since(Wall(1_767_225_600_000))));
        assert_eq!(Query::read("").unwrap(), Query::default());
    }

    #[test]
    fn a_wrong_question_says_what_is_wrong() {
        for (text, words) in [
            ("after=x", "a place"),
            ("after=-1", "a place"),
            ("since=yesterday", "2026-01-31T12:00:00Z"),
            ("since=12", "2026-01-31T12:00:00Z"),
            ("after=1&since=2026-01-01", "after or since"),
            ("limit=0", "from 1"),
            ("limit=99999", "from 1"),
            ("objecttype=contacts", "objectType"),
            ("portal=x", "an account"),
        ] {
            let why = Query::read(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        assert!(Query::read(&format!("kind={}", "a,".repeat(NAMES_MAX + 1))).is_err());
        let shown = |value| {
            HeaderMap::from_iter([(http::HeaderName::from_static("last-event-id"), HeaderValue::from_static(value))])
        };
        assert_eq!(last_event_id(&shown(" 12 ")), Ok(Some(12)));
        assert!(last_event_id(&shown("x")).is_err());
        assert_eq!(last_event_id(&HeaderMap::new()), Ok(None));
    }
}
