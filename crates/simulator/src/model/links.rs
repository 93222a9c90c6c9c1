//! Associations: the types that a pair of object types may have, and the edges between records.
//!
//! Invariants: every edge is kept from both sides with inverse types; an edge of a labelled or primary type also has
//! the unlabelled type of its pair; a record has at most one edge of a primary type to each object type.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{COMPANIES, CONTACTS, DEALS, Kind, LINE_ITEMS, TICKETS};
use crate::wire::Millis;

/// Label types that a pair of object types may have.
pub(super) const LABELS_MAX: usize = 50;
/// Records of one object type to which a record may be tied, unless a type says less.
pub(super) const EDGES_MAX: u32 = 10_000;

/// Who defined an association type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Category {
    HubSpot,
    User,
}

impl Category {
    /// HubSpot's name of the category.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HubSpot => "HUBSPOT_DEFINED",
            Self::User => "USER_DEFINED",
        }
    }

    /// Reads HubSpot's name of the category.
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "HUBSPOT_DEFINED" => Some(Self::HubSpot),
            "USER_DEFINED" => Some(Self::User),
            _ => None,
        }
    }
}

/// One direction of an association type.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct LinkType {
    pub(super) id: u32,
    pub(super) inverse: u32,
    pub(super) category: Category,
    pub(super) label: Option<String>,
    /// The name that legacy paths and labels use, in snake case.
    pub(super) name: String,
    /// At most one edge of this type may leave a record; a new one demotes the old one.
    pub(super) only_one: bool,
    /// Edges of this type that may leave a record; one more is refused.
    pub(super) most: u32,
    /// The lower number that an administrator chose.
    pub(super) enforced: Option<u32>,
    /// When a label was made.
    pub(super) made_at: Millis,
}

impl LinkType {
    /// How many edges of this type may leave a record.
    pub(super) fn limit(&self) -> u32 {
        self.enforced.map_or(self.most, |enforced| enforced.min(self.most))
    }
}

/// An edge that would be one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    /// The record that has enough of them.
    pub(super) record: End,
    /// The object type of the others.
    pub(super) to: Kind,
    pub(super) type_id: u32,
    pub(super) limit: u32,
}

/// One end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(super) struct End {
    pub(super) kind: Kind,
    pub(super) id: u64,
}

/// The places of further types in the catalog; a test compares them with their names.
const QUOTES: Kind = Kind(11);
const LEADS: Kind = Kind(12);
const COMMUNICATIONS: Kind = Kind(13);
const POSTAL_MAIL: Kind = Kind(14);
const FEEDBACK: Kind = Kind(15);

/// One row per standard pair: from, to, type there, type back.
const UNLABELLED: &[(Kind, Kind, u32, u32, &str, &str)] = &[
    (CONTACTS, COMPANIES, 279, 280, "contact_to_company", "company_to_contact"),
    (CONTACTS, DEALS, 4, 3, "contact_to_deal", "deal_to_contact"),
    (CONTACTS, TICKETS, 15, 16, "contact_to_ticket", "ticket_to_contact"),
    (COMPANIES, DEALS, 342, 341, "company_to_deal", "deal_to_company"),
    (COMPANIES, TICKETS, 340, 339, "company_to_ticket", "ticket_to_company"),
    (DEALS, TICKETS, 27, 28, "deal_to_ticket", "ticket_to_deal"),
    (DEALS, LINE_ITEMS, 19, 20, "deal_to_line_item", "line_item_to_deal"),
    (CONTACTS, Kind(6), 201, 202, "contact_to_note", "note_to_contact"),
    (CONTACTS, Kind(7), 203, 204, "contact_to_task", "task_to_contact"),
    (CONTACTS, Kind(8), 199, 200, "contact_to_meeting_event", "meeting_event_to_contact"),
    (CONTACTS, Kind(9), 193, 194, "contact_to_call", "call_to_contact"),
    (CONTACTS, Kind(10), 197, 198, "contact_to_email", "email_to_contact"),
    (COMPANIES, Kind(6), 189, 190, "company_to_note", "note_to_company"),
    (COMPANIES, Kind(7), 191, 192, "company_to_task", "task_to_company"),
    (COMPANIES, Kind(8), 187, 188, "company_to_meeting_event", "meeting_event_to_company"),
    (COMPANIES, Kind(9), 181, 182, "company_to_call", "call_to_company"),
    (COMPANIES, Kind(10), 185, 186, "company_to_email", "email_to_company"),
    (DEALS, Kind(6), 213, 214, "deal_to_note", "note_to_deal"),
    (DEALS, Kind(7), 215, 216, "deal_to_task", "task_to_deal"),
    (DEALS, Kind(8), 211, 212, "deal_to_meeting_event", "meeting_event_to_deal"),
    (DEALS, Kind(9), 205, 206, "deal_to_call", "call_to_deal"),
    (DEALS, Kind(10), 209, 210, "deal_to_email", "email_to_deal"),
    (TICKETS, Kind(6), 227, 228, "ticket_to_note", "note_to_ticket"),
    (TICKETS, Kind(7), 229, 230, "ticket_to_task", "task_to_ticket"),
    (TICKETS, Kind(8), 225, 226, "ticket_to_meeting_event", "meeting_event_to_ticket"),
    (TICKETS, Kind(9), 219, 220, "ticket_to_call", "call_to_ticket"),
    (TICKETS, Kind(10), 223, 224, "ticket_to_email", "email_to_ticket"),
    (CONTACTS, CONTACTS, 449, 449, "contact_to_contact", "contact_to_contact"),
    (COMPANIES, COMPANIES, 450, 450, "company_to_company", "company_to_company"),
    (DEALS, DEALS, 451, 451, "deal_to_deal", "deal_to_deal"),
    (TICKETS, TICKETS, 452, 452, "ticket_to_ticket", "ticket_to_ticket"),
    (DEALS, QUOTES, 63, 64, "deal_to_quote", "quote_to_deal"),
    (QUOTES, LINE_ITEMS, 67, 68, "quote_to_line_item", "line_item_to_quote"),
    (CONTACTS, QUOTES, 70, 69, "contact_to_quote", "quote_to_contact"),
    (COMPANIES, QUOTES, 72, 71, "company_to_quote", "quote_to_company"),
    (LEADS, CONTACTS, 608, 609, "lead_to_contact", "contact_to_lead"),
    (LEADS, COMPANIES, 610, 611, "lead_to_company", "company_to_lead"),
    (LEADS, DEALS, 1037, 1038, "lead_to_deal", "deal_to_lead"),
    (LEADS, Kind(9), 596, 597, "lead_to_call", "call_to_lead"),
    (LEADS, Kind(10), 598, 599, "lead_to_email", "email_to_lead"),
    (LEADS, Kind(8), 600, 601, "lead_to_meeting_event", "meeting_event_to_lead"),
    (LEADS, COMMUNICATIONS, 602, 603, "lead_to_communication", "communication_to_lead"),
    (LEADS, Kind(7), 646, 647, "lead_to_task", "task_to_lead"),
    (LEADS, Kind(6), 854, 855, "lead_to_note", "note_to_lead"),
    (COMMUNICATIONS, CONTACTS, 81, 82, "communication_to_contact", "contact_to_communication"),
    (COMMUNICATIONS, TICKETS, 83, 84, "communication_to_ticket", "ticket_to_communication"),
    (COMMUNICATIONS, DEALS, 85, 86, "communication_to_deal", "deal_to_communication"),
    (COMMUNICATIONS, COMPANIES, 87, 88, "communication_to_company", "company_to_communication"),
    (POSTAL_MAIL, CONTACTS, 453, 454, "postal_mail_to_contact", "contact_to_postal_mail"),
    (POSTAL_MAIL, TICKETS, 455, 456, "postal_mail_to_ticket", "ticket_to_postal_mail"),
    (POSTAL_MAIL, DEALS, 457, 458, "postal_mail_to_deal", "deal_to_postal_mail"),
    (POSTAL_MAIL, COMPANIES, 459, 460, "postal_mail_to_company", "company_to_postal_mail"),
    (CONTACTS, FEEDBACK, 97, 98, "contact_to_feedback_submission", "feedback_submission_to_contact"),
    (TICKETS, FEEDBACK, 99, 100, "ticket_to_feedback_submission", "feedback_submission_to_ticket"),
    (COMPANIES, FEEDBACK, 929, 928, "company_to_feedback_submission", "feedback_submission_to_company"),
    (DEALS, FEEDBACK, 985, 984, "deal_to_feedback_submission", "feedback_submission_to_deal"),
];

/// Types of which the first kind may have one: from, to, type there, type back.
const PRIMARY: &[(Kind, Kind, u32, u32, &str, &str)] = &[
    (CONTACTS, COMPANIES, 1, 2, "contact_to_company", "company_to_contact"),
    (DEALS, COMPANIES, 5, 6, "deal_to_company", "company_to_deal"),
    (TICKETS, COMPANIES, 26, 25, "ticket_to_company", "company_to_ticket"),
    (LEADS, CONTACTS, 578, 579, "lead_to_primary_contact", "primary_contact_to_lead"),
    (LEADS, COMPANIES, 580, 581, "lead_to_primary_company", "primary_company_to_lead"),
    (LEADS, DEALS, 582, 583, "lead_to_primary_deal", "primary_deal_to_lead"),
];

/// Labels that HubSpot defines and that are not primary: from, to, type there, type back, labels, names.
type LabelledRow = (Kind, Kind, (u32, u32), (&'static str, &'static str), (&'static str, &'static str));

const LABELLED: &[LabelledRow] = &[
    (
        COMPANIES,
        COMPANIES,
        (13, 14),
        ("Child Company", "Parent Company"),
        ("parent_to_child_company", "child_to_parent_company"),
    ),
    (
        CONTACTS,
        COMPANIES,
        (931, 930),
        ("Billing Contact", "Billing Contact"),
        ("billing_contact_to_company", "company_to_billing_contact"),
    ),
];

/// Types with a limit of their own, as schemas and the rules of the objects tell them.
const LIMITS: &[(u32, u32)] = &[(3, 1_000), (14, 1), (20, 1), (930, 1)];
/// One direction of one type that was added to an edge, or taken off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkChange {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) id: u32,
    pub(super) removed: bool,
}

/// All association types and edges of a portal.
#[derive(Debug)]
pub(super) struct Links {
    types: BTreeMap<(Kind, Kind), Vec<LinkType>>,
    edges: BTreeMap<(End, End), Vec<u32>>,
    next_type: u32,
    /// What changed since it was last taken; nothing while nobody listens.
    log: Option<Vec<LinkChange>>,
    /// Records whose edges changed since somebody asked, for what is computed from them.
    touched: BTreeSet<End>,
}

impl Links {
    /// The standard types and no edges. Types that are made later count upwards from a number that the seed moves.
    pub(super) fn standard(seed: u64) -> Self {
        let first_own = 1000 + u32::try_from(seed % 1000).unwrap_or(0);
        let (types, edges) = (BTreeMap::new(), BTreeMap::new());
        let mut links = Self { types, edges, next_type: first_own, log: None, touched: BTreeSet::new() };
        for (from, to, there, back, name, inverse_name) in UNLABELLED {
            let category = Category::HubSpot;
            links.define(*from, *to, two_ways((*there, *back), category, (None, None), (name, inverse_name)));
        }
        for (from, to, there, back, name, inverse_name) in PRIMARY {
            let primary = Some("Primary".to_owned());
            let mut pair =
                two_ways((*there, *back), Category::HubSpot, (primary.clone(), primary), (name, inverse_name));
            pair.0.only_one = true;
            links.define(*from, *to, pair);
        }
        for (from, to, ids, labels, names) in LABELLED {
            let labels = (Some(labels.0.to_owned()), Some(labels.1.to_owned()));
            links.define(*from, *to, two_ways(*ids, Category::HubSpot, labels, *names));
        }
        for known in links.types.values_mut().flatten() {
            known.most = LIMITS.iter().find(|(id, _)| *id == known.id).map_or(EDGES_MAX, |(_, most)| *most);
        }
        links
    }

    fn define(&mut self, from: Kind, to: Kind, (there, back): (LinkType, LinkType)) {
        let one_way = there.id == back.id;
        self.types.entry((from, to)).or_default().push(there);
        if !one_way {
            self.types.entry((to, from)).or_default().push(back);
        }
    }

    /// Makes the unlabelled type between two object types, one of them custom.
    pub(super) fn define_custom(&mut self, from: Kind, to: Kind, names: (&str, &str)) {
        if self.default_type(from, to).is_some() {
            return;
        }
        let there = self.take_type();
        let back = if from == to { there } else { self.take_type() };
        self.define(from, to, two_ways((there, back), Category::User, (None, None), names));
    }

    /// Makes a label, with its inverse, and returns both type ids.
    pub(super) fn define_label(
        &mut self,
        from: Kind,
        to: Kind,
        name: &str,
        labels: (String, String),
        now: Millis,
    ) -> (LinkType, LinkType) {
        let there = self.take_type();
        // Between records of one type, a label that reads the same both ways is one type.
        let back = if from == to && labels.0 == labels.1 { there } else { self.take_type() };
        let mut pair = two_ways((there, back), Category::User, (Some(labels.0), Some(labels.1)), (name, name));
        (pair.0.made_at, pair.1.made_at) = (now, now);
        self.define(from, to, pair.clone());
        pair
    }

    fn take_type(&mut self) -> u32 {
        let id = self.next_type;
        self.next_type = self.next_type.saturating_add(1);
        id
    }

    /// Renames a label; `inverse` renames the other direction.
    pub(super) fn rename(&mut self, from: Kind, to: Kind, id: u32, label: &str, inverse: Option<&str>) -> bool {
        let Some(link_type) = self.types_mut(from, to).find(|known| known.id == id && known.category == Category::User)
        else {
            return false;
        };
        link_type.label = Some(label.to_owned());
        let back = link_type.inverse;
        if let (Some(inverse), Some(other)) = (inverse, self.types_mut(to, from).find(|known| known.id == back)) {
            other.label = Some(inverse.to_owned());
        }
        true
    }

    fn types_mut(&mut self, from: Kind, to: Kind) -> impl Iterator<Item = &mut LinkType> {
        self.types.get_mut(&(from, to)).into_iter().flatten()
    }

    /// Deletes a label with its inverse, and takes it off all edges.
    pub(super) fn delete_label(&mut self, from: Kind, to: Kind, id: u32) -> bool {
        let Some(known) = self.types(from, to).iter().find(|known| known.id == id) else { return false };
        if known.category != Category::User || known.label.is_none() {
            return false;
        }
        let gone = [known.id, known.inverse];
        for pair in [(from, to), (to, from)] {
            if let Some(types) = self.types.get_mut(&pair) {
                types.retain(|link_type| !gone.contains(&link_type.id));
            }
        }
        for types in self.edges.values_mut() {
            types.retain(|known| !gone.contains(known));
        }
        true
    }

    /// Deletes the unlabelled type that a schema made, with its inverse and all edges of the pair; false when there is
    /// none, or when labels of the pair still stand on it.
    pub(super) fn delete_definition(&mut self, id: u32) -> bool {
        let Some((from, to)) = self.pair_of(id) else { return false };
        let is_alone = self.types(from, to).len() == 1;
        let own =
            self.find(from, to, id).is_some_and(|known| known.category == Category::User && known.label.is_none());
        if !own || !is_alone {
            return false;
        }
        self.types.remove(&(from, to));
        self.types.remove(&(to, from));
        self.edges
            .retain(|(one, other), _| (one.kind, other.kind) != (from, to) && (one.kind, other.kind) != (to, from));
        true
    }

    /// Sets or takes away the limit that an administrator chose for a type; false when there is no such type.
    pub(super) fn enforce(&mut self, from: Kind, to: Kind, id: u32, most: Option<u32>) -> bool {
        let Some(known) = self.types_mut(from, to).find(|known| known.id == id) else { return false };
        known.enforced = most;
        true
    }

    /// The first type of which a new edge would be one too many, at either end.
    ///
    /// A primary type is never too many: the new one takes the place of the old one.
    pub(super) fn excess(&self, from: End, to: End, ids: &[u32]) -> Option<Excess> {
        let unlabelled = self.default_type(from.kind, to.kind).map(|known| known.id);
        unlabelled.into_iter().chain(ids.iter().copied()).find_map(|id| {
            let known = self.find(from.kind, to.kind, id)?;
            self.excess_of(from, to, known).or_else(|| {
                let back = self.find(to.kind, from.kind, known.inverse)?;
                self.excess_of(to, from, back)
            })
        })
    }

    fn excess_of(&self, from: End, to: End, known: &LinkType) -> Option<Excess> {
        if known.only_one || self.between(from, to).contains(&known.id) {
            return None;
        }
        let limit = known.limit();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let own = self.of(from, to.kind, 0).filter(|(_, types)| types.contains(&known.id)).take(most);
        (own.count() >= most).then_some(Excess { record: from, to: to.kind, type_id: known.id, limit })
    }

    /// The most edges of a type that any record has, so that no limit is set below what is there.
    pub(super) fn most_used(&self, from: Kind, to: Kind, id: u32) -> usize {
        let mut counts: BTreeMap<End, usize> = BTreeMap::new();
        for ((one, other), types) in &self.edges {
            if one.kind == from && other.kind == to && types.contains(&id) {
                *counts.entry(*one).or_default() += 1;
            }
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// Counts a record, and those that it is tied to, as changed.
    pub(super) fn touch(&mut self, end: End) {
        let others: Vec<End> = self.all_of(end).map(|(other, _)| other).collect();
        self.touched.extend(others);
        self.touched.insert(end);
    }

    /// Counts a record alone as changed.
    pub(super) fn mark(&mut self, end: End) {
        self.touched.insert(end);
    }

    /// The records whose edges changed since the last time that somebody asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<End> {
        std::mem::take(&mut self.touched)
    }

    /// Deletes all types that a custom object type has.
    pub(super) fn delete_kind(&mut self, kind: Kind) {
        self.types.retain(|(from, to), _| *from != kind && *to != kind);
        self.edges.retain(|(from, to), _| from.kind != kind && to.kind != kind);
    }

    /// The types of a pair, the unlabelled one first.
    pub(super) fn types(&self, from: Kind, to: Kind) -> &[LinkType] {
        self.types.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    /// All pairs that have types.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Kind, Kind, &[LinkType])> {
        self.types.iter().map(|((from, to), types)| (*from, *to, types.as_slice()))
    }

    /// The unlabelled type of a pair.
    pub(super) fn default_type(&self, from: Kind, to: Kind) -> Option<&LinkType> {
        self.types(from, to).iter().find(|known| known.label.is_none())
    }

    /// A type by its number.
    pub(super) fn find(&self, from: Kind, to: Kind, id: u32) -> Option<&LinkType> {
        self.types(from, to).iter().find(|known| known.id == id)
    }

    /// The pair to which a type number belongs.
    pub(super) fn pair_of(&self, id: u32) -> Option<(Kind, Kind)> {
        self.pairs().find(|(_, _, types)| types.iter().any(|known| known.id == id)).map(|(from, to, _)| (from, to))
    }

    /// Adds types to the edge between two records; the unlabelled type always comes along.
    pub(super) fn connect(&mut self, from: End, to: End, ids: &[u32]) {
        self.touched.extend([from, to]);
        let unlabelled = self.default_type(from.kind, to.kind).map(|known| known.id);
        for id in unlabelled.into_iter().chain(ids.iter().copied()) {
            let Some(known) = self.find(from.kind, to.kind, id) else { continue };
            let (inverse, only_one) = (known.inverse, known.only_one);
            let only_one_back = self.find(to.kind, from.kind, inverse).is_some_and(|back| back.only_one);
            if only_one {
                self.demote(from, to.kind, id, inverse);
            }
            if only_one_back {
                self.demote(to, from.kind, inverse, id);
            }
            for (from, to, id) in [(from, to, id), (to, from, inverse)] {
                if insert_sorted(self.edges.entry((from, to)).or_default(), id) {
                    self.log(LinkChange { from, to, id, removed: false });
                }
            }
        }
    }

    /// Takes a type off every edge that leaves a record towards an object type.
    fn demote(&mut self, from: End, to: Kind, id: u32, inverse: u32) {
        let others: Vec<End> = self.of(from, to, 0).map(|(other, _)| other).collect();
        for other in others {
            self.touched.insert(other);
            self.take_off(from, other, id, inverse);
        }
    }

    fn take_off(&mut self, from: End, to: End, id: u32, inverse: u32) {
        for (from, to, id) in [(from, to, id), (to, from, inverse)] {
            let Some(types) = self.edges.get_mut(&(from, to)) else { continue };
            let before = types.len();
            types.retain(|known| *known != id);
            if types.len() < before {
                self.log(LinkChange { from, to, id, removed: true });
            }
        }
    }

    /// Begins or ends to log what changes.
    pub(super) fn listen(&mut self, open: bool) {
        self.log = open.then(Vec::new);
    }

    /// What changed since the last time.
    pub(super) fn take_log(&mut self) -> Vec<LinkChange> {
        self.log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Does something that is told otherwise than by its associations.
    pub(super) fn silently<T>(&mut self, deed: impl FnOnce(&mut Self) -> T) -> T {
        let log = self.log.take();
        let done = deed(self);
        self.log = log;
        done
    }

    fn log(&mut self, change: LinkChange) {
        if let Some(log) = &mut self.log {
            log.push(change);
        }
    }

    /// Takes types off an edge; without the unlabelled one nothing is left.
    pub(super) fn remove_types(&mut self, from: End, to: End, ids: &[u32]) {
        self.touched.extend([from, to]);
        for id in ids {
            let Some(known) = self.find(from.kind, to.kind, *id) else { continue };
            let (inverse, unlabelled) = (known.inverse, known.label.is_none());
            if unlabelled {
                self.disconnect(from, to);
            } else {
                self.take_off(from, to, *id, inverse);
            }
        }
    }

    /// Removes everything between two records.
    pub(super) fn disconnect(&mut self, from: End, to: End) {
        self.touched.extend([from, to]);
        for (from, to) in [(from, to), (to, from)] {
            for id in self.edges.remove(&(from, to)).unwrap_or_default() {
                self.log(LinkChange { from, to, id, removed: true });
            }
        }
    }

    /// Removes every edge of a record and returns the other ends.
    pub(super) fn drop_record(&mut self, end: End) -> Vec<(End, Vec<u32>)> {
        let others: Vec<(End, Vec<u32>)> = self.all_of(end).map(|(other, types)| (other, types.to_vec())).collect();
        for (other, _) in &others {
            self.disconnect(end, *other);
        }
        others
    }

    /// The edges of a record to one object type, ascending, from a record id on.
    pub(super) fn of(&self, from: End, to: Kind, first: u64) -> impl Iterator<Item = (End, &[u32])> {
        let range = (from, End { kind: to, id: first })..=(from, End { kind: to, id: u64::MAX });
        self.edges.range(range).map(|((_, other), types)| (*other, types.as_slice()))
    }

    /// All edges of a record.
    pub(super) fn all_of(&self, from: End) -> impl Iterator<Item = (End, &[u32])> {
        let range = (from, End { kind: Kind(0), id: 0 })..=(from, End { kind: Kind(u16::MAX), id: u64::MAX });
        self.edges.range(range).map(|((_, other), types)| (*other, types.as_slice()))
    }

    /// The types of the edge between two records; empty when there is none.
    pub(super) fn between(&self, from: End, to: End) -> &[u32] {
        self.edges.get(&(from, to)).map_or(&[], Vec::as_slice)
    }

    /// Every edge, from both sides.
    pub(super) fn all_edges(&self) -> impl Iterator<Item = (End, End, &[u32])> {
        self.edges.iter().map(|((from, to), types)| (*from, *to, types.as_slice()))
    }

    /// Puts one side of an edge back that a file kept.
    pub(super) fn restore_edge(&mut self, from: End, to: End, types: Vec<u32>) {
        self.edges.insert((from, to), types);
    }

    /// The number of the next type that is made.
    pub(super) fn next_type(&self) -> u32 {
        self.next_type
    }

    /// Counts on from a number that a file kept.
    pub(super) fn restore_next_type(&mut self, next: u32) {
        self.next_type = next;
    }

    /// Puts the types of one direction back that a file kept.
    ///
    /// HubSpot's own types that the file does not have stay: the version that wrote it did not know them.
    pub(super) fn restore_types(&mut self, from: Kind, to: Kind, mut types: Vec<LinkType>) {
        let unknown = |known: &LinkType| types.iter().all(|kept| kept.id != known.id);
        let own = self.types(from, to).iter().filter(|known| known.category == Category::HubSpot && unknown(known));
        let own: Vec<LinkType> = own.cloned().collect();
        types.extend(own);
        self.types.insert((from, to), types);
    }

    /// Forgets all edges.
    pub(super) fn clear(&mut self) {
        self.edges.clear();
        self.touched.clear();
    }
}

/// Says whether the type was not there before.
fn insert_sorted(types: &mut Vec<u32>, id: u32) -> bool {
    let Err(place) = types.binary_search(&id) else { return false };
    types.insert(place, id);
    true
}

fn two_ways(
    (there, back): (u32, u32),
    category: Category,
    labels: (Option<String>, Option<String>),
    names: (&str, &str),
) -> (LinkType, LinkType) {
    let one = |id, inverse, label, name: &str| LinkType {
        id,
        inverse,
        category,
        label,
        name: name.to_owned(),
        only_one: false,
        most: EDGES_MAX,
        enforced: None,
        made_at: Millis(0),
    };
    (one(there, back, labels.0, names.0), one(back, there, labels.1, names.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: End = End { kind: CONTACTS, id: 1 };
    const FIRST: End = End { kind: COMPANIES, id: 10 };
    const SECOND: End = End { kind: COMPANIES, id: 11 };

    #[test]
    fn a_new_primary_company_demotes_the_old_one_and_keeps_its_plain_type() {
        let mut links = Links::standard(0);
        links.connect(ADA, FIRST, &[1]);
        links.connect(ADA, SECOND, &[1]);
        assert_eq!(links.between(ADA, FIRST), [279]);
        assert_eq!(links.between(ADA, SECOND), [1, 279]);
        assert_eq!(links.between(SECOND, ADA), [2, 280]);
    }

    #[test]
    fn removing_the_unlabelled_type_removes_everything_between_the_pair() {
        let mut links = Links::standard(0);
        links.connect(ADA, FIRST, &[1]);
        links.remove_types(ADA, FIRST, &[279]);
        assert!(links.between(ADA, FIRST).is_empty() && links.between(FIRST, ADA).is_empty());
    }

    #[test]
    fn a_company_may_be_primary_for_many_contacts() {
        let mut links = Links::standard(0);
        let grace = End { kind: CONTACTS, id: 2 };
        links.connect(FIRST, ADA, &[2]);
        links.connect(FIRST, grace, &[2]);
        assert_eq!(links.between(ADA, FIRST), [1, 279]);
        assert_eq!(links.between(grace, FIRST), [1, 279]);
    }

    #[test]
    fn a_tie_too_many_is_found_at_either_end() {
        let mut links = Links::standard(0);
        let deal = End { kind: DEALS, id: 20 };
        let item = End { kind: LINE_ITEMS, id: 30 };
        assert_eq!(links.excess(deal, item, &[19]), None);
        links.connect(deal, item, &[19]);
        assert_eq!(links.excess(deal, item, &[19]), None, "what is there already is no new edge");
        let other = End { kind: DEALS, id: 21 };
        let excess = links.excess(other, item, &[]).unwrap();
        assert_eq!((excess.record, excess.type_id, excess.limit), (item, 20, 1));
        assert!(links.enforce(CONTACTS, COMPANIES, 279, Some(1)));
        links.connect(ADA, FIRST, &[1]);
        assert_eq!(links.excess(ADA, SECOND, &[1]).map(|excess| excess.type_id), Some(279));
    }
}
