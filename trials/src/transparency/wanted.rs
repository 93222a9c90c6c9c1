//! A call, and both ways of making it on a desk: directly, and through the gateway's face.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use linchpin_core::schedule::lanes::Lane;
use linchpin_engine::dispatch::UtcDays;
use linchpin_engine::gateway::{Coalesce, Gateway};
use linchpin_server::admin::Admin;
use linchpin_server::callers::{Caller, Callers};
use linchpin_server::gateway::{Face, Refusals};
use linchpin_simulator::InProcess;
use serde_json::Value;

use super::compare::Seen;
use crate::desk::{Desk, TOKEN};

/// The address of both worlds in links and `Location`.
pub const HOST_NAME: &str = "simulator";

/// A call, as both ways of making it need it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The body; empty for none.
    pub body: String,
}

impl Wanted {
    /// A call with a JSON body, or none if it is null.
    pub fn new(method: &Method, target: impl Into<String>, body: &Value) -> Self {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Self { method: method.to_string(), target: target.into(), body }
    }

    /// A read.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(&Method::GET, target, &Value::Null)
    }

    /// Whether its effect, or its answer, depends on how often it was made before.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }

    /// The request, with the trial's token.
    ///
    /// # Panics
    /// If it cannot be written as one.
    pub fn request(&self) -> Request<Bytes> {
        let request = Request::builder().method(self.method.as_str()).uri(&self.target);
        let request = request.header(HOST, HOST_NAME).header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        let request = request.header(CONTENT_TYPE, "application/json");
        request.body(Bytes::from(self.body.clone())).expect("a trial's call is well-formed")
    }
}

/// What a simulator says to a call.
///
/// # Panics
/// If it has stopped.
pub async fn direct(simulator: &InProcess, wanted: &Wanted) -> Seen {
    read(&simulator.call(wanted.request()).await.expect("the simulator answers"))
}

/// Reads an answer.
pub fn read(answer: &Response<Bytes>) -> Seen {
    Seen::of(answer.status().as_u16(), answer.headers(), answer.body())
}

/// The gateway's face before a desk, for the trial's own token.
pub fn face(desk: &Desk, coalesce: Coalesce, seed: u64) -> Face {
    face_for(desk, coalesce, seed, TOKEN)
}

/// The gateway's face before a desk, for whoever shows a credential.
pub fn face_for(desk: &Desk, coalesce: Coalesce, seed: u64, credential: &str) -> Face {
    let (install, clock, dispatch) = (desk.context.install, Arc::clone(&desk.context.clock), desk.dispatch.clone());
    let gateway = Gateway::new(dispatch.clone(), install, coalesce, Arc::clone(&clock), seed);
    let mut callers = Callers::default();
    assert!(callers.admit(&credential.into(), Caller::new("trial", Lane::Interactive)), "a new credential");
    Face {
        gateway: Arc::new(gateway),
        operations: None,
        dispatch,
        install,
        callers,
        guests: None,
        days: Arc::new(UtcDays),
        upstream: format!("http://{HOST_NAME}"),
        clock,
        admin: Admin::closed(),
        refusals: Refusals::default(),
        webhooks: None,
        journal: linchpin_engine::journal::Journals::default(),
        follow: None,
        telling: None,
    }
}

/// All calls at once through the gateway, answered in their order.
pub async fn together(face: &Face, calls: &[Wanted]) -> Vec<Seen> {
    let calls = calls.iter().map(|wanted| async { read(&face.respond(wanted.request()).await) });
    futures_util::future::join_all(calls).await
}
