//! Client libraries nobody here wrote, against `--role gateway`: through a proxy that cuts their connections. What they go through
//! stands in `tests/sdk/` and `web/tests/sdk.mjs`.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    process::Command,
    sync::watch,
};

use crate::gateway_alone::Alone;

/// How long one library may take with all of its steps.
const LONGEST: Duration = Duration::from_secs(180);

/// A realtime server, and a proxy before it.
struct Proxied {
    server: Alone,
    proxy: SocketAddr,
    control: SocketAddr,
}

impl Proxied {
    async fn start() -> Self {
        let server = Alone::start(&std::fs::read_to_string(sdk().join("server.toml")).unwrap()).await;
        let (proxy, control) = start_proxy(server.address).await;
        Self { server, proxy, control }
    }

    /// Runs a library's program; it tells what went wrong.
    async fn drive(&self, mut program: Command) {
        let places = [self.server.address, self.proxy, self.control].map(|place| place.to_string());
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
    Proxied::start().await.drive(program).await;
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
    Proxied::start().await.drive(program).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_library_gets_through_everything() {
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("client");
    let built = Command::new("go").current_dir(sdk().join("go")).arg("build").arg("-o").arg(&client).arg(".").output();
    let built = built.await.expect("Go is installed, as `make test` does");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    Proxied::start().await.drive(Command::new(client)).await;
}
