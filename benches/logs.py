"""Lines of logs in a second, alone and with a thousand who follow them: python3 benches/logs.py --server BINARY

Standard library. Everything runs on loopback, in a temporary folder, and ends with this script.
"""

import argparse
import os
import resource
import selectors
import socket
import sys
import tempfile
import time
import urllib.parse

from bench import API, Server, row

# As Scrapy prints them, for the log's levels to be read.
PRINTS = """
import os, sys, time
out, step = sys.stderr, 1000
time.sleep(float(os.environ['WAIT']))
for start in range(0, int(os.environ['N']), step):
    out.write(''.join(
        f'2026-03-01 08:00:00 [scrapy.core.engine] DEBUG: Crawled (200) <GET https://shop.example/catalogue/'
        f'{(n * 7919) % 1000003}/index.html> (referer: https://shop.example/page-{n // 20}.html)\\n'
        for n in range(start, start + step)))
"""
# Far more than is printed.
SETTINGS = {"CRAWLHUB_TASKS_LOG_LIMIT_BYTES": "2000000000"}


def run(server, lines, wait=0):
    spider = server.spider(f"prints {lines}", PRINTS, env_vars={"N": str(lines), "WAIT": str(wait)}, timeout_seconds=3600)
    return spider, server.call("POST", f"{API}/spiders/{spider}/run", {})["id"]


def logged(server, task, lines):
    last = server.call("GET", f"{API}/tasks/{task}/logs/lines?tail=1")["items"][0]["seq"]
    if last != lines:
        sys.exit(f"{last} of {lines} lines are kept")


def alone(server, lines):
    start = time.perf_counter()
    spider, task = run(server, lines)
    server.wait(task)
    seconds = time.perf_counter() - start
    logged(server, task, lines)
    kept = server.call("GET", "/platform/api/storage")
    kept = next(each["logs_bytes"] for each in kept["spiders"] if each["spider_id"] == spider)
    some = server.call("GET", f"{API}/tasks/{task}/logs/lines?limit=1000")["items"]
    printed = sum(len(line["line"]) + 1 for line in some) / len(some) * lines
    row(f"{lines:,} lines printed and kept", f"{lines / seconds:,.0f} /s", f"{printed / seconds / 1e6:.1f} MB/s")
    row("on disk for a byte that is printed", f"{kept / printed:.3f}", f"{kept / 1e6:.1f} MB")
    start = time.perf_counter()
    cursor, found = "", 0
    while cursor is not None:
        page = server.call("GET", f"{API}/spiders/{spider}/logs/search?q=NOWHERE&cursor={urllib.parse.quote(cursor)}")
        cursor, found = page["next_cursor"], found + len(page["items"])
    seconds = time.perf_counter() - start
    row("search for what is not there", f"{printed / seconds / 1e6:,.0f} MB/s", f"{found} found")


def follow(server, task, count):
    """So many connections that follow the task's log."""
    host, port = server.base.split("//")[1].split(":")
    request = (f"GET {API}/tasks/{task}/logs/stream HTTP/1.0\r\nauthorization: Bearer {server.token}\r\n\r\n").encode()
    sockets = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)))
        connection.sendall(request)
        sockets.append(connection)
    return sockets


def followed(server, lines, count):
    # The spider starts to print when all are there.
    _, task = run(server, lines, wait=3)
    sockets = follow(server, task, count)
    selector, ends, total, start = selectors.DefaultSelector(), {}, 0, None
    for connection in sockets:
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
        ends[connection] = b""
    buffer = bytearray(1 << 20)
    done = 0
    while done < count:
        for key, _ in selector.select(60):
            length = key.fileobj.recv_into(buffer)
            if length and start is None and b"id: 1\n" in buffer[:length]:
                start = time.perf_counter()
            total += length
            if length == 0:
                selector.unregister(key.fileobj)
                if b"event: end" not in ends[key.fileobj]:
                    sys.exit("a follower was cut off")
                done += 1
            ends[key.fileobj] = (ends[key.fileobj] + bytes(buffer[max(0, length - 200):length]))[-200:]
    seconds = time.perf_counter() - start
    logged(server, task, lines)
    beside = f"{lines * count / seconds:,.0f} /s to all, {total / seconds / 1e6:,.0f} MB/s"
    row(f"{lines:,} lines with {count:,} followers", f"{lines / seconds:,.0f} /s", beside)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--followed-lines", type=int, default=10_000)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name, work in [
        ("alone", lambda server: alone(server, options.lines)),
        ("followed", lambda server: followed(server, options.followed_lines, options.followers)),
    ]:
        with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
            server = Server(options.server, folder, SETTINGS)
            try:
                work(server)
                row(f"most memory the server had, {name}", f"{server.memory_mb('VmHWM'):.0f} MB")
            finally:
                server.stop()


if __name__ == "__main__":
    main()
