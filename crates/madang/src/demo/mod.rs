//! `madang demo`: a site on a throwaway data folder with sample people, looping shows and a small crowd.
//!
//! Nothing here is a shortcut: the shows are published over the site's own RTMP port, and the crowd uses its API.

mod cast;
mod crowd;
mod dice;
mod show;

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{cast::SHOWS, crowd::Spectator, dice::Dice, show::RunningShow};
use crate::{
    cli::{DemoArguments, ServeArguments, StoreArguments},
    client::ApiClient,
    config,
    run::{AnyError, Site, logging, until_asked_to_end},
};

/// The site that the demo is about.
struct Yard {
    http: SocketAddr,
    public_url: String,
    ingest_url: String,
    /// The site and its folder, when the demo has started it.
    own: Option<(Site, TempDir)>,
}

/// Runs the demo until it is asked to end.
pub(crate) async fn run(arguments: DemoArguments) -> Result<(), AnyError> {
    let yard = match arguments.at {
        None => Yard::open(&arguments).await?,
        Some(http) => Yard {
            http,
            public_url: format!("http://{http}"),
            ingest_url: format!("rtmp://{}/live", arguments.rtmp),
            own: None,
        },
    };
    let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let shows = raise_the_curtain(&yard, &mut tasks, &cancel).await?;
    let audience = gather(&yard, &shows, arguments.crowd);
    // Before anybody is told that it runs, and may end it.
    let asked_to_end = until_asked_to_end();
    greet(&yard);
    let arrive = async {
        for spectator in audience {
            tasks.spawn(spectator.watch(cancel.clone()));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! { () = asked_to_end => {}, () = arrive => {} }
    cancel.cancel();
    tasks.shutdown().await;
    if let Some((site, _folder)) = yard.own {
        site.stop().await;
    }
    Ok(())
}

impl Yard {
    /// A site of the demo's own.
    async fn open(arguments: &DemoArguments) -> Result<Self, AnyError> {
        let folder = tempfile::Builder::new().prefix("madang-demo-").tempdir()?;
        let serve = ServeArguments {
            store: StoreArguments { config: None, data_dir: Some(folder.path().join("data")) },
            http: Some(arguments.http),
            rtmp: Some(arguments.rtmp),
            role: None,
        };
        let mut variables: HashMap<String, String> = std::env::vars().collect();
        // The whole crowd comes from one address.
        for (name, value) in [("MADANG_PEOPLE_SIGN_UP_RATE", "off"), ("MADANG_LOG_LEVEL", "warn")] {
            variables.entry(name.into()).or_insert_with(|| value.into());
        }
        // And speaks plain HTTP.
        variables.retain(|name, _| !name.starts_with("MADANG_TLS_") && name != "MADANG_RTMPS");
        let config = config::load(&serve, variables.into_iter())?;
        logging::start(&config.log)?;
        let site = Site::start(config).await?;
        let ingest_url = site.ingest_url.clone().ok_or("a demo needs a whole site: role = \"all\"")?;
        Ok(Self { http: site.http, public_url: site.public_url.clone(), ingest_url, own: Some((site, folder)) })
    }
}

async fn raise_the_curtain(
    yard: &Yard,
    tasks: &mut JoinSet<()>,
    cancel: &CancellationToken,
) -> Result<Vec<RunningShow>, AnyError> {
    let client = ApiClient::new(yard.http);
    let mut running = Vec::new();
    for show in &SHOWS {
        running.push(show::begin(show, &client, &yard.ingest_url, tasks, cancel).await?);
    }
    Ok(running)
}

/// Everyone of the crowd with the show they watch: the larger its share, the more.
fn gather(yard: &Yard, shows: &[RunningShow], crowd: u16) -> Vec<Spectator> {
    let mut dice = Dice::new(20_261_123);
    let choose = |dice: &mut Dice| {
        let mut drawn = dice.below(SHOWS.iter().map(|show| show.share).sum());
        shows.iter().zip(&SHOWS).find_map(|(running, show)| match drawn.checked_sub(show.share) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(running),
        })
    };
    (0..u64::from(crowd))
        .filter_map(|number| {
            choose(&mut dice).map(|show| Spectator {
                client: ApiClient::new(yard.http),
                realtime_url: format!("ws://{}/connection/websocket", yard.http),
                broadcast: show.broadcast.clone(),
                show_began: show.began,
                number,
            })
        })
        .collect()
}

#[allow(clippy::print_stdout, reason = "the address is for the person who started the demo")]
fn greet(yard: &Yard) {
    println!();
    println!("  A yard full of people: {}", yard.public_url);
    println!(
        "  Sign up there to talk, or sign in as `haneul` with the password `{}` to see the studio.",
        show::PASSWORD
    );
    println!("  Ctrl-C ends the demo{}.", if yard.own.is_some() { " and forgets everything" } else { "" });
    println!();
}
