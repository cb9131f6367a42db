//! Accepting connections: bounded in all and by address, refused with a word where there is no place.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use kernel::returning::ReturnTimes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Settings, Tls,
    doorway::Doorway,
    entrance::Entrance,
    front::Front,
    places::{Full, Places},
    socket::Socket,
    visit::Visit,
};

/// Refusals on their way at once; beyond, a connection is closed without a word.
const REFUSALS: usize = 64;
const REFUSAL_TIME: Duration = Duration::from_secs(2);
/// Pause after the system refuses to accept, because for lack of files the next attempt fails as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `cancel`, then lets requests end for the drain time, and then ends what is left.
/// `seed` decides who that is refused is told to come back when.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<Tls>,
    front: Arc<Front>,
    settings: &Settings,
    seed: u64,
    cancel: CancellationToken,
) {
    let doorway = Doorway::new(tls.as_ref(), settings);
    let to_refusals = Doorway::to_refusals(tls.as_ref(), settings);
    let places = Places::new(settings);
    let (refusals, return_times) = (Arc::new(Semaphore::new(REFUSALS)), ReturnTimes::new(seed));
    let entrance = Arc::new(Entrance::new(front, settings));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some((stream, peer)) = usable(accepted).await else { continue };
        let place = match places.take(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                let socket = Socket::new(stream, REFUSAL_TIME, None);
                refuse(socket, to_refusals.clone(), peer, full, &refusals, return_times.next_s());
                continue;
            }
        };
        let socket = Socket::new(stream, settings.write_timeout(), Some(place));
        let (doorway, entrance) = (doorway.clone(), entrance.clone());
        // A token of its own: polling it does not contend with other connections.
        let drain = cancel.child_token();
        connections.spawn(Visit::of(async move {
            let stream = drain.run_until_cancelled(doorway.open(socket)).await??;
            entrance.admit(stream, peer, drain).await
        }));
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(settings.drain_timeout(), all_ended).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "requests were cut off: they did not end within the drain time"
        );
        connections.shutdown().await;
    }
}

async fn usable(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            // Fails only for a connection that is gone already, which is found out soon enough.
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) => None,
        Err(error) => {
            tracing::error!(%error, "cannot accept connections");
            sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// The whole answer to who finds no place.
fn refusal(return_after_s: u64) -> String {
    let body = format!(
        "{{\"status\":503,\"code\":\"too_many_connections\",\"title\":\"Temporarily unavailable\",\
        \"detail\":\"Too many connections; try again.\",\"retry_after_s\":{return_after_s}}}"
    );
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: {return_after_s}\r\n\
        content-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn refuse(
    socket: Socket,
    doorway: Doorway,
    peer: SocketAddr,
    full: Full,
    refusals: &Arc<Semaphore>,
    return_after_s: u64,
) {
    let reason = match full {
        Full::Server => "server",
        Full::Address => "address",
    };
    metrics::counter!("madang_http_connections_refused_total", "reason" => reason).increment(1);
    tracing::debug!(%peer, reason, "a connection was refused");
    let Ok(permit) = refusals.clone().try_acquire_owned() else { return };
    tokio::spawn(async move {
        let _permit = permit;
        let told = async {
            let Some(mut stream) = doorway.open(socket).await else { return Ok(()) };
            // Takes the request in first: closing with unread bytes would reset the connection before the answer arrives.
            let mut unread = [0; 4096];
            let _ = stream.read(&mut unread).await?;
            stream.write_all(refusal(return_after_s).as_bytes()).await?;
            stream.flush().await?;
            stream.shutdown().await
        };
        let _: Result<io::Result<()>, _> = timeout(REFUSAL_TIME, told).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_a_whole_answer() {
        for seconds in [3, 15] {
            let text = refusal(seconds);
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "the body has {} bytes", body.len());
            let problem: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                (&problem["code"], &problem["retry_after_s"]),
                (&"too_many_connections".into(), &seconds.into())
            );
            assert!(head.contains(&format!("\r\nretry-after: {seconds}\r\n")), "{head}");
        }
    }
}
