//! Clients that say who they are by a token.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Caller, Timestamp};

use super::{ClientSettings, Namespaces};
use crate::{
    needs::{Channels, Client, ConnectRequest, Connected, Connector, Refreshed, Refused, ServerSubscription},
    protocol::codes,
    tokens::{ConnectionClaims, SubscriptionOptions, TokenError, Verifier},
};

/// Lets bearers of tokens in, and subscribes them to what their tokens say.
pub struct TokenConnector {
    verifier: Arc<Verifier>,
    namespaces: Arc<Namespaces>,
    settings: ClientSettings,
}

impl TokenConnector {
    /// A connector by these settings, for clients of these namespaces.
    pub fn new(verifier: Arc<Verifier>, namespaces: Arc<Namespaces>, settings: ClientSettings) -> Self {
        Self { verifier, namespaces, settings }
    }

    /// Whether anybody can connect by a token.
    pub fn knows_tokens(&self) -> bool {
        self.verifier.has_keys()
    }

    fn connected(&self, request: &ConnectRequest, claims: ConnectionClaims) -> Result<Connected, Refused> {
        let ConnectionClaims { user, info, expires_at, subscriptions } = claims;
        let personal = self.settings.subscribe_to_user_personal_channel.of(&user);
        let personal = personal.map(|channel| (channel, SubscriptionOptions::default()));
        let mut given = Vec::new();
        for (channel, options) in subscriptions.into_iter().chain(personal) {
            let Some(rules) = self.namespaces.given(&channel, &user, options) else {
                tracing::warn!(channel, "a connection token names a channel of no namespace");
                return Err(Refused::Error(codes::UNKNOWN_CHANNEL.into()));
            };
            given.push(ServerSubscription::new(channel, rules));
        }
        Ok(Connected {
            caller: Caller::anonymous(request.address),
            user,
            conn_info: info,
            expires_at: self.expiry(expires_at),
            data: None,
            subscriptions: given,
            can_end: false,
        })
    }

    fn expiry(&self, at: Option<Timestamp>) -> Option<Timestamp> {
        at.filter(|_| !self.settings.insecure)
    }

    async fn claims(&self, token: &str) -> Result<ConnectionClaims, Refused> {
        self.verifier.connection(token).await.map_err(|error| match error {
            TokenError::Expired => Refused::TokenExpired,
            TokenError::Invalid => Refused::InvalidToken,
            TokenError::Unavailable => Refused::Unavailable,
        })
    }
}

#[async_trait]
impl Connector for TokenConnector {
    async fn connect(&self, request: &ConnectRequest) -> Result<Connected, Refused> {
        let ClientSettings { insecure, allow_anonymous_connect_without_token, .. } = self.settings;
        match request.proof.token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => self.connected(request, self.claims(token).await?),
            None if insecure || allow_anonymous_connect_without_token => {
                self.connected(request, ConnectionClaims::default())
            }
            None => Err(Refused::InvalidToken),
        }
    }

    async fn refresh(&self, client: &Client, token: &str) -> Result<Refreshed, Refused> {
        let claims = self.claims(token).await?;
        if *claims.user != *client.user {
            return Err(Refused::InvalidToken);
        }
        Ok(Refreshed { expires_at: self.expiry(claims.expires_at), conn_info: claims.info })
    }
}
