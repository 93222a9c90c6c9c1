//! What portals have granted to apps: one grant for each exchanged code, with its refresh token and the access tokens
//! that were made from it.
//!
//! The access tokens themselves live among the simulator's other credentials; here is which grant each belongs to.
//! Invariants: a refresh token never changes; the kept tokens and grants have a limit, and the oldest goes first.

use std::collections::{BTreeMap, VecDeque};

use rand_core::Rng;

use crate::{
    credential::{Credential, Credentials},
    dice,
    wire::Millis,
};

/// How long an access token lives, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 1_800;
/// The grants that are kept.
pub(super) const GRANTS_MAX: usize = 10_000;
/// The access tokens that are kept, dead ones included: a forgotten one is answered like any unknown string.
pub(super) const ACCESS_TOKENS_MAX: usize = 20_000;
/// The length of a made access token; HubSpot allows up to 512 characters.
const ACCESS_TOKEN_CHARS: usize = 160;

/// What a portal allowed an app.
pub(crate) struct Grant {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    pub(crate) app_id: u64,
    pub(crate) portal_id: u64,
    pub(crate) user_id: u64,
    pub(crate) scopes: Vec<String>,
    pub(crate) made: Millis,
    pub(crate) is_revoked: bool,
    pub(super) refresh_token: String,
}

/// What the person on the consent page decided.
pub(super) struct Consent {
    pub(super) client_id: String,
    pub(super) app_id: u64,
    pub(super) portal_id: u64,
    pub(super) user_id: u64,
    pub(super) scopes: Vec<String>,
}

/// All grants.
#[derive(Default)]
pub(super) struct Grants {
    by_id: BTreeMap<u64, Grant>,
    by_refresh: BTreeMap<String, u64>,
    by_access: BTreeMap<String, u64>,
    /// Access tokens in the order of their making.
    issued: VecDeque<String>,
    last_id: u64,
}

impl Grants {
    /// Makes a grant with its refresh token.
    pub(super) fn open(
        &mut self,
        consent: Consent,
        credentials: &mut Credentials,
        now: Millis,
        dice: &mut dyn Rng,
    ) -> u64 {
        if self.by_id.len() >= GRANTS_MAX
            && let Some(oldest) = self.by_id.keys().next().copied()
        {
            self.close(oldest, credentials, now);
        }
        self.last_id += 1;
        let refresh_token = format!("na1-{}", dice::uuid_v4(dice));
        self.by_refresh.insert(refresh_token.clone(), self.last_id);
        let Consent { client_id, app_id, portal_id, user_id, scopes } = consent;
        let id = self.last_id;
        let grant =
            Grant { id, client_id, app_id, portal_id, user_id, scopes, made: now, is_revoked: false, refresh_token };
        self.by_id.insert(id, grant);
        id
    }

    /// Makes an access token of a grant; `None` for a grant that is gone.
    pub(super) fn issue(
        &mut self,
        id: u64,
        credentials: &mut Credentials,
        now: Millis,
        dice: &mut dyn Rng,
    ) -> Option<(String, &Grant)> {
        let grant = self.by_id.get(&id)?;
        let token = make_access_token(dice);
        let credential = Credential {
            user_id: grant.user_id,
            scopes: Some(grant.scopes.clone()),
            expires_at: Some(expiry(now)),
            ..Credential::oauth_app(grant.portal_id, grant.app_id)
        };
        if self.issued.len() >= ACCESS_TOKENS_MAX
            && let Some(oldest) = self.issued.pop_front()
        {
            self.by_access.remove(&oldest);
            credentials.forget(&oldest);
        }
        credentials.insert(token.clone(), credential);
        self.by_access.insert(token.clone(), id);
        self.issued.push_back(token.clone());
        Some((token, grant))
    }

    /// The grant of a refresh token that is neither revoked nor uninstalled.
    pub(super) fn of_refresh_token(&self, token: &str) -> Option<&Grant> {
        self.by_refresh.get(token).and_then(|id| self.by_id.get(id)).filter(|grant| !grant.is_revoked)
    }

    /// The grant of an access token, dead or alive.
    pub(super) fn of_access_token(&self, token: &str) -> Option<&Grant> {
        self.by_access.get(token).and_then(|id| self.by_id.get(id))
    }

    /// Kills a refresh token, and not the access tokens that were made from it; false when it is unknown.
    pub(super) fn revoke(&mut self, refresh_token: &str) -> bool {
        let grant = self.by_refresh.get(refresh_token).and_then(|id| self.by_id.get_mut(id));
        grant.map(|grant| grant.is_revoked = true).is_some()
    }

    /// Makes the access tokens of a grant expire; false when there is no such grant.
    pub(super) fn expire(&self, id: u64, credentials: &mut Credentials, now: Millis) -> bool {
        for (token, _) in self.by_access.iter().filter(|(_, grant)| **grant == id) {
            if credentials.find(token).is_some_and(|credential| credential.dead_by(now).is_none()) {
                credentials.revoke(token, now);
            }
        }
        self.by_id.contains_key(&id)
    }

    /// Ends everything that a portal granted to an app: all refresh and access tokens die.
    pub(super) fn uninstall(&mut self, app_id: u64, portal_id: u64, credentials: &mut Credentials, now: Millis) {
        let is_meant = |grant: &&Grant| grant.app_id == app_id && grant.portal_id == portal_id;
        let ids: Vec<u64> = self.by_id.values().filter(is_meant).map(|grant| grant.id).collect();
        for id in ids {
            self.close(id, credentials, now);
        }
    }

    /// Forgets everything, the credentials of its access tokens included.
    pub(super) fn clear(&mut self, credentials: &mut Credentials) {
        for token in &self.issued {
            credentials.forget(token);
        }
        *self = Self { last_id: self.last_id, ..Self::default() };
    }

    pub(super) fn get(&self, id: u64) -> Option<&Grant> {
        self.by_id.get(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.by_id.values()
    }

    /// When the living access tokens of a grant expire.
    pub(super) fn expiries(&self, id: u64, credentials: &Credentials, now: Millis) -> Vec<Millis> {
        let of_grant = self.by_access.iter().filter(|(_, grant)| **grant == id);
        let mut expiries: Vec<Millis> = of_grant
            .filter_map(|(token, _)| credentials.find(token))
            .filter(|credential| credential.dead_by(now).is_none())
            .filter_map(|credential| credential.expires_at)
            .collect();
        expiries.sort_unstable();
        expiries
    }

    /// Drops a grant; its access tokens stay known as dead ones.
    fn close(&mut self, id: u64, credentials: &mut Credentials, now: Millis) {
        self.expire(id, credentials, now);
        if let Some(grant) = self.by_id.remove(&id) {
            self.by_refresh.remove(&grant.refresh_token);
        }
    }
}

/// When a token that is made now expires.
pub(super) fn expiry(now: Millis) -> Millis {
    Millis(now.0.saturating_add(ACCESS_TOKEN_SECONDS * 1_000))
}

/// Makes an access token of the usual look: letters, digits, `-` and `_`, beginning with `C`.
pub(super) fn make_access_token(dice: &mut dyn Rng) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut token = String::from("C");
    while token.len() < ACCESS_TOKEN_CHARS {
        let letter = usize::try_from(dice::below(dice, 64)).ok().and_then(|at| LETTERS.get(at));
        token.extend(letter.map(|letter| char::from(*letter)));
    }
    token
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    const NOW: Millis = Millis(1_763_726_400_000);

    fn consent(portal_id: u64) -> Consent {
        Consent { client_id: "id".into(), app_id: 7, portal_id, user_id: 1, scopes: vec!["oauth".into()] }
    }

    #[test]
    fn the_oldest_grant_and_its_tokens_go_when_there_are_too_many() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let (mut grants, mut credentials) = (Grants::default(), Credentials::default());
        let first = grants.open(consent(1), &mut credentials, NOW, &mut dice);
        let (token, _) = grants.issue(first, &mut credentials, NOW, &mut dice).unwrap();
        let refresh = grants.get(first).unwrap().refresh_token.clone();
        for _ in 0..GRANTS_MAX {
            grants.open(consent(1), &mut credentials, NOW, &mut dice);
        }
        assert_eq!(grants.iter().count(), GRANTS_MAX);
        assert!(grants.of_refresh_token(&refresh).is_none());
        assert_eq!(credentials.find(&token).unwrap().dead_by(NOW), Some(NOW));
    }

    #[test]
    fn the_oldest_access_token_is_forgotten_when_there_are_too_many() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let (mut grants, mut credentials) = (Grants::default(), Credentials::default());
        let id = grants.open(consent(1), &mut credentials, NOW, &mut dice);
        let first = grants.issue(id, &mut credentials, NOW, &mut dice).unwrap().0;
        let second = grants.issue(id, &mut credentials, NOW, &mut dice).unwrap().0;
        for _ in 1..ACCESS_TOKENS_MAX {
            grants.issue(id, &mut credentials, NOW, &mut dice).unwrap();
        }
        assert!(credentials.find(&first).is_none() && grants.of_access_token(&first).is_none());
        assert!(credentials.find(&second).is_some());
        assert_eq!(credentials.tokens().count(), ACCESS_TOKENS_MAX);
    }

    #[test]
    fn uninstalling_ends_the_grants_of_one_portal_only() {
        let mut dice = ChaCha8Rng::seed_from_u64(1);
        let (mut grants, mut credentials) = (Grants::default(), Credentials::default());
        let ids = [1, 1, 2].map(|portal| grants.open(consent(portal), &mut credentials, NOW, &mut dice));
        let tokens = ids.map(|id| grants.issue(id, &mut credentials, NOW, &mut dice).unwrap().0);
        grants.uninstall(7, 1, &mut credentials, NOW);
        assert_eq!(grants.iter().map(|grant| grant.portal_id).collect::<Vec<_>>(), [2]);
        assert_eq!(tokens.map(|token| credentials.find(&token).unwrap().dead_by(NOW).is_none()), [false, false, true]);
        assert_eq!(grants.expiries(ids[2], &credentials, NOW), [Millis(NOW.0 + 1_800_000)]);
    }
}
