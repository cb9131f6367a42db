"""What a site does on the engines of several machines, against the embedded ones, and what its processes ask of those engines."""

import contextlib
import itertools
import json
import os
import re
import statistics
import subprocess
import time

from fleet_rows import Postgres
from realtime_rows import redis
from servers import MADANG, ROOT, RUNS, Madang, load, running, wait_for
from site_rows import HEART_LIMITS_OFF, two_megabits

#: Shows that are on air while the API is asked, and people who ask.
SHOWS = 20
PEOPLE = 16
CONNECTIONS = 64
API_SECONDS = 10
NO_LIMITS = {name: "off" for name in ("api_request_rate", "people_sign_up_rate", "live_broadcast_rate", "chat_rate", "chat_room_rate")}
NO_LIMITS["live_open_broadcasts_max"] = 1_000_000

#: Facts a second, and for how long.
FACTS_RATE = 100
FACTS_SECONDS = 20
REACTION = "chat-count-messages"

#: Rooms that are tapped, and who taps in each.
ROOMS = 20
TAPPING_EACH = 20
TAP_SECONDS = 10
GATEWAYS = 3
#: What the script of a gathering calls (crates/base/engines/src/redis/gathering.lua); nobody else sends these.
IN_SCRIPTS = {"hexists", "hsetnx", "hget", "hset", "hgetall", "hdel", "zremrangebyscore", "zcard", "zscore", "zadd", "zrem", "pexpire"}

INTRODUCTION = f"""A site on PostgreSQL (`fsync` on, as Debian has it), against one on SQLite, both with records that are synced to the disk before the answer; and a site
on several processes. The mix of requests is that of {PEOPLE} people: of 20 requests 6 ask for the list of shows, 5 for a show, 5 for the messages of its
room, 3 write a message there, 1 saves a profile; {SHOWS} shows are on air. A fact is a broadcast that was announced; its delay is what
`madang_reaction_delay_seconds` tells, from when it was written to when the reaction to it was done."""


def requests_of(shows):
    """Lines of the mix; each connection begins at another one and goes round."""
    lines = []
    for show in shows:
        path = f"/api/v1/broadcasts/{show}"
        at_home, page, messages = "GET /api/v1/broadcasts?state=live", f"GET {path}", f"GET {path}/messages"
        said = f'POST {path}/messages {{"text":"a message of the bench, as long as people write"}}'
        saved = 'PATCH /api/v1/me {"bio":"somebody of the bench"}'
        lines += [at_home, page, messages, said, at_home, page, messages, at_home, page, messages, said, at_home, page, messages, at_home, said, page, messages, at_home, saved]
    return "\n".join(lines) + "\n"


def asked(folder, **settings):
    """Answers of the API to the mix."""
    folder.mkdir()
    with running(Madang(folder, **NO_LIMITS, **settings)) as server:
        server.host()
        shows = [server.broadcast()["id"] for _ in range(SHOWS)]
        for show in shows:
            server.api("POST", f"/api/v1/broadcasts/{show}/start")
        (folder / "requests").write_text(requests_of(shows))
        (folder / "tokens").write_text("\n".join(server.person(f"person{number}") for number in range(PEOPLE)))
        options = {"server": server.http, "requests": folder / "requests", "tokens": folder / "tokens", "connections": CONNECTIONS}
        load("http", server, seconds=2, **options)
        result = load("http", server, seconds=API_SECONDS, **options)
    assert result["errors"] == 0, result
    return result["answers"] / result["wall_s"], result["answers_per_core_s"], result["cpu_s"]


def api(folder):
    pairs, shares = [], []
    for number in range(RUNS):
        on_sqlite = asked(folder / f"sqlite-{number}")
        work = folder / f"postgres-{number}"
        with postgres(folder) as engine:
            before = engine.processor_s()
            on_postgres = asked(work, engines_sql=engine.url)
            shares.append(100 * (engine.processor_s() - before) / on_postgres[2])
        pairs.append((on_postgres, on_sqlite))
    middle = lambda which, column: statistics.median(pair[which][column] for pair in pairs)
    figures = lambda which: f"{middle(which, 1) / 1e3:.1f} k for each core-second, {middle(which, 0) / 1e3:.1f} k a second"
    ratio = statistics.median(ours[1] / theirs[1] for ours, theirs in pairs)
    wall = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
    title = f"API requests, {CONNECTIONS} connections: answers on PostgreSQL against SQLite"
    engines = f"PostgreSQL {statistics.median(shares):.0f} % of the server's processor time besides"
    return [(title, figures(0), f"on SQLite: {figures(1)}", engines, f"{ratio:.2f}× for each core-second, {wall:.2f}× a second", "–")]


def facts(folder, writer, reacts):
    """The delay of the reaction to facts at a steady pace: half of them, and 99 of 100, within so many seconds; and how many there were a second."""
    (folder / "requests").write_text('POST /api/v1/broadcasts {"title":"bench"}\n')
    (folder / "tokens").write_text("\n".join(writer.person(f"person{number}") for number in range(PEOPLE)))
    result = load("http", writer, server=writer.http, requests=folder / "requests", tokens=folder / "tokens", connections=CONNECTIONS, rate=FACTS_RATE, seconds=FACTS_SECONDS)
    assert result["errors"] == 0, result
    count = f'madang_reaction_delay_seconds_count{{reaction="{REACTION}"}}'
    wait_for("the reactions", lambda: sum(one.metric(count) or 0 for one in reacts) >= result["answers"])
    # Of several processes that share a reaction, the slowest.
    delay = lambda part: max(one.metric(f'madang_reaction_delay_seconds{{reaction="{REACTION}",quantile="{part}"}}') or 0 for one in reacts)
    return delay("0.5"), delay("0.99"), result["answers"] / result["wall_s"]


def delays_embedded(folder):
    with running(Madang(folder, **NO_LIMITS)) as server:
        return facts(folder, server, [server])


def delays_apart(folder, **settings):
    with several(folder, {"api": 1, "worker": 2}, **settings) as processes:
        return facts(folder, processes["api"][0], processes["worker"])


def delays_through_kafka(folder):
    with kafka(folder) as url:
        made = lambda: subprocess.run([MADANG, "events", "topics"], env={**os.environ, "MADANG_ENGINES_KAFKA": url}, capture_output=True).returncode == 0
        wait_for("the topics", made)
        return delays_apart(folder, engines_kafka=url)


def has_kafka():
    """Whether the binary was built with the client."""
    asked = subprocess.run([MADANG, "events", "topics"], env={**os.environ, "MADANG_ENGINES_KAFKA": "kafka://127.0.0.1:1"}, capture_output=True, text=True, timeout=120)
    return "built without" not in asked.stderr


@contextlib.contextmanager
def kafka(folder):
    script, variables = ROOT / "scripts/kafka-for-tests", {**os.environ, "MADANG_TEST_KAFKA_DIR": str(folder / "kafka")}
    try:
        started = subprocess.run([script, "start"], env=variables, check=True, capture_output=True, text=True).stdout
        yield f"kafka://{started.split('=', 1)[1].strip()}"
    finally:
        subprocess.run([script, "stop"], env=variables, check=True, stdout=subprocess.DEVNULL)


def reactions(folder):
    ways = [("embedded, one process on SQLite", delays_embedded), ("2 workers apart from the API, on PostgreSQL", delays_apart)]
    if has_kafka():
        ways.append(("the same, carried by Kafka", delays_through_kafka))
    rows = []
    for name, measured in ways:
        times = []
        for number in range(RUNS):
            work = folder / f"{len(rows)}-{number}"
            work.mkdir()
            os.chmod(work, 0o755)
            times.append(measured(work))
        half, most, rate = (statistics.median(column) for column in zip(*times))
        title = f"From a fact to the end of the reaction to it, {rate:.0f} facts a second over {FACTS_SECONDS} s: {name}"
        rows.append((title, f"p50 {1e3 * half:.0f} ms, p99 {1e3 * most:.0f} ms", "–", "–", "–", "p99 ≤ 200 ms"))
    return rows


def tapped(folder, bursts):
    """Redis's commands while nobody taps, and while all do as fast as they are answered, through so many bursts."""
    roles = {"api": 1, "media": 1, "batch": 1, "worker": 1, "burst": bursts}
    with several(folder, roles, **HEART_LIMITS_OFF) as processes:
        api, media, burst = (processes[role][0] for role in ("api", "media", "burst"))
        settings = {**processes["settings"], "burst_url": ",".join(f"http://{one.http}" for one in processes["burst"])}
        with contextlib.ExitStack() as gateways:
            addresses = [start(gateways, folder / f"gateway-{number}", "gateway", settings).http for number in range(GATEWAYS)]
            api.host()
            burst.token = api.token
            shows = [api.broadcast() for _ in range(ROOMS)]
            keys = ",".join(show["stream_key"] for show in shows)
            words = [MADANG, "bench", "publish", "--url", f"rtmp://{media.rtmp}/live", "--keys", keys, "--flv", two_megabits(folder), "--seconds", "600"]
            publisher = subprocess.Popen(words, stdout=subprocess.DEVNULL)
            try:
                state = lambda show: api.api("GET", f"/api/v1/broadcasts/{show['id']}")
                wait_for("the shows", lambda: all(state(show)["state"] == "live" for show in shows))
                sessions = [(burst.api("POST", "/api/v1/playbacks", {"broadcast": show["id"]})["session"], show) for _, show in itertools.product(range(TAPPING_EACH), shows)]
                (folder / "sessions").write_text("\n".join(f"{session} live:{show['id']}" for session, show in sessions))
                server = processes["redis"]
                idle = commands_of(server, lambda: time.sleep(TAP_SECONDS))
                hearts = []
                busy = commands_of(server, lambda: hearts.append(tap(folder, addresses)))
                wait_for("the total", lambda: sum(state(show)["hearts"] for show in shows) >= hearts[0])
                total = sum(state(show)["hearts"] for show in shows)
                assert total == hearts[0], f"{total} hearts counted, {hearts[0]} sent"
            finally:
                publisher.terminate()
                publisher.wait()
    return idle, busy, total


def tap(folder, addresses):
    words = [MADANG, "bench", "crowd", "--server", ",".join(addresses), "hearts", "--sessions", folder / "sessions", "--seconds", str(TAP_SECONDS)]
    result = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    assert result["errors"] == 0, result
    return result["hearts"]


def commands_of(server, act):
    """Commands that Redis was sent meanwhile, for each room and 100 ms."""
    port = server.address.rpartition(":")[2]

    def taken():
        told = subprocess.run(["redis-cli", "-p", port, "INFO", "commandstats"], check=True, capture_output=True, text=True).stdout
        return {name: int(calls) for name, calls in re.findall(r"cmdstat_(\S+?):calls=(\d+)", told)}

    before, begun = taken(), time.monotonic()
    act()
    wall_s, after = time.monotonic() - begun, taken()
    # The question is none of the site's, and what a script calls was not sent: a word about a room is one `evalsha`.
    sent = {name: calls - before.get(name, 0) for name, calls in after.items() if name not in {"info", *IN_SCRIPTS}}
    calls = sum(sent.values())
    return calls / ROOMS / (wall_s / 0.1)


def hearts(folder):
    rows = []
    for bursts in (1, 2):
        results = []
        for number in range(RUNS):
            work = folder / f"{bursts}-{number}"
            work.mkdir()
            os.chmod(work, 0o755)
            results.append(tapped(work, bursts))
        idle, busy, total = (statistics.median(column) for column in zip(*results))
        through = "to one burst" if bursts == 1 else f"to {bursts} bursts by turns"
        title = f"Hearts of {ROOMS * TAPPING_EACH} viewers in {ROOMS} rooms through {GATEWAYS} gateways {through}, each its next batch of 12 taps as soon as one is answered, {total:,.0f} in {TAP_SECONDS} s, total right to the tap: commands of Redis for each room and 100 ms"
        rows.append((title, f"{busy:.2f}", f"while nobody taps: {idle:.2f}", "–", "–", "≤ 1"))
    return rows


@contextlib.contextmanager
def postgres(folder):
    """In a folder that its own user can reach."""
    work = folder / str(time.monotonic_ns())
    work.mkdir()
    os.chmod(work, 0o755)
    with running(Postgres(work)) as engine:
        yield engine


@contextlib.contextmanager
def several(folder, roles, **settings):
    """A site on several processes; so many of each role."""
    with contextlib.ExitStack() as running_ones:
        engine = running_ones.enter_context(postgres(folder))
        bus = running_ones.enter_context(redis(folder))
        (folder / "blobs").mkdir()
        settings = {
            **NO_LIMITS, "engines_sql": engine.url, "engines_redis": f"redis://{bus.address}", "engines_blobs_folder": folder / "blobs",
            "site_gateway": "true", "api_trusted_proxies": "127.0.0.0/8", **settings,
        }
        processes = {"settings": settings, "redis": bus}
        for role, number in roles.items():
            # Encoders of others are told where the media process is; it knows that by itself.
            own = settings if role == "media" else {**settings, "public_rtmp_url": "rtmp://127.0.0.1/live"}
            processes[role] = [start(running_ones, folder / f"{role}-{index}", role, own) for index in range(number)]
        yield processes


def start(running_ones, folder, role, settings):
    folder.mkdir()
    return running_ones.enter_context(running(Madang(folder, role, **settings)))


def parts(_):
    return [("api", api), ("reactions", reactions), ("hearts of many rooms", hearts)]
