"""What several gateways do on one Redis and one PostgreSQL, against one of them on its own."""

import contextlib
import os
import pathlib
import statistics
import subprocess
import time

from realtime_rows import BUSY_MESSAGES, CONFIG, MADANG, Server, gateway, per_million, redis, trouble
from servers import ROOT, RUNS, running

#: A crowd in which each gateway has this many clients.
CLIENTS_EACH = 5_000
GATEWAYS = 3

INTRODUCTION = f"""{GATEWAYS} processes of `madang serve --role gateway` on one Redis, which keeps nothing, and one PostgreSQL that waits for its disk (`fsync` on, as
Debian has it); clients are spread evenly over them. "Per core-second" counts the processor time of the gateways alone; that of the engines stands beside it."""


class Postgres:
    """A PostgreSQL with a folder of its own."""

    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.variables = {**os.environ, "MADANG_TEST_POSTGRES_DIR": str(self.folder), "MADANG_TEST_POSTGRES_FSYNC": "on"}
        started = self.run("start")
        self.url = started.split("=", 1)[1].strip()
        self.main = int((self.folder / "data/postmaster.pid").read_text().split()[0])

    def run(self, what):
        done = subprocess.run([ROOT / "scripts/postgres-for-tests", what], env=self.variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def processor_s(self):
        """Of all its processes, also of those that have ended."""
        ticks = 0
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                words = stat.read_text().rpartition(")")[2].split()
                if int(stat.parent.name) == self.main:
                    ticks += sum(map(int, words[11:15]))
                elif int(words[1]) == self.main:
                    ticks += sum(map(int, words[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.run("stop")


class Fleet(Server):
    """Gateways that are one server; the loads are given all their addresses."""

    def __init__(self, folder, redis_server, postgres):
        self.dialect, self.redis, self.postgres = "madang", redis_server, postgres
        config = folder / "fleet.toml"
        config.write_text(f'{CONFIG}[engines]\nredis = "redis://{redis_server.address}"\nsql = "{postgres.url}"\n')
        self.gateways = []
        for _ in range(GATEWAYS):
            command = [MADANG, "serve", "--config", config, "--http", "127.0.0.1:0"]
            self.gateways.append(Server("madang", command, found=r"Realtime\s+ws://([^/\s]+)"))
        self.address = ",".join(one.address for one in self.gateways)
        self.pids = [one.process.pid for one in self.gateways]

    def kill_one(self):
        self.gateways[0].process.kill()

    def stop(self):
        for one in self.gateways:
            one.stop()


@contextlib.contextmanager
def fleet(folder):
    work = folder / str(time.monotonic_ns())
    work.mkdir()
    os.chmod(work, 0o755)
    with running(Postgres(work)) as postgres, redis(work) as redis_server, running(Fleet(work, redis_server, postgres)) as gateways:
        yield gateways


def processor_s(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, words[11:13])) / os.sysconf("SC_CLK_TCK")


def busy(folder):
    pairs, shares = [], []
    for _ in range(RUNS):
        with gateway(folder) as server:
            one = server.crowd("durable:busy", "busy", messages=BUSY_MESSAGES)
        with fleet(folder) as several:
            before = several.postgres.processor_s(), processor_s(several.redis.pids[0])
            ours = several.crowd("durable:busy", "busy", messages=BUSY_MESSAGES)
            after = several.postgres.processor_s(), processor_s(several.redis.pids[0])
        pairs.append((ours, one))
        shares.append([100 * (end - begin) / ours["cpu_s"] for begin, end in zip(before, after)])
    rates = [[result["deliveries_per_core_s"] for result in column] for column in zip(*pairs)]
    own, alone = map(statistics.median, rates)
    of_postgres, of_redis = (statistics.median(column) for column in zip(*shares))
    title = f"Busy room, persisted: 500 viewers, 10 senders, 146-byte payloads, closed loop with windows of 256, {BUSY_MESSAGES:,} messages, over {GATEWAYS} gateways: deliveries per core-second"
    engines = f"PostgreSQL {of_postgres:.0f} %, Redis {of_redis:.0f} % of the gateways' processor time besides"
    return [(title, per_million(own), f"one on SQLite: {per_million(alone)}", engines, f"{own / alone:.2f}×", "≥ 0.6×", trouble(*(ours for ours, _ in pairs)))]


def killed(folder):
    viewers = CLIENTS_EACH * GATEWAYS
    with fleet(folder) as several:
        result = several.busy_over("durable:killed", several.kill_one, viewers=viewers, senders=9, messages=1_800)
    assert result["connections_ended"] >= CLIENTS_EACH, f"the kill came too late: {result}"
    times = [result[f"{share}_live_again_s"] for share in ("half", "p99", "all")]
    assert None not in times, f"not all clients came back: {result}"
    figures = "half of its clients live again on another one {:.1f} s after the end of their connection, 99 % {:.1f} s, all {:.1f} s".format(*times)
    title = f"`kill -9` of one of {GATEWAYS} gateways with {CLIENTS_EACH:,} clients each in one room, half-way through {result['messages']:,} messages (one run)"
    return [(title, figures, "–", "–", "–", "99.9 % within 10 s, 0 / 0 / 0", trouble(result))]


def parts(_):
    return [("busy room over several gateways", busy), ("a gateway killed", killed)]
