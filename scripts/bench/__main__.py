#!/usr/bin/env python3
"""Measures the release binary against its peers in one run and writes docs/benchmarks.md.

Needs Linux, Debian's nginx with its rtmp and nchan modules, nats-server, redis-server and PostgreSQL (installed when missing), ffmpeg, Node with
web/node_modules, Chromium. All servers listen on loopback, in folders of their own, and end with the run. What is compared
is the processor time of the server's processes; wall-clock figures of a shared machine swing.

Words on the command line name the parts to run (`site`, `realtime`, `fleet`, `engines`); the document's other sections stay as they were.
"""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time

import engine_rows
import fleet_rows
import realtime_rows
import site_rows
from servers import ROOT, RUNS


PEERS = ["work", "ours", "bare server", "peers", "ratio to bare", "target", "lost / doubled / out of order"]
FLEET = ["work", "ours", "alone", "engines", "ratio", "target", "lost / doubled / out of order"]
ENGINES = ["work", "ours", "beside", "engines", "ratio", "target"]
SITE_INTRODUCTION = """The ffmpeg that takes a picture of each show every 30 s is a process of its own and not counted (nginx takes none). The limits on hearts per session and
address are lifted for the heart row; nothing else is configured differently from the defaults but the bounds on accounts and connections."""
# Part: what measures it, and its section of the document.
PARTS = {
    "site": (site_rows.parts, "The site", SITE_INTRODUCTION, ["work", "ours", "peer", "ratio", "target"]),
    "realtime": (realtime_rows.parts, "Realtime", realtime_rows.INTRODUCTION, PEERS),
    "fleet": (fleet_rows.parts, "Several gateways", fleet_rows.INTRODUCTION, FLEET),
    "engines": (engine_rows.parts, "A site on its engines", engine_rows.INTRODUCTION, ENGINES),
}
DOCUMENT = ROOT / "docs/benchmarks.md"


def main():
    chosen = sys.argv[1:] or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    install()
    tables = {}
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
        folder = pathlib.Path(folder)
        os.chmod(folder, 0o755)
        for part in chosen:
            tables[part] = []
            for name, measure in PARTS[part][0](folder):
                print(f"== {name}", flush=True)
                work = folder / name.replace(" ", "-")
                work.mkdir()
                for row in measure(work):
                    print("   ", *row, sep=" | ", flush=True)
                    tables[part].append(row)
    write(tables)


def install():
    programs = [("nginx", "nginx"), ("ffmpeg", "ffmpeg"), ("chromium", "chromium"), ("nats-server", "nats-server"), ("redis-server", "redis-server")]
    missing = [package for program, package in programs if not shutil.which(program)]
    for module in ("rtmp", "nchan"):
        if not pathlib.Path(f"/usr/lib/nginx/modules/ngx_{module}_module.so").exists():
            missing.append(f"libnginx-mod-{module}")
    if not list(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.append("postgresql")
    if missing:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)


def table(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def write(tables):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read())[1]) // 2**20
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().removeprefix("nginx version: ")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    head = f"""# Benchmarks

Written by `make bench`, each section in one run; medians of {RUNS} runs where nothing else is said, ours and the peer's in turn. Machine: {os.cpu_count()} cores ({cpu}, shared),
{memory} GiB, {platform.system()} {platform.release()}; clients, peers and server on the same machine, loopback only. Peers of Debian: {nginx},
{realtime_rows.versions()}. "Per core-second" counts the processor time (user and system) of the server's processes alone.
"""
    there = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", DOCUMENT.read_text(), re.MULTILINE))
    for part, rows in tables.items():
        _, title, introduction, columns = PARTS[part]
        there[title] = f"\nMeasured on {time.strftime('%Y-%m-%d')} at {commit}.\n\n{introduction}\n\n{table(columns, rows)}\n"
    titles = [title for _, title, _, _ in PARTS.values() if title in there]
    text = head + "".join(f"\n## {title}\n{there[title].rstrip()}\n" for title in titles)
    DOCUMENT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
