//! The contracts of the ports, as tests that every implementation runs.
//!
//! One function for each sentence of a contract; it fails by panicking. [`store_tests!`](crate::store_tests) makes a
//! test of each of them for one store. What a store promises across a crash is asked of its [`Home`].

use async_trait::async_trait;

use crate::store::Stores;

pub mod events;
pub mod fixtures;
pub mod links;
pub mod model;
pub mod operations;
pub mod queue;
pub mod runs;
pub mod source;

/// A place where one store's data lives, and the machine around it that can crash.
#[async_trait]
pub trait Home: Send {
    /// The stores over the data; asked again only after [`Home::crash`] or once those before are dropped.
    async fn open(&mut self) -> Stores;

    /// Leaves the data as a crash of the process at this moment would, while the stores may still be open. The next
    /// [`Home::open`] sees what the crash has left.
    async fn crash(&mut self);
}

/// Makes a test of every sentence about stores. `$home` is an expression that makes a fresh [`Home`].
#[macro_export]
macro_rules! store_tests {
    ($home:expr) => {
        $crate::store_tests!(@ $home, runs:
            a_begun_run_is_planning,
            a_run_begins_once,
            a_run_that_begins_drops_others_in_planning,
            of_the_ended_runs_the_newest_stay,
            an_unknown_run_is_refused_everywhere,
            a_chunk_is_all_or_nothing,
            operations_that_do_not_ascend_are_refused,
            only_a_run_in_planning_is_extended,
            links_of_a_chunk_replace_those_of_the_row,
            associations_of_a_chunk_replace_those_of_the_row,
            a_sealed_run_is_planned_at_the_present_revision,
            a_plan_comes_back_as_it_was,
            a_sealed_run_drops_other_planned_ones_with_their_operations,
            a_sealed_plan_never_changes,
            a_stale_plan_is_refused,
            a_started_run_may_be_started_again,
            only_one_run_is_applied_at_a_time,
            a_run_with_unsettled_operations_does_not_finish,
            an_abandoned_run_leaves_its_links_and_nothing_else,
            only_an_open_run_is_abandoned,
            a_finished_run_keeps_its_rejected_rows_and_counts,
            the_open_run_is_the_one_being_applied_then_the_newest_planned,
            recent_runs_come_newest_first,
            rejected_rows_come_in_order_and_in_pages,
            installs_never_meet,
            what_was_written_survives_a_crash,
        );
        $crate::store_tests!(@ $home, queue:
            only_a_run_in_applying_is_claimed_from,
            a_claimed_operation_comes_as_it_was_planned,
            a_batch_has_one_pack_key,
            a_batch_is_no_larger_than_the_limit,
            a_batch_is_no_larger_than_the_smallest_pack_max,
            a_pack_max_of_zero_still_lets_one_go,
            a_higher_stage_waits_until_the_lower_ones_are_settled,
            nothing_is_claimed_before_it_is_due,
            first_come_is_first_served,
            no_operation_is_claimed_twice,
            concurrent_claimers_share_the_work_without_overlap,
            a_claim_counts_attempts_and_remembers_its_moment,
            the_floor_is_the_highest_mirrored_id_at_the_claim,
            a_settlement_is_all_or_nothing,
            what_is_settled_cannot_be_settled_again,
            an_unknown_operation_stays_sent,
            an_operation_that_goes_again_has_its_new_pack_and_due_time,
            a_rejected_operation_is_kept_with_its_reason,
            a_settlement_leaves_its_links_associations_and_records,
            a_settlement_moves_the_revision_only_if_something_was_done,
            operations_in_doubt_come_back_after_a_crash_in_order,
            the_outlook_counts_and_names_the_next_due_time,
            a_settlement_survives_a_crash,
        );
        $crate::store_tests!(@ $home, links:
            links_come_in_the_order_of_the_keys,
            records_and_rows_are_found_from_either_side,
            keys_come_in_pages,
            links_are_counted_by_entry,
            a_mirrored_record_keeps_properties_it_does_not_carry,
            mirrored_records_come_in_the_order_of_the_ids,
            the_highest_id_is_zero_when_none_is_known,
            mirrored_records_are_counted_once,
            a_budget_record_is_replaced_and_survives_a_crash,
        );
        $crate::store_tests!(@ $home, events:
            an_event_comes_back_as_it_was_accepted,
            a_change_is_in_the_log_once,
            logs_of_installs_never_meet,
            a_log_is_read_beyond_a_place,
            the_oldest_events_are_forgotten_and_no_place_is_used_again,
            the_strongest_signature_of_an_app_is_remembered,
            accepted_events_survive_a_crash,
        );
        $crate::store_tests!(@ $home, operations:
            an_accepted_write_comes_back_as_it_was,
            writes_are_numbered_in_the_order_of_acceptance,
            one_caller_uses_a_key_once,
            of_two_that_come_at_once_one_is_new,
            only_what_is_in_the_state_for_it_moves,
            an_end_is_kept_without_the_request,
            a_large_answer_is_kept_without_its_body,
            what_was_given_up_makes_room_for_its_key,
            the_last_writes_come_newest_first,
            old_ends_are_forgotten_and_open_writes_never,
            installs_never_meet,
            every_step_survives_a_crash,
        );
        $crate::store_tests!(@ $home, model:
            random_histories_agree_with_the_model,
        );
    };
    (@ $home:expr, $port:ident: $($sentence:ident,)+) => {
        mod $port {
            use super::*;
            $(
                #[tokio::test]
                async fn $sentence() {
                    $crate::conformance::$port::$sentence(|| $home).await;
                }
            )+
        }
    };
}
