//! Reads the spool that the process before has left, and makes it whole.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{
    entry::Entry,
    files,
    journal::{Journal, sum},
    recorder::{Restored, Spooled},
    sealing::{SealJob, Sealer},
    show_take::ShowTake,
};
use crate::{
    packager::{Init, Segment, SegmentName, Window, WindowLimits},
    take::Take,
};

/// Segments that are remembered of a show; as many as a window can hold.
const SEGMENTS_KEPT: usize = 4_096;
/// What is added to the name of a segment that was cut short; fewer than the window skips.
const NAME_CUT_SHORT: u64 = 500;

/// Reads every broadcast of the spool. One that cannot be read is logged and left where it is.
pub(super) fn restore(spool: &Path, limits: WindowLimits, sealer: &Sealer) -> Vec<Restored> {
    let folders = match fs::read_dir(spool) {
        Ok(folders) => folders,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            tracing::error!(%error, spool = %spool.display(), "the spool cannot be read; nothing is restored");
            return Vec::new();
        }
    };
    let names = folders.filter_map(|folder| folder.ok()?.file_name().into_string().ok()?.parse().ok());
    let mut shows: Vec<ShowTake> = names.collect();
    shows.sort_unstable_by_key(|show| (show.broadcast, show.take));
    let mut restored = Vec::new();
    for (nth, show) in shows.iter().enumerate() {
        // Of the takes of a show, only the latest can go on.
        let is_latest = shows.get(nth + 1).is_none_or(|next| next.broadcast != show.broadcast);
        match restore_one(spool, *show, is_latest, limits, sealer) {
            Ok(show) => restored.extend(show),
            Err(error) => tracing::error!(%error, broadcast = %show, "a recording could not be restored"),
        }
    }
    restored
}

fn restore_one(
    spool: &Path,
    show: ShowTake,
    is_latest: bool,
    limits: WindowLimits,
    sealer: &Sealer,
) -> io::Result<Option<Restored>> {
    let (broadcast, folder) = (show.broadcast, files::folder(spool, show));
    let path = files::journal(&folder);
    let journal = match Journal::read(&path, SEGMENTS_KEPT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Journal::default(),
        journal => journal?,
    };
    let Some(timeline_start) = journal.timeline_start else {
        fs::remove_dir_all(&folder)?;
        return Ok(None);
    };
    let journal = complete(&folder, journal)?;
    let overtaken = if is_latest { None } else { journal.end() };
    if let Some(end) = journal.ended.or(overtaken) {
        sealer.add(SealJob::Finish { show, end });
        return Ok(None);
    }
    if !is_latest {
        fs::remove_dir_all(&folder)?;
        return Ok(None);
    }
    for segment in journal.segments.iter().filter(|segment| journal.unsealed.contains(&segment.name)) {
        sealer.add(SealJob::Segment { broadcast, segment: *segment });
    }
    let inits = inits(&folder, &journal);
    let segments = journal.segments.iter().copied().filter(|segment| inits.contains_key(&segment.init)).collect();
    let init = journal.inits.last_key_value().map(|(name, _)| *name);
    let (sequence, discontinuities) = (journal.first_sequence, journal.discontinuities_before);
    let take = Take { number: show.take, sequence, discontinuities };
    let gone = journal.discontinuities_gone;
    let window = Window::restored(limits, timeline_start, take, segments, inits, gone, journal.last_name);
    tracing::info!(broadcast = %show, segments = journal.segments.len(), "a show that was on air is restored");
    let spooled = Spooled { journal_bytes: journal.good_bytes, init };
    Ok(Some(Restored { broadcast, take, window, spooled }))
}

/// Cuts off what was not written whole, and closes the segment that was growing with its last whole part.
fn complete(folder: &Path, mut journal: Journal) -> io::Result<Journal> {
    let mut file = OpenOptions::new().append(true).open(files::journal(folder))?;
    file.set_len(journal.good_bytes)?;
    let Some((segment, parts)) = journal.open.clone() else { return Ok(journal) };
    let renamed = SegmentName(segment.name.0 + NAME_CUT_SHORT);
    let (old, new) = (folder.join(files::segment_file(segment.name)), folder.join(files::segment_file(renamed)));
    // A restart that was itself interrupted has renamed the file already.
    let path = if new.exists() { &new } else { &old };
    let (ticks, bytes) = whole_parts(&parts, fs::metadata(path).map_or(0, |file| file.len()));
    if bytes > 0 {
        OpenOptions::new().write(true).open(path)?.set_len(bytes)?;
        fs::rename(path, &new)?;
    }
    let entry = Entry::Closed { ticks, bytes, renamed: Some(renamed) };
    let line = entry.line();
    file.write_all(&line)?;
    journal.good_bytes += line.len() as u64;
    journal.take(entry);
    Ok(journal)
}

/// The parts that fit into a file of `length` bytes.
fn whole_parts(parts: &[(i64, u64)], length: u64) -> (i64, u64) {
    let fits = (0..=parts.len()).rev().filter_map(|count| parts.get(..count)).map(sum);
    fits.into_iter().find(|(_, bytes)| *bytes <= length).unwrap_or((0, 0))
}

fn inits(folder: &Path, journal: &Journal) -> BTreeMap<SegmentName, Arc<Init>> {
    let oldest = journal.segments.front().map(|segment: &Segment| segment.init).unwrap_or_default();
    let needed = journal.inits.iter().filter(|(name, _)| **name >= oldest);
    let read = needed.filter_map(|(name, description)| match fs::read(folder.join(files::init_file(*name))) {
        Ok(bytes) => Some((*name, Arc::new(Init { description: description.clone(), bytes: bytes.into() }))),
        Err(error) => {
            tracing::error!(%error, %name, "an initialisation segment is gone; its segments are not listed");
            None
        }
    });
    read.collect()
}
