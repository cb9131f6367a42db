//! What a command does, from the settings to the end of the process.

mod administer;
mod blobs;
mod broker;
mod domains;
mod edge;
mod events;
mod folder;
pub(crate) mod logging;
mod machine;
mod media;
mod metering;
mod moving;
mod node;
mod open_files;
mod ready;
mod realtime;
mod rooms;
mod serve;
mod signals;
mod site;
mod site_name;
mod stores;

pub(crate) use machine::Machine;
pub(crate) use signals::until_asked_to_end;
pub(crate) use site::Site;

use crate::{
    bench,
    cli::{AdminAction, Command, EventsAction, MoveArguments, ServeArguments, StoreArguments},
    config::{self, Config, DEFAULTS},
    demo,
};

/// Anything that ends a command.
pub(crate) type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Does what the command line says.
#[allow(clippy::print_stdout, reason = "printing is what these commands are for")]
pub(crate) async fn command(command: Command) -> Result<(), AnyError> {
    match command {
        Command::Serve(arguments) => serve::run(settings(&arguments)?).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Migrate(store) => {
            administer::migrate(of(store)?).await?;
            println!("The schema is up to date.");
            Ok(())
        }
        Command::Move(MoveArguments { store, to }) => moving::run(of(store)?, to).await,
        Command::Admin(arguments) => match arguments.action {
            AdminAction::Grant { handle, store } => {
                administer::grant(of(store)?, &handle).await?;
                println!("{handle} is an administrator.");
                Ok(())
            }
        },
        Command::Events(arguments) => match arguments.action {
            EventsAction::Topics { partitions, store } => {
                events::make_topics(&of(store)?, partitions).await?.iter().for_each(|topic| println!("{topic}"));
                Ok(())
            }
            EventsAction::Dead { reaction, limit, store } => {
                events::dead(&of(store)?, &reaction, limit).await?.iter().for_each(|letter| println!("{letter}"));
                Ok(())
            }
            EventsAction::Replay { reaction, store } => {
                println!("Tried again: {}", events::replay(&of(store)?, &reaction).await?);
                Ok(())
            }
        },
        Command::Bench(arguments) => bench::run(arguments.load).await,
        Command::Openapi => {
            println!("{}", administer::openapi().await?);
            Ok(())
        }
        Command::DefaultConfig => {
            print!("{DEFAULTS}");
            Ok(())
        }
    }
}

fn of(store: StoreArguments) -> Result<Config, AnyError> {
    begin(config::load_to_look_after(store, std::env::vars())?)
}

fn settings(arguments: &ServeArguments) -> Result<Config, AnyError> {
    begin(config::load(arguments, std::env::vars())?)
}

fn begin(config: Config) -> Result<Config, AnyError> {
    logging::start(&config.log)?;
    open_files::raise_limit();
    Ok(config)
}
