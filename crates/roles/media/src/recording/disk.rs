//! The few things the spool asks of the disk, so that tests can let each of them fail.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Files of the spool.
pub(super) trait Disk: Send + 'static {
    /// A file that is being appended to.
    type File: Send;

    /// Makes a folder and those above it.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for appending, cut to `length` bytes; makes it if it is not there.
    fn open(&self, path: &Path, length: u64) -> io::Result<Self::File>;
    /// Appends all of `bytes`, or fails having appended some of them.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to `length` bytes.
    fn cut(&self, file: &mut Self::File, length: u64) -> io::Result<()>;
    /// Makes a file's bytes outlive a power loss.
    fn sync(&self, file: &mut Self::File) -> io::Result<()>;
    /// Makes the names in a folder outlive a power loss.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all its files.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// The local disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalDisk;

impl Disk for LocalDisk {
    type File = File;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn open(&self, path: &Path, length: u64) -> io::Result<File> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(length)?;
        Ok(file)
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn cut(&self, file: &mut File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &mut File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}
