//! Shares of pairs of records that were associated, or parted, in one batch.

use std::collections::BTreeMap;

use bytes::Bytes;
use linchpin_hubspot::associations::{Associated, Pair};
use linchpin_hubspot::id::RecordId;
use serde_json::value::RawValue;

use super::{Cut, Input, Members, Share, object};

/// What a batch and a single call tell otherwise: a single one has failed or not.
const OF_A_BATCH: [&str; 2] = ["errors", "numErrors"];
/// The member that holds one result for each direction of each pair.
const RESULTS: &str = "results";

/// Who made an association gets the frame of the whole answer with the results of its pair, both directions. A pair that
/// is not among them failed, or was merged into another: asked again alone, it changes nothing more.
pub(super) fn made(inputs: &[&Input], share: &mut Share<'_>) -> Vec<Cut> {
    let Ok(Members(members)) = serde_json::from_slice::<Members<'_>>(&share.answer.body) else {
        return vec![Cut::Alone; inputs.len()];
    };
    let results = members.iter().find(|(name, _)| name == RESULTS);
    let results: Vec<&RawValue> =
        results.and_then(|(_, results)| serde_json::from_str(results.get()).ok()).unwrap_or_default();
    let mut found: BTreeMap<(RecordId, RecordId), Vec<(RecordId, &str)>> = BTreeMap::new();
    for raw in results {
        if let Ok(Associated { from_object_id: from, to_object_id: to, .. }) = serde_json::from_str(raw.get()) {
            found.entry((from.min(to), from.max(to))).or_default().push((from, raw.get()));
        }
    }
    let cut = |input: &&Input| {
        let Input::Pair(Pair { from, to }) = **input else { return Cut::Alone };
        match found.get(&(from.min(to), from.max(to))) {
            Some(own) if own.iter().any(|(begins, _)| *begins == from) => {
                let own: Vec<&str> = own.iter().map(|(_, raw)| *raw).collect();
                share.of(200, framed(&members, &format!("[{}]", own.join(","))))
            }
            _ => Cut::Alone,
        }
    };
    inputs.iter().map(cut).collect()
}

/// Who parted two records hears nothing, whether they were associated or not. Where anything went wrong, each asks again.
pub(super) fn removed(inputs: &[&Input], share: &mut Share<'_>) -> Vec<Cut> {
    let well = share.answer.status != 207;
    inputs.iter().map(|_| if well { share.of(204, Bytes::new()) } else { Cut::Alone }).collect()
}

/// The answer with other results.
fn framed(members: &[(String, &RawValue)], results: &str) -> Bytes {
    let kept = members.iter().filter(|(name, _)| !OF_A_BATCH.contains(&name.as_str()));
    object(kept.map(|(name, value)| (name.clone(), if name == RESULTS { results } else { value.get() })))
}
