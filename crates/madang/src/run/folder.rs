//! The data folder: one process at a time uses it. Two would write over each other's spool.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use super::AnyError;

/// What a process number takes at the most, with room to spare.
const NUMBER_BYTES_MAX: u64 = 32;

/// Makes the folder where it is missing.
pub(crate) fn make(folder: &Path) -> Result<(), AnyError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make the data folder {}: {error}", folder.display()).into())
}

/// Makes the folder this process's own for as long as the file is open; names the process whose it is.
pub(crate) fn lock(folder: &Path) -> Result<File, AnyError> {
    let path = folder.join("lock");
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
    match file.try_lock() {
        Ok(()) => {
            sign(&mut file);
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let holder = holder(&mut file).map_or_else(String::new, |process| format!(" (process {process})"));
            Err(format!("another process{holder} uses the data folder {}", folder.display()).into())
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Leaves this process's number for whoever is refused. Courtesy: a full disk must not stop the start.
fn sign(file: &mut File) {
    let number = format!("{}\n", std::process::id());
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(number.as_bytes()));
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(NUMBER_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_refused_is_told_the_process_that_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("lock"), "an older text that is longer").unwrap();
        let held = lock(folder.path()).unwrap();
        let refused = lock(folder.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
        drop(held);
        lock(folder.path()).unwrap();
    }
}
