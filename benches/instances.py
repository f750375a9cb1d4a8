"""Instances by name beside nginx: scripts/with-docker python3 benches/instances.py --server BINARY

Standard library, the docker client, wrk and nginx. Everything runs on loopback and ends with this script.
"""

import argparse
import http.client
import os
import sqlite3
import statistics
import sys
import tempfile
import time

from bench import API, Server, row
from editors import LIMITS, answers, docker, free_port, median, nginx, wrk

IMAGE = "crawlhub-spider:latest"
COMMAND = ["python3", "-m", "http.server", "8080"]
SETTINGS = {"CRAWLHUB_INSTANCES_IMAGES": IMAGE, "DOCKER_HOST": os.environ.get("DOCKER_HOST", "")}


def bare(count):
    """From `docker run` to a page, with limits; milliseconds."""
    times, network = [], docker("network", "create", "crawlhub-bench")
    for _ in range(count):
        start = time.perf_counter()
        container = docker("run", "-d", "--network", network, *LIMITS, "--entrypoint", COMMAND[0], IMAGE, *COMMAND[1:])
        address = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
        while not answers(address, 8080, "/"):
            time.sleep(0.01)
        times.append((time.perf_counter() - start) * 1000)
        docker("rm", "-f", container)
    docker("network", "rm", network)
    return times


def page(server, prefix, path="/"):
    host, port = server.base.split("//")[1].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", path, headers={"host": f"{prefix}.localhost"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def made(server, prefix):
    """From the call to its page by its name; milliseconds."""
    start = time.perf_counter()
    server.call("POST", f"{API}/instances", {"prefix": prefix, "command": COMMAND, "public": True})
    while page(server, prefix)[0] != 200:
        if server.call("GET", f"{API}/instances/{prefix}")["status"] == "error":
            sys.exit("the instance does not run")
        time.sleep(0.01)
    return (time.perf_counter() - start) * 1000


def proxied(server, folder, prefix):
    upstream, front = free_port(), free_port()
    with nginx(folder, upstream=upstream, front=front, body="x" * 1000):
        # The proxy alone: something faster than a program in Python stands where that stood.
        with sqlite3.connect(f"{folder}/crawlhub.db", timeout=30) as database:
            database.execute("UPDATE instances SET upstream = ?, engine = 'elsewhere'", (f"127.0.0.1:{upstream}",))
        while page(server, prefix, "/x") != (200, b"x" * 1000):
            time.sleep(0.2)
        rate, half, most = wrk(f"http://127.0.0.1:{upstream}/x", 32)
        row("1,000 bytes, asked directly", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
        ratios = []
        # Turn and turn about, so that what else the machine does hits both.
        for _ in range(3):
            theirs, half, most = wrk(f"http://127.0.0.1:{front}/x", 32)
            row("through nginx", f"{theirs:,.0f} /s", f"half {half}, 99% {most}")
            ours, half, most = wrk(f"{server.base}/x", 32, Host=f"{prefix}.localhost")
            row("by its name through CrawlHub", f"{ours:,.0f} /s", f"half {half}, 99% {most}")
            ratios.append(ours / theirs)
        row("CrawlHub to nginx", f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--count", type=int, default=5)
    options = parser.parse_args()
    plain = bare(options.count)
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        server = Server(options.server, folder, SETTINGS)
        try:
            times = []
            for number in range(options.count):
                times.append(made(server, f"benched{number:02}"))
                server.call("DELETE", f"{API}/instances/benched{number:02}")
            row("an instance, from the call to its page", median(times), f"most {max(times):,.0f} ms")
            row("beside it: bare docker run to its page", median(plain), f"most {max(plain):,.0f} ms")
            made(server, "proxied01")
            proxied(server, folder, "proxied01")
            row("most memory the server had", f"{server.memory_mb('VmHWM'):.0f} MB")
        finally:
            server.stop()
            left = docker("ps", "-aq", "--filter", "label=crawlhub.type=instance").split()
            if left:
                docker("rm", "-f", *left)


if __name__ == "__main__":
    main()
