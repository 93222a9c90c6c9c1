//! The association types between two object types.

use http::Method;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::associations::Direction;
use crate::call::Call;
use crate::endpoint::{ApiError, Endpoint, body};
use crate::id::{AssociationCategory, AssociationType};
use crate::version::{ApiVersion, Surface};
use crate::wire::PageBody;

/// Labels that an account may define between two object types (HubSpot's documentation; a live probe met 50 types
/// with a 437 for the next).
pub const LABELS_MAX: usize = 10;

/// GET `labels`: every type in one direction, built-in ones as well.
#[derive(Clone, Debug)]
pub struct ListLabels {
    /// Between which types.
    pub direction: Direction,
}

/// One type, as the account knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeDefinition {
    /// Who defined it.
    pub category: AssociationCategory,
    /// Its number in this direction.
    pub type_id: u32,
    /// What people see; none for the unlabelled type.
    #[serde(default)]
    pub label: Option<String>,
}

impl TypeDefinition {
    /// The type in the form that writes take.
    pub fn association_type(&self) -> AssociationType {
        AssociationType { category: self.category, type_id: self.type_id }
    }
}

impl Endpoint for ListLabels {
    type Output = Vec<TypeDefinition>;

    fn call(&self, version: ApiVersion) -> Call {
        let segments = [self.direction.from.as_str(), self.direction.to.as_str(), "labels"];
        Call::new(Method::GET, Surface::Associations.path(version, &segments))
    }

    fn decode(&self, answer: &Answer) -> Result<Self::Output, ApiError> {
        body::<PageBody<TypeDefinition>>(answer, "association labels").map(|page| page.results)
    }
}
