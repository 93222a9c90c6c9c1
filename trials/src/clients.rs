//! Installs and runs other people's clients: the programs below `trials/clients/`.
//!
//! A client is installed once into `target/clients/<name>` and again whenever the files that pin it change. The program
//! itself sees nothing but the search path, the simulator's address and its token. It prints how many checks it has
//! (`1..N`), a line for each (`ok NAME`, `not ok NAME: why`) and the totals; [`Report`] reads that.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::binary::{Ended, Running};
use crate::simulator::{Simulator, TOKEN};

/// Downloads from a registry on a bad day.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// A program that hangs has failed; those that read a whole account start others, each of which takes seconds.
const RUN_LIMIT: Duration = Duration::from_secs(480);
/// Written last: a folder without it is half an installation.
const STAMP: &str = "installed";

/// What a client is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// `package.json`, `package-lock.json` and `main.js`, which imports `clients/common/checks.mjs`.
    Node,
    /// `requirements.txt` and `main.py`, which imports from `clients/common`.
    Python,
    /// The same for packages that refuse Python 3.12 and newer.
    Python311,
}

/// Interpreters by name, and the condition that one of them must meet.
struct Interpreter {
    names: &'static [&'static str],
    condition: &'static str,
    advice: &'static str,
}

const PYTHON: Interpreter = Interpreter {
    names: &["python3"],
    condition: "import venv, ensurepip",
    advice: "install Python 3.11 or newer with venv (Debian: apt-get install python3 python3-venv)",
};

const PYTHON_311: Interpreter = Interpreter {
    names: &["python3.11", "python3.10", "python3"],
    condition: "import venv, ensurepip, sys; sys.exit(not (3, 10) <= sys.version_info < (3, 12))",
    advice: "install Python 3.11 with venv (Debian: apt-get install python3.11 python3.11-venv)",
};

/// A client that drives the simulator.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its folder below `trials/clients/`.
    pub name: &'static str,
    /// What it runs on.
    pub platform: Platform,
}

impl Client {
    /// Installs the client if need be, and runs its program against a simulator.
    ///
    /// # Panics
    /// If it cannot be installed or started, or does not end in time.
    pub fn run(&self, simulator: &Simulator) -> Report {
        self.run_at(simulator.base(), simulator.certificate())
    }

    /// The same against whatever listens at an address and knows the trial's token.
    ///
    /// # Panics
    /// As [`Client::run`].
    pub fn run_at(&self, base: &str, certificate: Option<&Path>) -> Report {
        let home = self.install();
        let (program, script) = match self.platform {
            Platform::Node => (PathBuf::from("node"), home.join("main.js")),
            Platform::Python | Platform::Python311 => (python_of(&home), self.source().join("main.py")),
        };
        let mut command = Command::new(&program);
        command.arg(script).current_dir(&home).env_clear().stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HUBSPOT_BASE_URL", base).env("HUBSPOT_TOKEN", TOKEN);
        command.envs(certificate.map(|path| ("HUBSPOT_CA", path)));
        // Nothing is written beside the sources.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let ended = Running::start(command, &home, "run").wait(RUN_LIMIT);
        let report = Report::of(&ended.out);
        assert!(report.planned > 0, "{}: no plan; out: {}; err: {}", self.name, ended.out, ended.err);
        report
    }

    /// Installs the client if need be, and runs a piece of code with it, as a guide shows it.
    ///
    /// # Panics
    /// As [`Client::run`].
    pub fn run_snippet(&self, code: &str) -> Ended {
        let home = self.install();
        let (program, name) = match self.platform {
            Platform::Node => (PathBuf::from("node"), "snippet.mjs"),
            Platform::Python | Platform::Python311 => (python_of(&home), "snippet.py"),
        };
        fs::write(home.join(name), code).expect("the client's folder takes files");
        let mut command = Command::new(&program);
        command.arg(name).current_dir(&home).env_clear().stdin(Stdio::null());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        Running::start(command, &home, "snippet").wait(RUN_LIMIT)
    }

    fn source(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(self.name)
    }

    /// The files that pin what is installed.
    fn pins(&self) -> &'static [&'static str] {
        match self.platform {
            Platform::Node => &["package.json", "package-lock.json", ".npmrc"],
            Platform::Python | Platform::Python311 => &["requirements.txt"],
        }
    }

    /// Makes the client's folder below the target directory what its sources say, and tells where it is.
    ///
    /// # Panics
    /// If it cannot be installed.
    pub fn install(&self) -> PathBuf {
        let (source, home) = (self.source(), cache().join(self.name));
        let stamp: String = self.pins().iter().map(|name| text(&source.join(name))).collect();
        if fs::read_to_string(home.join(STAMP)).ok().as_ref() != Some(&stamp) {
            if home.exists() {
                fs::remove_dir_all(&home).expect("the installed client can be removed");
            }
            fs::create_dir_all(&home).expect("the target directory takes folders");
            self.copy(&home, self.pins());
            match self.platform {
                Platform::Node => node(&home),
                Platform::Python => python(&home, &PYTHON),
                Platform::Python311 => python(&home, &PYTHON_311),
            }
            fs::write(home.join(STAMP), stamp).expect("the client's folder takes files");
        }
        if self.platform == Platform::Node {
            // Node looks for packages above the program, so it runs from where they are.
            self.copy_programs(&home);
            share_checks(&self.source(), &home);
        }
        home
    }

    /// The program and the parts of it that stand beside it.
    fn copy_programs(&self, home: &Path) {
        for entry in fs::read_dir(self.source()).expect("a client has a folder") {
            let path = entry.expect("a client's folder can be read").path();
            if path.extension().is_some_and(|ending| ending == "js") {
                fs::copy(&path, home.join(path.file_name().unwrap_or_default()))
                    .expect("a client's files can be copied");
            }
        }
    }

    fn copy(&self, home: &Path, names: &[&str]) {
        for name in names {
            fs::copy(self.source().join(name), home.join(name)).expect("a client's files can be copied");
        }
    }
}

/// Puts what the Node programs share beside the installed clients, whole at any moment: another trial may read it.
fn share_checks(source: &Path, home: &Path) {
    const NAME: &str = "checks.mjs";
    let (from, to) = (source.with_file_name("common"), home.with_file_name("common"));
    fs::create_dir_all(&to).expect("the target directory takes folders");
    let half = to.join(format!("{NAME}.{}", std::process::id()));
    fs::copy(from.join(NAME), &half).expect("a client's files can be copied");
    fs::rename(half, to.join(NAME)).expect("a client's files can be copied");
}

/// Beside the profiles, so that both share it: `target/clients`.
fn cache() -> PathBuf {
    // target/<profile>/deps/<this trial>
    let own = std::env::current_exe().expect("a running program has a path");
    let target = own.ancestors().nth(3).expect("trials are built into target/<profile>/deps");
    target.join("clients")
}

fn node(home: &Path) {
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"];
    demand("node", &["--version"], "install Node 20 or newer (Debian: apt-get install nodejs)", home);
    demand("npm", &["--version"], "install npm (Debian: apt-get install npm)", home);
    install("npm", &[&["ci"], &quiet[..]].concat(), home);
}

fn python(home: &Path, wanted: &Interpreter) {
    let fits = |name: &&&str| succeeds(name, &["-c", wanted.condition], home);
    let name = wanted.names.iter().find(fits).copied().unwrap_or_default();
    assert!(!name.is_empty(), "none of {} will do: {}", wanted.names.join(", "), wanted.advice);
    install(name, &["-m", "venv", "venv"], home);
    let quiet = ["--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:"];
    let line = [&["-m", "pip", "install"], &quiet[..], &["--requirement", "requirements.txt"]].concat();
    install(python_of(home), &line, home);
}

fn python_of(home: &Path) -> PathBuf {
    home.join("venv").join("bin").join("python")
}

/// Panics with what to do if a program is not there.
fn demand(program: &str, arguments: &[&str], advice: &str, home: &Path) {
    let line = arguments.join(" ");
    assert!(succeeds(program, arguments, home), "`{program} {line}` fails: {advice}");
}

fn succeeds(program: &str, arguments: &[&str], home: &Path) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Runs a step of an installation with the environment as it is: it may name a proxy or a mirror.
fn install(program: impl AsRef<OsStr>, arguments: &[&str], home: &Path) {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).current_dir(home).stdin(Stdio::null());
    // What is built from source is built with the pinned tools; pip changed the name of the setting.
    for name in ["PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"] {
        command.env(name, "requirements.txt");
    }
    let ended = Running::start(command, home, "install").wait(INSTALL_LIMIT);
    let line = format!("{} {}", program.as_ref().to_string_lossy(), arguments.join(" "));
    assert_eq!(ended.code, Some(0), "{line}\nout: {}\nerr: {}", ended.out, ended.err);
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("a client's folder has the files that pin it")
}

/// What a client's program said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many checks it announced.
    pub planned: usize,
    /// The names of those that passed.
    pub passed: Vec<String>,
    /// Those that failed, each with the reason.
    pub failed: Vec<String>,
    /// Its last line.
    pub totals: String,
}

impl Report {
    /// Reads a program's output; other lines than those of the protocol are passed over.
    fn of(out: &str) -> Self {
        let totals = out.lines().last().unwrap_or_default().to_owned();
        let mut report = Self { totals, ..Self::default() };
        for line in out.lines() {
            if let Some(count) = line.strip_prefix("1..") {
                report.planned = count.parse().unwrap_or_default();
            } else if let Some(name) = line.strip_prefix("ok ") {
                report.passed.push(name.to_owned());
            } else if let Some(failure) = line.strip_prefix("not ok ") {
                report.failed.push(failure.to_owned());
            }
        }
        report
    }

    /// Demands that every announced check ran and passed.
    ///
    /// # Panics
    /// If one did not.
    pub fn demand_all(&self) {
        assert_eq!(self.failed, Vec::<String>::new());
        assert_eq!(self.passed.len(), self.planned, "the program ended early, after: {:?}", self.passed.last());
        assert_eq!(self.totals, format!("{} passed, 0 failed", self.planned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_line_by_line() {
        let report = Report::of("1..3\nok one\nsome noise\nnot ok two: why\nok three\n2 passed, 1 failed\n");
        let wanted = Report {
            planned: 3,
            passed: vec!["one".into(), "three".into()],
            failed: vec!["two: why".into()],
            totals: "2 passed, 1 failed".into(),
        };
        assert_eq!(report, wanted);
    }

    #[test]
    fn a_report_of_all_checks_satisfies() {
        Report::of("1..2\nok one\nok two\n2 passed, 0 failed\n").demand_all();
    }

    #[test]
    #[should_panic(expected = "two: why")]
    fn a_failed_check_does_not_satisfy() {
        Report::of("1..2\nok one\nnot ok two: why\n1 passed, 1 failed\n").demand_all();
    }

    #[test]
    #[should_panic(expected = "ended early")]
    fn a_check_that_never_ran_does_not_satisfy() {
        Report::of("1..2\nok one\n1 passed, 0 failed\n").demand_all();
    }

    #[test]
    #[should_panic(expected = "do that")]
    fn an_interpreter_that_does_not_fit_is_named_with_what_to_do() {
        python(
            Path::new("."),
            &Interpreter { names: &["false", "linchpin-no-such-program"], condition: "", advice: "do that" },
        );
    }

    #[test]
    #[should_panic(expected = "do this")]
    fn a_missing_program_is_named_with_what_to_do() {
        demand("linchpin-no-such-program", &["--version"], "do this", Path::new("."));
    }
}
