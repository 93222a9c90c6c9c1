//! What a trial may be told by its environment: how much of what.
//!
//! The defaults are what every change runs; the long proofs set larger numbers.

#![expect(clippy::disallowed_methods, reason = "the environment is where a trial is told its parameters")]

use std::fmt::Display;
use std::str::FromStr;

/// The value of `LINCHPIN_TRIAL_<name>`, or the default.
///
/// # Panics
/// If the variable is set to something that cannot be read: a proof that ignores its parameter proves something else.
pub fn parameter<T: FromStr + Display>(name: &str, default: T) -> T {
    let name = format!("LINCHPIN_TRIAL_{name}");
    let Ok(text) = std::env::var(&name) else { return default };
    let Ok(value) = text.parse() else { invalid(&name, &text) };
    value
}

#[expect(clippy::panic, reason = "a wrong parameter ends the trial")]
fn invalid(name: &str, text: &str) -> ! {
    panic!("{name} cannot be {text:?}")
}

/// The folder of reference material, if there is one. Prints why a trial is skipped otherwise.
#[expect(clippy::print_stdout, reason = "a skipped trial says so")]
pub fn shared(trial: &str) -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("LINCHPIN_SHARED").map(std::path::PathBuf::from);
    if folder.is_none() {
        println!("skipped: {trial} needs LINCHPIN_SHARED");
    }
    folder
}
