//! One event, and its JSON as HubSpot sends it.
//!
//! Fields and their order are those of deliveries that others published: `subscriptionType` (the documentation's table
//! says `eventType`), no `objectId` in association events, a `changeFlag` in events about whole records.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::topic::{Deed, Topic};
use crate::model::{Origin, ToldLink};
use crate::wire::Millis;

/// What `changeFlag` says of a new record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeFlag {
    /// `CREATED`, as in deliveries of 2022 to 2026.
    #[default]
    Created,
    /// `NEW`, as in 2017, in HubSpot's fixtures and from its test button.
    New,
}

/// One event for one subscription.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its place among all events, from 0.
    pub(super) seq: u64,
    /// Drawn once for each happening: two subscriptions may tell of it under one number.
    pub(super) number: u32,
    pub(super) subscription: u64,
    pub(super) portal_id: u64,
    pub(super) app_id: u64,
    pub(super) occurred: Millis,
    pub(super) origin: Origin,
    pub(super) topic: Arc<Topic>,
    pub(super) detail: Detail,
}

/// What an event says beside that.
#[derive(Clone, Debug)]
pub(super) enum Detail {
    Record { id: u64 },
    Value { id: u64, name: Arc<str>, value: Box<str>, sensitive: bool },
    Merge { primary: u64, merged: u64, survivor: u64, moved: usize },
    Link(Box<Link>),
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    from: u64,
    to: u64,
    from_type: Box<str>,
    to_type: Box<str>,
    name: String,
    type_id: u32,
    category: &'static str,
    primary: bool,
    /// Whether records of these two types can be primary to each other at all.
    has_primary: bool,
    removed: bool,
}

impl Link {
    pub(super) fn new(from_type: &str, told: &ToldLink<'_>) -> Self {
        Self {
            from: told.from,
            to: told.to,
            from_type: from_type.into(),
            to_type: told.to_object.type_id.into(),
            name: told.name.to_uppercase(),
            type_id: told.type_id,
            category: told.category,
            primary: told.primary,
            has_primary: told.has_primary,
            removed: told.removed,
        }
    }
}

impl Event {
    /// Appends the event as JSON.
    pub(super) fn write(&self, attempt: u32, flag: ChangeFlag, out: &mut String) {
        let Self { number, subscription, portal_id, app_id, occurred, topic, .. } = self;
        // Writing to a string does not fail.
        let head = write!(
            out,
            "{{\"eventId\":{number},\"subscriptionId\":{subscription},\"portalId\":{portal_id},\"appId\":{app_id},\
             \"occurredAt\":{},\"subscriptionType\":\"{}\",\"attemptNumber\":{attempt}",
            occurred.0, topic.event_type,
        );
        let told = head.and_then(|()| self.write_detail(flag, out)).and_then(|()| self.write_type(out));
        debug_assert!(told.is_ok(), "a string takes everything");
        out.push('}');
    }

    fn write_detail(&self, flag: ChangeFlag, out: &mut String) -> std::fmt::Result {
        match &self.detail {
            Detail::Record { id } => {
                write!(out, ",\"objectId\":{id},\"changeFlag\":\"{}\"", self.change_flag(flag))?;
                self.write_source(out)
            }
            Detail::Value { id, name, value, sensitive } => {
                let value = if *sensitive { "REDACTED" } else { value };
                write!(out, ",\"objectId\":{id},\"propertyName\":{},\"propertyValue\":{}", quote(name), quote(value))?;
                self.write_source(out)?;
                // Only generic events say so; the older ones just hide the value.
                if self.topic.is_generic() { write!(out, ",\"isSensitive\":{sensitive}") } else { Ok(()) }
            }
            Detail::Merge { primary, merged, survivor, moved } => {
                write!(out, ",\"objectId\":{primary}")?;
                self.write_source(out)?;
                write!(
                    out,
                    ",\"primaryObjectId\":{primary},\"mergedObjectIds\":[{merged}],\"newObjectId\":{survivor},\
                     \"numberOfPropertiesMoved\":{moved}"
                )
            }
            Detail::Link(link) => {
                self.write_source(out)?;
                write!(
                    out,
                    ",\"associationType\":\"{}\",\"fromObjectId\":{},\"toObjectId\":{},\"associationRemoved\":{}",
                    link.name, link.from, link.to, link.removed
                )?;
                let generic = self.topic.is_generic();
                if generic || link.has_primary {
                    write!(out, ",\"isPrimaryAssociation\":{}", link.primary)?;
                }
                if !generic {
                    return Ok(());
                }
                write!(
                    out,
                    ",\"fromObjectTypeId\":\"{}\",\"toObjectTypeId\":\"{}\",\"associationTypeId\":{},\
                     \"associationCategory\":\"{}\"",
                    link.from_type, link.to_type, link.type_id, link.category
                )
            }
        }
    }

    fn write_type(&self, out: &mut String) -> std::fmt::Result {
        self.topic.object_type_id.as_ref().map_or(Ok(()), |id| write!(out, ",\"objectTypeId\":\"{id}\""))
    }

    fn write_source(&self, out: &mut String) -> std::fmt::Result {
        match self.origin {
            Origin::App(app) => write!(out, ",\"changeSource\":\"INTEGRATION\",\"sourceId\":\"{app}\""),
            Origin::Key(app) => write!(out, ",\"changeSource\":\"API\",\"sourceId\":\"{app}\""),
            // Association events call a person by another name.
            Origin::Person(user) if self.topic.deed == Deed::AssociationChange => {
                write!(out, ",\"changeSource\":\"USER\",\"sourceId\":\"userId:{user}\"")
            }
            Origin::Person(user) => write!(out, ",\"changeSource\":\"CRM_UI\",\"sourceId\":\"userId:{user}\""),
            Origin::HubSpot => write!(out, ",\"changeSource\":\"CALCULATED\""),
        }
    }

    fn change_flag(&self, flag: ChangeFlag) -> &'static str {
        match (self.topic.deed, flag) {
            (Deed::Creation, ChangeFlag::Created) => "CREATED",
            (Deed::Creation, ChangeFlag::New) => "NEW",
            (Deed::Restore, _) => "RESTORED",
            (
                Deed::Deletion
                | Deed::PrivacyDeletion
                | Deed::Merge
                | Deed::PropertyChange
                | Deed::AssociationChange
                | Deed::Elsewhere,
                _,
            ) => "DELETED",
        }
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
