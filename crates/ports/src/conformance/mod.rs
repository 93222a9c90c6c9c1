//! The contracts of the ports, as tests that every implementation runs.
//!
//! One function for each sentence of a contract; it fails by panicking. [`store_tests!`](crate::store_tests) makes a
//! test of each of them for one store. What a store promises across a crash is asked of its [`Home`].

use async_trait::async_trait;

use crate::store::Stores;

pub mod dead_letters;
pub mod events;
pub mod fixtures;
pub mod follow;
pub mod journal;
pub mod links;
pub mod model;
pub mod operations;
pub mod queue;
pub mod runs;
pub mod source;
pub mod subscribers;

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
            a_body_is_kept_byte_for_byte_until_the_record_is_stored_without_one,
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
            a_moment_is_found_among_events,
            installs_with_events_are_listed_in_order,
            the_strongest_signature_of_an_app_is_remembered,
            accepted_events_survive_a_crash,
        );
        $crate::store_tests!(@ $home, journal:
            a_checkpoint_and_its_events_survive_a_crash,
            webhooks_and_journal_feed_one_log,
            what_only_one_has_told_is_counted_once,
            what_is_too_new_is_compared_later,
            a_long_log_is_compared_in_steps,
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
            tries_are_counted_and_their_history_is_kept,
            installs_never_meet,
            every_step_survives_a_crash,
        );
        $crate::store_tests!(@ $home, dead_letters:
            a_dead_letter_keeps_its_request_without_secrets_and_its_reason,
            only_dead_letters_are_listed_and_counted,
            letters_are_listed_by_filter_in_pages,
            an_edit_keeps_the_first_body_and_is_noted,
            a_replayed_letter_is_an_accepted_write_again,
            a_discarded_letter_leaves_a_write_that_has_ended,
            only_dead_letters_are_changed,
            old_letters_and_those_beyond_the_limit_are_discarded,
            a_letter_outlives_its_key,
            installs_never_meet,
            every_step_survives_a_crash,
        );
        $crate::store_tests!(@ $home, follow:
            what_is_known_comes_back_as_it_was,
            each_log_has_its_place,
            an_update_of_something_old_is_refused_as_a_whole,
            the_mirror_is_written_with_what_is_known,
            wishes_are_claimed_by_type_when_one_is_due,
            a_claim_lasts_until_it_is_settled_or_given_back,
            installs_never_meet,
            what_was_followed_survives_a_crash,
        );
        $crate::store_tests!(@ $home, subscribers:
            a_new_subscriber_begins_after_the_newest_event_or_with_the_oldest,
            a_known_subscriber_stays_where_it_is,
            a_log_that_comes_later_is_told_from_its_first_event,
            a_feed_comes_back_as_it_was_written,
            a_feed_that_somebody_else_wrote_is_not_overwritten,
            a_dead_delivery_is_kept_with_its_feed_or_not_at_all,
            dead_deliveries_come_in_order_and_in_pages,
            a_dead_delivery_is_forgotten_once,
            feeds_never_meet,
            what_was_written_survives_a_crash,
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
