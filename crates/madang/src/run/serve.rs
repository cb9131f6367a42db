//! `madang serve`: a site until it is asked to end.

use super::{AnyError, Site, until_asked_to_end};
use crate::config::Config;

/// Runs the server.
pub(crate) async fn run(config: Config) -> Result<(), AnyError> {
    let site = Site::start(config).await?;
    greet(&site);
    until_asked_to_end().await;
    tracing::info!("asked to end; draining");
    site.stop().await;
    Ok(())
}

/// Says where the site is. Scripts read these lines: they do not change lightly.
#[allow(clippy::print_stdout, reason = "the addresses are for the person or script that started the server")]
fn greet(site: &Site) {
    println!("Madang is ready.");
    println!("  Web UI    {}", site.public_url);
    println!("  Encoders  {}", site.ingest_url);
    if let Some(link) = &site.administrator_link {
        println!("  There is no administrator yet. Whoever opens this link and signs in becomes one:");
        println!("  {link}");
    }
    println!();
}
