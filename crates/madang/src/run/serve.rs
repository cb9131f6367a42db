//! `madang serve`: a site until it is asked to end.

use super::{AnyError, Site, edge::Edge, until_asked_to_end};
use crate::config::{Config, Role};

const LOST: &str = "another process has taken the database of engines.sql over";

/// Runs the server.
pub(crate) async fn run(config: Config) -> Result<(), AnyError> {
    match config.role {
        Role::All => run_site(config).await,
        Role::Gateway => run_edge(config).await,
    }
}

async fn run_edge(config: Config) -> Result<(), AnyError> {
    let insecure = config.gateway.client.insecure;
    let edge = Edge::start(config).await?;
    // Before anybody is told that it runs, and may end it.
    let asked_to_end = until_asked_to_end();
    greet_clients(&edge, insecure);
    let is_lost = tokio::select! { () = asked_to_end => false, () = edge.lost() => true };
    tracing::info!("ending; draining");
    edge.stop().await;
    if is_lost { Err(LOST.into()) } else { Ok(()) }
}

async fn run_site(config: Config) -> Result<(), AnyError> {
    let site = Site::start(config).await?;
    // Before anybody is told that it runs, and may end it.
    let asked_to_end = until_asked_to_end();
    greet(&site);
    let is_lost = tokio::select! { () = asked_to_end => false, () = site.lost() => true };
    tracing::info!("ending; draining");
    site.stop().await;
    if is_lost { Err(LOST.into()) } else { Ok(()) }
}

/// Says where clients connect. Scripts read these lines: they do not change lightly.
#[allow(clippy::print_stdout, reason = "the addresses are for the person or script that started the server")]
fn greet_clients(edge: &Edge, insecure: bool) {
    println!("Madang is ready.");
    println!("  Realtime  {}", edge.realtime_url);
    if insecure {
        println!("  Anybody may do everything here: gateway.client.insecure is on.");
    }
    println!();
}

/// Says where the site is. Scripts read these lines: they do not change lightly.
#[allow(clippy::print_stdout, reason = "the addresses are for the person or script that started the server")]
fn greet(site: &Site) {
    println!("Madang is ready.");
    println!("  Web UI    {}", site.public_url);
    println!("  Encoders  {}", site.ingest_url);
    if let Some(url) = &site.rtmps_url {
        println!("  over TLS  {url}");
    }
    if site.http.ip().is_unspecified() && site.public_url.contains("//localhost:") {
        println!("  Other machines use this machine's name or address in place of localhost.");
    }
    if let Some(link) = &site.administrator_link {
        println!("  There is no administrator yet. Whoever opens this link and signs in becomes one:");
        println!("  {link}");
    }
    println!();
}
