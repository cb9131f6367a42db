"""Servers under measurement, each with a folder and ports of its own, and the loads that are run against them."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MADANG = pathlib.Path(os.environ.get("MADANG_BENCH_BINARY", ROOT / "target/release/madang"))
RUNS = int(os.environ.get("MADANG_BENCH_RUNS", "3"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Madang:
    """A running server with a data folder of its own."""

    def __init__(self, folder, role="all", **settings):
        variables = {f"MADANG_{name.upper()}": str(value) for name, value in settings.items()}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [MADANG, "serve", "--role", role, "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data-dir", folder / "data"],
            stdout=subprocess.PIPE, stderr=open(folder / "madang.log", "a"), text=True, env={**os.environ, **variables},
        )
        self.http = self.rtmp = None
        # What it says about itself ends with an empty line.
        while line := self.process.stdout.readline().strip():
            if found := re.match(r"Encoders\s+rtmp://([^/\s]+)", line):
                self.rtmp = found[1]
            elif found := re.match(r"\S.*\s(?:http|ws)://([^/\s]+)", line):
                self.http = self.http or found[1]
        self.ready_s = time.monotonic() - self.began
        if not self.http:
            sys.exit(f"the server did not start: {(folder / 'madang.log').read_text()}")
        self.pids = [self.process.pid]
        self.token = None

    def api(self, method, path, body=None):
        request = urllib.request.Request(f"http://{self.http}{path}", method=method, data=json.dumps(body or {}).encode() if method != "GET" else None)
        request.add_header("content-type", "application/json")
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def host(self, handle="host"):
        self.token = self.person(handle)

    def person(self, handle):
        """Signs somebody up; the token."""
        return self.api("POST", "/api/v1/accounts", {"handle": handle, "password": "a bench password", "display_name": handle})["token"]

    def broadcast(self):
        return self.api("POST", "/api/v1/broadcasts", {"title": "bench"})

    def metric(self, line):
        """The value of the metric that is written so; none when it is not there."""
        text = urllib.request.urlopen(f"http://{self.http}/metrics").read().decode()
        return next((float(value) for name, _, value in (one.rpartition(" ") for one in text.splitlines()) if name == line), None)

    def resident_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nginx:
    """A running nginx with one worker."""

    def __init__(self, folder, blocks):
        self.folder = folder / "nginx"
        self.folder.mkdir()
        config = self.folder / "nginx.conf"
        module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;" if "rtmp {" in blocks else ""
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(f"{module}\n{user}\nworker_processes 1;\ndaemon off;\npid {self.folder}/pid;\nerror_log {self.folder}/error.log;\nevents {{ worker_connections 4096; }}\n{blocks}\n")
        self.process = subprocess.Popen(["nginx", "-c", config, "-p", self.folder], stderr=subprocess.DEVNULL)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not children.read_text().split():
            if self.process.poll() is not None:
                sys.exit(f"nginx did not start: {(self.folder / 'error.log').read_text()}")
            time.sleep(0.02)
        self.pids = [self.process.pid, *map(int, children.read_text().split())]

    def stop(self):
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def running(server):
    try:
        yield server
    finally:
        server.stop()


def http_block(folder, port, body):
    logs = f"access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;"
    return f"http {{ {logs} sendfile on; tcp_nopush on; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port}; {body} }} }}"


def load(kind, measured, **options):
    words = [str(MADANG), "bench", kind, "--pids", ",".join(map(str, measured.pids))]
    for name, value in options.items():
        words += [f"--{name}", str(value)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def wait_for(what, look, patience=60):
    begun = time.monotonic()
    while not (found := look()):
        if time.monotonic() - begun > patience:
            sys.exit(f"waited in vain for {what}")
        time.sleep(0.1)
    return found


def medians(pairs):
    """The medians of two paired series, and of their ratio."""
    ours, peers = zip(*pairs)
    return statistics.median(ours), statistics.median(peers), statistics.median(a / b for a, b in pairs)
