//! Pipelines and their stages (<https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide>).

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use crate::answer::Answer;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::ObjectType;
use crate::version::{ApiVersion, Surface};
use crate::wire::{PageBody, null_as_default, properties, text};

/// Stages of one pipeline of deals, tickets or custom objects; 30 elsewhere.
pub const STAGES_MAX: usize = 100;

/// One pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pipeline {
    /// What the pipeline property holds.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// Order; the list is not sorted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_order: i32,
    /// Its stages, not sorted.
    #[serde(default, deserialize_with = "null_as_default")]
    pub stages: Vec<Stage>,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What the stage property holds.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// What people see.
    #[serde(default, deserialize_with = "null_as_default")]
    pub label: String,
    /// Order.
    #[serde(default, deserialize_with = "null_as_default")]
    pub display_order: i32,
    /// Deals: `probability` (`0.0` is lost, `1.0` is won) and `isClosed`; tickets: `ticketState`.
    #[serde(default, deserialize_with = "properties")]
    pub metadata: BTreeMap<String, Option<String>>,
    /// Whether it is archived.
    #[serde(default, deserialize_with = "null_as_default")]
    pub archived: bool,
}

impl Stage {
    /// Whether a record in it counts as closed.
    pub fn is_closed(&self) -> bool {
        let said = |key: &str| self.metadata.get(key).and_then(|value| value.as_deref());
        said("isClosed") == Some("true") || said("ticketState") == Some("CLOSED")
    }
}

/// GET all pipelines of a type; not paged.
#[derive(Clone, Debug)]
pub struct List {
    /// Of which type.
    pub object_type: ObjectType,
}

impl Endpoint for List {
    type Output = Vec<Pipeline>;

    fn call(&self, version: ApiVersion) -> Call {
        Call::new(Method::GET, Surface::Pipelines.path(version, &[self.object_type.as_str()]))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<Pipeline>>(answer, "pipelines").map(|page| page.results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, recording};

    #[test]
    fn the_recorded_pipeline_of_deals_closes_in_two_stages() {
        let Some(text) = recording("amp-labs_connectors/metadata-deals-external-pipelines.json") else { return };
        let list = List { object_type: ObjectType::new("deals") };
        let pipelines = list.decode(&answer(200, &text)).expect("pipelines");
        let closed: Vec<&str> =
            pipelines[0].stages.iter().filter(|stage| stage.is_closed()).map(|stage| stage.id.as_str()).collect();
        assert_eq!((pipelines[0].id.as_str(), closed), ("default", vec!["closedwon", "closedlost"]));
        assert_eq!(list.call(ApiVersion::V3).path, "/crm/v3/pipelines/deals");
    }
}
