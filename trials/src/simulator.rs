//! Starts `linchpin sim` on a free port, speaks with it, and stops it.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::{self, Running};
use crate::control::Control;
use crate::ledger::{Ledger, is_write};
use crate::records::Record;

/// The token that every trial uses; it opens nothing but a simulator.
pub const TOKEN: &str = "pat-test-trials";

/// A running simulator. Stops with its value.
#[derive(Debug)]
pub struct Simulator {
    control: Control,
    certificate: Option<PathBuf>,
    process: Running,
    _folder: TempDir,
}

impl Simulator {
    /// Starts one with further flags (`--tier`, `--latency-ms`, ...).
    ///
    /// # Panics
    /// If it does not say in time where it listens.
    pub fn start(flags: &[&str]) -> Self {
        Self::launch(tempfile::tempdir().expect("a folder can be made"), flags, None)
    }

    /// Starts one that also speaks HTTPS and is a proxy for clients whose host is fixed.
    ///
    /// # Panics
    /// As [`Simulator::start`].
    pub fn start_with_tls(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let certificate = folder.path().join("ca.pem");
        Self::launch(folder, flags, Some(certificate))
    }

    fn launch(folder: TempDir, flags: &[&str], certificate: Option<PathBuf>) -> Self {
        let tls = certificate.iter().flat_map(|path| ["--tls-ca", path.to_str().expect("a temporary path is text")]);
        let arguments = ["sim", "--port", "0", "--token", TOKEN].into_iter().chain(flags.iter().copied()).chain(tls);
        let mut process = Running::start(binary::command(arguments), folder.path(), "sim");
        let base = process.address();
        Self { control: Control::new(&base, TOKEN), certificate, process, _folder: folder }
    }

    /// The file of the certificate that HTTPS clients are to trust.
    pub fn certificate(&self) -> Option<&Path> {
        self.certificate.as_deref()
    }

    /// Its address.
    pub fn base(&self) -> &str {
        self.control.base()
    }

    /// Its client.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Its resident memory now and at its highest, in kilobytes.
    pub fn memory_kb(&self) -> (u64, u64) {
        self.process.memory_kb()
    }

    /// The running totals.
    pub fn stats(&self) -> Value {
        self.control.json(Method::GET, "/_control/stats", None)
    }

    /// The calls that were answered 429.
    pub fn rate_limited(&self) -> u64 {
        self.stats().get("rate_limited").and_then(Value::as_u64).expect("the totals count refused calls")
    }

    /// How many calls of any kind it has answered.
    pub fn requests(&self) -> u64 {
        self.stats().get("requests").and_then(Value::as_u64).expect("the totals count calls")
    }

    /// How many calls that write it has seen.
    pub fn writes(&self) -> u64 {
        let stats = self.stats();
        let routes = stats.get("by_route").and_then(Value::as_object).expect("the totals count routes");
        routes.iter().filter(|(route, _)| is_write(route)).filter_map(|(_, count)| count.as_u64()).sum()
    }

    /// What its clock says, in milliseconds.
    pub fn now(&self) -> i64 {
        let clock = self.control.json(Method::GET, "/_control/clock", None);
        clock.get("now_ms").and_then(Value::as_i64).expect("the clock says milliseconds")
    }

    /// Makes the trial's token one that HubSpot no longer accepts.
    pub fn revoke_token(&self) {
        self.control.json(Method::POST, "/_control/revoke", Some(&json!({"token": TOKEN})));
    }

    /// Every call so far.
    pub fn ledger(&self) -> Ledger {
        let read = |line| serde_json::from_value(line).expect("the ledger's lines have the documented fields");
        Ledger(self.control.lines("/_control/ledger").into_iter().map(read).collect())
    }

    /// Forgets totals and ledger; records stay.
    pub fn forget_calls(&self) {
        self.control.json(Method::POST, "/_control/reset", Some(&json!({"stats": true})));
    }

    /// Every live record of a type.
    pub fn dump(&self, object_type: &str) -> Vec<Record> {
        let lines = self.control.lines(&format!("/_control/dump/{object_type}"));
        lines.iter().map(Record::of_line).collect()
    }

    /// Loses the answers of this share of all calls under `/crm`, after they have been carried out.
    pub fn lose_answers(&self, share: f64) {
        let rule = json!([{
            "method": "POST", "path": "/crm/", "probability": share, "fault": {"kind": "lost_answer"}
        }]);
        self.control.json(Method::POST, "/_control/faults", Some(&rule));
    }

    /// Adds records or owners.
    pub fn seed(&self, spec: &Value) {
        self.control.json(Method::POST, "/_control/seed", Some(spec));
    }

    /// Every owner's id by e-mail address, as HubSpot's own endpoint tells it.
    pub fn owners(&self) -> std::collections::BTreeMap<String, String> {
        let page = self.control.json(Method::GET, "/crm/v3/owners?limit=500", None);
        let owners = page.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |owner: &Value, name: &str| owner.get(name).and_then(Value::as_str).map(str::to_owned);
        owners.iter().filter_map(|owner| Some((text(owner, "email")?, text(owner, "id")?))).collect()
    }
}
