//! `madang move`: the rows of a site on SQLite go to PostgreSQL, while no server runs on either.

use engines::sql::{
    Ownership, OwnershipError, ROOM_LOG_MIGRATIONS,
    moving::{Compared, Move, SourceFile, Told},
};

use super::{
    AnyError, Machine, folder,
    stores::{RECORDS_FILE, ROOMS_FILE, all_migrations, record_migrations},
};
use crate::config::{Config, is_postgres_url};

/// Moves the site in the data folder to the database at `to`, or to the one that the settings name.
#[allow(clippy::print_stdout, reason = "who moves a site wants to see how far it is")]
pub(crate) async fn run(config: Config, to: Option<String>) -> Result<(), AnyError> {
    let url = to.unwrap_or_else(|| config.engines.sql.clone());
    if !is_postgres_url(&url) {
        return Err(
            "where to? Name an empty database, --to postgres://user@host/database, or set engines.sql to it".into()
        );
    }
    let files = files(&config)?;
    let data = config.data_dir.display();
    let _lock = folder::lock(&config.data_dir)?;
    let target = Ownership::take(&url).await.map_err(explain)?;
    println!("Moving the site in {data} to {}.", target.place());
    let migrations = if config.is_of_site() { all_migrations() } else { ROOM_LOG_MIGRATIONS.to_vec() };
    let now = Machine::alone()?.clock.now();
    let moving = Move { files: &files, target: &target, migrations: &migrations, now };
    let compared = moving.run(&mut |told| say(&told)).await?;
    let rows: u64 = compared.iter().map(|table| table.target.rows).sum();
    println!("{} tables with {rows} rows are the same on both sides.", compared.len());
    println!(
        "The files in {data} are as they were. Next: set engines.sql to the database, and start the server with the same"
    );
    println!("data folder, where blobs/ and spool/ stay. A server without engines.sql would go on from the files.");
    Ok(())
}

/// The files of the site, which must be there: opening one would make it.
fn files(config: &Config) -> Result<Vec<SourceFile>, AnyError> {
    let file = |name: &str, migrations| SourceFile { path: config.data_dir.join(name), migrations };
    let rooms = file(ROOMS_FILE, ROOM_LOG_MIGRATIONS.to_vec());
    let files = if config.is_of_site() { vec![file(RECORDS_FILE, record_migrations()), rooms] } else { vec![rooms] };
    if let Some(missing) = files.iter().find(|file| !file.path.is_file()) {
        return Err(format!("there is no site to move: {} is missing", missing.path.display()).into());
    }
    Ok(files)
}

#[allow(clippy::print_stdout, reason = "who moves a site wants to see how far it is")]
fn say(told: &Told<'_>) {
    match told {
        Told::GoesOn => println!("An earlier move of this site was not finished; this one goes on."),
        Told::BeginsAgain => {
            println!("What the earlier move copied is not what the files hold now; all is copied anew.")
        }
        Told::Copied { of: 0, .. } => (),
        Told::Copied { table, rows, of } => println!("copied    {table:<24} {rows:>12} of {of}"),
        Told::Compared(Compared { table, source, target }) if source == target => {
            println!("compared  {table:<24} {:>12} rows  sum {:016x}", source.rows, source.hash);
        }
        Told::Compared(different) => println!("DIFFERS   {different}"),
    }
}

fn explain(error: OwnershipError) -> AnyError {
    match error {
        OwnershipError::Taken => {
            "a process uses the database that is to be filled; stop it, or name an empty one".into()
        }
        error => error.into(),
    }
}
