//! Load for measurements: small generators whose own cost does not matter, because what is reported is the processor
//! time of the server's processes. `scripts/bench` runs them against this server and its peers.

mod connection;
mod hearts;
mod http;
mod processor;
mod publish;
mod realtime;

use crate::cli::Load;

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Runs one load and prints its result as one line of JSON.
#[allow(clippy::print_stdout, reason = "the result is what the command is for")]
pub(crate) async fn run(load: Load) -> Result<(), AnyError> {
    let result = match load {
        Load::Publish { url, keys, flv, seconds, pids } => publish::run(&url, &keys, &flv, seconds, &pids).await?,
        Load::Http { server, pids, requests, tokens, rate, connections, seconds } => {
            let asked = http::Asked::read(server, &requests, tokens.as_deref())?;
            http::run(server, &pids, asked, rate, connections, seconds).await?
        }
        Load::Hearts { server, pids, broadcast, connections, seconds } => {
            hearts::run(server, &pids, &broadcast, connections, seconds).await?
        }
        Load::Bare { http, single } => realtime::serve_bare(http, single)?,
        Load::Crowd { against, load } => realtime::run(&against, &load)?,
    };
    println!("{result}");
    Ok(())
}
