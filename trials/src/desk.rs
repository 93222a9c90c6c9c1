//! The whole on one simulated clock: simulator, door, store and sync in one runtime without sockets.
//!
//! Time is tokio's paused clock, so hours pass in the time that the work takes; the same seed gives the same bytes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use linchpin_core::schedule::Permit;
use linchpin_core::schedule::lanes::Lane;
use linchpin_core::schedule::limits::{AppKind, Limits, Tier};
use linchpin_core::time::Wall;
use linchpin_core::verdict::{Cause, CauseKind, Outcome};
use linchpin_engine::clock::{Clock, TokioClock};
use linchpin_engine::dispatch::{Dispatch, Parts, UtcDays};
use linchpin_engine::hub::Hub;
use linchpin_engine::sync::{Context, Options, Sources};
use linchpin_engine::tasks::Tasks;
use linchpin_engine::upstream::Upstream;
use linchpin_hubspot::answer::Answer;
use linchpin_hubspot::call::{Auth, Call};
use linchpin_hubspot::id::{AppId, Install, PortalId};
use linchpin_hubspot::version::ApiVersion;
use linchpin_mapping::{Catalog, Compiled, SyncFile};
use linchpin_ports::credentials::{StaticCredentials, Token};
use linchpin_ports::store::Stores;
use linchpin_simulator::wire::Millis;
use linchpin_simulator::{APP_ID_DEFAULT, Broken, InProcess, PORTAL_ID_DEFAULT, SimOptions, TokenSpec};
use secrecy::ExposeSecret;

/// The token that opens the simulated portal.
pub const TOKEN: &str = "pat-test-1";

/// When trials begin: some Thursday noon.
pub const BEGINNING: Wall = Wall(1_767_268_800_000);

/// A simulated HubSpot with our door in front of it.
pub struct Desk {
    /// The simulator.
    pub simulator: InProcess,
    /// The door.
    pub dispatch: Dispatch,
    /// What sync works with.
    pub context: Context,
    tasks: Tasks,
}

impl Desk {
    /// Starts a simulator and a door; the tier of the door is the simulator's.
    ///
    /// # Panics
    /// If the simulator does not start or the store cannot be read: a trial without them is void.
    pub async fn start(options: SimOptions, tier: Tier, stores: Stores) -> Self {
        let tokens = vec![TokenSpec::new(TOKEN, APP_ID_DEFAULT)];
        let options = SimOptions { tokens, ..options };
        let simulator = InProcess::start(&options, Millis(BEGINNING.0)).expect("the simulator starts");
        Self::beside(simulator, options.seed, tier, stores).await
    }

    /// A door (as of a new process) in front of a simulator that is running already.
    ///
    /// # Panics
    /// If the store cannot be read.
    pub async fn beside(simulator: InProcess, seed: u64, tier: Tier, stores: Stores) -> Self {
        Self::with_token(simulator, seed, tier, stores, TOKEN.into()).await
    }

    /// A door whose calls carry another token.
    ///
    /// # Panics
    /// If the store cannot be read.
    pub async fn with_token(
        simulator: InProcess,
        seed: u64,
        tier: Tier,
        stores: Stores,
        token: secrecy::SecretString,
    ) -> Self {
        let tasks = Tasks::new();
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::new(BEGINNING));
        let parts = Parts {
            clock: Arc::clone(&clock),
            upstream: Arc::new(Wire(simulator.clone())),
            credentials: Arc::new(StaticCredentials::private_app(token)),
            records: Arc::clone(&stores.budget),
            days: Arc::new(UtcDays),
            seed,
        };
        let dispatch = Dispatch::start(&tasks, parts);
        let install = Install { portal: PortalId(PORTAL_ID_DEFAULT), app: AppId(APP_ID_DEFAULT) };
        let limits = Limits::of(tier, AppKind::Private, 0);
        dispatch.install(install, AppKind::Private, limits).await.expect("the install is registered");
        let hub = Hub::new(dispatch.clone(), install, ApiVersion::default(), Lane::Bulk, "trial");
        let context = Context { install, stores, hub, clock, options: Options { seed, ..Options::default() } };
        Self { simulator, dispatch, context, tasks }
    }

    /// A handle like the context's hub, in another lane.
    pub fn hub(&self, lane: Lane) -> Hub {
        Hub::new(self.dispatch.clone(), self.context.install, ApiVersion::default(), lane, "trial")
    }

    /// A control call: its body as text.
    ///
    /// # Panics
    /// If the simulator is gone.
    pub async fn control(&self, method: &str, path: &str, body: &str) -> String {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://simulator{path}"))
            .body(Bytes::from(body.to_owned()))
            .expect("a request");
        let answer = self.simulator.call(request).await.expect("the simulator answers control calls");
        String::from_utf8_lossy(answer.body()).into_owned()
    }

    /// One number of `GET /_control/stats`.
    pub async fn stat(&self, name: &str) -> u64 {
        let stats: serde_json::Value =
            serde_json::from_str(&self.control("GET", "/_control/stats", "").await).unwrap_or_default();
        stats.get(name).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX)
    }

    /// The door closes in order, the simulator goes on.
    ///
    /// # Panics
    /// If a task of the door panicked.
    pub async fn close(self) -> InProcess {
        self.tasks.shutdown().await.expect("no task panicked");
        self.simulator
    }
}

/// Puts calls straight into a simulator.
pub struct Wire(pub InProcess);

#[async_trait]
impl Upstream for Wire {
    async fn send(&self, _permit: Permit, token: &Token, call: &Call) -> Outcome {
        let mut request = http::Request::builder()
            .method(call.method.clone())
            .uri(format!("http://simulator{}", call.target()))
            .header("content-type", call.content.media_type());
        if call.auth == Auth::Bearer {
            request = request.header("authorization", format!("Bearer {}", token.secret.expose_secret()));
        }
        let request = match request.body(call.body.clone().unwrap_or_default()) {
            Ok(request) => request,
            Err(error) => {
                return Outcome::NotSent(Cause { kind: CauseKind::Build, detail: error.to_string() });
            }
        };
        match self.0.call(request).await {
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                Outcome::Answered(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
            }
            Err(broken @ (Broken::AnswerLost | Broken::Reset)) => {
                Outcome::Lost(Cause { kind: CauseKind::Closed, detail: broken.to_string() })
            }
            Err(stopped) => Outcome::NotSent(Cause { kind: CauseKind::Connect, detail: stopped.to_string() }),
        }
    }
}

/// Reads and compiles the `sync:` section of a configuration against a surveyed portal.
///
/// # Panics
/// If the mapping is broken: trials bring their own.
pub async fn compile(desk: &Desk, text: &str) -> (SyncFile, Compiled, linchpin_mapping::PortalSnapshot) {
    let file = linchpin_mapping::parse(text).expect("the mapping can be read");
    let portal = linchpin_engine::sync::survey(&desk.context.hub, &file).await.expect("the portal answers");
    let compiled = linchpin_mapping::compile(&file, &Catalog::default(), Some(&portal)).expect("the mapping is sound");
    (file, compiled, portal)
}

/// One source under one name.
pub fn sources(name: &str, source: Arc<dyn linchpin_ports::source::Source>) -> Sources {
    BTreeMap::from([(name.to_owned(), source)])
}
