//! The crowd: people who watch, chat and tap, through the same doors as everyone else.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

use super::{cast, dice::Dice};
use crate::client::{ApiClient, CallError};

/// One person of the crowd.
pub(crate) struct Spectator {
    pub(crate) client: ApiClient,
    pub(crate) realtime_url: String,
    pub(crate) broadcast: String,
    /// When position 0 of the show was, on this process's monotonic clock.
    pub(crate) show_began: Instant,
    pub(crate) number: u64,
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

impl Spectator {
    /// Watches until cancelled; comes back after a mishap.
    pub(crate) async fn watch(self, cancel: CancellationToken) {
        let mut dice = Dice::new(self.number);
        let token = match self.sign_up().await {
            Ok(token) => token,
            Err(error) => return tracing::warn!(%error, number = self.number, "a spectator could not sign up"),
        };
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => return,
                left = self.take_part(&token, &mut dice) => if let Err(error) = left {
                    tracing::debug!(%error, number = self.number, "a spectator lost the connection");
                },
            }
            tokio::select! { () = cancel.cancelled() => return, () = tokio::time::sleep(Duration::from_secs(3)) => () }
        }
    }

    async fn sign_up(&self) -> Result<String, CallError> {
        let name = cast::NAMES[self.number as usize % cast::NAMES.len()];
        let body =
            json!({ "handle": format!("guest_{}", self.number), "password": "a demo password", "display_name": name });
        let answer = self.client.post("/api/v1/accounts", None, &body).await?;
        Ok(text(&answer, "token"))
    }

    async fn take_part(&self, token: &str, dice: &mut Dice) -> Result<(), AnyError> {
        let playback =
            self.client.post("/api/v1/playbacks", Some(token), &json!({ "broadcast": self.broadcast })).await?;
        let session = text(&playback, "session");
        let (mut socket, _) = connect_async(&self.realtime_url).await?;
        let channel = format!("chat:{}", self.broadcast);
        let hello = format!(
            "{}\n{}",
            json!({ "id": 1, "connect": { "token": token } }),
            json!({ "id": 2, "subscribe": { "channel": channel } })
        );
        socket.send(Message::text(hello)).await?;

        let (mut command, mut batch, mut taps) = (2_u64, 0_u64, Vec::new());
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        let mut moment = tokio::time::interval(Duration::from_millis(500 + dice.below(300)));
        loop {
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(frame))) if frame.split('\n').any(|line| line == "{}") => socket.send(Message::text("{}")).await?,
                    Some(Ok(_)) => (),
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err("the server closed the connection".into()),
                },
                _ = beat.tick() => {
                    let body = json!({ "session": session, "position_ms": self.position_ms() });
                    self.client.post("/api/v1/beats", None, &body).await?;
                    if !taps.is_empty() {
                        batch += 1;
                        let body = json!({ "session": session, "seq": batch, "taps": std::mem::take(&mut taps) });
                        self.client.post("/api/v1/hearts", None, &body).await?;
                    }
                }
                _ = moment.tick() => {
                    if dice.below(100) < 30 {
                        taps.push(self.position_ms());
                    }
                    if dice.below(100) < 3 {
                        command += 1;
                        let line = dice.pick(&cast::LINES).copied().unwrap_or("…");
                        let data = json!({ "text": line, "client_id": format!("{}-{command}", self.number) });
                        socket.send(Message::text(json!({ "id": command, "publish": { "channel": channel, "data": data } }).to_string())).await?;
                    }
                }
            }
        }
    }

    /// Where a viewer two seconds behind the encoder is now.
    fn position_ms(&self) -> u64 {
        self.show_began.elapsed().saturating_sub(Duration::from_secs(2)).as_millis() as u64
    }
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
