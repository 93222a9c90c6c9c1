//! The admin interface under `/linchpin/v1`: what the gateway does, for people and programs that watch it.
//!
//! It changes nothing but dead letters ([`dead_letters`]), and takes orders about subscribers ([`crate::telling`]). It
//! opens to one key of its own, which no caller has; without such a key it is closed.
//! Every answer is one of [`shapes`], every refusal a [`shapes::Problem`] with a code to look up, and
//! [`openapi`] describes them all.

pub mod dead_letters;
pub mod openapi;
mod openapi_telling;
pub mod shapes;
pub(crate) mod view;

use std::fmt;

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Method};
use linchpin_hubspot::answer::Answer;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::shapes::Problem;
pub use self::view::State;

/// The first segments of every path of the admin interface.
pub const BASE: &str = "/linchpin/v1";

/// Who may look, and what is known of the credential with HubSpot.
pub struct Admin {
    key: Option<[u8; 32]>,
    granted: Option<Vec<String>>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("open", &self.key.is_some()).field("granted", &self.granted).finish()
    }
}

impl Admin {
    /// Nobody may look.
    pub fn closed() -> Self {
        Self { key: None, granted: None }
    }

    /// Whoever shows this key may look. `granted` are the scopes of the token, if HubSpot told them.
    pub fn new(key: &SecretString, granted: Option<Vec<String>>) -> Self {
        Self { key: Some(digest(key.expose_secret())), granted }
    }

    /// Whether a path belongs to the admin interface.
    pub(crate) fn is_path(path: &str) -> bool {
        path.strip_prefix("/linchpin").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What is at a path, for whoever shows these headers.
    ///
    /// # Errors
    /// A refusal: closed, a wrong credential, nothing there, or a method other than GET.
    pub(crate) fn admit(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<Page, Problem> {
        let page = PAGES.iter().find(|page| path.strip_prefix(BASE).is_some_and(|rest| rest == page.path));
        // The description says nothing about this gateway, so it needs no key.
        if page.is_none_or(|page| page.page != Page::Description) {
            self.authorize(headers)?;
        }
        let page = page.ok_or_else(|| Problem::new(404, "LP5203", format!("nothing of Linchpin is at {path}")))?;
        if method != Method::GET {
            return Err(Problem::new(405, "LP5204", format!("{path} can only be read: use GET")));
        }
        Ok(page.page)
    }

    /// Whether these headers open it.
    ///
    /// # Errors
    /// A refusal: it is closed, or they do not.
    pub(crate) fn authorize(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(key) = self.key else {
            return Err(Problem::new(
                404,
                "LP5201",
                "the admin interface is closed: no key is configured for it".to_owned(),
            ));
        };
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.split_once(' '));
        let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, secret)| secret.trim());
        match shown {
            None => Err(Problem::new(401, "LP5202", "the admin interface wants its key".to_owned())),
            // Digests are compared, so the time that it takes tells nothing about the key.
            Some(shown) if digest(shown) == key => Ok(()),
            Some(_) => Err(Problem::new(403, "LP5202", "this credential does not open the admin interface".to_owned())),
        }
    }

    /// A page, as it looks now.
    pub(crate) fn answer(&self, page: Page, state: Option<&State>) -> Answer {
        if page == Page::Description {
            return json(200, "application/json", &openapi::document());
        }
        let Some(state) = state else {
            return problem(&Problem::new(503, "LP5205", "the door to HubSpot is closed".to_owned()));
        };
        let kind = "application/json";
        match page {
            Page::Portals => json(200, kind, &state.portals()),
            Page::Callers => json(200, kind, &state.callers()),
            Page::Lanes => json(200, kind, &state.lanes()),
            Page::Counters => json(200, kind, &state.counters()),
            Page::Breakers => json(200, kind, &state.breakers()),
            Page::Journals => json(200, kind, &state.journals()),
            Page::Usage => json(200, kind, &state.usage(self.granted.as_deref())),
            // Answered by the face, which has the store.
            Page::Operations => json(200, kind, &shapes::Operations::default()),
            Page::Description => json(200, kind, &openapi::document()),
        }
    }
}

/// One thing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Portals,
    Callers,
    Lanes,
    Counters,
    Breakers,
    Journals,
    Usage,
    Operations,
    Description,
}

/// A page, where it is, and what it shows in a sentence.
struct Entry {
    page: Page,
    path: &'static str,
    shape: &'static str,
    summary: &'static str,
}

/// Every page of the interface: what is served, and what is described.
const PAGES: [Entry; 9] = [
    Entry {
        page: Page::Portals,
        path: "/portals",
        shape: "Portals",
        summary: "The accounts, with every budget: used, limit, and who waits for it.",
    },
    Entry {
        page: Page::Callers,
        path: "/callers",
        shape: "Callers",
        summary: "Who may call, in which lane, and what each has asked for.",
    },
    Entry {
        page: Page::Lanes,
        path: "/lanes",
        shape: "Lanes",
        summary: "The lanes, most urgent first: calls so far, and calls that wait.",
    },
    Entry { page: Page::Counters, path: "/counters", shape: "Counters", summary: "Everything that is counted." },
    Entry {
        page: Page::Breakers,
        path: "/breakers",
        shape: "Breakers",
        summary: "The circuit breaker of each account and family of endpoints.",
    },
    Entry {
        page: Page::Journals,
        path: "/journals",
        shape: "Journals",
        summary: "The webhooks journals: how far each is read, and what only one of webhooks and journal has told.",
    },
    Entry {
        page: Page::Usage,
        path: "/usage",
        shape: "Usage",
        summary: "Calls by caller and route: made, needed, saved, and why some travel alone; scopes granted and used.",
    },
    Entry {
        page: Page::Operations,
        path: "/operations",
        shape: "Operations",
        summary: "The last writes that were promised (`Prefer: respond-async`, `Idempotency-Key`), the newest first.",
    },
    Entry { page: Page::Description, path: "/openapi.json", shape: "", summary: "This description." },
];

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A refusal, as an answer.
pub(crate) fn problem(problem: &Problem) -> Answer {
    let mut answer = json(problem.status, "application/problem+json", problem);
    if problem.status == 401 {
        answer.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem.status == 405 {
        answer.headers.insert(ALLOW, HeaderValue::from_static("GET"));
    }
    answer
}

pub(crate) fn json(status: u16, kind: &'static str, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).expect("invariant: the shapes are plain data");
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Answer { status, headers, body: Bytes::from(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(credential: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Bearer {credential}")).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn refused(admin: &Admin, method: &Method, path: &str, headers: &HeaderMap) -> (u16, &'static str) {
        let problem = admin.admit(method, path, headers).unwrap_err();
        (problem.status, problem.code)
    }

    #[test]
    fn only_its_own_key_opens_it() {
        let admin = Admin::new(&"admin-key-1".into(), None);
        let path = "/linchpin/v1/portals";
        assert_eq!(admin.admit(&Method::GET, path, &shown("admin-key-1")).unwrap(), Page::Portals);
        assert_eq!(refused(&admin, &Method::GET, path, &HeaderMap::new()), (401, "LP5202"));
        for wrong in ["", "admin-key-", "admin-key-12", "ADMIN-KEY-1"] {
            assert_eq!(refused(&admin, &Method::GET, path, &shown(wrong)), (403, "LP5202"), "{wrong}");
        }
        assert!(!format!("{admin:?}").contains("admin-key"));
    }

    #[test]
    fn without_a_key_it_is_closed_and_says_what_to_do() {
        let problem = Admin::closed().admit(&Method::GET, "/linchpin/v1/usage", &shown("")).unwrap_err();
        assert_eq!((problem.status, problem.code), (404, "LP5201"));
        assert!(problem.to_do.contains("gateway.admin.key"), "{}", problem.to_do);
    }

    #[test]
    fn the_description_is_for_everybody_and_a_stranger_learns_no_paths() {
        for admin in [Admin::closed(), Admin::new(&"admin-key-1".into(), None)] {
            let page = admin.admit(&Method::GET, "/linchpin/v1/openapi.json", &HeaderMap::new());
            assert_eq!(page.unwrap(), Page::Description);
        }
        let admin = Admin::new(&"admin-key-1".into(), None);
        assert_eq!(refused(&admin, &Method::GET, "/linchpin/v1/nothing", &shown("other")), (403, "LP5202"));
        assert_eq!(refused(&admin, &Method::GET, "/linchpin/v1/nothing", &shown("admin-key-1")), (404, "LP5203"));
        assert_eq!(refused(&admin, &Method::POST, "/linchpin/v1/portals", &shown("admin-key-1")), (405, "LP5204"));
    }

    #[test]
    fn only_our_own_paths_are_ours() {
        for (path, ours) in [
            ("/linchpin", true),
            ("/linchpin/v1/portals", true),
            ("/linchpins/v1", false),
            ("/crm/v3/objects/linchpin/1", false),
        ] {
            assert_eq!(Admin::is_path(path), ours, "{path}");
        }
    }
}
