//! A way to a server that can be cut: what goes in does not come out, and nobody is told.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// The way.
pub(crate) struct Cable {
    /// Where it begins.
    pub(crate) address: SocketAddr,
    is_whole: watch::Sender<bool>,
}

impl Cable {
    /// One to this server.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_whole, whole) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let whole = whole.clone();
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(server).await else { return };
                    let (near, far) = (near.into_split(), far.into_split());
                    tokio::join!(carry(near.0, far.1, whole.clone()), carry(far.0, near.1, whole));
                });
            }
        });
        Self { address, is_whole }
    }

    pub(crate) fn cut(&self) {
        self.is_whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.is_whole.send_replace(true);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut whole: watch::Receiver<bool>) {
    let mut room = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut room).await {
        let is_whole = whole.wait_for(|is_whole| *is_whole).await.is_ok();
        if !is_whole || to.write_all(&room[..count]).await.is_err() {
            return;
        }
    }
}
