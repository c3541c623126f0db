//! The contract of [`Store`] as tests that every backend runs: what a method promises is shown here or it is no promise.
//! A backend's test file implements [`Backend`] and calls [`contract_suite!`](crate::contract_suite).
//!
//! Time and ids are fixed, so that a failure repeats.

pub mod claims;
pub mod faulty;
pub mod model;
pub mod partitions;
pub mod races;
pub mod scans;
pub mod streams;
pub mod unknown;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::value::RawValue;

use crate::{
    AttemptId, Body, Commit, Kind, Operation, Partition, PartitionKey, Put, Revision, Store, Timestamp, WriteSet,
    resolve::commit_resolved,
};

/// A store made for one test.
#[async_trait]
pub trait Backend: Send {
    /// The store as it is open now.
    fn store(&self) -> Arc<dyn Store>;

    /// Ends the open store and opens what it left behind, as a node does that was restarted.
    async fn reopen(&mut self) -> Arc<dyn Store>;
}

/// The time at which the tests play.
pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A JSON text as a body.
pub fn json(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("the tests write JSON")
}

/// An item that says `value`.
pub fn put(key: &str, value: u64) -> Put {
    Put { key: key.into(), body: Body { json: json(&format!("{{\"value\":{value}}}")), expires_at: None } }
}

/// A user's partition.
pub fn user(id: &str) -> PartitionKey {
    PartitionKey::new(Kind::User, id)
}

/// A write of `puts` as the `number`th operation of its test; `number` also makes its first revision.
pub fn write(partition: &PartitionKey, expected: Option<Revision>, number: u64, puts: Vec<Put>) -> WriteSet {
    let mut id = [0xa0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    WriteSet {
        partition: partition.clone(),
        expected,
        first: Revision::first(number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        operation: Operation {
            id: AttemptId::from_bytes(id),
            digest: [number.to_be_bytes()[7]; 32],
            outcome: json(&format!("{{\"number\":{number}}}")),
        },
        at: NOW,
        puts,
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    }
}

/// Commits what must be committed, and returns the revision it made.
pub async fn committed(store: &dyn Store, write: WriteSet) -> Revision {
    let expected = write.revision();
    match commit_resolved(store, write).await.expect("the store works") {
        Commit::Committed(revision) => {
            assert_eq!(revision, expected, "a commit makes the revision after the expected one");
            revision
        }
        Commit::Conflict => panic!("nothing else writes here"),
    }
}

/// Loads everything of a partition.
pub async fn whole(store: &dyn Store, key: &PartitionKey) -> Partition {
    store.load(key, &[""]).await.expect("the store works")
}

/// The items of a partition as text.
pub fn texts(partition: &Partition) -> Vec<(&str, &str)> {
    partition.items.iter().map(|(key, body)| (&**key, body.json.get())).collect()
}

/// Runs every test of the contract against the backend that `$open` makes: an async function without arguments. With
/// `ignore = "why"` they run only where they are asked for.
#[macro_export]
macro_rules! contract_suite {
    ($open:path $(, ignore = $why:literal)?) => {
        $crate::contract_suite!(@ $open $(, ignore = $why)?; partitions:
            a_partition_never_written_is_empty,
            a_commit_is_read_back_whole,
            a_commit_that_expects_another_revision_conflicts_and_writes_nothing,
            a_load_returns_the_items_of_its_prefixes_alone,
            the_ring_keeps_the_last_32_operations_oldest_first,
            a_partition_begins_at_the_revision_given,
            puts_and_deletes_of_one_write_are_seen_together,
            expired_items_stay_visible,
            a_write_out_of_bounds_is_refused_whole,
            neighbouring_ids_and_kinds_do_not_mix,
            what_was_committed_is_there_after_reopening,
        );
        $crate::contract_suite!(@ $open $(, ignore = $why)?; races:
            of_64_commits_on_one_revision_one_wins,
            commits_on_different_partitions_all_land,
            a_chain_of_contended_commits_loses_none,
            a_load_never_sees_half_a_commit,
        );
        $crate::contract_suite!(@ $open $(, ignore = $why)?; scans:
            a_scan_visits_every_partition_once_in_pages,
            a_scan_returns_the_items_of_its_prefixes,
            a_scan_goes_on_behind_an_id_that_is_not_there,
        );
        $crate::contract_suite!(@ $open $(, ignore = $why)?; streams:
            events_are_read_by_time_then_id,
            an_event_appended_again_stays_as_it_was,
            a_cursor_reads_on_where_it_stopped,
            streams_do_not_mix,
            a_dirty_partition_is_noted_once_a_minute,
            a_conflicting_commit_does_not_hide_a_note,
            events_of_a_killed_node_are_found_through_the_dirty_stream,
        );
        $crate::contract_suite!(@ $open $(, ignore = $why)?; claims:
            a_look_up_has_one_holder,
            of_many_claimants_one_wins,
            a_release_needs_owner_and_id,
            a_released_look_up_can_be_claimed_again,
            the_sweeper_leaves_what_counts_and_what_is_young,
            the_sweeper_voids_before_it_releases,
            an_owner_paused_while_the_sweeper_runs_cannot_list_its_claim,
            a_sweep_that_was_interrupted_is_finished_by_the_next,
            a_sweep_does_not_touch_a_newer_holding,
        );
        $crate::contract_suite!(@ $open $(, ignore = $why)?; unknown:
            an_applied_commit_of_unknown_outcome_is_found_in_the_ring,
            a_dropped_commit_of_unknown_outcome_becomes_a_conflict,
            a_barrier_that_fails_is_repeated,
            a_late_commit_cannot_land_once_it_was_ruled_out,
            a_commit_that_lands_between_read_and_barrier_is_found,
            a_first_commit_is_resolved_as_any_other,
            an_outcome_that_nothing_tells_stays_unknown,
            an_outcome_older_than_the_ring_stays_unknown,
            the_same_operation_by_another_node_is_a_conflict,
        );
    };
    (@ $open:path, ignore = $why:literal; $module:ident: $($test:ident,)*) => {
        $crate::contract_suite!(@ $open, [ignore = $why]; $module: $($test,)*);
    };
    (@ $open:path; $module:ident: $($test:ident,)*) => {
        $crate::contract_suite!(@ $open, []; $module: $($test,)*);
    };
    (@ $open:path, $ignore:tt; $module:ident: $($test:ident,)*) => {
        mod $module {
            $($crate::contract_suite!(# $open, $ignore; $module $test);)*
        }
    };
    (# $open:path, [$($ignore:meta)?]; $module:ident $test:ident) => {
        $(#[$ignore])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $test() {
            let mut backend = $open().await;
            $crate::contract::$module::$test(&mut backend).await;
        }
    };
}
