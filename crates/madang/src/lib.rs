//! The binary: the only place where the rooms of the house meet.
//!
//! `cli` what can be typed · `config` what can be set · `run` how a process starts, drains and ends · `tls` the certificate
//! · `wire` where slices and roles meet · `demo` a site with sample people · `bench` load for measurements · `client` the API from outside.

mod bench;
mod cli;
pub mod client;
mod config;
mod demo;
mod run;
mod tls;
mod wire;

use std::process::ExitCode;

use clap::Parser;

/// Runs what the command line says; the exit code is 0 when it went well.
pub fn main() -> ExitCode {
    let command = cli::Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run::command(command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

#[allow(clippy::print_stderr, reason = "why a command failed is for the person who typed it, whatever the log says")]
fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("madang: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
