//! Calls after which a record is another one, or none: merge and privacy deletion.

use http::Method;
use serde::Serialize;

use super::Record;
use crate::call::Call;
use crate::endpoint::{endpoint, one, success};
use crate::id::{ObjectType, RecordId};
use crate::version::Surface;

/// POST `merge`: makes one record of two. Never repeated blindly.
///
/// Since January 2025 the survivor has a **new** id, and both old ones lead to it
/// (<https://developers.hubspot.com/changelog>); it names them in `hs_merged_object_ids`. A profile of more than 250
/// merged identities is a 414.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Of which type.
    pub object_type: ObjectType,
    /// Whose values win.
    pub primary: RecordId,
    /// The other one.
    pub merged: RecordId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MergeBody {
    primary_object_id: String,
    object_id_to_merge: String,
}

endpoint!(Merge => Record, one("a merged record"), |this, version| {
    let body = MergeBody {
        primary_object_id: this.primary.to_string(),
        object_id_to_merge: this.merged.to_string(),
    };
    Surface::Objects.post(version, &[this.object_type.as_str(), "merge"]).with_json(&body)
});

/// POST `gdpr-delete`: removes a contact and its content for ever. An e-mail address that matches nobody is blocked
/// from then on (<https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide>).
///
/// `Debug` shows no id: it may be an address.
#[derive(Clone)]
pub struct PrivacyDelete {
    /// Of which type: `contacts`.
    pub object_type: ObjectType,
    /// Its id, or the value of `id_property`.
    pub id: String,
    /// `email`, if the id is an address.
    pub id_property: Option<String>,
}

impl std::fmt::Debug for PrivacyDelete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivacyDelete").field("id_property", &self.id_property).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivacyBody<'a> {
    object_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
}

endpoint!(PrivacyDelete => (), success, |this, version| {
    let path = Surface::Objects.path(version, &[this.object_type.as_str(), "gdpr-delete"]);
    Call::new(Method::POST, path)
        .with_json(&PrivacyBody { object_id: &this.id, id_property: this.id_property.as_deref() })
});
