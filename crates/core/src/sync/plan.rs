//! Turns decisions about rows into numbered operations, and counts what they come to.

use std::collections::BTreeMap;

use linchpin_hubspot::id::ObjectType;

use super::desired::{AssociationKind, DesiredAssociation, EntryName, RowId, RowWarning, SourceKey};
use super::diff::{AssociationDecision, Decision, Removal};
use super::operation::{Action, Operation, OperationId};
use super::run::{Cost, EntryCounts, EntryPlan, Plan, PlanWarning, RunId};

/// How many operations share one call, for every batch endpoint that sync uses.
/// Association batches would take 2,000 by report; the documented 100 is certain.
pub const BATCH_MAX: u16 = 100;

/// How many example keys a warning carries.
const WARNING_EXAMPLES_MAX: usize = 5;

/// Calls a second that the account's limits allow.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Object and property calls.
    pub ordinary: f64,
    /// Association batches, in a bucket of their own.
    pub associations: f64,
}

/// What a mapping entry is to the plan.
#[derive(Clone, Debug)]
pub struct EntryShape {
    /// Its name.
    pub name: EntryName,
    /// The type of its records.
    pub object_type: ObjectType,
    /// Its kinds of associations.
    pub kinds: Vec<AssociationKind>,
}

/// Collects a plan: entries in dependency order, each row once.
#[derive(Debug)]
pub struct PlanBuilder {
    run: RunId,
    next_seq: u64,
    shapes: Vec<EntryShape>,
    counts: Vec<EntryCounts>,
    warnings: BTreeMap<(String, EntryName, Option<String>), PlanWarning>,
    packs: BTreeMap<String, u64>,
}

impl PlanBuilder {
    /// Begins a plan over the entries, in the order in which they are to be applied.
    pub fn new(run: RunId, shapes: Vec<EntryShape>) -> Self {
        let counts = vec![EntryCounts::default(); shapes.len()];
        Self { run, next_seq: 0, shapes, counts, warnings: BTreeMap::new(), packs: BTreeMap::new() }
    }

    /// The counts of one entry, to be added to by the reader of its rows.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn counts(&mut self, entry: usize) -> &mut EntryCounts {
        self.counts.get_mut(entry).expect("invariant: the entry is one of those that the plan was begun with")
    }

    /// Adds what was decided about the record of one row.
    pub fn record(&mut self, entry: usize, row: RowId, decision: Decision) -> Option<Operation> {
        let action = match decision {
            Decision::Unchanged => {
                self.counts(entry).unchanged += 1;
                return None;
            }
            Decision::Create(action) => {
                self.counts(entry).creates += 1;
                action
            }
            Decision::Update(action) => {
                self.counts(entry).updates += 1;
                action
            }
        };
        Some(self.operation(entry, entry_stage(entry), row, action))
    }

    /// Adds what was decided about the associations of one row.
    pub fn associations(&mut self, entry: usize, row: &RowId, decision: AssociationDecision) -> Vec<Operation> {
        let stage = entry_stage(self.shapes.len());
        self.counts(entry).associations += decision.make.len() as u64;
        self.counts(entry).dissociations += decision.remove.len() as u64;
        let mut operations = Vec::new();
        // Removals come first, so that a moved primary association is not demoted by its own predecessor.
        for Removal { association, whole } in decision.remove {
            let Some(kind) = self.kind(entry, &association) else { continue };
            let action = Action::Dissociate {
                to_object: kind.to_object.clone(),
                kind: kind.name(),
                association_type: kind.association_type.filter(|_| !whole),
                to: association.to,
            };
            operations.push(self.operation(entry, stage, row.clone(), action));
        }
        for association in decision.make {
            let Some(kind) = self.kind(entry, &association) else { continue };
            let action = Action::Associate {
                to_object: kind.to_object.clone(),
                kind: kind.name(),
                association_type: kind.association_type,
                to: association.to,
            };
            operations.push(self.operation(entry, stage + 1, row.clone(), action));
        }
        operations
    }

    fn kind(&self, entry: usize, association: &DesiredAssociation) -> Option<&AssociationKind> {
        self.shapes.get(entry)?.kinds.get(usize::from(association.kind))
    }

    fn operation(&mut self, entry: usize, stage: u16, row: RowId, action: Action) -> Operation {
        let shape = self.shapes.get(entry).expect("invariant: entries are numbered by the plan's own list");
        let object_type = shape.object_type.clone();
        let pack = pack_key(&object_type, &action);
        *self.packs.entry(pack.clone()).or_default() += 1;
        let id = OperationId { run: self.run, seq: self.next_seq };
        self.next_seq += 1;
        Operation { id, row, object_type, stage, pack, action }
    }

    /// Adds the warnings of one row.
    pub fn warn(&mut self, entry: usize, key: &SourceKey, warnings: Vec<RowWarning>) {
        let Some(shape) = self.shapes.get(entry) else { return };
        for warning in warnings {
            let index = (warning.code.clone(), shape.name.clone(), warning.property.clone());
            let known = self.warnings.entry(index).or_insert_with(|| PlanWarning {
                code: warning.code,
                entry: shape.name.clone(),
                property: warning.property,
                note: warning.note,
                rows: 0,
                examples: Vec::new(),
            });
            known.rows += 1;
            if known.examples.len() < WARNING_EXAMPLES_MAX {
                known.examples.push(key.0.clone());
            }
        }
    }

    /// Completes the summary.
    pub fn finish(self, properties_to_create: Vec<String>, read_calls: u64, pace: Pace) -> Plan {
        let cost = cost(&self.packs, &properties_to_create, read_calls, pace);
        let mut warnings: Vec<_> = self.warnings.into_values().collect();
        warnings.sort_by(|one, other| other.rows.cmp(&one.rows).then_with(|| one.code.cmp(&other.code)));
        let entries = self.shapes.into_iter().zip(self.counts).map(|(shape, counts)| EntryPlan {
            entry: shape.name,
            object: shape.object_type.to_string(),
            counts,
        });
        Plan { entries: entries.collect(), properties_to_create, warnings, cost }
    }
}

/// Whether a row belongs to a sample of the given share. The same key always gives the same answer, so that a sample
/// can grow without leaving anything behind.
pub fn in_sample(key: &SourceKey, share: f64) -> bool {
    // FNV-1a, 64 bits: small, stable across releases, even enough for a sample.
    let hash = key
        .0
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // The upper bits of short keys differ little before they are mixed (the last step of splitmix64).
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    as_f64((mixed ^ (mixed >> 31)) >> 11) < share * as_f64(1 << 53)
}

fn entry_stage(entry: usize) -> u16 {
    u16::try_from(entry).unwrap_or(u16::MAX - 1)
}

/// Which operations may share a call: same endpoint, same type, same unique property, same association type.
pub fn pack_key(object_type: &ObjectType, action: &Action) -> String {
    let typed = |kind: &Option<linchpin_hubspot::id::AssociationType>| {
        kind.map_or_else(|| "default".to_owned(), |t| t.type_id.to_string())
    };
    match action {
        Action::Upsert { id_property, .. } => format!("upsert {object_type} by {id_property}"),
        Action::Create { .. } => format!("create {object_type}"),
        Action::Update { .. } => format!("update {object_type}"),
        Action::Associate { to_object, association_type, .. } => {
            format!("associate {object_type} with {to_object} as {}", typed(association_type))
        }
        Action::Dissociate { to_object, association_type, .. } => {
            format!("dissociate {object_type} from {to_object} as {}", typed(association_type))
        }
    }
}

fn cost(packs: &BTreeMap<String, u64>, properties: &[String], read_calls: u64, pace: Pace) -> Cost {
    let mut writes: BTreeMap<String, u64> =
        packs.iter().map(|(pack, operations)| (pack.clone(), operations.div_ceil(u64::from(BATCH_MAX)))).collect();
    // Key properties are created by one batch for each object type.
    let mut types: Vec<&str> = properties.iter().filter_map(|name| name.split_once('.')).map(|(t, _)| t).collect();
    types.dedup();
    for object_type in types {
        writes.insert(format!("create properties of {object_type}"), 1);
    }
    let association_calls: u64 =
        writes.iter().filter(|(pack, _)| pack.contains("associate")).map(|(_, calls)| calls).sum();
    let write_calls: u64 = writes.values().sum();
    let minutes = (as_f64(write_calls - association_calls) / pace.ordinary
        + as_f64(association_calls) / pace.associations)
        / 60.0;
    let one_by_one = packs.values().sum::<u64>() + properties.len() as u64;
    Cost { writes, write_calls, read_calls, minutes, one_by_one }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate for people: counts of calls are far below 2^52")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::desired::DesiredValue;

    fn shape(name: &str) -> EntryShape {
        EntryShape {
            name: EntryName(name.into()),
            object_type: ObjectType::new(name),
            kinds: vec![AssociationKind {
                to_entry: EntryName("companies".into()),
                to_object: ObjectType::new("companies"),
                association_type: None,
                label: None,
            }],
        }
    }

    fn row(entry: &str, key: u32) -> RowId {
        RowId { entry: EntryName(entry.into()), key: SourceKey(key.to_string()) }
    }

    fn upsert(key: u32) -> Decision {
        Decision::Create(Action::Upsert {
            id_property: "key".into(),
            id_value: key.to_string(),
            properties: BTreeMap::from([("key".to_owned(), DesiredValue::Text(key.to_string()))]),
        })
    }

    #[test]
    fn a_plan_counts_what_it_holds_and_prices_it_in_batches() {
        let mut builder = PlanBuilder::new(RunId(7), vec![shape("companies"), shape("contacts")]);
        for key in 0..10 {
            assert_eq!(builder.record(0, row("companies", key), upsert(key)).map(|op| op.stage), Some(0));
        }
        for key in 0..101 {
            let operation = builder.record(1, row("contacts", key), upsert(key)).expect("a creation is an operation");
            assert_eq!((operation.stage, operation.id.seq), (1, 10 + 2 * u64::from(key)));
            let make = vec![DesiredAssociation { kind: 0, to: row("companies", key % 10) }];
            let made = builder.associations(1, &row("contacts", key), AssociationDecision { make, remove: Vec::new() });
            assert_eq!(made.iter().map(|op| op.stage).collect::<Vec<_>>(), [3]);
        }
        let pace = Pace { ordinary: 19.0, associations: 15.0 };
        let plan = builder.finish(vec!["companies.key".into(), "contacts.key".into()], 4, pace);
        assert_eq!(plan.cost.write_calls, 1 + 2 + 2 + 2);
        assert_eq!(plan.cost.one_by_one, 10 + 101 + 101 + 2);
        assert_eq!(plan.entries[1].counts.creates, 101);
        assert_eq!(plan.entries[1].counts.associations, 101);
        assert!(!plan.is_empty());
    }

    #[test]
    fn a_plan_of_unchanged_rows_is_empty_and_free() {
        let mut builder = PlanBuilder::new(RunId(7), vec![shape("companies")]);
        assert_eq!(builder.record(0, row("companies", 1), Decision::Unchanged), None);
        let plan = builder.finish(Vec::new(), 0, Pace { ordinary: 19.0, associations: 15.0 });
        assert!(plan.is_empty());
        assert_eq!((plan.cost.write_calls, plan.entries[0].counts.unchanged), (0, 1));
    }

    #[test]
    fn warnings_of_one_kind_are_one_line_with_a_few_examples() {
        let mut builder = PlanBuilder::new(RunId(7), vec![shape("contacts")]);
        for key in 0..9 {
            let warning = RowWarning { code: "LP1301".into(), property: Some("phone".into()), note: "left out".into() };
            builder.warn(0, &SourceKey(key.to_string()), vec![warning]);
        }
        let plan = builder.finish(Vec::new(), 0, Pace { ordinary: 19.0, associations: 15.0 });
        assert_eq!((plan.warnings.len(), plan.warnings[0].rows, plan.warnings[0].examples.len()), (1, 9, 5));
    }

    #[test]
    fn a_sample_of_short_keys_has_about_its_share() {
        for share in [0.01, 0.1, 0.5] {
            let rows = 0..10_000_u32;
            let sampled = rows.filter(|key| in_sample(&SourceKey(key.to_string()), share)).count();
            let expected = share * 10_000.0;
            let off = (f64::from(u32::try_from(sampled).unwrap()) - expected).abs();
            assert!(off < 5.0 * expected.sqrt(), "{sampled} of 10,000 at {share}");
        }
    }
}
