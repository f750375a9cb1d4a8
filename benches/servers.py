"""How soon one server hears of what happens on another: python3 benches/servers.py --server BINARY

Standard library; `scripts/with-postgres` before it, or DATABASE_URL, names the PostgreSQL that they share. Everything runs on
loopback, in temporary folders, and ends with this script.
"""

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
import urllib.request

from bench import API, Server, row

SAYS_WHEN = """
import random, time
time.sleep(1)
for n in range(LINES):
    print('at', time.time(), flush=True)
    time.sleep(0.3 + random.random() / 2)
"""
WAITS = "import time\nprint('up', flush=True)\ntime.sleep(600)\n"
MUCH = "for n in range(LINES):\n    print('a line of some length, as spiders print them', n)\n"


def runner_of(servers, task):
    """The server that runs the task, and another one."""
    while True:
        worker = servers[0].call("GET", f"{API}/tasks/{task}")["worker_id"]
        for at, server in enumerate(servers):
            if worker and f":{server.process.pid}:" in worker:
                return server, servers[1 - at]
        time.sleep(0.01)


def delays(server, task):
    """Of each line, in milliseconds, from its being printed to its being here."""
    request = urllib.request.Request(f"{server.base}{API}/tasks/{task}/logs/stream", headers=server.headers)
    found = []
    with urllib.request.urlopen(request) as stream:
        for raw in stream:
            if raw.startswith(b"data: ") and b'"at ' in raw:
                line = json.loads(raw[6:])["line"]
                found.append((time.time() - float(line.split()[1])) * 1000)
    return found


def shown(times):
    times = sorted(times)
    return f"{statistics.median(times):.0f} ms", f"worst of {len(times)}: {times[-1]:.0f} ms"


def lines(servers, count):
    spider = servers[0].spider("says when", SAYS_WHEN.replace("LINES", str(count)))
    for where in ("the server that runs it", "another server"):
        task = servers[0].call("POST", f"{API}/spiders/{spider}/run", {})["id"]
        own, other = runner_of(servers, task)
        row(f"from a spider's line to a follower at {where}", *shown(delays(own if where.startswith("the") else other, task)))


def cancels(servers, count):
    spider, times = servers[0].spider("waits", WAITS), []
    for _ in range(count):
        task = servers[0].call("POST", f"{API}/spiders/{spider}/run", {})["id"]
        _, other = runner_of(servers, task)
        while not other.call("GET", f"{API}/tasks/{task}/logs/lines?limit=1")["items"]:
            time.sleep(0.01)
        time.sleep(0.5)
        start = time.perf_counter()
        other.call("POST", f"{API}/tasks/{task}/cancel", {})
        times.append((time.perf_counter() - start) * 1000)
    row("a cancel at another server, until it is answered", *shown(times))


def cost(servers, count):
    spider = servers[0].spider("prints much", MUCH.replace("LINES", str(count)))
    servers[0].wait(servers[0].call("POST", f"{API}/spiders/{spider}/run", {})["id"])
    start = time.perf_counter()
    servers[0].wait(servers[0].call("POST", f"{API}/spiders/{spider}/run", {})["id"])
    row("lines of one spider that nobody follows", f"{count / (time.perf_counter() - start):,.0f} /s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the binary")
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--much", type=int, default=200_000)
    given = parser.parse_args()
    os.environ.setdefault("DATABASE_URL", os.environ.get("TEST_DATABASE_URL", ""))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crawlhub-bench-"))
        servers = []
        for name in ("one", "other"):
            own = os.path.join(folder, name)
            os.makedirs(own)
            for shared in ("files", "secret.key") if servers else ():
                os.symlink(os.path.join(folder, "one", shared), os.path.join(own, shared))
            server = Server(given.server, own, {"CRAWLHUB_SLOTS": "1"})
            stack.callback(server.stop)
            servers.append(server)
        lines(servers, given.lines)
        cancels(servers, 10)
        cost(servers, given.much)


if __name__ == "__main__":
    main()
