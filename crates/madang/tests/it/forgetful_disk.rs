//! A disk under a site that has only what was synced: what a loss of power leaves, which a `kill -9` alone does not show,
//! because the page cache survives it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The server writes into `memory`; what it synced is on `disk`.
pub(crate) struct ForgetfulDisk {
    folder: tempfile::TempDir,
    library: PathBuf,
    seed: u64,
}

impl ForgetfulDisk {
    /// A new one; the seed decides what reaches the disk without having been synced.
    pub(crate) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libunsynced_writes.so");
        let engines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../base/engines");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let compiled = Command::new(&compiler)
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .args([&library, &engines.join("tests/power_loss/unsynced_writes.c")])
            .args(["-ldl", "-lpthread"])
            .status()
            .unwrap_or_else(|error| panic!("{compiler} does not start: {error}"));
        assert!(compiled.success(), "{compiler} cannot compile unsynced_writes.c");
        let disk = Self { folder, library, seed };
        std::fs::create_dir(disk.memory()).unwrap();
        std::fs::create_dir(disk.disk()).unwrap();
        disk
    }

    /// The data folder of the server that will lose its power.
    pub(crate) fn memory(&self) -> PathBuf {
        self.folder.path().join("memory")
    }

    /// What that server's successor finds.
    pub(crate) fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// What stands before the server's own command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let variables = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("MADANG_TEST_POWER_LOSS_FOLDER", self.memory().display().to_string()),
            ("MADANG_TEST_POWER_LOSS_DISK", self.disk().display().to_string()),
            ("MADANG_TEST_POWER_LOSS_SEED", self.seed.to_string()),
        ];
        let settings = variables.into_iter().map(|(name, value)| format!("{name}={value}"));
        std::iter::once("env".to_owned()).chain(settings).collect()
    }
}
