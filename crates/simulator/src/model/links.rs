//! Associations: the types that a pair of object types may have, and the edges between records.
//!
//! Invariants: every edge is kept from both sides with inverse types; an edge of a labelled or primary type also has
//! the unlabelled type of its pair; a record has at most one edge of a primary type to each object type.

use std::collections::BTreeMap;

use super::catalog::{COMPANIES, CONTACTS, DEALS, Kind, LINE_ITEMS, TICKETS};

/// Label types that a pair of object types may have.
pub(super) const LABELS_MAX: usize = 50;

/// Who defined an association type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkType {
    pub(super) id: u32,
    pub(super) inverse: u32,
    pub(super) category: Category,
    pub(super) label: Option<String>,
    /// The name that legacy paths and labels use, in snake case.
    pub(super) name: String,
    /// At most one edge of this type may leave a record.
    pub(super) only_one: bool,
}

/// One end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) kind: Kind,
    pub(super) id: u64,
}

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
];

/// Types of which the first kind may have one: from, to, type there, type back.
const PRIMARY: &[(Kind, Kind, u32, u32, &str, &str)] = &[
    (CONTACTS, COMPANIES, 1, 2, "contact_to_company", "company_to_contact"),
    (DEALS, COMPANIES, 5, 6, "deal_to_company", "company_to_deal"),
    (TICKETS, COMPANIES, 26, 25, "ticket_to_company", "company_to_ticket"),
];

/// All association types and edges of a portal.
#[derive(Debug)]
pub(super) struct Links {
    types: BTreeMap<(Kind, Kind), Vec<LinkType>>,
    edges: BTreeMap<(End, End), Vec<u32>>,
    next_type: u32,
}

impl Links {
    /// The standard types and no edges. Types that are made later count upwards from a number that the seed moves.
    pub(super) fn standard(seed: u64) -> Self {
        let first_own = 1000 + u32::try_from(seed % 1000).unwrap_or(0);
        let mut links = Self { types: BTreeMap::new(), edges: BTreeMap::new(), next_type: first_own };
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
    ) -> (LinkType, LinkType) {
        let there = self.take_type();
        // Between records of one type, a label that reads the same both ways is one type.
        let back = if from == to && labels.0 == labels.1 { there } else { self.take_type() };
        let pair = two_ways((there, back), Category::User, (Some(labels.0), Some(labels.1)), (name, name));
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
            insert_sorted(self.edges.entry((from, to)).or_default(), id);
            insert_sorted(self.edges.entry((to, from)).or_default(), inverse);
        }
    }

    /// Takes a type off every edge that leaves a record towards an object type.
    fn demote(&mut self, from: End, to: Kind, id: u32, inverse: u32) {
        let others: Vec<End> = self.of(from, to, 0).map(|(other, _)| other).collect();
        for other in others {
            self.take_off(from, other, id, inverse);
        }
    }

    fn take_off(&mut self, from: End, to: End, id: u32, inverse: u32) {
        if let Some(types) = self.edges.get_mut(&(from, to)) {
            types.retain(|known| *known != id);
        }
        if let Some(types) = self.edges.get_mut(&(to, from)) {
            types.retain(|known| *known != inverse);
        }
    }

    /// Takes types off an edge; without the unlabelled one nothing is left.
    pub(super) fn remove_types(&mut self, from: End, to: End, ids: &[u32]) {
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
        self.edges.remove(&(from, to));
        self.edges.remove(&(to, from));
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

    /// Forgets all edges.
    pub(super) fn clear(&mut self) {
        self.edges.clear();
    }
}

fn insert_sorted(types: &mut Vec<u32>, id: u32) {
    if let Err(place) = types.binary_search(&id) {
        types.insert(place, id);
    }
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
}
