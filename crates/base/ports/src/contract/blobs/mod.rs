//! What every engine of [`crate::blobs`] must keep.
//!
//! An engine's test hands [`run`] a store; each part uses keys of its own. Not in here, because it needs the engine's own ways:
//! that a kept blob survives a loss of power, and what happens while the store is away.

mod files;
mod keys;
mod lists;
mod races;
mod reading;

use std::sync::Arc;

use bytes::Bytes;

use crate::blobs::Blobs;

/// Runs the whole suite on a store that is empty at first.
pub async fn run(blobs: &Arc<dyn Blobs>) {
    blobs.answers().await.unwrap();
    reading::what_was_put_is_read_back(&**blobs).await;
    reading::a_range_is_cut_at_the_end(&**blobs).await;
    reading::what_is_not_there_is_missing(&**blobs).await;
    reading::the_same_key_again_replaces_it_whole(&**blobs).await;
    files::a_local_file_becomes_a_blob_and_is_gone(&**blobs).await;
    files::a_large_file_arrives_whole(&**blobs).await;
    files::a_local_file_that_is_not_there_fails_and_keeps_what_was(&**blobs).await;
    lists::keys_are_listed_in_order_and_by_whole_names(&**blobs).await;
    lists::a_long_list_is_whole(&**blobs).await;
    lists::removing_takes_what_is_under_the_prefix_and_nothing_else(&**blobs).await;
    keys::what_is_no_key_is_refused(&**blobs).await;
    keys::every_key_that_is_one_is_taken(&**blobs).await;
    races::readers_see_one_version_or_the_other(blobs).await;
}

/// So many bytes, other ones for each seed and at each place.
fn noise(length: usize, seed: u64) -> Bytes {
    let words = (0..length.div_ceil(8) as u64).map(|place| kernel::random::mix(seed.rotate_left(32) ^ place));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes.into()
}
