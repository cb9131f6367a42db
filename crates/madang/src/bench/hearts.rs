//! Batches of hearts of one account, each connection with a playback session of its own and a rising `seq`.

use std::{net::SocketAddr, time::Instant};

use serde_json::{Value, json};

use super::{
    AnyError,
    connection::Connection,
    http::{Tally, measure, request},
};
use crate::client::ApiClient;

pub(crate) async fn run(
    server: SocketAddr,
    pids: &[u32],
    broadcast: &str,
    connections: usize,
    seconds: u64,
) -> Result<Value, AnyError> {
    let api = ApiClient::new(server);
    let person = json!({ "handle": format!("bench_{}", std::process::id()), "password": "a bench password", "display_name": "Bench" });
    let answer = api.post("/api/v1/accounts", None, &person).await?;
    let token = answer["token"].as_str().unwrap_or_default().to_owned();
    let mut sessions = Vec::new();
    for _ in 0..connections {
        let answer = api.post("/api/v1/playbacks", Some(&token), &json!({ "broadcast": broadcast })).await?;
        sessions.push(answer["session"].as_str().unwrap_or_default().to_owned());
    }
    let load = |number: usize, until: Instant| {
        let session = sessions[number].clone();
        async move {
            let mut connection = Connection::open(server).await?;
            let mut tally = Tally::default();
            let mut seq = 0_u64;
            while Instant::now() < until {
                seq += 1;
                let taps = "[100,200,300]";
                let body = format!("POST /api/v1/hearts {{\"session\":\"{session}\",\"seq\":{seq},\"taps\":{taps}}}");
                let answer = connection.exchange(&request(server, None, &body)).await?;
                tally.answers += 1;
                tally.errors += u64::from(answer.status >= 400);
                tally.bytes += answer.body;
            }
            Ok(tally)
        }
    };
    measure(pids, connections, seconds, load).await
}
