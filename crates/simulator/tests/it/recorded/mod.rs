//! Traffic that other projects recorded, played back: the same requests, and what HubSpot answered beside what the
//! simulator answers. The recordings live outside the repository; without them these tests say that they skip.

mod amp;
mod captures;
mod compare;
mod desk;
mod grouparoo;
mod lag;

mod quotes;
mod ruby;
mod timeline;

use std::{env, fs, path::PathBuf};

/// The folder of the recordings, or nothing after saying so.
fn folder() -> Option<PathBuf> {
    let Some(root) = env::var_os("LINCHPIN_SHARED").filter(|root| !root.is_empty()) else {
        println!("skipped: LINCHPIN_SHARED does not name the folder of the recordings");
        return None;
    };
    Some(PathBuf::from(root).join("hubspot/recordings"))
}

/// A file of the recordings.
fn text(name: &str) -> Option<String> {
    let path = folder()?.join(name);
    Some(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
