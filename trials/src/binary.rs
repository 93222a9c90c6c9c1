//! Finds and runs the binary `linchpin`.
//!
//! It is the one that `LINCHPIN_TRIAL_BINARY` names, or the one that was built beside this trial. The binary sees a
//! bare environment, so that a developer's settings cannot change a trial.

#![expect(clippy::disallowed_methods, reason = "real processes are waited for in real time")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Between two looks at a state that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// A server says where it listens within this, also where it has to migrate and to read a store.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Where the binary is.
///
/// # Panics
/// If it has not been built.
pub fn path() -> PathBuf {
    let named = std::env::var_os("LINCHPIN_TRIAL_BINARY").map(PathBuf::from);
    let path = named.unwrap_or_else(|| {
        // target/<profile>/deps/<this trial>
        let own = std::env::current_exe().expect("a running program has a path");
        let profile = own.parent().and_then(Path::parent).expect("trials are built into target/<profile>/deps");
        profile.join("linchpin")
    });
    assert!(path.is_file(), "{} is not built: run `cargo build --workspace`", path.display());
    path
}

/// A command of the binary with an environment of nothing but the search path.
pub fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(path());
    command.args(arguments).env_clear().stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// A process of the binary that is running.
#[derive(Debug)]
pub struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Starts a command; what it says goes to files in `folder`, so that no pipe can fill up.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(mut command: Command, folder: &Path, name: &str) -> Self {
        let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
        let file = |path: &Path| File::create(path).expect("the trial's folder takes files");
        let child = command.stdout(file(&out)).stderr(file(&err)).spawn().expect("the binary starts");
        Self { child, out, err }
    }

    /// Its resident memory now and at its highest, in kilobytes, as Linux tells it.
    ///
    /// # Panics
    /// If it does not tell.
    pub fn memory_kb(&self) -> (u64, u64) {
        let status = read(Path::new(&format!("/proc/{}/status", self.child.id())));
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("the kernel tells the memory")
        };
        (number("VmRSS:"), number("VmHWM:"))
    }

    /// What it has written to standard output.
    pub fn out(&self) -> String {
        read(&self.out)
    }

    /// What it has written to standard error.
    pub fn err(&self) -> String {
        read(&self.err)
    }

    /// Waits until it says where it listens: `http://127.0.0.1:4110`.
    ///
    /// # Panics
    /// If it does not in time.
    pub fn address(&mut self) -> String {
        let mut base = None;
        until(START_LIMIT, || {
            base = address(&self.out());
            base.is_some() || self.has_ended()
        });
        let base = base.unwrap_or_default();
        assert!(!base.is_empty(), "it does not listen; out: {}; err: {}", self.out(), self.err());
        base
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// Kills it as power loss would: no signal that it could handle, no last word.
    pub fn kill(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        // An error means that it is gone already, which is what we want.
        drop(self.child.kill());
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it has not ended after `limit`.
    pub fn wait(mut self, limit: Duration) -> Ended {
        let ended = until(limit, || self.has_ended());
        assert!(ended, "still running after {limit:?}; out: {}; err: {}", self.out(), self.err());
        let status = self.child.wait().expect("a child can be waited for");
        Ended { code: status.code(), out: self.out(), err: self.err() }
    }
}

/// The address in the line that a server prints when it is ready.
fn address(out: &str) -> Option<String> {
    let complete = out.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete.lines().find_map(|line| line.strip_prefix("listening on ")).map(|base| base.trim().to_owned())
}

impl Drop for Running {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.stop();
        }
    }
}

/// A process of the binary that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// All of its standard output.
    pub out: String,
    /// All of its standard error.
    pub err: String,
}

impl Ended {
    /// The JSON object on the last line of standard output.
    ///
    /// # Panics
    /// If that line is none.
    pub fn json(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(last).unwrap_or(Value::Null);
        assert!(value.is_object(), "the last line is no JSON object; out: {}; err: {}", self.out, self.err);
        value
    }

    /// A value in the JSON object on the last line, by JSON pointer; null if it is not there.
    ///
    /// # Panics
    /// If the last line is no JSON object.
    pub fn value(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// Itself, if it ended with this code.
    ///
    /// # Panics
    /// If it ended otherwise.
    #[expect(clippy::return_self_not_must_use, reason = "an assertion first; its value is a convenience")]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// Looks until `state` holds; whether it did before `limit`.
pub fn until(limit: Duration, mut state: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if state() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_read_only_when_it_is_whole() {
        assert_eq!(address("token pat\nlistening on http://127.0.0.1:41"), None);
        assert_eq!(
            address("token pat\nlistening on http://127.0.0.1:4110\n").as_deref(),
            Some("http://127.0.0.1:4110")
        );
    }

    fn shell(script: &str, folder: &Path) -> Running {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Running::start(command, folder, "shell")
    }

    #[test]
    fn a_process_is_waited_for_and_heard() {
        let folder = tempfile::tempdir().expect("a folder");
        let ended = shell("echo first; echo '{\"ok\":true}'; echo note >&2; exit 3", folder.path());
        let ended = ended.wait(Duration::from_secs(20)).with_code(3);
        assert_eq!(ended.json()["ok"], true);
        assert_eq!(ended.err, "note\n");
    }

    #[test]
    fn a_killed_process_says_nothing_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let script = "trap 'echo caught' TERM INT; echo begun; while :; do sleep 0.01; done";
        let mut running = shell(script, folder.path());
        assert!(until(Duration::from_secs(20), || running.out() == "begun\n"));
        assert!(!running.has_ended());
        running.kill();
        assert_eq!(read(&folder.path().join("shell.out")), "begun\n");
    }
}
