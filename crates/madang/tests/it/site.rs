//! A site of its own for each test: own data folder, own ports, ended with the test.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use madang::client::{ApiClient, CallError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{forgetful_disk::ForgetfulDisk, ground};

/// How long anything that is awaited may take on a busy machine before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const BINARY: &str = env!("CARGO_BIN_EXE_madang");

/// Whether a show is live and its encoder there.
pub(crate) fn live(show: &Value) -> bool {
    show["state"] == "live" && show["stream"] == "arriving"
}

/// A running server.
pub(crate) struct Site {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) api: ApiClient,
    pub(crate) output: Vec<String>,
    data: PathBuf,
    variables: Vec<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

/// A site that does not run.
pub(crate) struct Halted {
    data: PathBuf,
    folder: Option<tempfile::TempDir>,
    http: SocketAddr,
    rtmp: SocketAddr,
}

impl Halted {
    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Where it listens for HTTP when it runs.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http
    }

    /// The site with these settings, on the same ports.
    pub(crate) async fn start(self, variables: &[(&str, &str)]) -> Site {
        self.launch(&Launch::plain(), variables).await
    }

    /// The same; its log is written into a file.
    pub(crate) async fn start_logging(self, log: &Path, variables: &[(&str, &str)]) -> Site {
        self.launch(&Launch::logging(log), variables).await
    }

    async fn launch(self, launch: &Launch, variables: &[(&str, &str)]) -> Site {
        let variables = ground::settings(variables).await;
        let mut site = Site::spawn(launch, &self.data, self.http, self.rtmp, variables).await;
        site._folder = self.folder;
        site
    }
}

/// A person with an account.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) handle: String,
    pub(crate) account: String,
    pub(crate) token: String,
}

impl Site {
    /// A fresh site.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A fresh site with settings as `MADANG_…` variables.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_at("127.0.0.1:0", variables).await
    }

    /// A fresh site that listens there, on free ports.
    pub(crate) async fn start_at(anywhere: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let variables = ground::settings(variables).await;
        let any = anywhere.parse().unwrap();
        let mut site = Self::spawn(&Launch::plain(), &data, any, any, variables).await;
        site._folder = Some(folder);
        site
    }

    /// A fresh site whose data folder is a disk of its own of so many megabytes; SQLite's files are on it.
    pub(crate) async fn start_on_a_disk_of(megabytes: usize, variables: &[(&str, &str)]) -> Self {
        ground::always_sqlite("the disk that is full is that of the data folder");
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let variables = ground::owned(variables);
        let any = "127.0.0.1:0".parse().unwrap();
        let mut site = Self::spawn(&Launch::on_a_disk_of(megabytes, &data), &data, any, any, variables).await;
        site._folder = Some(folder);
        site
    }

    /// A fresh site whose SQLite writes to this disk.
    pub(crate) async fn start_over(disk: &ForgetfulDisk, variables: &[(&str, &str)]) -> Self {
        ground::always_sqlite("the disk that forgets is that of the data folder");
        let variables = ground::owned(variables);
        let any = "127.0.0.1:0".parse().unwrap();
        Self::spawn(&Launch::over(disk), &disk.memory(), any, any, variables).await
    }

    /// The data folder as this process reaches it, which does not see the server's own disk.
    pub(crate) fn data_seen_from_outside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()));
        root.join(self.data.strip_prefix("/").unwrap())
    }

    /// The end of a process that must not start with these settings, and what it wrote to standard error.
    pub(crate) async fn refused(variables: &[(&str, &str)]) -> (ExitStatus, String) {
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(BINARY)
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .envs(variables.iter().copied())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, process).await.expect("the process ends").unwrap();
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    async fn spawn(
        launch: &Launch,
        data: &Path,
        http: SocketAddr,
        rtmp: SocketAddr,
        variables: Vec<(String, String)>,
    ) -> Self {
        let mut child = launch
            .command()
            .args(["serve", "--http", &http.to_string(), "--rtmp", &rtmp.to_string(), "--data-dir"])
            .arg(data)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut output, mut http, mut rtmp) = (Vec::new(), None, None);
        // An empty line is the end of what the server says of itself.
        while output.last().is_none_or(|line: &String| !line.is_empty()) {
            let line = tokio::time::timeout(PATIENCE, lines.next_line())
                .await
                .expect("the server says that it is ready")
                .unwrap();
            let line = line.expect("the server ended before it was ready; its messages are above");
            http = http.or_else(|| address(&line, "Web UI"));
            rtmp = rtmp.or_else(|| address(&line, "Encoders"));
            output.push(line);
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (http, rtmp) = (http.expect("the address of the web UI"), rtmp.expect("the address for encoders"));
        let api = ApiClient::new(http);
        Self { child, http, rtmp, api, output, data: data.to_owned(), variables, _folder: None }
    }

    /// Runs a command of the shell on this site's data: whether it went well, and its complaint.
    pub(crate) async fn command(&self, words: &[&str]) -> (bool, String) {
        let process = Command::new(BINARY)
            .args(words)
            .arg("--data-dir")
            .arg(&self.data)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, process).await.expect("the command ends").unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// `kill -9`, and a new start on the same data and the same ports.
    pub(crate) async fn kill_and_restart(mut self) -> Self {
        self.kill().await;
        self.restart().await
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// A new start of a site that was killed, on the same data and the same ports.
    pub(crate) async fn restart(mut self) -> Self {
        let mut next = Self::spawn(&Launch::plain(), &self.data, self.http, self.rtmp, self.variables.clone()).await;
        next._folder = self._folder.take();
        next
    }

    /// `kill -9`, and a new start on the same ports with what this disk has.
    pub(crate) async fn lose_power_and_restart(mut self, disk: &ForgetfulDisk) -> Self {
        self.child.kill().await.unwrap();
        Self::spawn(&Launch::plain(), &disk.disk(), self.http, self.rtmp, self.variables.clone()).await
    }

    /// Asks the process to end; its data folder stays.
    pub(crate) async fn halt(mut self) -> Halted {
        let (data, folder) = (self.data.clone(), self._folder.take());
        let halted = Halted { data, folder, http: self.http, rtmp: self.rtmp };
        assert!(self.stop().await.success());
        halted
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// Whether the process has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the process ends").unwrap()
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> ExitStatus {
        let pid = self.pid().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("the server drains and ends").unwrap()
    }

    /// Signs a person up.
    pub(crate) async fn person(&self, handle: &str) -> Person {
        let body = json!({ "handle": handle, "password": "correct horse", "display_name": handle });
        let answer = self.api.post("/api/v1/accounts", None, &body).await.unwrap();
        Person {
            handle: handle.to_owned(),
            account: answer["account"]["id"].as_str().unwrap().to_owned(),
            token: answer["token"].as_str().unwrap().to_owned(),
        }
    }

    /// A new broadcast of this person: its whole answer, stream key included.
    pub(crate) async fn broadcast(&self, host: &Person) -> Value {
        let body = json!({ "title": format!("The show of {}", host.handle) });
        self.api.post("/api/v1/broadcasts", Some(&host.token), &body).await.unwrap()
    }

    /// The broadcast as anyone sees it.
    pub(crate) async fn show(&self, broadcast: &Value) -> Value {
        self.api.get(&format!("/api/v1/broadcasts/{}", id(broadcast)), None).await.unwrap()
    }

    /// Ends the show once its encoder, which has finished, is wholly read: what is still on its way then is cut off.
    pub(crate) async fn end_after_encoder(&self, broadcast: &Value, host: &Person) {
        until("the encoder's last bytes are read", || async {
            (self.show(broadcast).await["stream"] == "interrupted").then_some(())
        })
        .await;
        let end = format!("/api/v1/broadcasts/{}/end", id(broadcast));
        self.api.post(&end, Some(&host.token), &json!({})).await.unwrap();
    }

    /// Waits until the broadcast is in this state.
    pub(crate) async fn until_state(&self, broadcast: &Value, state: &str) -> Value {
        until(&format!("the broadcast is {state}"), || async {
            let show = self.show(broadcast).await;
            (show["state"] == state).then_some(show)
        })
        .await
    }
}

/// How the server is launched: words before those of its own command line.
struct Launch(Vec<String>);

impl Launch {
    /// One process, or one for each part: see [`ground`].
    fn plain() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/site-in-parts");
        let words = [script, BINARY];
        Self(words.into_iter().skip(usize::from(!ground::is_in_parts())).map(Into::into).collect())
    }

    fn one_process() -> Self {
        Self(vec![BINARY.into()])
    }

    /// With its log in a file.
    fn logging(log: &Path) -> Self {
        let redirected = format!("exec \"$@\" 2>>'{}'", log.display());
        Self(["sh", "-c", &redirected, "sh", env!("CARGO_BIN_EXE_madang")].map(Into::into).into())
    }

    /// Over a disk that has only what was synced.
    fn over(disk: &ForgetfulDisk) -> Self {
        Self(disk.words().into_iter().chain(Self::one_process().0).collect())
    }

    /// In a mount namespace of its own, where a file system of that size stands in the place of `data`.
    fn on_a_disk_of(megabytes: usize, data: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let namespace = if is_root { "-m" } else { "-rm" };
        let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs '{}' && exec \"$@\"", data.display());
        let words = ["unshare", namespace, "sh", "-c", &mount, "sh", BINARY];
        Self(words.map(Into::into).into())
    }

    fn command(&self) -> Command {
        let (program, words) = self.0.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(words);
        command
    }
}

fn address(line: &str, label: &str) -> Option<SocketAddr> {
    let (_, rest) = line.trim().strip_prefix(label)?.split_once("://")?;
    rest.split('/').next()?.replace("localhost", "127.0.0.1").parse().ok()
}

/// The `id` of anything.
pub(crate) fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

/// The status and code of a call that must fail.
pub(crate) fn refusal(result: Result<Value, CallError>) -> (u16, String) {
    match result {
        Err(CallError::Status { status, body, .. }) => {
            let problem: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("not a problem: {body}"));
            (status, problem["code"].as_str().unwrap_or_default().to_owned())
        }
        other => panic!("it should have been refused: {other:?}"),
    }
}

/// The value of a metric, by its name and labels; none when it is not there.
pub(crate) fn metric(exposition: &[u8], name: &str) -> Option<f64> {
    let text = String::from_utf8_lossy(exposition);
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Looks again and again until there is an answer; fails after [`PATIENCE`] with what it waited for.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
