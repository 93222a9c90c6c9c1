//! Finds out what became of creations whose answers were lost, for types without a unique property.
//!
//! Lists the records above the highest id that was known before the calls (a list ascends by id and does not lag),
//! sets aside those that a row is linked to, and matches the rest by content. Never by search, never by trying again
//! blindly.

use std::collections::BTreeMap;

use linchpin_core::sync::content::{Content, match_up};
use linchpin_core::sync::desired::DesiredValue;
use linchpin_core::sync::operation::{Action, Ended};
use linchpin_core::sync::settle::{Tried, create_again, link_of, record_content};
use linchpin_hubspot::id::{ObjectType, RecordId};
use linchpin_hubspot::limits::sizes::LIST_MAX;
use linchpin_hubspot::objects::{Fields, List, Record};
use linchpin_mapping::{Compiled, Entry};
use linchpin_ports::queue::{Claimed, Settlement};

use super::adopt::mirrored;
use super::batch::{entry_of, references, text_of, without_linked_creations};
use super::lookup::Known;
use super::{Context, SyncError};

/// Why creations are in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The process ended: most of them may never have been sent, and none is to blame.
    Restarted,
    /// Their answers were lost.
    Lost,
}

/// Ends creations in doubt: done if a record has their content, else to be created again.
pub(super) async fn creations(
    context: &Context,
    compiled: &Compiled,
    in_doubt: Vec<Claimed>,
    doubt: Doubt,
) -> Result<Settlement, SyncError> {
    let mut settlement = Settlement::default();
    let mut by_entry: BTreeMap<_, Vec<Claimed>> = BTreeMap::new();
    for claimed in in_doubt {
        by_entry.entry(claimed.operation.row.entry.clone()).or_default().push(claimed);
    }
    for claimed in by_entry.into_values() {
        let Some(first) = claimed.first() else { continue };
        let entry = entry_of(compiled, &first.operation)?;
        one_entry(context, entry, claimed, doubt, &mut settlement).await?;
    }
    Ok(settlement)
}

async fn one_entry(
    context: &Context,
    entry: &Entry,
    claimed: Vec<Claimed>,
    doubt: Doubt,
    settlement: &mut Settlement,
) -> Result<(), SyncError> {
    let claimed = without_linked_creations(context, entry, claimed, settlement).await?;
    let floor = claimed.iter().map(|claimed| claimed.floor).min().unwrap_or(RecordId(0));
    let rows = claimed.iter().flat_map(|claimed| references(&claimed.operation));
    let known = Known::load(context, entry, rows).await?;
    let mut unlinked = unlinked_above(context, entry, floor).await?;
    let sent: Vec<BTreeMap<String, String>> = claimed.iter().map(|claimed| sent_text(claimed, &known)).collect();
    let content = content_properties(&claimed);
    let wanted: Vec<Content> =
        sent.iter().map(|sent| Content::of(content, |name| sent.get(name).map(String::as_str), &known)).collect();
    let contents = unlinked.values().map(|record| (record.id, record_content(record, content, &known)));
    let matched = match_up(&wanted, contents.collect::<Vec<_>>());
    let now = context.clock.now().wall;
    for ((claimed, sent), record) in claimed.iter().zip(&sent).zip(matched) {
        let tried = Tried { operation: &claimed.operation, attempts: claimed.attempts, sent };
        let ended = match record.and_then(|id| unlinked.remove(&id)) {
            Some(record) => {
                let link = link_of(&tried, &record);
                settlement.mirror.push(mirrored(&entry.object_type, record));
                Ended::Done { link: Some(link), association: None, created: Some(true) }
            }
            None => create_again(&claimed.operation, claimed.attempts, doubt == Doubt::Lost, now),
        };
        settlement.ended.push((claimed.operation.id, ended));
    }
    Ok(())
}

fn content_properties(claimed: &[Claimed]) -> &[String] {
    match claimed.first().map(|claimed| &claimed.operation.action) {
        Some(Action::Create { content, .. }) => content,
        _ => &[],
    }
}

fn sent_text(claimed: &Claimed, known: &Known<'_>) -> BTreeMap<String, String> {
    let Action::Create { properties, .. } = &claimed.operation.action else { return BTreeMap::new() };
    let text = |(name, value): (&String, &DesiredValue)| Some((name.clone(), text_of(value, known).ok()?));
    properties.iter().filter_map(text).collect()
}

async fn unlinked_above(
    context: &Context,
    entry: &Entry,
    floor: RecordId,
) -> Result<BTreeMap<RecordId, Record>, SyncError> {
    let object_type: &ObjectType = &entry.object_type;
    let fields = Fields::of(entry.properties.iter().map(|property| property.name.clone()));
    let mut after = (floor.0 > 0).then(|| floor.to_string());
    let mut found = BTreeMap::new();
    loop {
        let list = List { object_type: object_type.clone(), limit: LIST_MAX, after, fields: fields.clone() };
        let failed = |source| SyncError::Hub { step: format!("list {object_type} to find lost creations"), source };
        let page = context.hub.send(&list).await.map_err(failed)?;
        let above: Vec<Record> = page.items.into_iter().filter(|record| record.id > floor).collect();
        let ids: Vec<RecordId> = above.iter().map(|record| record.id).collect();
        let rows = context.stores.links.rows(context.install, object_type, &ids).await?;
        let free = above.into_iter().zip(rows).filter(|(_, row)| row.is_none());
        found.extend(free.map(|(record, _)| (record.id, record)));
        after = page.after;
        if after.is_none() {
            return Ok(found);
        }
    }
}
