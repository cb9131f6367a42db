//! `madang serve`: a site until it is asked to end.

use super::{AnyError, Site, edge::Edge, until_asked_to_end};
use crate::config::{Config, Role};

/// Runs the server.
pub(crate) async fn run(config: Config) -> Result<(), AnyError> {
    if config.is_of_site() { run_site(config).await } else { run_edge(config).await }
}

async fn run_edge(config: Config) -> Result<(), AnyError> {
    let insecure = config.gateway.client.insecure;
    let edge = Edge::start(config).await?;
    // Before anybody is told that it runs, and may end it.
    let asked_to_end = until_asked_to_end();
    greet_clients(&edge, insecure);
    let lost = tokio::select! { () = asked_to_end => None, reason = edge.lost() => Some(reason) };
    tracing::info!("ending; draining");
    edge.stop().await;
    lost.map_or(Ok(()), |reason| Err(reason.into()))
}

async fn run_site(config: Config) -> Result<(), AnyError> {
    let site = Site::start(config).await?;
    // Before anybody is told that it runs, and may end it.
    let asked_to_end = until_asked_to_end();
    greet(&site);
    let lost = tokio::select! { () = asked_to_end => None, reason = site.lost() => Some(reason) };
    tracing::info!("ending; draining");
    site.stop().await;
    lost.map_or(Ok(()), |reason| Err(reason.into()))
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
    let http = site.http;
    match site.role {
        Role::All | Role::Api => println!("  Web UI    {}", site.public_url),
        Role::Gateway => println!("  Realtime  ws://{http}/connection/websocket"),
        Role::Burst => println!("  Players   http://{http}"),
        Role::Media => println!("  Playback  http://{http}/live"),
        Role::Worker | Role::Batch => println!("  Health    http://{http}/readyz"),
    }
    if let Some(url) = &site.ingest_url {
        println!("  Encoders  {url}");
    }
    if let Some(url) = &site.rtmps_url {
        println!("  over TLS  {url}");
    }
    if site.role == Role::All && http.ip().is_unspecified() && site.public_url.contains("//localhost:") {
        println!("  Other machines use this machine's name or address in place of localhost.");
    }
    if let Some(link) = &site.administrator_link {
        println!("  There is no administrator yet. Whoever opens this link and signs in becomes one:");
        println!("  {link}");
    }
    println!();
}
