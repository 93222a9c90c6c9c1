//! How many associations a record may have: the limits of types, those that an administrator sets, and their calls.
//!
//! Source: HubSpot's changelog of July 2024 (limits are lower than those of the subscription, a label's is not above
//! its pair's), the association limits of a recorded schema. What a write past a limit answers is not recorded.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Portal;
use super::answer::{BatchError, Outcome, Refusal, Reply};
use super::batch::{INPUTS_MAX, finish};
use super::call::{BatchInput, Call, Version};
use super::catalog::Kind;
use super::links::{Category, End, LinkType};
use super::time;
use super::write::Edges;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LimitInput {
    category: Option<String>,
    type_id: Option<u32>,
    max_to_object_ids: Option<i64>,
}

/// What a batch does with the limits of types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Update,
    Purge,
}

impl Portal {
    /// Calls below `definitions/configurations/`.
    pub(super) fn dispatch_link_limits(&mut self, rest: &[&str], call: &mut Call<'_>) -> Outcome {
        let method = call.method().clone();
        match (rest, &method) {
            (["all"], &Method::GET) => {
                let all = self.links.pairs().flat_map(|(_, _, types)| types);
                Ok(Reply::ok(&json!({"results": configured(all)})))
            }
            ([from, to], &Method::GET) => {
                let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
                Ok(Reply::ok(&json!({"results": configured(self.links.types(from, to).iter())})))
            }
            ([from, to, "batch", verb @ ("create" | "update" | "purge")], &Method::POST) => {
                let (from, to) = (self.kind_named(from)?, self.kind_named(to)?);
                let verb = match *verb {
                    "create" => Verb::Create,
                    "update" => Verb::Update,
                    _ => Verb::Purge,
                };
                self.change_limits(from, to, verb, call)
            }
            (["all"] | [_, _] | [_, _, "batch", "create" | "update" | "purge"], _) => Err(Refusal::wrong_method()),
            _ => Err(Refusal::no_such_path()),
        }
    }

    fn change_limits(&mut self, from: Kind, to: Kind, verb: Verb, call: &Call<'_>) -> Outcome {
        let body: BatchInput<LimitInput> = call.body()?;
        let inputs = body.inputs.unwrap_or_default();
        if inputs.len() > INPUTS_MAX {
            return Err(Refusal::invalid(format!(
                "The maximum number of inputs supported in a batch is {INPUTS_MAX}. Please reduce the number of items \
                 and try again"
            )));
        }
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for input in &inputs {
            match self.change_limit(from, to, verb, input) {
                Ok(result) => results.push(result.to_string().into_bytes()),
                Err(message) => errors.push(validation(message)),
            }
        }
        let newest = call.version == Version::September2026;
        let status = match verb {
            Verb::Purge if !newest && errors.is_empty() => return Ok(Reply::no_content()),
            Verb::Create if !newest => 201,
            Verb::Create | Verb::Update | Verb::Purge => 200,
        };
        let results = if verb == Verb::Purge { Vec::new() } else { results };
        Ok(finish(status, &results, &errors, call))
    }

    fn change_limit(&mut self, from: Kind, to: Kind, verb: Verb, input: &LimitInput) -> Result<Value, String> {
        let Some(id) = input.type_id else { return Err("typeId must be set".to_owned()) };
        let given = input.category.as_deref().map(Category::parse);
        let known =
            self.links.find(from, to, id).filter(|known| given.is_none_or(|given| given == Some(known.category)));
        let Some(known) = known.cloned() else {
            let (from, to) = (&self.catalog.get(from).type_id, &self.catalog.get(to).type_id);
            return Err(format!("Association type {id} is not valid from object type {from} to object type {to}"));
        };
        match (verb, known.enforced) {
            (Verb::Create, Some(_)) => return Err(format!("Association type {id} has a limit already")),
            (Verb::Update | Verb::Purge, None) => return Err(format!("Association type {id} has no limit")),
            (Verb::Create, None) | (Verb::Update | Verb::Purge, Some(_)) => {}
        }
        let most = if verb == Verb::Purge { None } else { Some(self.check_limit(from, to, &known, input)?) };
        self.links.enforce(from, to, id, most);
        let mut result = json!({"category": known.category.name(), "typeId": id});
        if let (Some(most), Some(result)) = (most, result.as_object_mut()) {
            result.insert("userEnforcedMaxToObjectIds".into(), most.into());
            if verb == Verb::Create {
                result.insert("label".into(), json!(known.label));
            }
        }
        Ok(result)
    }

    /// A limit is below the subscription's, a label's is not above its pair's, and no record has more already.
    fn check_limit(&self, from: Kind, to: Kind, known: &LinkType, input: &LimitInput) -> Result<u32, String> {
        let types = self.links.types(from, to);
        let pair = types.iter().filter(|other| other.label.is_none()).map(LinkType::limit).min();
        let labels = types.iter().filter(|other| other.label.is_some()).filter_map(|other| other.enforced).max();
        let (low, high) = if known.label.is_none() {
            (labels.unwrap_or(1), known.most.saturating_sub(1).max(1))
        } else {
            (1, pair.unwrap_or(known.most).min(known.most))
        };
        let given = input.max_to_object_ids.and_then(|most| u32::try_from(most).ok());
        let Some(most) = given.filter(|most| (low..=high).contains(most)) else {
            return Err(format!("maxToObjectIds must be between {low} and {high}"));
        };
        let used = self.links.most_used(from, to, known.id);
        if used > usize::try_from(most).unwrap_or(usize::MAX) {
            return Err(format!("maxToObjectIds must not be below {used}, which a record has already"));
        }
        Ok(most)
    }

    /// Whether a record would get one association too many; the text says which.
    pub(super) fn check_room(&self, from: End, to: End, ids: &[u32]) -> Result<(), String> {
        let Some(excess) = self.links.excess(from, to, ids) else { return Ok(()) };
        let (one, many) = (self.catalog.get(excess.record.kind), self.catalog.get(excess.to));
        Err(format!(
            "{} {} cannot have more than {} associations of type {} to {}",
            one.singular, excess.record.id, excess.limit, excess.type_id, many.plural
        ))
    }

    /// Whether several edges may all be made, each counted with those before it.
    pub(super) fn check_room_for_all(&self, edges: &[(End, End, u32)]) -> Result<(), String> {
        let mut planned: BTreeMap<(End, Kind, u32), BTreeSet<End>> = BTreeMap::new();
        for (from, to, id) in edges {
            let unlabelled = self.links.default_type(from.kind, to.kind).map(|known| known.id);
            for id in unlabelled.into_iter().chain([*id]) {
                let Some(known) = self.links.find(from.kind, to.kind, id) else { continue };
                planned.entry((*from, to.kind, id)).or_default().insert(*to);
                planned.entry((*to, from.kind, known.inverse)).or_default().insert(*from);
            }
        }
        for ((end, to, id), others) in planned {
            let Some(known) = self.links.find(end.kind, to, id).filter(|known| !known.only_one) else { continue };
            let fresh = others.iter().filter(|other| !self.links.between(end, **other).contains(&id)).count();
            let own = self.links.of(end, to, 0).filter(|(_, types)| types.contains(&id)).count();
            if fresh > 0 && own + fresh > usize::try_from(known.limit()).unwrap_or(usize::MAX) {
                return Err(self.too_many(end, to, known));
            }
        }
        Ok(())
    }

    fn too_many(&self, end: End, to: Kind, known: &LinkType) -> String {
        let (one, many) = (&self.catalog.get(end.kind).singular, &self.catalog.get(to).plural);
        let (limit, id) = (known.limit(), known.id);
        format!("{one} {} cannot have more than {limit} associations of type {id} to {many}", end.id)
    }

    /// Whether the records of one call may all be made with their associations.
    pub(super) fn check_room_together<'a>(
        &self,
        kind: Kind,
        all: impl Iterator<Item = &'a Edges>,
    ) -> Result<(), String> {
        let mut planned: BTreeMap<(End, u32), usize> = BTreeMap::new();
        for (to, ids) in all.flatten() {
            let unlabelled = self.links.default_type(kind, to.kind).map(|known| known.id);
            let ids: BTreeSet<u32> = ids.iter().copied().chain(unlabelled).collect();
            for id in ids {
                let back = self.links.find(kind, to.kind, id).map(|known| known.inverse);
                *planned.entry((*to, back.unwrap_or(id))).or_default() += 1;
            }
        }
        for ((end, id), count) in planned {
            let Some(known) = self.links.find(end.kind, kind, id).filter(|known| !known.only_one) else { continue };
            let own = self.links.of(end, kind, 0).filter(|(_, types)| types.contains(&id)).count();
            if own + count > usize::try_from(known.limit()).unwrap_or(usize::MAX) {
                return Err(self.too_many(end, kind, known));
            }
        }
        Ok(())
    }

    /// POST of the report that HubSpot mails: only its acknowledgement is made here.
    pub(super) fn report_high_usage(&self, user: &str, call: &Call<'_>) -> Outcome {
        let unreadable = || Refusal::bare(400, "Unable to parse value for path parameter: userId");
        let user: u64 = user.parse().map_err(|_| unreadable())?;
        let owner = self.owners.iter().find(|owner| owner.user_id == user && owner.archived_at.is_none());
        let owner = owner.ok_or_else(Refusal::missing)?;
        Ok(Reply::ok(&json!({"userId": user, "userEmail": owner.email, "enqueueTime": time::iso(call.now)})))
    }
}

fn configured<'a>(types: impl Iterator<Item = &'a LinkType>) -> Vec<Value> {
    let configured = types.filter_map(|known| Some((known, known.enforced?)));
    let entry = |(known, most): (&LinkType, u32)| {
        let mut entry = Map::new();
        entry.insert("category".into(), known.category.name().into());
        entry.insert("typeId".into(), known.id.into());
        entry.insert("userEnforcedMaxToObjectIds".into(), most.into());
        entry.insert("label".into(), json!(known.label));
        Value::Object(entry)
    };
    configured.map(entry).collect()
}

fn validation(message: String) -> BatchError {
    BatchError { category: "VALIDATION_ERROR", sub_category: None, message, context: Vec::new() }
}
