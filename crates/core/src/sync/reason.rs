//! Why a row was rejected, in words that say what to do.

use linchpin_hubspot::errors::{BatchError, HubSpotError, PropertyError, category};
use linchpin_hubspot::id::RecordId;

use super::desired::{Rejection, RowId};
use super::settle::ATTEMPTS_MAX;

/// HubSpot refused the values.
pub const REFUSED: &str = "LP3001";
/// Another record owns the unique value.
pub const CONFLICT: &str = "LP3002";
/// Tried often enough.
pub const GAVE_UP: &str = "LP3003";
/// The linked record is no more.
pub const RECORD_GONE: &str = "LP3004";
/// The row refers to one that has no record.
pub const NO_RECORD: &str = "LP3005";

/// The rejection for one error of a batch.
pub fn of_batch_error(error: &BatchError) -> Rejection {
    let owner = error.value_owner().or_else(|| error.existing_id());
    rejection(error.category.as_deref(), owner, error.property_errors(), &error.message)
}

/// The rejection for an operation that was refused alone.
pub fn of_refusal(error: &HubSpotError) -> Rejection {
    let owner = error.value_owner().or_else(|| error.existing_id());
    let category = if error.status == 404 { Some(category::OBJECT_NOT_FOUND) } else { error.category.as_deref() };
    rejection(category, owner, error.property_errors(), &error.message)
}

fn rejection(found: Option<&str>, owner: Option<RecordId>, properties: &[PropertyError], message: &str) -> Rejection {
    if let Some(owner) = owner {
        let reason = format!("record {owner} has this unique value already: {message}");
        return Rejection { code: CONFLICT.into(), property: None, reason };
    }
    if found == Some(category::CONFLICT) {
        return Rejection { code: CONFLICT.into(), property: None, reason: message.to_owned() };
    }
    if found == Some(category::OBJECT_NOT_FOUND) {
        let reason =
            "the record that this row was linked to no longer exists in HubSpot (archived or deleted)".to_owned();
        return Rejection { code: RECORD_GONE.into(), property: None, reason };
    }
    let property = properties.first().map(|property| property.name.clone());
    let told: Vec<String> = properties.iter().map(|one| format!("{}: {}", one.name, one.message)).collect();
    let reason = if told.is_empty() { message.to_owned() } else { told.join("; ") };
    Rejection { code: REFUSED.into(), property, reason }
}

/// The rejection after too many attempts.
pub fn gave_up(why: &str) -> Rejection {
    Rejection { code: GAVE_UP.into(), property: None, reason: format!("given up after {ATTEMPTS_MAX} attempts: {why}") }
}

/// The rejection of an operation that needs the record of a row without one.
pub fn no_record(row: &RowId) -> Rejection {
    let reason =
        format!("row {} of {} has no record in HubSpot; see why it was rejected, then sync again", row.key, row.entry);
    Rejection { code: NO_RECORD.into(), property: None, reason }
}
