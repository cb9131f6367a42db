//! A server of Java of a test's own, which may be killed: what scripts/java-server-for-tests understands.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot have its server must fail loudly")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A running server, which ends with the value.
#[derive(Debug)]
pub(super) struct JavaServer {
    name: &'static str,
    folder: PathBuf,
    /// Its host and port.
    pub(super) address: String,
}

impl JavaServer {
    /// One that answers; `name` is that of its script. None when no such server was named for the tests.
    pub(super) fn start(name: &'static str, purpose: &str) -> Option<Self> {
        std::env::var_os(format!("MADANG_TEST_{}", name.to_uppercase()))?;
        let folder = std::env::temp_dir().join(format!("madang-test-{name}-{purpose}-{}", std::process::id()));
        let mut server = Self { name, folder, address: String::new() };
        server.address = server.tell("start").split_once('=').expect("it tells where it is").1.trim().to_owned();
        Some(server)
    }

    /// Has the script do this; what it said.
    pub(super) fn tell(&self, word: &str) -> String {
        let output = self.command(word).output().expect("the script runs");
        assert!(output.status.success(), "{word}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self, word: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scripts");
        let mut command = Command::new(scripts.join(format!("{}-for-tests", self.name)));
        command.arg(word).env(format!("MADANG_TEST_{}_DIR", self.name.to_uppercase()), &self.folder);
        command
    }
}

impl Drop for JavaServer {
    fn drop(&mut self) {
        // Not `tell`, whose complaints would end the other tests too.
        let _ = self.command("stop").output();
    }
}
