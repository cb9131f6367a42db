//! What every engine of [`crate::room_log`] must keep.
//!
//! An engine's test hands [`run`] a [`Store`]. Not in here, because it needs the engine's own ways: that an acknowledged
//! group survives a loss of power.

mod entries;
mod keys;
mod order;
mod races;
mod redactions;
mod refusals;
mod reopening;

use std::sync::Arc;

use async_trait::async_trait;

use crate::room_log::RoomLog;

/// One store of rooms, fresh at first, that can be opened again and again.
#[async_trait]
pub trait Store: Send + Sync {
    /// Opens the store as another process would; what is open stays open.
    async fn open(&self) -> Arc<dyn RoomLog>;
    /// Closes everything that was opened and opens the store again, as a restart would.
    async fn reopen(&self) -> Arc<dyn RoomLog>;
}

/// Runs the whole suite; each part uses rooms of its own.
pub async fn run(store: &dyn Store) {
    run_without_restart(store).await;
    reopening::everything_is_there_after_a_restart(store).await;
}

/// The suite for a log that does not outlive its process.
pub async fn run_without_restart(store: &dyn Store) {
    let log = store.open().await;
    order::offsets_are_contiguous_and_pages_begin_anywhere(&*log).await;
    order::an_append_elsewhere_conflicts_and_keeps_nothing(&*log).await;
    order::rooms_do_not_know_each_other(&*log).await;
    keys::a_key_is_found_and_never_kept_twice(&*log).await;
    keys::a_group_with_a_known_key_is_not_kept_at_all(&*log).await;
    redactions::a_redaction_replaces_bytes_in_place(&*log).await;
    redactions::what_is_told_of_an_entry_is_kept_with_it(&*log).await;
    redactions::a_redaction_reaches_into_its_own_group(&*log).await;
    refusals::what_breaks_a_rule_is_refused_and_keeps_nothing(&*log).await;
    races::many_writers_lose_nothing_double_nothing_and_keep_order(store).await;
    races::a_resend_in_a_race_is_kept_once(store).await;
    races::readers_see_whole_groups_only(store).await;
    races::two_that_begin_a_room_agree_on_its_epoch(store).await;
}
