//! What an app wants to find in its journal.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::iso;
use crate::model::{Tale, Told};
use crate::webhooks::Audience;
use crate::wire::Millis;

/// The journal subscriptions of one app.
pub(super) const JOURNAL_SUBSCRIPTIONS_MAX: usize = 1_000;
/// The entries of each list of a subscription.
const LIST_MAX: usize = 10_000;

/// The kinds of subscriptions. App lifecycle and list membership can be subscribed to and never happen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    Object,
    Association,
    AppLifecycleEvent,
    ListMembership,
    GdprPrivacyDeletion,
}

/// What happened, as the journal calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Action {
    Create,
    Update,
    Delete,
    Merge,
    Restore,
    AssociationAdded,
    AssociationRemoved,
    Snapshot,
    AppInstall,
    AppUninstall,
    AddedToList,
    RemovedFromList,
    GdprDelete,
}

impl Action {
    /// What a happening is called.
    pub(super) fn of(tale: &Tale<'_>) -> Self {
        match tale {
            Tale::Created { .. } => Self::Create,
            Tale::Changed { .. } => Self::Update,
            Tale::Archived { .. } => Self::Delete,
            Tale::Restored { .. } => Self::Restore,
            Tale::Forgotten { .. } => Self::GdprDelete,
            Tale::Merged { .. } => Self::Merge,
            Tale::Linked(link) if link.removed => Self::AssociationRemoved,
            Tale::Linked(_) => Self::AssociationAdded,
        }
    }

    fn belongs_to(self, kind: Kind) -> bool {
        match kind {
            Kind::Object => matches!(
                self,
                Self::Create | Self::Update | Self::Delete | Self::Merge | Self::Restore | Self::Snapshot
            ),
            Kind::Association => {
                matches!(self, Self::AssociationAdded | Self::AssociationRemoved | Self::Snapshot)
            }
            Kind::AppLifecycleEvent => matches!(self, Self::AppInstall | Self::AppUninstall),
            Kind::ListMembership => matches!(self, Self::AddedToList | Self::RemovedFromList | Self::Snapshot),
            Kind::GdprPrivacyDeletion => matches!(self, Self::GdprDelete),
        }
    }
}

/// The body of a create or update.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Input {
    subscription_type: Option<Kind>,
    portal_id: Option<u64>,
    object_type_id: Option<String>,
    #[serde(default)]
    associated_object_type_ids: Vec<String>,
    event_type_id: Option<String>,
    #[serde(default)]
    actions: BTreeSet<Action>,
    #[serde(default)]
    properties: BTreeSet<String>,
    #[serde(default)]
    object_ids: BTreeSet<u64>,
    #[serde(default)]
    list_ids: BTreeSet<u64>,
}

/// One subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: u64,
    pub(super) app_id: u64,
    kind: Kind,
    pub(super) portal_id: Option<u64>,
    object_type_id: Option<String>,
    associated: Vec<String>,
    event_type_id: Option<String>,
    actions: BTreeSet<Action>,
    pub(super) properties: BTreeSet<String>,
    object_ids: BTreeSet<u64>,
    list_ids: BTreeSet<u64>,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
}

impl Subscription {
    /// Reads what an app asks for, or says what is missing or wrong.
    pub(super) fn new(input: Input, app_id: u64, id: u64, now: Millis) -> Result<Self, String> {
        let unset = |name: &str| format!("Some required fields were not set: [{name}]");
        let kind = input.subscription_type.ok_or_else(|| unset("subscriptionType"))?;
        let of_objects = matches!(kind, Kind::Object | Kind::Association | Kind::GdprPrivacyDeletion);
        if of_objects && input.object_type_id.is_none() {
            return Err(unset("objectTypeId"));
        }
        if kind == Kind::AppLifecycleEvent {
            input.event_type_id.as_ref().ok_or_else(|| unset("eventTypeId"))?;
        } else {
            input.portal_id.ok_or_else(|| unset("portalId"))?;
            if input.actions.is_empty() {
                return Err(unset("actions"));
            }
        }
        if let Some(action) = input.actions.iter().find(|action| !action.belongs_to(kind)) {
            return Err(format!("Action {} is not valid for subscription type {}", text(action), text(&kind)));
        }
        let lists = [input.properties.len(), input.object_ids.len(), input.list_ids.len()];
        if lists.into_iter().chain([input.associated_object_type_ids.len()]).any(|length| length > LIST_MAX) {
            return Err(format!("A list of a subscription has at most {LIST_MAX} entries"));
        }
        Ok(Self {
            id,
            app_id,
            kind,
            portal_id: input.portal_id,
            object_type_id: input.object_type_id,
            associated: input.associated_object_type_ids,
            event_type_id: input.event_type_id,
            actions: input.actions,
            properties: input.properties,
            object_ids: input.object_ids,
            list_ids: input.list_ids,
            created_at: now,
            updated_at: now,
        })
    }

    /// Whether the other asks about the same, so that a create of it is an update of this.
    pub(super) fn is_about_the_same(&self, other: &Self) -> bool {
        self.app_id == other.app_id
            && self.kind == other.kind
            && self.portal_id == other.portal_id
            && self.object_type_id == other.object_type_id
            && self.event_type_id == other.event_type_id
    }

    /// Whether a happening belongs to it.
    pub(super) fn hears(&self, told: &Told<'_>, audience: &Audience<'_>) -> bool {
        let is_here = self.portal_id == Some(audience.portal_id)
            && audience.installed.contains(&(self.app_id, audience.portal_id))
            && self.object_type_id.as_deref() == Some(told.object.type_id)
            && self.actions.contains(&Action::of(&told.what));
        let is_wanted = |id: &u64| self.object_ids.is_empty() || self.object_ids.contains(id);
        is_here
            && match &told.what {
                Tale::Changed { id, values } => {
                    let names = &self.properties;
                    is_wanted(id) && (names.is_empty() || values.iter().any(|value| names.contains(value.name)))
                }
                Tale::Created { id, .. } | Tale::Archived { id } | Tale::Restored { id } | Tale::Forgotten { id } => {
                    is_wanted(id)
                }
                Tale::Merged { primary, merged, survivor, .. } => {
                    [primary, merged, survivor].into_iter().any(is_wanted)
                }
                Tale::Linked(link) => {
                    let to = link.to_object.type_id;
                    is_wanted(&link.from) && (self.associated.is_empty() || self.associated.iter().any(|id| id == to))
                }
            }
    }

    /// The subscription as HubSpot shows it.
    pub(super) fn json(&self) -> Value {
        let mut out = json!({
            "id": self.id, "appId": self.app_id, "subscriptionType": self.kind, "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at), "actions": self.actions, "properties": self.properties,
            "objectIds": self.object_ids,
        });
        let Some(fields) = out.as_object_mut() else { return out };
        fields.extend(self.portal_id.map(|id| ("portalId".to_owned(), id.into())));
        fields.extend(self.object_type_id.as_ref().map(|id| ("objectTypeId".to_owned(), id.as_str().into())));
        fields.extend(self.event_type_id.as_ref().map(|id| ("eventTypeId".to_owned(), id.as_str().into())));
        if self.kind == Kind::Association {
            fields.insert("associatedObjectTypeIds".into(), json!(self.associated));
        }
        if self.kind == Kind::ListMembership {
            fields.insert("listIds".into(), json!(self.list_ids));
        }
        out
    }
}

fn text<T: Serialize>(name: &T) -> String {
    json!(name).as_str().unwrap_or_default().to_owned()
}
