//! Which single calls have a batch that does the same for many records.
//!
//! A twin says that the batch exists and what it may hold; whether a given call may join one is decided elsewhere, from
//! its parameters.

use crate::limits::sizes::{
    ASSOCIATION_BATCH_ARCHIVE_MAX, ASSOCIATION_BATCH_CREATE_MAX, ASSOCIATION_BATCH_READ_MAX, BATCH_INPUTS_MAX,
};
use crate::routes::Operation;

/// The batch call that does what a single call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twin {
    /// The batch operation.
    pub operation: Operation,
    /// How many inputs it takes.
    pub inputs_max: usize,
}

/// Single operation, its batch, inputs of the batch. Not listed on purpose: a labelled association PUT (it replaces the
/// labels of the pair, a batch create adds to them).
const TWINS: [(Operation, Operation, usize); 10] = [
    (Operation::ObjectRead, Operation::ObjectBatchRead, BATCH_INPUTS_MAX),
    (Operation::ObjectCreate, Operation::ObjectBatchCreate, BATCH_INPUTS_MAX),
    (Operation::ObjectUpdate, Operation::ObjectBatchUpdate, BATCH_INPUTS_MAX),
    (Operation::ObjectArchive, Operation::ObjectBatchArchive, BATCH_INPUTS_MAX),
    (Operation::AssociationList, Operation::AssociationBatchRead, ASSOCIATION_BATCH_READ_MAX),
    (Operation::AssociateDefault, Operation::AssociationBatchDefault, ASSOCIATION_BATCH_CREATE_MAX),
    (Operation::AssociationDelete, Operation::AssociationBatchArchive, ASSOCIATION_BATCH_ARCHIVE_MAX),
    (Operation::PropertyRead, Operation::PropertyBatchRead, BATCH_INPUTS_MAX),
    (Operation::PropertyCreate, Operation::PropertyBatchCreate, BATCH_INPUTS_MAX),
    (Operation::PropertyArchive, Operation::PropertyBatchArchive, BATCH_INPUTS_MAX),
];

/// The batch twin of a single operation.
pub fn twin(single: Operation) -> Option<Twin> {
    let row = TWINS.iter().find(|(from, ..)| *from == single)?;
    Some(Twin { operation: row.1, inputs_max: row.2 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_batch_has_a_twin_and_a_labelled_put_has_none() {
        for (_, batch, _) in TWINS {
            assert_eq!(twin(batch), None);
        }
        assert_eq!(twin(Operation::AssociationPut), None);
        assert_eq!(twin(Operation::ObjectRead).map(|twin| twin.operation), Some(Operation::ObjectBatchRead));
    }
}
