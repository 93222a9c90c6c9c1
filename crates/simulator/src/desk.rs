//! The driver of a hub: one task owns the machine, its dice and its clock; everybody else holds an
//! [`InProcess`] handle.
//!
//! It works without a socket and under a paused clock. Invariant: the task sleeps until the hub's next event or the
//! next command, and never holds a decision of its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    control::{self, Payload, Reply},
    hub::{CallId, Hub, Outcome},
    options::{SimOptions, StartError},
    poster::Poster,
    saved::{SavedReport, SnapshotError, StateFile, furnish},
    webhooks::{Delivery, DeliveryId, DeliveryOutcome},
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// The calls that may wait for the driver to look at them.
const COMMANDS_WAITING_MAX: usize = 4_096;
/// The outcomes of POSTs that may wait for the driver to look at them.
const OUTCOMES_WAITING_MAX: usize = 1_024;

/// A call that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The connection was cut before the call was executed.
    #[error("the connection was reset before the call was processed")]
    Reset,
    /// The call was executed, and the connection was cut before its answer.
    #[error("the connection was closed before the answer")]
    AnswerLost,
    /// The simulator has stopped.
    #[error("the simulator has stopped")]
    Stopped,
}

/// A simulator without sockets: a small handle on the task that owns the hub.
///
/// Under `#[tokio::test(start_paused = true)]` a run over simulated hours takes milliseconds, and the same seed with the
/// same calls gives the same bytes.
#[derive(Clone, Debug)]
pub struct InProcess {
    commands: mpsc::Sender<Command>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    tokens: Arc<[String]>,
}

/// What the shell makes of a call.
pub(crate) enum Done {
    /// A call of the API.
    Call(Outcome),
    /// A control call.
    Control(Payload),
}

enum Command {
    Call { request: ApiRequest, reply: oneshot::Sender<Outcome> },
    Control { request: ApiRequest, reply: oneshot::Sender<Payload> },
    Save { reply: oneshot::Sender<Result<SavedReport, SnapshotError>> },
    TakeDeliveries { reply: oneshot::Sender<mpsc::UnboundedReceiver<Delivery>> },
    Answered { id: DeliveryId, outcome: DeliveryOutcome },
}

/// The POSTs of webhooks, for a trial that is their receiver.
#[derive(Debug)]
pub struct Deliveries {
    inbox: mpsc::UnboundedReceiver<Delivery>,
}

impl Deliveries {
    /// The next POST; nothing once the simulator has stopped. It ends with [`InProcess::delivery_answered`], or by its
    /// own deadline.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.inbox.recv().await
    }
}

impl InProcess {
    /// Starts the driver on the current runtime, its wall clock at `base`. It ends with the last handle, or with
    /// [`InProcess::stop`].
    pub fn start(options: &SimOptions, base: Millis) -> Result<Self, StartError> {
        let mut dice = ChaCha8Rng::seed_from_u64(options.seed);
        let furnished = furnish(options, base, &mut dice)?;
        Ok(Self::spawn(furnished.hub, dice, furnished.now, furnished.state))
    }

    /// Drives a hub that the caller has furnished (more portals, OAuth credentials); `base` is its present time.
    pub fn drive(hub: Hub, dice: ChaCha8Rng, base: Millis) -> Self {
        Self::spawn(hub, dice, base, None)
    }

    fn spawn(hub: Hub, dice: ChaCha8Rng, base: Millis, state: Option<StateFile>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS_WAITING_MAX);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let tokens = hub.tokens().into();
        let driver = Driver {
            hub,
            dice,
            clock: Clock::start(base),
            state,
            waiting: BTreeMap::new(),
            posters: Posters { poster: None, taker: None, tasks: tasks.clone(), stop: stop.clone() },
        };
        tasks.spawn(driver.run(inbox, stop.clone()));
        Self { commands, stop, tasks, tokens }
    }

    /// The tokens that open a portal, sorted; the ones made at the start included.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Makes one call, as over a connection of its own; paths under `/_control` work as well.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        let (answer, over_ms) = match self.send(to_wire(request)).await? {
            Done::Call(Outcome::Answered(answer)) => (answer, 0),
            Done::Call(Outcome::Slowly { answer, over_ms }) => (answer, over_ms),
            Done::Call(Outcome::AnswerLost) => return Err(Broken::AnswerLost),
            Done::Call(Outcome::Reset) => return Err(Broken::Reset),
            Done::Control(payload) => (whole(payload), 0),
        };
        sleep(Duration::from_millis(over_ms)).await;
        let mut response = Response::new(answer.body);
        *response.status_mut() = status(answer.status);
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    /// Writes the state into the file that was named at the start, as `POST /_control/snapshot` does.
    pub async fn save(&self) -> Result<SavedReport, SnapshotError> {
        let (reply, report) = oneshot::channel();
        self.commands.send(Command::Save { reply }).await.map_err(|_| SnapshotError::Stopped)?;
        report.await.map_err(|_| SnapshotError::Stopped)?
    }

    /// Takes the POSTs of webhooks from now on, instead of sending them over HTTP: for trials without sockets, and
    /// under a paused clock, which would let every POST over a socket time out at once.
    pub async fn take_deliveries(&self) -> Result<Deliveries, Broken> {
        let (reply, inbox) = oneshot::channel();
        self.commands.send(Command::TakeDeliveries { reply }).await.map_err(|_| Broken::Stopped)?;
        Ok(Deliveries { inbox: inbox.await.map_err(|_| Broken::Stopped)? })
    }

    /// Says how a POST ended that was taken.
    pub async fn delivery_answered(&self, id: DeliveryId, outcome: DeliveryOutcome) -> Result<(), Broken> {
        self.commands.send(Command::Answered { id, outcome }).await.map_err(|_| Broken::Stopped)
    }

    /// Stops the driver and waits for it. Calls under way end as [`Broken::Stopped`].
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Hands a call to the driver. A caller that leaves does not undo it.
    pub(crate) async fn send(&self, request: ApiRequest) -> Result<Done, Broken> {
        if control::is_control(&request) {
            let (reply, answer) = oneshot::channel();
            self.commands.send(Command::Control { request, reply }).await.map_err(|_| Broken::Stopped)?;
            return answer.await.map(Done::Control).map_err(|_| Broken::Stopped);
        }
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Call { request, reply }).await.map_err(|_| Broken::Stopped)?;
        answer.await.map(Done::Call).map_err(|_| Broken::Stopped)
    }
}

/// The owner of the machine.
struct Driver {
    hub: Hub,
    dice: ChaCha8Rng,
    clock: Clock,
    state: Option<StateFile>,
    waiting: BTreeMap<CallId, oneshot::Sender<Outcome>>,
    posters: Posters,
}

/// Who sends the POSTs of webhooks: a trial that takes them, or tasks that post.
struct Posters {
    /// Made for the first POST.
    poster: Option<Poster>,
    taker: Option<mpsc::UnboundedSender<Delivery>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Posters {
    /// Sends; there are never more under way than the machine allows.
    fn send(&mut self, delivery: Delivery, outcomes: &mpsc::Sender<(DeliveryId, DeliveryOutcome)>) {
        if let Some(taker) = &self.taker {
            gone_is_fine(taker.send(delivery));
            return;
        }
        let poster = self.poster.get_or_insert_with(Poster::new).clone();
        let (outcomes, stop) = (outcomes.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let id = delivery.id;
            tokio::select! {
                () = stop.cancelled() => {}
                outcome = poster.send(delivery) => gone_is_fine(outcomes.send((id, outcome)).await),
            }
        });
    }
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Command>, stop: CancellationToken) {
        let (outcome_of, mut outcomes) = mpsc::channel(OUTCOMES_WAITING_MAX);
        loop {
            let due = self.hub.next_due().map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some((id, outcome)) = outcomes.recv() => self.answered(id, &outcome),
                command = inbox.recv() => match command {
                    Some(command) => self.take(command),
                    None => break,
                },
                () = until(due) => {}
            }
            self.turn(&outcome_of);
        }
        tracing::debug!(in_flight = self.waiting.len(), "simulator stopped");
    }

    fn take(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Call { request, reply } => {
                let id = self.hub.arrive(request, now, &mut self.dice);
                self.waiting.insert(id, reply);
            }
            Command::Control { request, reply } => {
                let answer = match control::handle(&mut self.hub, &request, now, &mut self.dice) {
                    Reply::Advance { ms } => {
                        self.clock.jump(ms);
                        let now = self.clock.now();
                        self.hub.advance(now, &mut self.dice);
                        Payload::Whole(control::clock_answer(now))
                    }
                    Reply::Save => Payload::Whole(control::save_answer(self.save())),
                    Reply::Answer(payload) => payload,
                };
                gone_is_fine(reply.send(answer));
            }
            Command::Save { reply } => gone_is_fine(reply.send(self.save())),
            Command::TakeDeliveries { reply } => {
                let (taker, inbox) = mpsc::unbounded_channel();
                self.posters.taker = Some(taker);
                gone_is_fine(reply.send(inbox));
            }
            Command::Answered { id, outcome } => self.answered(id, &outcome),
        }
    }

    fn answered(&mut self, id: DeliveryId, outcome: &DeliveryOutcome) {
        self.hub.delivery_answered(id, outcome, self.clock.now(), &mut self.dice);
    }

    /// Nothing else is answered meanwhile: a snapshot is of one moment.
    fn save(&self) -> Result<SavedReport, SnapshotError> {
        let state = self.state.as_ref().ok_or(SnapshotError::NoFile)?;
        state.replace(|out| self.hub.save(&self.dice, out))
    }

    fn turn(&mut self, outcomes: &mpsc::Sender<(DeliveryId, DeliveryOutcome)>) {
        self.hub.advance(self.clock.now(), &mut self.dice);
        for delivery in self.hub.take_deliveries() {
            self.posters.send(delivery, outcomes);
        }
        for (id, outcome) in self.hub.take_answers() {
            if let Some(reply) = self.waiting.remove(&id) {
                gone_is_fine(reply.send(outcome));
            }
        }
    }
}

/// A caller may leave before its answer, as a client may close its connection.
fn gone_is_fine<T>(sent: Result<(), T>) {
    drop(sent);
}

async fn until(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

pub(crate) fn to_wire(request: Request<Bytes>) -> ApiRequest {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    name_the_host(&mut headers, &head.uri);
    ApiRequest {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    }
}

/// HTTP/2 carries the host in the address; links in answers are made from the header.
fn name_the_host(headers: &mut HeaderMap, uri: &Uri) {
    let Some(authority) = uri.authority() else { return };
    if let (false, Ok(host)) = (headers.contains_key(header::HOST), HeaderValue::from_str(authority.as_str())) {
        headers.insert(header::HOST, host);
    }
}

pub(crate) fn status(code: u16) -> http::StatusCode {
    http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
}

fn whole(payload: Payload) -> ApiAnswer {
    match payload {
        Payload::Whole(answer) => answer,
        Payload::Lines(chunks) => {
            let body = chunks.fold(Vec::new(), |mut all, chunk| {
                all.extend_from_slice(&chunk);
                all
            });
            ApiAnswer { status: 200, headers: HeaderMap::from_iter([control::lines_type()]), body: body.into() }
        }
    }
}
