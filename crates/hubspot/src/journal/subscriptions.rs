//! What the journal reports: subscriptions, and filters that make them narrower.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::endpoint::{ApiError, body, endpoint, items, one, success};
use crate::id::PortalId;
use crate::version::Surface;
use crate::wire::{null_as_default, number_or_none, text, text_or_none, texts};

/// What is reported. Actions are `CREATE`, `UPDATE`, `DELETE`, `MERGE`, `RESTORE`, `ASSOCIATION_ADDED`,
/// `ASSOCIATION_REMOVED`, `SNAPSHOT`, `ADDED_TO_LIST`, `REMOVED_FROM_LIST`, `GDPR_DELETE`; empty lists of ids mean all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "subscriptionType", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum SubscriptionKind {
    /// Records of a type.
    Object {
        /// In which account.
        portal_id: PortalId,
        /// Of which type (`0-1`).
        object_type_id: String,
        /// Which actions.
        actions: Vec<String>,
        /// Which properties an update is about, and an event carries.
        properties: Vec<String>,
        /// Which records.
        object_ids: Vec<u64>,
    },
    /// Associations of records of a type.
    Association {
        /// In which account.
        portal_id: PortalId,
        /// Of which type (`0-1`).
        object_type_id: String,
        /// With which types.
        associated_object_type_ids: Vec<String>,
        /// Which actions.
        actions: Vec<String>,
        /// Which records.
        object_ids: Vec<u64>,
    },
    /// The app is installed (`4-1909196`) or taken away (`4-1916193`) somewhere.
    AppLifecycleEvent {
        /// Which of the two.
        event_type_id: String,
        /// What an event carries.
        properties: Vec<String>,
    },
    /// Records join or leave lists.
    ListMembership {
        /// In which account.
        portal_id: PortalId,
        /// Which lists.
        list_ids: Vec<u64>,
        /// Which records.
        object_ids: Vec<u64>,
        /// Which actions.
        actions: Vec<String>,
    },
    /// Records are deleted for privacy.
    GdprPrivacyDeletion {
        /// In which account.
        portal_id: PortalId,
        /// Of which type (`0-1`).
        object_type_id: String,
        /// Which actions.
        actions: Vec<String>,
    },
}

/// One subscription as HubSpot has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// `OBJECT`, `ASSOCIATION`, …
    #[serde(default, rename = "subscriptionType", deserialize_with = "null_as_default")]
    pub kind: String,
    /// In which account; none where it is about all.
    #[serde(default, deserialize_with = "number_or_none")]
    pub portal_id: Option<u64>,
    /// Of which type.
    #[serde(default, deserialize_with = "text_or_none")]
    pub object_type_id: Option<String>,
    /// Which actions.
    #[serde(default, deserialize_with = "texts")]
    pub actions: Vec<String>,
    /// Which properties.
    #[serde(default, deserialize_with = "texts")]
    pub properties: Vec<String>,
}

/// GET all subscriptions; not paged.
#[derive(Clone, Copy, Debug)]
pub struct ListSubscriptions;

endpoint!(ListSubscriptions => Vec<Subscription>, items("journal subscriptions"), |_, version| {
    Surface::JournalSubscriptions.get(version, &[])
});

/// GET one subscription.
#[derive(Clone, Debug)]
pub struct ReadSubscription {
    /// Its id.
    pub id: String,
}

endpoint!(ReadSubscription => Subscription, one("a journal subscription"), |this, version| {
    Surface::JournalSubscriptions.get(version, &[&this.id])
});

/// POST one subscription: makes it, or changes the one that is there.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// What is reported.
    pub kind: SubscriptionKind,
}

endpoint!(Subscribe => Subscription, one("a journal subscription"), |this, version| {
    Surface::JournalSubscriptions.post(version, &[]).with_json(&this.kind)
});

/// DELETE one subscription.
#[derive(Clone, Debug)]
pub struct DeleteSubscription {
    /// Its id.
    pub id: String,
}

endpoint!(DeleteSubscription => (), success, |this, version| {
    Surface::JournalSubscriptions.delete(version, &[&this.id])
});

/// DELETE all subscriptions of one account.
#[derive(Clone, Copy, Debug)]
pub struct DeletePortalSubscriptions {
    /// Of which account.
    pub portal: PortalId,
}

endpoint!(DeletePortalSubscriptions => (), success, |this, version| {
    Surface::JournalSubscriptions.delete(version, &["portals", &this.portal.0.to_string()])
});

/// One condition on a property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `CRM_OBJECT_PROPERTY`.
    pub filter_type: String,
    /// Which property.
    pub property: String,
    /// `EQ`, `N_EQ`, `LT`, `LTE`, `GT`, `GTE`, `CONTAINS`, `STARTS_WITH`, `ENDS_WITH`, `IN`, `NOT_IN`, `IS_EMPTY`,
    /// `IS_NOT_EMPTY`.
    pub operator: String,
    /// What it is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it is compared with, for `IN` and `NOT_IN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

impl Condition {
    /// A property compared with one value.
    pub fn compare(property: impl Into<String>, operator: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            filter_type: "CRM_OBJECT_PROPERTY".to_owned(),
            property: property.into(),
            operator: operator.into(),
            value: Some(value.into()),
            values: None,
        }
    }
}

/// A filter as HubSpot has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its id.
    pub id: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct FilterBody {
    #[serde(deserialize_with = "text")]
    id: String,
    filter: Conditions,
}

#[derive(Serialize, Deserialize)]
struct Conditions {
    #[serde(default, deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

impl From<FilterBody> for Filter {
    fn from(body: FilterBody) -> Self {
        Self { id: body.id, conditions: body.filter.conditions }
    }
}

/// POST one filter. A repeat makes a second one.
#[derive(Clone, Debug)]
pub struct CreateFilter {
    /// Of which subscription.
    pub subscription: u64,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateFilterBody {
    subscription_id: u64,
    filter: Conditions,
}

fn created(answer: &Answer) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Created {
        #[serde(deserialize_with = "text")]
        filter_id: String,
    }
    body::<Created>(answer, "a created journal filter").map(|created| created.filter_id)
}

// The answer is the filter's id.
endpoint!(CreateFilter => String, created, |this, version| {
    let filter = Conditions { conditions: this.conditions.clone() };
    let body = CreateFilterBody { subscription_id: this.subscription, filter };
    Surface::JournalSubscriptions.post(version, &["filters"]).with_json(&body)
});

/// GET one filter.
#[derive(Clone, Debug)]
pub struct ReadFilter {
    /// Its id.
    pub id: String,
}

endpoint!(ReadFilter => Filter, |answer| body::<FilterBody>(answer, "a journal filter").map(Filter::from),
    |this, version| Surface::JournalSubscriptions.get(version, &["filters", &this.id]));

/// GET the filters of one subscription.
#[derive(Clone, Debug)]
pub struct ListFilters {
    /// Of which subscription.
    pub subscription: String,
}

fn filters(answer: &Answer) -> Result<Vec<Filter>, ApiError> {
    // A bare list, unlike every other.
    body::<Vec<FilterBody>>(answer, "journal filters").map(|list| list.into_iter().map(Filter::from).collect())
}

endpoint!(ListFilters => Vec<Filter>, filters, |this, version| {
    Surface::JournalSubscriptions.get(version, &["filters", "subscription", &this.subscription])
});

/// DELETE one filter.
#[derive(Clone, Debug)]
pub struct DeleteFilter {
    /// Its id.
    pub id: String,
}

endpoint!(DeleteFilter => (), success, |this, version| {
    Surface::JournalSubscriptions.delete(version, &["filters", &this.id])
});
