//! The folder of a spool: one process at a time uses it, and it has a name that outlives the process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use kernel::Random;

/// Bytes of an owner's name; twice as many letters.
const NAME_BYTES: usize = 16;

/// A spool's folder, which no other process uses until this is dropped. Two would write over each other's recordings.
#[derive(Debug)]
pub struct SpoolFolder {
    pub(crate) path: PathBuf,
    owner: String,
    _lock: File,
}

impl SpoolFolder {
    /// Takes the folder `spool` of the data folder, and makes it where it is missing. Its owner's name is made up once
    /// and kept in it.
    ///
    /// # Errors
    /// When another process has it, or it cannot be read or written.
    pub fn claim(data_dir: &Path, random: &dyn Random) -> io::Result<Self> {
        let path = data_dir.join("spool");
        fs::create_dir_all(&path)?;
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path.join("owner"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let taken = format!("another process records into {}", path.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, taken));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut owner = String::new();
        // A name that was not written whole was never used.
        (&mut file).take(1_024).read_to_string(&mut owner)?;
        if !is_name(&owner) {
            owner = new_name(random)?;
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(owner.as_bytes())?;
            file.sync_all()?;
            File::open(&path)?.sync_all()?;
        }
        Ok(Self { path, owner, _lock: file })
    }

    /// Whose spool it is: the same name after every restart.
    pub fn owner(&self) -> &str {
        &self.owner
    }
}

fn is_name(text: &str) -> bool {
    text.len() == NAME_BYTES * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn new_name(random: &dyn Random) -> io::Result<String> {
    let mut bytes = [0; NAME_BYTES];
    random.fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use kernel::random::RandomError;

    use super::*;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn one_process_has_it_and_the_next_finds_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = SpoolFolder::claim(folder.path(), &Always(7)).unwrap();
        let name = first.owner().to_owned();
        let refused = SpoolFolder::claim(folder.path(), &Always(8)).unwrap_err();
        assert!(refused.to_string().contains("another process"), "{refused}");
        drop(first);
        assert_eq!(SpoolFolder::claim(folder.path(), &Always(9)).unwrap().owner(), name);
        std::fs::write(folder.path().join("spool/owner"), &name[..5]).unwrap();
        assert_ne!(SpoolFolder::claim(folder.path(), &Always(9)).unwrap().owner(), name, "it was cut off");
    }
}
