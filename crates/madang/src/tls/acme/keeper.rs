//! Sees to it that the site has a certificate that holds: asks for one when there is none, when it is for other names, and when two
//! thirds of its life are over.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use instant_acme::{Account, NewAccount};
use kernel::{Clock, Timestamp};
use ports::{
    sql::Database,
    work::{Schedule, WorkError},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    AcmeError, AcmeSettings,
    client::AuthorityClient,
    follower::{self, Follower, certified},
    order::{Got, Open},
    store,
};
use crate::tls::validity::Validity;

/// How long an order may take in all.
const ORDER_TIME: Duration = Duration::from_secs(300);

/// Keeps the certificate of a site. One process does it at a time.
pub(crate) struct Keeper {
    settings: AcmeSettings,
    look_every: Duration,
    clock: Arc<dyn Clock>,
    records: Database,
    follower: Arc<Follower>,
    /// Others have to see what the authority is to be shown.
    has_others: bool,
    until: CancellationToken,
}

/// What a keeper needs.
pub(crate) struct Needs {
    pub(crate) look_every: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) records: Database,
    pub(crate) follower: Arc<Follower>,
    pub(crate) has_others: bool,
    /// An order that is under way is given up with it.
    pub(crate) until: CancellationToken,
}

impl Keeper {
    pub(crate) fn new(settings: AcmeSettings, needs: Needs) -> Self {
        let Needs { look_every, clock, records, follower, has_others, until } = needs;
        // There from the beginning, so that the first one is seen to be one more.
        for outcome in ["got", "refused"] {
            metrics::counter!("madang_tls_orders_total", "outcome" => outcome).increment(0);
        }
        Self { settings, look_every, clock, records, follower, has_others, until }
    }

    /// Asks for a certificate, if it is time to.
    async fn keep(&self) -> Result<(), AcmeError> {
        let names = self.settings.names();
        let now = self.clock.now();
        let (failures, next_order_at) = store::failures(&self.records).await?;
        if now < next_order_at || !self.is_due(&names, now).await? {
            return Ok(());
        }
        tracing::info!(names = names.join(","), directory = self.settings.directory, "a certificate is asked for");
        let ordered = timeout(ORDER_TIME, self.order(&names)).await.unwrap_or(Err(AcmeError::TookTooLong(ORDER_TIME)));
        match ordered {
            Ok(Got { chain, key }) => {
                store::keep(&self.records, &names.join(","), &chain, &key).await?;
                metrics::counter!("madang_tls_orders_total", "outcome" => "got").increment(1);
                self.follower.look().await
            }
            Err(error) => {
                let pause = self.settings.pause_after(failures);
                let next = self.clock.now().plus_millis(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX >> 1));
                store::keep_failures(&self.records, failures.saturating_add(1), next).await?;
                metrics::counter!("madang_tls_orders_total", "outcome" => "refused").increment(1);
                tracing::error!(names = names.join(","), %error, next_order_at = %next,
                    "no certificate was got; what was shown before is shown on");
                Ok(())
            }
        }
    }

    async fn is_due(&self, names: &[String], now: Timestamp) -> Result<bool, AcmeError> {
        let Some(kept) = store::certificate(&self.records).await? else { return Ok(true) };
        let holds = certified(&kept.chain, &kept.key).ok().and_then(|kept| Validity::of(kept.cert.first()?));
        Ok(kept.names != names.join(",") || holds.is_none_or(|validity| now >= validity.renewed_at()))
    }

    async fn order(&self, names: &[String]) -> Result<Got, AcmeError> {
        let account = self.account().await?;
        let (order, to_show) = Open::place(&account, names).await?;
        store::put_challenges(&self.records, &to_show).await?;
        self.follower.look().await?;
        if self.has_others {
            // They look as often as this; nobody is asked whether they have.
            sleep(follower::EVERY * 2).await;
        }
        let got = order.fulfil(names).await?;
        certified(&got.chain, &got.key)?;
        Ok(got)
    }

    /// The account of the site at this authority; a new one when there is none.
    async fn account(&self) -> Result<Account, AcmeError> {
        let AcmeSettings { directory, contact, terms_accepted, directory_roots, .. } = &self.settings;
        let builder = Account::builder_with_http(Box::new(AuthorityClient::new(directory_roots)?));
        if let Some(kept) = store::account(&self.records, directory).await? {
            return Ok(builder.from_credentials(serde_json::from_str(&kept)?).await?);
        }
        let contact = format!("mailto:{contact}");
        let new =
            NewAccount { contact: &[&contact], terms_of_service_agreed: *terms_accepted, only_return_existing: false };
        let (account, credentials) = builder.create(&new, directory.clone(), None).await?;
        store::keep_account(&self.records, directory, &serde_json::to_string(&credentials)?).await?;
        Ok(account)
    }
}

#[async_trait]
impl Schedule for Keeper {
    fn name(&self) -> &'static str {
        "tls.acme"
    }

    fn every(&self) -> Duration {
        self.look_every
    }

    async fn run(&self) -> Result<(), WorkError> {
        match self.until.run_until_cancelled(self.keep()).await {
            Some(kept) => Ok(kept?),
            None => Ok(()),
        }
    }
}
