"""What a site does: start, take streams in, serve segments, count hearts, be watched."""

import contextlib
import json
import shutil
import statistics
import subprocess
import time
import urllib.request

from servers import MADANG, ROOT, RUNS, Madang, Nginx, free_port, http_block, load, medians, running, wait_for

STREAMS = 20


def two_megabits(folder):
    """Twenty seconds of noisy H.264 at 2 Mbit/s with AAC: what one stream of the ingest comparison carries."""
    clip = folder / "clip.flv"
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30,noise=alls=12:allf=t", "-f", "lavfi", "-i", "sine=440"]
        + ["-t", "20", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "1900k", "-minrate", "1900k", "-maxrate", "1900k", "-bufsize", "1900k"]
        + ["-nal-hrd", "cbr", "-g", "60", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k", str(clip)],
        check=True,
    )
    return clip


def start_up(folder):
    times, memory = [], []
    for number in range(max(RUNS, 5)):
        with running(Madang(folder)) as server:
            times.append(server.ready_s)
            time.sleep(1.0)
            memory.append(server.resident_kb() / 1024)
    return [
        ("Start-up: process begun to ready, on an existing data folder", f"{statistics.median(times):.3f} s", "–", "–", "≤ 0.3 s"),
        ("Idle memory: resident set, 1 s after the start", f"{statistics.median(memory):.1f} MiB", "–", "–", "≤ 40 MiB"),
    ]


def ingest(folder, clip):
    """CPU per RTMP→HLS stream at 2 Mbit/s, recording included on both sides."""
    pairs = []
    for number in range(RUNS):
        work = folder / str(number)
        work.mkdir()
        with running(Madang(work, live_open_broadcasts_max=1000, live_broadcast_rate="off")) as server:
            server.host()
            keys = ",".join(server.broadcast()["stream_key"] for _ in range(STREAMS))
            ours = load("publish", server, url=f"rtmp://{server.rtmp}/live", keys=keys, flv=clip, seconds=20)
        port = free_port()
        for name in ("hls", "rec"):
            (work / name).mkdir(mode=0o777)
        block = f"rtmp {{ server {{ listen 127.0.0.1:{port}; chunk_size 4096; application live {{ live on; hls on; hls_path {work}/hls; hls_fragment 2s; hls_playlist_length 600s; record all; record_path {work}/rec; }} }} }}"
        with running(Nginx(work, block)) as peer:
            keys = ",".join(f"s{index}" for index in range(STREAMS))
            theirs = load("publish", peer, url=f"rtmp://127.0.0.1:{port}/live", keys=keys, flv=clip, seconds=20)
        per_stream = lambda result: 100 * result["cpu_s"] / result["wall_s"] / STREAMS
        pairs.append((per_stream(ours), per_stream(theirs)))
        shutil.rmtree(work)
    ours, theirs, ratio = medians(pairs)
    title = f"RTMP → HLS at 2 Mbit/s with recording, {STREAMS} streams: share of a core per stream (peer: nginx-rtmp, 2 s MPEG-TS; ours: 200 ms parts of fMP4)"
    return [(title, f"{ours:.2f} %", f"{theirs:.2f} %", f"{ratio:.2f}×", "≤ 1.0×")]


def segments_of(server, broadcast):
    media = urllib.request.urlopen(f"http://{server.http}/live/{broadcast['id']}/media.m3u8").read().decode()
    names = [line for line in media.splitlines() if line and not line.startswith("#")]
    return [f"/live/{broadcast['id']}/{name}" for name in names], "#EXT-X-ENDLIST" in media


def egress(folder, clip):
    """The very same segments, served by both over 16 keep-alive connections."""
    pairs = []
    with running(Madang(folder)) as server:
        server.host()
        broadcast = server.broadcast()
        load("publish", server, url=f"rtmp://{server.rtmp}/live", keys=broadcast["stream_key"], flv=clip, seconds=20)
        server.api("POST", f"/api/v1/broadcasts/{broadcast['id']}/end")
        wait_for("the recording", lambda: segments_of(server, broadcast)[1])
        paths, _ = segments_of(server, broadcast)
        site = folder / "site"
        size = 0
        for path in paths:
            data = urllib.request.urlopen(f"http://{server.http}{path}").read()
            size += len(data)
            (site / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            (site / path[1:]).write_bytes(data)
        requests = folder / "requests"
        requests.write_text("".join(f"GET {path}\n" for path in paths))
        port = free_port()
        with running(Nginx(folder, http_block(folder, port, f"root {site};"))) as peer:
            for _ in range(RUNS):
                ours = load("http", server, server=server.http, requests=requests, connections=16, seconds=8)
                theirs = load("http", peer, server=f"127.0.0.1:{port}", requests=requests, connections=16, seconds=8)
                assert ours["errors"] == theirs["errors"] == 0, (ours, theirs)
                pairs.append((ours["bytes_per_core_s"] / 1e9, theirs["bytes_per_core_s"] / 1e9))
    ours, theirs, ratio = medians(pairs)
    title = f"HLS segment egress, {len(paths)} segments of {size // len(paths) // 1000} KB on average, 16 connections: per server core-second (peer: nginx, sendfile)"
    return [(title, f"{ours:.2f} GB", f"{theirs:.2f} GB", f"{ratio:.2f}×", "≥ 0.6×")]


def hearts(folder, clip):
    """Batches of three taps, each counted, against an nginx that answers without looking."""
    pairs, counted = [], 0
    with running(Madang(folder, **HEART_LIMITS_OFF)) as server, live_show(server, clip) as show:
        requests = folder / "requests"
        requests.write_text('POST /x {"session":"' + "s" * 120 + '","seq":1,"taps":[100,200,300]}\n')
        port = free_port()
        with running(Nginx(folder, http_block(folder, port, "location / { return 204; }"))) as peer:
            for _ in range(RUNS):
                ours = load("hearts", server, server=server.http, broadcast=show, connections=64, seconds=8)
                theirs = load("http", peer, server=f"127.0.0.1:{port}", requests=requests, connections=64, seconds=8)
                assert ours["errors"] == 0, ours
                counted += 3 * ours["answers"]
                pairs.append((ours["answers_per_core_s"] / 1e3, theirs["answers_per_core_s"] / 1e3))
        total_is(server, show, counted)
    ours, theirs, ratio = medians(pairs)
    title = f"Heart batches of 3 taps, 64 connections, {counted:,} hearts, total right to the tap: per server core-second (peer: nginx `return 204`)"
    return [(title, f"{ours:.1f} k", f"{theirs:.1f} k", f"{ratio:.2f}×", "≥ 0.6×")]


def hearts_over_websocket(folder, clip):
    """Batches of twelve taps, a session and a connection each."""
    speeds, counted = [], 0
    with running(Madang(folder, api_request_rate="off", **HEART_LIMITS_OFF)) as server, live_show(server, clip) as show:
        for _ in range(RUNS):
            sessions = [server.api("POST", "/api/v1/playbacks", {"broadcast": show})["session"] for _ in range(HEART_SESSIONS)]
            (folder / "sessions").write_text("\n".join(sessions))
            words = [MADANG, "bench", "crowd", "--server", server.http, "--pids", str(server.pids[0]), "hearts", "--sessions", folder / "sessions", "--seconds", "8"]
            result = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            assert result["errors"] == 0, result
            counted += result["hearts"]
            speeds.append(result["batches_per_core_s"] / 1e3)
        total_is(server, show, counted)
    title = f"Heart batches of 12 taps over WebSocket, {HEART_SESSIONS:,} sessions, {counted:,} hearts, total right to the tap: per server core-second"
    return [(title, f"{statistics.median(speeds):.1f} k", "–", "–", "≥ 40 k")]


@contextlib.contextmanager
def live_show(server, clip):
    """A show that has begun; gives its id."""
    server.host()
    broadcast = server.broadcast()
    words = [MADANG, "bench", "publish", "--url", f"rtmp://{server.rtmp}/live", "--keys", broadcast["stream_key"], "--flv", clip, "--seconds", "600"]
    publisher = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait_for("the show", lambda: server.api("GET", f"/api/v1/broadcasts/{broadcast['id']}")["state"] == "live")
        yield broadcast["id"]
    finally:
        publisher.terminate()
        publisher.wait()


def total_is(server, show, counted):
    """Waits until as many hearts are counted as were sent, and makes sure that there are not more."""
    total = wait_for("the total", lambda: (found := server.api("GET", f"/api/v1/broadcasts/{show}")["hearts"]) >= counted and found)
    assert total == counted, f"{total} hearts counted, {counted} sent"


HEART_SESSIONS = 2000
HEART_LIMITS_OFF = {f"live_crowd_hearts_taps_per_{whom}": "off" for whom in ("session", "viewer", "address")}
HEART_LIMITS_OFF["live_crowd_playbacks_sessions_per_address"] = "off"


def latency(folder):
    """A clock burnt into the picture by the encoder, read off the picture in Chromium."""
    with running(Madang(folder)) as server:
        server.host()
        broadcast = server.broadcast()
        script = [str(ROOT / "web/tests/latency.mjs"), f"http://{server.http}", broadcast["id"], f"rtmp://{server.rtmp}/live/{broadcast['stream_key']}"]
        result = json.loads(subprocess.run(["node", *script], check=True, capture_output=True, text=True, cwd=ROOT / "web").stdout.splitlines()[-1])
    figures = f"p50 {result['p50_ms'] / 1000:.2f} s, p95 {result['p95_ms'] / 1000:.2f} s"
    title = f"Glass to glass: ffmpeg (x264, 2 B-frames) → RTMP → LL-HLS → hls.js in Chromium, {result['samples']} readings of a burnt-in clock over {result['seconds']} s"
    return [(title, figures, "–", "–", "p95 ≤ 3 s (stretch 2 s)")]


def parts(folder):
    """Name and measurement of each part; the clip that some of them publish is made once."""
    clip = two_megabits(folder)
    return [
        ("start-up and idle", start_up),
        ("ingest", lambda work: ingest(work, clip)),
        ("egress", lambda work: egress(work, clip)),
        ("hearts", lambda work: hearts(work, clip)),
        ("hearts over websocket", lambda work: hearts_over_websocket(work, clip)),
        ("glass to glass", latency),
    ]
