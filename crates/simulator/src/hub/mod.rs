//! HubSpot seen from the wire, as a pure machine: calls arrive, are counted and executed at a random moment inside
//! their latency, and are answered at its end.
//!
//! What it is not: it holds no socket, no clock and no dice. Invariants: events happen in the order of their time, then
//! of their making; everything due before an arrival happens before it, so the moments at which a driver wakes do not
//! matter; every call ends as exactly one outcome and, once it was looked at, as exactly one line in the ledger.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use http::{HeaderMap, header};
use rand_core::Rng;

use crate::{
    credential::{self, Credential, CredentialKind, Credentials},
    dice, envelope,
    faults::{self, Fault, FaultRule, FaultRuleError, Faults},
    latency,
    ledger::{Happened, Ledger},
    limits::{Counted, LimitRules, Limiter, Profile, Quotas, zone},
    model::{Caller, Portal, RecordSource},
    oauth::{Authority, OauthRoute, Scene},
    options::{APP_ID_DEFAULT, LATENCY_MS_MAX, SimOptions, StartError, TokenSpec},
    own::{self, DailyUseCopy},
    refusal,
    routes::{self, OwnRoute, Route},
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// The calls that may be under way at once; one more is answered 503 by the edge.
pub const CALLS_IN_FLIGHT_MAX: usize = 50_000;
/// The longest path and query; beyond, the edge answers 414. Reports name 8, 16 and 32 kB.
pub const URI_BYTES_MAX: usize = 16_000;

/// A call under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

/// How a call ends.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With an answer.
    Answered(ApiAnswer),
    /// With an answer whose body takes a while from its first byte to its last.
    Slowly {
        /// The whole answer.
        answer: ApiAnswer,
        /// How long its body takes, in milliseconds.
        over_ms: u64,
    },
    /// It was executed, and the connection is cut before a byte of the answer.
    AnswerLost,
    /// The connection is cut; nothing was executed.
    Reset,
}

/// The machine. Printing it shows no token, no record and no call.
pub struct Hub {
    portals: BTreeMap<u64, PortalSlot>,
    first_portal: u64,
    pub(crate) credentials: Credentials,
    pub(crate) authority: Authority,
    pub(crate) faults: Faults,
    pub(crate) ledger: Ledger,
    latency_ms: u32,
    due: BTreeMap<(Millis, u64), Due>,
    calls: BTreeMap<CallId, InFlight>,
    answers: Vec<(CallId, Outcome)>,
    now: Millis,
    next_number: u64,
}

/// A portal with its plan.
#[derive(Debug)]
pub(crate) struct PortalSlot {
    pub(crate) model: Portal,
    pub(crate) limiter: Limiter,
    profile: Profile,
    daily_use: DailyUseCopy,
}

#[derive(Clone, Copy, Debug)]
enum Due {
    Execute(CallId),
    Answer(CallId),
}

#[derive(Debug)]
struct InFlight {
    request: ApiRequest,
    route: Route,
    arrived: Millis,
    answered: Millis,
    fault: Option<Fault>,
    outcome: Option<Outcome>,
}

/// What executing a call came to.
struct Executed {
    answer: ApiAnswer,
    credential: String,
    counted: Counted,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("now", &self.now)
            .field("portals", &self.portals.keys().collect::<Vec<_>>())
            .field("in_flight", &self.calls.len())
            .finish_non_exhaustive()
    }
}

impl Hub {
    /// Makes a hub with one portal.
    pub fn new(options: &SimOptions, now: Millis, dice: &mut dyn Rng) -> Result<Self, StartError> {
        if options.latency_ms > LATENCY_MS_MAX {
            return Err(StartError::Latency(options.latency_ms));
        }
        let portal_id = options.portal.portal_id;
        let mut hub = Self {
            portals: BTreeMap::from([(portal_id, PortalSlot::new(options, now)?)]),
            first_portal: portal_id,
            credentials: credentials(options, dice)?,
            authority: Authority::new(&options.oauth_apps)?,
            faults: Faults::default(),
            ledger: Ledger::default(),
            latency_ms: options.latency_ms,
            due: BTreeMap::new(),
            calls: BTreeMap::new(),
            answers: Vec::new(),
            now,
            next_number: 0,
        };
        hub.faults.arm(options.start.faults.clone())?;
        if let (Some(spec), Some(slot)) = (&options.start.seed, hub.portals.get_mut(&portal_id)) {
            slot.model.seed(spec, now, dice);
        }
        Ok(hub)
    }

    /// Adds a portal with its own plan and tokens; only the portal's options, plan, window and tokens are read.
    pub fn add_portal(&mut self, options: &SimOptions, dice: &mut dyn Rng) -> Result<(), StartError> {
        let slot = PortalSlot::new(options, self.now)?;
        for spec in token_specs(options, dice) {
            add_token(&mut self.credentials, options.portal.portal_id, spec)?;
        }
        self.portals.insert(options.portal.portal_id, slot);
        Ok(())
    }

    /// Adds a token of any kind to a portal.
    pub fn add_credential(&mut self, token: String, credential: Credential) {
        self.credentials.insert(token, credential);
    }

    /// Arms fault rules: all of them, or none and the first reason.
    pub fn arm_faults(&mut self, rules: Vec<FaultRule>) -> Result<(), FaultRuleError> {
        self.faults.arm(rules)
    }

    /// Disarms every fault rule.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Kills a token from now on, of an app or a refresh token; false when it is unknown.
    pub fn revoke(&mut self, token: &str) -> bool {
        self.credentials.revoke(token, self.now) || self.authority.revoke(token)
    }

    /// Removes an OAuth app from a portal: its tokens die. False when it is not installed there.
    pub fn uninstall(&mut self, app_id: u64, portal_id: u64) -> bool {
        let is_installed = self.authority.grants().any(|grant| grant.app_id == app_id && grant.portal_id == portal_id);
        self.authority.uninstall(app_id, portal_id, &mut self.credentials, self.now);
        is_installed
    }

    /// Brings killed tokens back to life, and forgets all codes and grants of OAuth apps with their tokens.
    pub(crate) fn reset_credentials(&mut self) {
        self.authority.reset(&mut self.credentials);
        self.credentials.restore_all();
    }

    /// All tokens, sorted.
    pub fn tokens(&self) -> Vec<String> {
        self.credentials.tokens().map(str::to_owned).collect()
    }

    /// The portal that a control call means when it names none.
    pub fn first_portal(&self) -> u64 {
        self.first_portal
    }

    /// The book of all calls.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A portal's records, for checkers.
    pub fn portal(&self, portal_id: u64) -> Option<&Portal> {
        self.portals.get(&portal_id).map(|slot| &slot.model)
    }

    pub(crate) fn portal_mut(&mut self, portal_id: u64) -> Option<&mut PortalSlot> {
        self.portals.get_mut(&portal_id)
    }

    pub(crate) fn portals_mut(&mut self) -> impl Iterator<Item = (u64, &mut PortalSlot)> {
        self.portals.iter_mut().map(|(id, slot)| (*id, slot))
    }

    /// Calls that have arrived and are not answered yet.
    pub fn in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Takes a call off the wire. Its outcome comes out of [`Hub::take_answers`] after a later (or the same)
    /// [`Hub::advance`].
    pub fn arrive(&mut self, request: ApiRequest, now: Millis, dice: &mut dyn Rng) -> CallId {
        self.advance(now, dice);
        let now = self.now;
        let route = routes::classify(&request.method, &request.path);
        let trouble = self.faults.strike(&request.method, &request.path, dice);
        let extra = i64::try_from(trouble.extra_latency_ms).unwrap_or(i64::MAX);
        let latency = latency::draw(self.latency_ms, dice).saturating_add(extra);
        let until_counted = i64::try_from(dice::below(dice, latency.unsigned_abs() + 1)).unwrap_or(latency);
        let fault = if self.calls.len() < CALLS_IN_FLIGHT_MAX { trouble.fault } else { Some(overload()) };
        let answered = Millis(now.0.saturating_add(latency));
        let id = CallId(self.number());
        self.calls.insert(id, InFlight { request, route, arrived: now, answered, fault, outcome: None });
        self.schedule(Millis(now.0.saturating_add(until_counted)), Due::Execute(id));
        id
    }

    /// When something happens next; `None` while nothing is under way.
    pub fn next_due(&self) -> Option<Millis> {
        let own = self.due.keys().next().map(|(at, _)| *at);
        self.portals.values().filter_map(|slot| slot.model.next_due()).chain(own).min()
    }

    /// Lets everything happen that is due by `now`, in order. Time that runs backwards is ignored.
    pub fn advance(&mut self, now: Millis, dice: &mut dyn Rng) {
        while let Some(at) = self.next_due().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            // What a portal does by itself comes before the calls of the same millisecond.
            for slot in self.portals.values_mut() {
                slot.model.advance(self.now);
            }
            if let Some(first) = self.due.first_entry().filter(|entry| entry.key().0 <= at) {
                match first.remove() {
                    Due::Execute(id) => self.execute(id, dice),
                    Due::Answer(id) => self.answer(id),
                }
            }
        }
        self.now = self.now.max(now);
    }

    /// Takes the outcomes since the last time, oldest first.
    pub fn take_answers(&mut self) -> Vec<(CallId, Outcome)> {
        std::mem::take(&mut self.answers)
    }

    fn execute(&mut self, id: CallId, dice: &mut dyn Rng) {
        let Some(mut call) = self.calls.remove(&id) else { return };
        if call.fault == Some(Fault::Reset) {
            call.answered = self.now;
            self.record(&call, None, "none", Counted::NONE);
            self.answers.push((id, Outcome::Reset));
            return;
        }
        let done = self.run(&call, dice);
        self.record(&call, Some(done.answer.status), &done.credential, done.counted);
        call.outcome = Some(match call.fault {
            Some(Fault::LostAnswer) => Outcome::AnswerLost,
            Some(Fault::SlowBody { over_ms }) => Outcome::Slowly { answer: done.answer, over_ms },
            _ => Outcome::Answered(done.answer),
        });
        self.schedule(call.answered, Due::Answer(id));
        self.calls.insert(id, call);
    }

    fn answer(&mut self, id: CallId) {
        let Some(mut outcome) = self.calls.remove(&id).and_then(|call| call.outcome) else { return };
        if let Outcome::Answered(answer) | Outcome::Slowly { answer, .. } = &mut outcome
            && let Some(date) = envelope::http_date(self.now)
        {
            answer.headers.insert(header::DATE, date);
        }
        self.answers.push((id, outcome));
    }

    /// Who calls, may they, and what comes of it.
    fn run(&mut self, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let now = self.now;
        if call.request.path.len() + call.request.query.len() > URI_BYTES_MAX {
            return Executed::outside(envelope::html(414, "Request-URI Too Large"), "none");
        }
        match call.route.own {
            Some(OwnRoute::TokenInfo) => {
                let answer = own::token_info(&self.credentials, &call.request.body, now, dice);
                return Executed::outside(answer, "none");
            }
            Some(OwnRoute::Oauth(route)) => return self.run_oauth(route, call, dice),
            Some(OwnRoute::DailyUse | OwnRoute::Uninstall) | None => {}
        }
        let credential = match self.credentials.identify(&call.request.headers, now) {
            Ok(credential) => credential.clone(),
            Err(stranger) => return Executed::outside(stranger.answer(now, dice), stranger.name()),
        };
        match self.portals.get_mut(&credential.portal_id) {
            Some(slot) => {
                let done = slot.run(call, &credential, now, dice);
                if call.route.own == Some(OwnRoute::Uninstall) && was_executed(call, &done) {
                    self.uninstall(credential.app_id, credential.portal_id);
                }
                done
            }
            None => Executed::outside(envelope::html(404, "Not Found"), &credential.name()),
        }
    }

    /// Answers a call of the authorization server: no limit of a portal counts it, and every fault can strike it.
    fn run_oauth(&mut self, route: OauthRoute, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let now = self.now;
        match &call.fault {
            Some(Fault::RateLimit { policy }) => {
                let nobody = Credential::oauth_app(self.first_portal, 0);
                let answer = refusal::answer((*policy).into(), Profile::Current, &nobody, now, dice);
                Executed::outside(answer, "none")
            }
            Some(Fault::Status { status, retry_after_s, executed, body }) => {
                if *executed {
                    self.run_oauth_truly(route, call, dice);
                }
                let answer = faults::status_answer(*status, *retry_after_s, body.as_deref(), now, dice);
                Executed::outside(answer, "none")
            }
            _ => self.run_oauth_truly(route, call, dice),
        }
    }

    fn run_oauth_truly(&mut self, route: OauthRoute, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let portals: Vec<u64> = self.portals.keys().copied().collect();
        let mut scene = Scene { credentials: &mut self.credentials, portals: &portals, now: self.now, dice };
        let handled = self.authority.handle(route, &call.request, &mut scene);
        let name = handled.app_id.map_or_else(|| "none".to_owned(), |app_id| format!("oauth_app:{app_id}"));
        Executed::outside(handled.answer, &name)
    }

    fn record(&mut self, call: &InFlight, status: Option<u16>, credential: &str, counted: Counted) {
        self.ledger.record(&Happened {
            time: self.now,
            arrived: call.arrived,
            answered: call.answered,
            route: &call.route.template,
            path: call.route.discreet(&call.request.path),
            status,
            credential,
            counted,
            fault: call.fault.as_ref().map(Fault::name),
        });
    }

    fn schedule(&mut self, at: Millis, due: Due) {
        let number = self.number();
        self.due.insert((at, number), due);
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl Executed {
    /// A call that no portal counts.
    fn outside(answer: ApiAnswer, credential: &str) -> Self {
        Self { answer, credential: credential.to_owned(), counted: Counted::NONE }
    }
}

impl PortalSlot {
    fn new(options: &SimOptions, now: Millis) -> Result<Self, StartError> {
        let name = &options.portal.time_zone;
        let zone = zone(name).ok_or_else(|| StartError::TimeZone(name.clone()))?;
        let quotas = Quotas::of(options.profile, options.tier, options.limit_increase);
        let rules = LimitRules { quotas, window: options.window, count_rejected: options.count_rejected, zone };
        let mut portal = options.portal.clone();
        portal.seed = options.seed;
        Ok(Self {
            model: Portal::new(portal, now),
            limiter: Limiter::new(rules, now),
            profile: options.profile,
            daily_use: DailyUseCopy::default(),
        })
    }

    /// Empties records and counters.
    pub(crate) fn reset(&mut self, now: Millis) {
        self.model.clear_records();
        self.limiter.reset(now);
        self.daily_use = DailyUseCopy::default();
    }

    fn run(&mut self, call: &InFlight, credential: &Credential, now: Millis, dice: &mut dyn Rng) -> Executed {
        let class = call.route.class;
        let (mut answer, counted) = if let Some(Fault::RateLimit { policy }) = call.fault {
            let counted = self.limiter.count_forced_refusal(class, credential, now);
            (refusal::answer(policy.into(), self.profile, credential, now, dice), counted)
        } else {
            let admission = self.limiter.admit(class, credential, now);
            let answer = match admission.refused {
                Some(policy) => refusal::answer(policy, self.profile, credential, now, dice),
                None => self.handle(call, credential, now, dice),
            };
            (answer, admission.counted)
        };
        if !is_from_the_edge(answer.status) {
            self.limiter.write_headers(class, credential, now, &mut answer.headers);
        }
        Executed { answer, credential: credential.name(), counted }
    }

    fn handle(&mut self, call: &InFlight, credential: &Credential, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        let Some(Fault::Status { status, retry_after_s, executed, body }) = &call.fault else {
            return self.handle_truly(call, credential, now, dice);
        };
        if *executed {
            self.handle_truly(call, credential, now, dice);
        }
        faults::status_answer(*status, *retry_after_s, body.as_deref(), now, dice)
    }

    fn handle_truly(&mut self, call: &InFlight, credential: &Credential, now: Millis, dice: &mut dyn Rng) -> ApiAnswer {
        if let (Some(scope), Some(granted)) = (&call.route.scope, &credential.scopes)
            && !scope.is_among(granted)
        {
            return refusal::missing_scope(scope, self.profile, now, dice);
        }
        if call.route.own == Some(OwnRoute::DailyUse) {
            return self.daily_use.answer(&mut self.limiter, now);
        }
        if call.route.own == Some(OwnRoute::Uninstall) && credential.kind == CredentialKind::OAuthApp {
            return ApiAnswer { status: 204, headers: HeaderMap::new(), body: Bytes::new() };
        }
        let caller = Caller { app_id: credential.app_id, source: RecordSource::Integration };
        self.model.handle(&call.request, &caller, now, dice)
    }
}

/// Says whether an uninstallation took place: it was answered so, or the answer was replaced after the deed.
fn was_executed(call: &InFlight, done: &Executed) -> bool {
    done.answer.status == 204 || matches!(call.fault, Some(Fault::Status { executed: true, .. }))
}

fn is_from_the_edge(status: u16) -> bool {
    (502..=526).contains(&status)
}

fn overload() -> Fault {
    Fault::Status { status: 503, retry_after_s: None, executed: false, body: None }
}

fn credentials(options: &SimOptions, dice: &mut dyn Rng) -> Result<Credentials, StartError> {
    let mut credentials = Credentials::default();
    for spec in token_specs(options, dice) {
        add_token(&mut credentials, options.portal.portal_id, spec)?;
    }
    Ok(credentials)
}

fn token_specs(options: &SimOptions, dice: &mut dyn Rng) -> Vec<TokenSpec> {
    if options.tokens.is_empty() {
        return vec![TokenSpec::new(credential::make_token(dice), APP_ID_DEFAULT)];
    }
    options.tokens.clone()
}

fn add_token(credentials: &mut Credentials, portal_id: u64, spec: TokenSpec) -> Result<(), StartError> {
    if spec.token.is_empty() || !spec.token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StartError::Token);
    }
    if credentials.find(&spec.token).is_some() {
        return Err(StartError::TokenTwice);
    }
    let credential = Credential { scopes: spec.scopes, ..Credential::private_app(portal_id, spec.app_id) };
    credentials.insert(spec.token, credential);
    Ok(())
}

#[cfg(test)]
mod tests;
