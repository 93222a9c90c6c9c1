//! HubSpot seen from the wire, as a pure machine: calls arrive, are counted and executed at a random moment inside
//! their latency, and are answered at its end.
//!
//! What it is not: it holds no socket, no clock and no dice. Invariants: events happen in the order of their time, then
//! of their making; everything due before an arrival happens before it, so the moments at which a driver wakes do not
//! matter; every call ends as exactly one outcome and, once it was looked at, as exactly one line in the ledger.

mod news;
mod saved;

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use http::{HeaderMap, header};
use rand_core::Rng;

use crate::{
    credential::{self, Credential, CredentialKind, Credentials},
    dice, envelope,
    faults::{self, Fault, FaultRule, FaultRuleError, Faults},
    journal::Journal,
    latency,
    ledger::{Happened, Ledger},
    limits::{Counted, LimitRules, Limiter, Profile, Quotas, zone},
    model::{Caller, Portal, RecordSource},
    oauth::{Authority, OauthRoute, Scene},
    options::{APP_ID_DEFAULT, SimOptions, StartError, TokenSpec},
    own::{self, DailyUseCopy},
    refusal,
    routes::{self, OwnRoute, Route},
    webhooks::Webhooks,
    wire::{ApiAnswer, ApiRequest, Millis},
};

/// The calls that may be under way at once; one more is answered 503 by the edge.
pub const CALLS_IN_FLIGHT_MAX: usize = 50_000;
/// The writes that may wait to be done after their answer was lost; one more is done at once.
pub const LATE_WRITES_MAX: usize = 50_000;
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
    webhooks: Webhooks,
    journal: Journal,
    churn: Option<news::Churn>,
    latency_ms: u32,
    due: BTreeMap<(Millis, u64), Due>,
    calls: BTreeMap<CallId, InFlight>,
    /// Calls whose connection is cut (or about to be) and that are done later.
    late: BTreeMap<CallId, Late>,
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
    ExecuteLate(CallId),
}

#[derive(Clone, Debug)]
struct InFlight {
    request: ApiRequest,
    route: Route,
    arrived: Millis,
    answered: Millis,
    fault: Option<Fault>,
    outcome: Option<Outcome>,
}

/// A call that is done after its answer was lost. It was counted and let in before, so nothing refuses it any more.
#[derive(Debug)]
struct Late {
    call: InFlight,
    admitted: Admitted,
    counted_at: Millis,
}

/// Who may do what a call asks for.
#[derive(Debug)]
enum Admitted {
    /// Nobody in particular: the authorization server, the webhooks' management and the journal ask for themselves.
    Apart(OwnRoute),
    /// A credential of a portal.
    Portal { credential: Credential, counted: Counted },
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
        options.check()?;
        let portal_id = options.portal.portal_id;
        let mut hub = Self {
            portals: BTreeMap::from([(portal_id, PortalSlot::new(options, now)?)]),
            first_portal: portal_id,
            credentials: credentials(options, dice)?,
            authority: Authority::new(&options.oauth_apps)?,
            faults: Faults::default(),
            ledger: Ledger::default(),
            webhooks: Webhooks::new(&options.oauth_apps, options.developer_key.clone().map(|key| key.0)),
            journal: Journal::new(options.seed),
            churn: None,
            latency_ms: options.latency_ms,
            due: BTreeMap::new(),
            calls: BTreeMap::new(),
            late: BTreeMap::new(),
            answers: Vec::new(),
            now,
            next_number: 0,
        };
        hub.faults.arm(options.start.faults.clone())?;
        if let Some(webhooks) = options.start.webhooks.clone() {
            hub.configure_webhooks(webhooks)?;
        }
        if let Some(slot) = hub.portals.get_mut(&portal_id) {
            slot.model.change_settings(&options.start.settings)?;
        }
        if let (Some(spec), Some(slot)) = (&options.start.seed, hub.portals.get_mut(&portal_id)) {
            spec.check()?;
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
        self.tune_in();
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

    /// Drops the writes that were to be done after their answer was lost.
    pub(crate) fn forget_late_writes(&mut self) {
        self.late.clear();
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
        let news = self.next_news();
        self.portals.values().filter_map(|slot| slot.model.next_due()).chain(own).chain(news).min()
    }

    /// Lets everything happen that is due by `now`, in order. Time that runs backwards is ignored.
    pub fn advance(&mut self, now: Millis, dice: &mut dyn Rng) {
        while let Some(at) = self.next_due().filter(|at| *at <= now) {
            self.now = self.now.max(at);
            // What a portal does by itself comes before the calls of the same millisecond.
            for slot in self.portals.values_mut() {
                slot.model.advance(self.now);
            }
            self.advance_news(dice);
            if let Some(first) = self.due.first_entry().filter(|entry| entry.key().0 <= at) {
                match first.remove() {
                    Due::Execute(id) => self.execute(id, dice),
                    Due::Answer(id) => self.answer(id),
                    Due::ExecuteLate(id) => self.execute_late(id, dice),
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
        if call.fault == Some(Fault::Reset {}) {
            call.answered = self.now;
            self.record(&call, None, "none", Counted::NONE, self.now);
            self.answers.push((id, Outcome::Reset));
            return;
        }
        match (self.admit(&call, dice), late_by(&call)) {
            (Ok(admitted), Some(after_ms)) if self.late.len() < LATE_WRITES_MAX => {
                let at = Millis(call.answered.0.saturating_add(after_ms));
                self.late.insert(id, Late { call: call.clone(), admitted, counted_at: self.now });
                self.schedule(at, Due::ExecuteLate(id));
                call.outcome = Some(Outcome::AnswerLost);
            }
            (admitted, _) => {
                let done = match admitted {
                    Ok(admitted) => self.perform(&admitted, &call, dice),
                    Err(refused) => *refused,
                };
                self.hear(dice);
                self.record(&call, Some(done.answer.status), &done.credential, done.counted, self.now);
                call.outcome = Some(match call.fault {
                    Some(Fault::LostAnswer { .. }) => Outcome::AnswerLost,
                    Some(Fault::SlowBody { over_ms }) => Outcome::Slowly { answer: done.answer, over_ms },
                    _ => Outcome::Answered(done.answer),
                });
            }
        }
        self.schedule(call.answered, Due::Answer(id));
        self.calls.insert(id, call);
    }

    /// Does what a caller that hears no more had asked for.
    fn execute_late(&mut self, id: CallId, dice: &mut dyn Rng) {
        let Some(Late { call, admitted, counted_at }) = self.late.remove(&id) else { return };
        let done = self.perform(&admitted, &call, dice);
        self.hear(dice);
        self.record(&call, Some(done.answer.status), &done.credential, done.counted, counted_at);
    }

    fn answer(&mut self, id: CallId) {
        let Some(mut outcome) = self.calls.remove(&id).and_then(|call| call.outcome) else { return };
        if let Outcome::Answered(answer) | Outcome::Slowly { answer, .. } = &mut outcome
            && let Some(date) = envelope::http_date(self.now)
        {
            answer.headers.insert(header::DATE, date);
            envelope::add_standing_headers(answer);
        }
        self.answers.push((id, outcome));
    }

    /// Who calls, and may they: counts the call, or refuses it with an answer.
    fn admit(&mut self, call: &InFlight, dice: &mut dyn Rng) -> Result<Admitted, Box<Executed>> {
        let now = self.now;
        if call.request.path.len() + call.request.query.len() > URI_BYTES_MAX {
            return Err(Box::new(Executed::outside(envelope::html(414, "Request-URI Too Large"), "none")));
        }
        match call.route.own {
            Some(OwnRoute::TokenInfo) => {
                let answer = own::token_info(&self.credentials, &call.request.body, now, dice);
                return Err(Box::new(Executed::outside(answer, "none")));
            }
            Some(own @ (OwnRoute::Oauth(_) | OwnRoute::Webhooks | OwnRoute::Journal)) => {
                return Ok(Admitted::Apart(own));
            }
            Some(OwnRoute::DailyUse | OwnRoute::Uninstall) | None => {}
        }
        let credential = match self.credentials.identify(&call.request.headers, now) {
            Ok(credential) => credential.clone(),
            Err(stranger) => return Err(Box::new(Executed::outside(stranger.answer(now, dice), stranger.name()))),
        };
        match self.portals.get_mut(&credential.portal_id) {
            Some(slot) => slot.admit(call, credential, now, dice),
            None => Err(Box::new(Executed::outside(envelope::html(404, "Not Found"), &credential.name()))),
        }
    }

    /// What comes of a call that was let in.
    fn perform(&mut self, admitted: &Admitted, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let (credential, counted) = match admitted {
            Admitted::Apart(own) => return self.run_apart(*own, call, dice),
            Admitted::Portal { credential, counted } => (credential, *counted),
        };
        let Some(slot) = self.portals.get_mut(&credential.portal_id) else {
            return Executed::outside(envelope::html(404, "Not Found"), &credential.name());
        };
        let done = slot.perform(call, credential, counted, self.now, dice);
        if call.route.own == Some(OwnRoute::Uninstall) && was_executed(call, &done) {
            self.uninstall(credential.app_id, credential.portal_id);
        }
        done
    }

    /// Answers a call that no limit of a portal counts; every fault can strike it.
    fn run_apart(&mut self, own: OwnRoute, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let now = self.now;
        match &call.fault {
            Some(Fault::RateLimit { policy, as_500 }) => {
                let nobody = Credential::oauth_app(self.first_portal, 0);
                let answer = refusal::forced(*policy, *as_500, Profile::Current, &nobody, now, dice);
                Executed::outside(answer, "none")
            }
            Some(Fault::Status { status, retry_after_s, executed, body }) => {
                if *executed {
                    self.run_apart_truly(own, call, dice);
                }
                let answer = faults::status_answer(*status, *retry_after_s, body.as_deref(), now, dice);
                Executed::outside(answer, "none")
            }
            _ => self.run_apart_truly(own, call, dice),
        }
    }

    fn run_apart_truly(&mut self, own: OwnRoute, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        match own {
            OwnRoute::Oauth(route) => self.run_oauth(route, call, dice),
            OwnRoute::Webhooks => self.run_webhooks(call, dice),
            OwnRoute::Journal => self.run_journal(call, dice),
            OwnRoute::TokenInfo | OwnRoute::DailyUse | OwnRoute::Uninstall => {
                Executed::outside(envelope::html(404, "Not Found"), "none")
            }
        }
    }

    fn run_oauth(&mut self, route: OauthRoute, call: &InFlight, dice: &mut dyn Rng) -> Executed {
        let portals: Vec<u64> = self.portals.keys().copied().collect();
        let mut scene = Scene { credentials: &mut self.credentials, portals: &portals, now: self.now, dice };
        let handled = self.authority.handle(route, &call.request, &mut scene);
        let name = handled.app_id.map_or_else(|| "none".to_owned(), |app_id| format!("oauth_app:{app_id}"));
        Executed::outside(handled.answer, &name)
    }

    fn record(&mut self, call: &InFlight, status: Option<u16>, credential: &str, counted: Counted, time: Millis) {
        self.ledger.record(&Happened {
            time,
            executed: self.now,
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
        let rules = LimitRules {
            quotas,
            window: options.window,
            count_rejected: options.count_rejected(),
            remaining_counters: options.remaining_counters(),
            zone,
        };
        Ok(Self {
            model: Portal::new(options.newborn(), now),
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

    /// Counts a call; the error is its refusal.
    fn admit(
        &mut self,
        call: &InFlight,
        credential: Credential,
        now: Millis,
        dice: &mut dyn Rng,
    ) -> Result<Admitted, Box<Executed>> {
        let class = call.route.class;
        self.limiter.choose_counter(dice);
        let (answer, counted) = if let Some(Fault::RateLimit { policy, as_500 }) = call.fault {
            let counted = self.limiter.count_forced_refusal(class, &credential, now);
            (refusal::forced(policy, as_500, self.profile, &credential, now, dice), counted)
        } else {
            let admission = self.limiter.admit(class, &credential, now);
            let Some(policy) = admission.refused else {
                return Ok(Admitted::Portal { credential, counted: admission.counted });
            };
            (refusal::answer(policy, self.profile, &credential, now, dice), admission.counted)
        };
        Err(Box::new(self.dressed(answer, call, &credential, counted, now)))
    }

    fn perform(
        &mut self,
        call: &InFlight,
        credential: &Credential,
        counted: Counted,
        now: Millis,
        dice: &mut dyn Rng,
    ) -> Executed {
        let answer = self.handle(call, credential, now, dice);
        self.dressed(answer, call, credential, counted, now)
    }

    /// Puts the headers on that this credential gets.
    fn dressed(
        &mut self,
        mut answer: ApiAnswer,
        call: &InFlight,
        credential: &Credential,
        counted: Counted,
        now: Millis,
    ) -> Executed {
        if !is_from_the_edge(answer.status) {
            self.limiter.write_headers(call.route.class, credential, now, &mut answer.headers);
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

/// How long after the cut of its connection a call is done, if it is not done before.
fn late_by(call: &InFlight) -> Option<i64> {
    match call.fault {
        Some(Fault::LostAnswer { executed_after_ms }) if executed_after_ms > 0 => {
            Some(i64::try_from(executed_after_ms).unwrap_or(i64::MAX))
        }
        _ => None,
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
