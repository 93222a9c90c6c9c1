//! Help for this crate's own tests: answers made of text, and recordings that the environment may offer.

use std::path::PathBuf;

use bytes::Bytes;
use http::HeaderMap;

use crate::answer::Answer;

/// An answer with this body.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

/// The text of a recording below `$LINCHPIN_SHARED/hubspot/recordings`; none, with a printed reason, without it.
pub(crate) fn recording(name: &str) -> Option<String> {
    let Some(shared) = std::env::var_os("LINCHPIN_SHARED") else {
        println!("skipped: LINCHPIN_SHARED is not set, so there is no recording {name}");
        return None;
    };
    let path = PathBuf::from(shared).join("hubspot/recordings").join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("recording {}: {error}", path.display())))
}
