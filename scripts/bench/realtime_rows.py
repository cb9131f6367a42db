"""What the gateway does alone, against a bare fan-out server of the same binary and against peers, with the same load."""

import json
import os
import re
import statistics
import subprocess
import time

from servers import MADANG, RUNS, free_port, running

#: The whole of the headline is long; a smaller one while working on it.
HEADLINE_MESSAGES = int(os.environ.get("MADANG_BENCH_HEADLINE", "1250000"))
BUSY_MESSAGES = 60_000
PAYLOAD_BYTES = 146

INTRODUCTION = """`madang serve --role gateway` with a durable namespace (each message is synced to the disk before it is acknowledged) unless a row says otherwise. The bare
server is `madang bench bare`: it sends to every viewer what a sender says and does nothing else; its messages have the length of
ours on the wire. Every viewer checks every message. A window is one sender's: a message leaves it when it is acknowledged (ours, redis, nchan) and one viewer has it.
nats and redis keep nothing. nginx with nchan (viewers over WebSocket, senders over pipelined HTTP/1.1) keeps messages in its memory. Lost is what a viewer never
got, doubled what it got more often than it was sent."""

CONFIG = """role = "gateway"
[gateway]
connections_max = 19000
commands_per_second_max = 1000000
[gateway.client]
insecure = true
[gateway.namespaces.durable]
durable = true
force_recovery = true
[gateway.namespaces.passing]
[api]
max_connections = 19500
"""

#: One process, as there is one of each peer. The buffer holds every message of the row, for longer than the row takes: what
#: nchan drops from it before a viewer had it would be lost. Nothing else is there to set: nchan writes each message to each
#: viewer by itself, and three quarters of its time are those writes (a worker under a master, a smaller buffer or delayed
#: writes change that by less than two runs differ).
NCHAN = """load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
{user}
worker_processes 1;
master_process off;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  nchan_message_timeout 1h;
  nchan_shared_memory_size 512M;
  server {{
    listen 127.0.0.1:{port};
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id $arg_id; }}
    location = /pub {{ nchan_publisher http; nchan_channel_id $arg_id; nchan_message_buffer_length 100000; }}
  }}
}}
"""


def versions():
    nats = subprocess.run(["nats-server", "--version"], capture_output=True, text=True).stdout.strip()
    redis = re.search(r"v=(\S+)", subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout)[1]
    nchan = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"], capture_output=True, text=True, check=True).stdout
    return f"{nats}, redis {redis}, nchan {re.search(r'[0-9.]+', nchan.split(':')[-1])[0]}"


class Server:
    """A server process that says, or is told, where it listens."""

    def __init__(self, dialect, command, address=None, found=None):
        self.dialect, self.command, self.address, self.found = dialect, command, address, found
        self.start()

    def start(self):
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while self.found:
            line = self.process.stdout.readline()
            assert line, f"{self.command[0]} did not start"
            if match := re.search(self.found, line):
                self.address = match[1]
                break
        self.pids = [self.process.pid]
        self.ready_s = time.monotonic() - begun

    def kill_and_restart(self):
        """`kill -9`, and a new start with the same words."""
        self.process.kill()
        self.process.wait()
        self.start()

    def crowd(self, room, kind, payload_bytes=PAYLOAD_BYTES, **options):
        words = self.load(room, payload_bytes, "--pids", ",".join(map(str, self.pids)), kind, **options)
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def busy_over(self, room, half_way, **options):
        """A busy room whose connections come back; `half_way` is called when it is."""
        words = self.load(room, PAYLOAD_BYTES, "busy", "--resumes", **options)
        load = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = []
        for line in load.stderr:
            told.append(line)
            if line.strip() == "half way":
                half_way()
        result = load.stdout.read()
        assert load.wait() == 0, "".join(told)
        return json.loads(result)

    def load(self, room, payload_bytes, *rest, **options):
        words = [MADANG, "bench", "crowd", "--server", self.address, "--dialect", self.dialect, "--room", room, "--payload-bytes", payload_bytes, *rest]
        for name, value in options.items():
            words += [f"--{name}", value]
        return list(map(str, words))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def gateway(folder, port=0):
    config = folder / "gateway.toml"
    config.write_text(CONFIG)
    data = folder / f"data-{time.monotonic_ns()}"
    return running(Server("madang", [MADANG, "serve", "--config", config, "--http", f"127.0.0.1:{port}", "--data-dir", data], found=r"Realtime\s+ws://([^/\s]+)"))


def bare(single=False):
    return running(Server("bare", [MADANG, "bench", "bare", *(["--single"] if single else [])], found=r"^(\S+)$"))


def nats(folder):
    port = free_port()
    config = folder / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{free_port()}"\nwebsocket {{ listen: "127.0.0.1:{port}", no_tls: true }}\nmax_pending: 1GB\nwrite_deadline: "60s"\n')
    server = Server("nats", ["nats-server", "-c", config], address=f"127.0.0.1:{port}")
    time.sleep(1)
    return running(server)


def redis(folder):
    port = free_port()
    options = ["--port", port, "--bind", "127.0.0.1", "--protected-mode", "no", "--save", "", "--client-output-buffer-limit", "pubsub 0 0 0"]
    server = Server("redis", ["redis-server", *map(str, options)], address=f"127.0.0.1:{port}")
    time.sleep(1)
    return running(server)


def nchan(folder):
    port, folder = free_port(), folder / f"nchan-{time.monotonic_ns()}"
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(NCHAN.format(folder=folder, port=port, user="user root;" if os.geteuid() == 0 else ""))
    server = Server("nchan", ["nginx", "-c", config, "-p", folder], address=f"127.0.0.1:{port}")
    time.sleep(1)
    return running(server)


def trouble(*results):
    """Lost, doubled, out of order, over several results of ours."""
    return " / ".join(str(sum(result[name] for result in results)) for name in ("lost", "doubled", "out_of_order"))


def per_million(value):
    return f"{value / 1e6:.2f} M"


def busy(folder):
    ours, bares, natses, redises, nchans = [], [], [], [], []
    for _ in range(RUNS):
        with gateway(folder) as server:
            ours.append(server.crowd("durable:busy", "busy", messages=BUSY_MESSAGES))
        on_the_wire = round(ours[-1]["bytes_per_delivery"]) - 4
        with bare() as server:
            bares.append(server.crowd("busy", "busy", payload_bytes=on_the_wire, messages=BUSY_MESSAGES))
        with nats(folder) as server:
            natses.append(server.crowd("busy", "busy", messages=BUSY_MESSAGES // 6))
        with redis(folder) as server:
            redises.append(server.crowd("busy", "busy", messages=BUSY_MESSAGES // 3))
        with nchan(folder) as server:
            nchans.append(server.crowd("busy", "busy", messages=BUSY_MESSAGES // 6))
        # A rate of what was lost would be no rate.
        for peer in (bares[-1], natses[-1], redises[-1], nchans[-1]):
            assert trouble(peer) == "0 / 0 / 0" and not peer["refused"], peer
    each = [[result["deliveries_per_core_s"] for result in results] for results in (ours, bares, natses, redises, nchans)]
    own, limit, of_nats, of_redis, of_nchan = map(statistics.median, each)
    peers = f"nats {per_million(of_nats)} (ours {own / of_nats:.1f}×), redis over TCP {per_million(of_redis)} (ours {own / of_redis:.1f}×, bare {limit / of_redis:.1f}×), nginx + nchan {per_million(of_nchan)} (ours {own / of_nchan:.0f}×)"
    title = f"Busy room, persisted: 500 viewers, 10 senders, {PAYLOAD_BYTES}-byte payloads, closed loop with windows of 256, {BUSY_MESSAGES:,} messages (redis a third, nats and nchan a sixth): deliveries per core-second"
    return [(title, per_million(own), per_million(limit), peers, f"{own / limit:.2f}×", "≥ 0.6× bare, ≥ 8× nats, ≥ 2× redis", trouble(*ours))]


def headline(folder):
    with gateway(folder) as server:
        ours = server.crowd("durable:headline", "busy", messages=HEADLINE_MESSAGES, senders=100)
    on_the_wire = round(ours["bytes_per_delivery"]) - 4
    with bare() as server:
        limit = server.crowd("headline", "busy", payload_bytes=on_the_wire, messages=HEADLINE_MESSAGES, senders=100)
    figures = lambda result: f"{result['cpu_s']:.0f} s of processor, {result['wall_s']:.0f} s"
    ratio = f"{ours['cpu_s'] / limit['cpu_s']:.2f}× processor, {ours['wall_s'] / limit['wall_s']:.2f}× time"
    title = f"500 viewers, 100 senders, {HEADLINE_MESSAGES:,} messages, all persisted, {ours['deliveries']:,} deliveries (one run)"
    return [(title, figures(ours), figures(limit), "–", ratio, "≤ 2× processor, ≤ 1.5× time", trouble(ours))]


def headline_killed(folder):
    viewers, senders = 500, 100
    with gateway(folder, free_port()) as server:
        ours = server.busy_over("durable:headline", server.kill_and_restart, messages=HEADLINE_MESSAGES, viewers=viewers, senders=senders)
        ready_s = server.ready_s
    assert ours["connections_ended"] >= viewers + senders, f"the kill came too late: {ours}"
    times = [ours[f"{share}_live_again_s"] for share in ("half", "p99", "all")]
    assert None not in times, f"not all viewers came back: {ours}"
    live = "half of the viewers live again {:.1f} s after the end of their connection, 99 % {:.1f} s, all {:.1f} s".format(*times) + f" (the server {ready_s:.1f} s after its start)"
    twice = ours["came_again"] // viewers
    figures = f"{live}; {ours['sent_again']:,} messages sent again because their acknowledgement had not come, {twice:,} of them had been taken and stand twice"
    # What these count would be a fault as well: it is told where there is any.
    faults = [f"{ours[name]} {name.replace('_', ' ')}" for name in ("offset_breaks", "differing_viewers", "refused", "foreign") if ours[name]]
    title = f"The same {HEADLINE_MESSAGES:,} messages with `kill -9` of the server half-way and a start on the same data; viewers come back to where they were after pauses of 0.5 s and more, as the published libraries do, while senders go on at full speed (one run)"
    return [(title, "; ".join([figures, *faults]), "–", "–", "–", "0 / 0 / 0", trouble(ours))]


def calm(folder):
    ours, limits = [], []
    for _ in range(RUNS):
        with gateway(folder) as server:
            ours.append(server.crowd("durable:calm", "steady", viewers=3000, rate=40, seconds=10))
        with bare(single=True) as server:
            limits.append(server.crowd("calm", "steady", payload_bytes=PAYLOAD_BYTES + 60, viewers=3000, rate=40, seconds=10))
    middle = lambda results, name: statistics.median(result[name] for result in results)
    own, limit = middle(ours, "deliveries_per_core_s"), middle(limits, "deliveries_per_core_s")
    figures = lambda results, rate: f"{rate / 1e3:.0f} k, p50 {middle(results, 'p50_ms'):.0f} ms, p99 {middle(results, 'p99_ms'):.0f} ms"
    lost = f"{sum(result['lost'] for result in ours)} / – / –"
    title = "Calm room: 3,000 viewers, 40 messages/s, persisted (bare server: one write per message): deliveries per core-second and delay"
    return [(title, figures(ours, own), figures(limits, limit), "–", f"{own / limit:.2f}×", "≥ 1.4×, p99 ≤ 80 ms", lost)]


def arrival(folder):
    pairs = []
    # One run is a fifth of a second, and no two are alike.
    for _ in range(3 * RUNS):
        with gateway(folder) as server:
            ours = server.crowd("durable:arrival", "at-once", viewers=2000)
        with bare() as server:
            limit = server.crowd("arrival", "at-once", viewers=2000)
        pairs.append((ours["wall_s"], limit["wall_s"]))
    own, limit = (statistics.median(column) for column in zip(*pairs))
    title = f"2,000 clients join one room at once: until all are subscribed (100 % were; {3 * RUNS} runs)"
    return [(title, f"{own * 1e3:.0f} ms", f"{limit * 1e3:.0f} ms", "–", f"{own / limit:.2f}×", "100 %, ≤ 1.5×", "–")]


def idle(folder):
    with gateway(folder) as server:
        quiet = server.crowd("durable:idle", "idle", viewers=1, seconds=10)
        result = server.crowd("durable:idle", "idle", viewers=18000, seconds=75)
    pings = 100 * (result["cores"] - quiet["cores"])
    figures = f"{result['bytes_per_connection'] / 1024:.2f} KiB each; {result['pings']:,} pings in 75 s: {pings:.1f} % of a core"
    return [("18,000 idle subscribed connections in one process: our memory, and the processor time of pings", figures, "–", "–", "–", "≤ 2 KB, ≤ 2 %", f"{result['ended']} ended / – / –")]


def rooms(folder):
    figures = {}
    # What a thousand small messages cost is little, and no two runs are alike.
    for channel, runs in (("durable", RUNS), ("passing", 3 * RUNS)):
        pairs = []
        for _ in range(runs):
            with gateway(folder) as server:
                many = server.crowd(f"{channel}:many", "steady", rooms=1000, viewers=15, rate=1, seconds=10)
            with gateway(folder) as server:
                one = server.crowd(f"{channel}:one", "steady", rooms=1, viewers=15000, rate=1, seconds=10)
            pairs.append((many, one))
        figures[channel] = (
            statistics.median(many["cpu_s"] for many, _ in pairs),
            statistics.median(one["cpu_s"] for _, one in pairs),
            statistics.median(many["cpu_s"] / one["cpu_s"] for many, one in pairs),
            sum(many["lost"] + one["lost"] for many, one in pairs),
            runs,
        )
    rows = []
    for channel, (many, one, ratio, lost, runs) in figures.items():
        title = f"1,000 rooms of 15 viewers, one message a second in each, against one room of 15,000 with one message a second ({'every message synced to the disk' if channel == 'durable' else 'nothing kept'}; {runs} runs), over 10 s: processor time"
        rows.append((title, f"{many:.2f} s", "–", f"one room: {one:.2f} s", f"{ratio:.2f}× of one room", "– (ADR 7)" if channel == "durable" else "≤ 1.3×", f"{lost} / – / –"))
    return rows


def parts(_):
    return [("busy room", busy), ("calm room", calm), ("arrival", arrival), ("idle", idle), ("rooms", rooms), ("headline", headline), ("headline with kill -9", headline_killed)]
