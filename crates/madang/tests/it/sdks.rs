//! Client libraries nobody here wrote, against `--role gateway`: through a proxy that cuts their connections. What they go through
//! stands in `tests/sdk/` and `web/tests/sdk.mjs`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::watch,
};

use crate::site::PATIENCE;

/// How long one library may take with all of its steps.
const LONGEST: Duration = Duration::from_secs(180);

/// A realtime server, and a proxy before it.
struct Server {
    _child: Child,
    _folder: tempfile::TempDir,
    address: SocketAddr,
    proxy: SocketAddr,
    control: SocketAddr,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_madang"))
            .args(["serve", "--http", "127.0.0.1:0", "--config"])
            .arg(sdk().join("server.toml"))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it starts").unwrap();
            let line = line.expect("the server ended before it was ready; its messages are above");
            if let Some((_, rest)) = line.split_once("ws://") {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (proxy, control) = start_proxy(address).await;
        Self { _child: child, _folder: folder, address, proxy, control }
    }

    /// Runs a library's program; it tells what went wrong.
    async fn drive(&self, mut program: Command) {
        let places = [self.address, self.proxy, self.control].map(|place| place.to_string());
        let running = program.args(places).kill_on_drop(true).output();
        let output = tokio::time::timeout(LONGEST, running).await.expect("the library is through in time").unwrap();
        let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{told}{wrong}");
        assert!(told.contains("recovered 400"), "{told}{wrong}");
    }
}

/// Leads connections to `server`. Whoever connects to the second address cuts them all; it closes when they are cut.
async fn start_proxy(server: SocketAddr) -> (SocketAddr, SocketAddr) {
    let [listener, control] = [TcpListener::bind("127.0.0.1:0").await, TcpListener::bind("127.0.0.1:0").await];
    let (listener, control) = (listener.unwrap(), control.unwrap());
    let addresses = (listener.local_addr().unwrap(), control.local_addr().unwrap());
    let (cuts, _) = watch::channel(0);
    let cut = cuts.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut cut = cuts.subscribe();
            tokio::spawn(async move {
                let Ok(mut upstream) = TcpStream::connect(server).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut upstream) => {}
                    _ = cut.changed() => {
                        // A reset, as from a network that is gone.
                        let _ = (client.set_zero_linger(), upstream.set_zero_linger());
                    }
                }
            });
        }
    });
    tokio::spawn(async move {
        while let Ok((_asker, _)) = control.accept().await {
            cut.send_modify(|count| *count += 1);
        }
    });
    addresses
}

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_javascript_library_gets_through_everything() {
    let web = sdk().join("../../../../web");
    assert!(web.join("node_modules/eventsource").exists(), "run `npm ci` in web/ first, as `make test` does");
    let mut program = Command::new("node");
    program.current_dir(&web).arg("tests/sdk.mjs");
    Server::start().await.drive(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_library_gets_through_everything() {
    let python = std::env::var("MADANG_TEST_PYTHON")
        .unwrap_or_else(|_| sdk().join("../../../../.cache/python/bin/python").to_string_lossy().into_owned());
    assert!(
        Path::new(&python).exists(),
        "a Python with centrifuge-python is expected at {python}: `make test` makes one"
    );
    let mut program = Command::new(python);
    program.arg(sdk().join("client.py"));
    Server::start().await.drive(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_library_gets_through_everything() {
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("client");
    let built = Command::new("go").current_dir(sdk().join("go")).arg("build").arg("-o").arg(&client).arg(".").output();
    let built = built.await.expect("Go is installed, as `make test` does");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Server::start().await.drive(Command::new(client)).await;
}
