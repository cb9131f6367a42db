//! `madang serve`: a site until it is asked to end.

use super::{AnyError, Site, until_asked_to_end};
use crate::config::Config;

/// Runs the server.
pub(crate) async fn run(config: Config) -> Result<(), AnyError> {
    let site = Site::start(config).await?;
    greet(&site);
    let is_lost = tokio::select! { () = until_asked_to_end() => false, () = site.lost() => true };
    tracing::info!("ending; draining");
    site.stop().await;
    if is_lost { Err("another process has taken the database of engines.sql over".into()) } else { Ok(()) }
}

/// Says where the site is. Scripts read these lines: they do not change lightly.
#[allow(clippy::print_stdout, reason = "the addresses are for the person or script that started the server")]
fn greet(site: &Site) {
    println!("Madang is ready.");
    println!("  Web UI    {}", site.public_url);
    println!("  Encoders  {}", site.ingest_url);
    if site.http.ip().is_unspecified() && site.public_url.contains("//localhost:") {
        println!("  Other machines use this machine's name or address in place of localhost.");
    }
    if let Some(link) = &site.administrator_link {
        println!("  There is no administrator yet. Whoever opens this link and signs in becomes one:");
        println!("  {link}");
    }
    println!();
}
