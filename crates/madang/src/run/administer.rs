//! What an administrator or developer does from the shell.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    AnyError, Machine, Site,
    stores::{RECORDS_FILE, Stores, open_records},
};
use crate::{
    cli::{ServeArguments, StoreArguments},
    client::ApiClient,
    config::{self, Config},
    wire,
};

/// Brings the schema up to date.
pub(crate) async fn migrate(config: Config) -> Result<(), AnyError> {
    Stores::open(&config).await?.close().await;
    Ok(())
}

/// Makes an account an administrator; the server may be running.
pub(crate) async fn grant(config: Config, handle: &str) -> Result<(), AnyError> {
    if config.engines.sql.is_empty() && !config.data_dir.join(RECORDS_FILE).exists() {
        return Err(format!("there is no site in the data folder {}", config.data_dir.display()).into());
    }
    let records = open_records(&config).await?;
    let people = wire::people(&Machine::alone()?, &records, &config);
    people.grant_administrator(handle).await?;
    records.close().await;
    Ok(())
}

/// The OpenAPI document of this version, asked of a site that lives for this one question.
pub(crate) async fn openapi() -> Result<String, AnyError> {
    let folder = tempfile::tempdir()?;
    let anywhere = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let store = StoreArguments { data_dir: Some(folder.path().to_owned()), config: None };
    let arguments = ServeArguments { store, http: anywhere, rtmp: anywhere, role: None };
    let site = Site::start(config::load(&arguments, std::iter::empty())?).await?;
    let (_, document) = ApiClient::new(site.http).fetch("/openapi.json").await?;
    site.stop().await;
    Ok(String::from_utf8(document.into())?)
}
