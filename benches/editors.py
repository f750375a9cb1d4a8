"""Editors beside the bare engine, `docker cp` and nginx: scripts/with-docker python3 benches/editors.py --server BINARY

Standard library, the docker client, wrk and nginx. Everything runs on loopback and ends with this script.
"""

import argparse
import contextlib
import io
import http.client
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

from bench import API, Server, row

IMAGE = "crawlhub-code-server:latest"
LIMITS = ["--cpus", "1", "--memory", "1g", "--memory-swap", "1g", "--pids-limit", "512", "--cap-drop", "ALL",
          "--security-opt", "no-new-privileges", "--init"]
SETTINGS = {
    "CRAWLHUB_SPIDERS_MAX_FILES": "10000",
    "CRAWLHUB_SPIDERS_MAX_FILE_BYTES": "60000000",
    "CRAWLHUB_SPIDERS_MAX_TOTAL_BYTES": "600000000",
    "DOCKER_HOST": os.environ.get("DOCKER_HOST", ""),
}
NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream site {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 "{body}"; }} }}
  server {{ listen 127.0.0.1:{front}; location / {{
    proxy_pass http://site; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}
"""


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def answers(host, port, path="/healthz"):
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(host, port, timeout=2)
        connection.request("GET", path, headers={"connection": "close"})
        return connection.getresponse().status == 200
    return False


def bare(count):
    """From `docker run` to an editor that answers, with the same limits; milliseconds."""
    times = []
    network = docker("network", "create", "crawlhub-bench")
    for _ in range(count):
        start = time.perf_counter()
        container = docker("run", "-d", "--network", network, *LIMITS, IMAGE)
        address = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
        while not answers(address, 8080):
            time.sleep(0.01)
        times.append((time.perf_counter() - start) * 1000)
        docker("rm", "-f", container)
    docker("network", "rm", network)
    return times


class Door:
    """An editor opened as a browser does: the token becomes a cookie."""

    def __init__(self, server, session):
        self.host, port = server.base.split("//")[1].split(":")
        self.port, self.path = int(port), session["url"]
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request("GET", f"{self.path}?tkn={session['token']}")
        answer = connection.getresponse()
        answer.read()
        self.cookie = "; ".join(cookie.split(";")[0] for cookie in answer.headers.get_all("set-cookie"))

    def get(self, path=""):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        connection.request("GET", self.path + path, headers={"cookie": self.cookie})
        answer = connection.getresponse()
        return answer.status, answer.read()


def opened(server, count):
    """From the call to the workbench's page, files included; milliseconds, and those of closing."""
    times, closing = [], []
    for number in range(count):
        spider = server.spider(f"editor {number} {time.time()}", "print('hello')\n")
        start = time.perf_counter()
        session = server.call("POST", f"{API}/spiders/{spider}/code-session")
        status, page = Door(server, session).get("?folder=/workspace")
        times.append((time.perf_counter() - start) * 1000)
        if status != 200 or b"workbench" not in page:
            sys.exit(f"the editor answered {status}")
        start = time.perf_counter()
        server.call("DELETE", f"{API}/spiders/{spider}/code-session")
        closing.append((time.perf_counter() - start) * 1000)
    return times, closing


def median(times):
    return f"{statistics.median(times):,.0f} ms"


def usable(server, count):
    plain = bare(count)
    times, closing = opened(server, count)
    row("an editor, from the call to its page", median(times), f"most {max(times):,.0f} ms")
    row("beside it: bare docker run to /healthz", median(plain), f"most {max(plain):,.0f} ms")
    row("closing it", median(closing))


def upload(server, spider, files, size):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("main.py", "print('hello')\n")
        for number in range(files - 1):
            archive.writestr(f"folder{number % 100}/file{number}.dat", os.urandom(size))
    edge = "edge" + os.urandom(8).hex()
    head = f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'.encode()
    body = head + packed.getvalue() + f"\r\n--{edge}--\r\n".encode()
    headers = dict(server.headers, **{"content-type": f"multipart/form-data; boundary={edge}"})
    urllib.request.urlopen(
        urllib.request.Request(f"{server.base}{API}/spiders/{spider}/files/upload-zip", body, headers)
    ).read()


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def synced(server, files, size):
    spider = server.spider("many files", "print('hello')\n")
    upload(server, spider, files, size)
    total = files * size / 1e6
    path = f"{API}/spiders/{spider}/code-session"
    seconds, session = timed(lambda: server.call("POST", path))
    row(f"an editor with {files:,} files, {total:,.0f} MB", f"{seconds:.2f} s")
    container = f"code-server-{session['id']}"
    # Nothing is known of it yet: all is read.
    first, _ = timed(lambda: server.call("POST", f"{path}/sync"))
    nothing, _ = timed(lambda: server.call("POST", f"{path}/sync"))
    docker("exec", container, "sh", "-c", "echo changed >> /workspace/main.py")
    one, answer = timed(lambda: server.call("POST", f"{path}/sync"))
    docker("exec", container, "sh", "-c", "find /workspace -name '*.dat' | while read f; do echo >> $f; done")
    everything, _ = timed(lambda: server.call("POST", f"{path}/sync"))
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        out, _ = timed(lambda: docker("cp", f"{container}:/workspace", folder))
        copy = docker("create", IMAGE)
        into, _ = timed(lambda: docker("cp", f"{folder}/workspace/.", f"{copy}:/workspace"))
        docker("rm", copy)
    closing, _ = timed(lambda: server.call("DELETE", path))
    row("beside it: docker cp into a container", f"{into:.2f} s")
    row("sync: the first one, which reads all", f"{first:.2f} s")
    row("sync: nothing changed; one file changed", f"{nothing * 1000:,.0f} ms", f"{one * 1000:,.0f} ms, {answer}")
    row("sync: every file changed", f"{everything:.2f} s", f"docker cp out of it {out:.2f} s")
    row("closing it", f"{closing:.2f} s")


def wrk(address, connections, **headers):
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", "-d5s", "--latency", *given, address]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        sys.exit(f"{address}: {output}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    return rate, re.search(r"50%\s+(\S+)", output).group(1), re.search(r"99%\s+(\S+)", output).group(1)


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, **values):
    path = f"{folder}/nginx.conf"
    with open(path, "w") as out:
        out.write(NGINX.format(folder=folder, **values))
    process = subprocess.Popen([shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-c", path, "-p", folder])
    try:
        while not answers("127.0.0.1", values["front"], "/"):
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def proxied(server, folder):
    spider = server.spider("proxied", "print('hello')\n")
    session = server.call("POST", f"{API}/spiders/{spider}/code-session")
    door = Door(server, session)
    container = docker("ps", "-q", "--filter", "label=crawlhub.type=code-server")
    networks = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
    rate, half, most = wrk(f"http://{networks}:8080/healthz", 8)
    row("the editor's own /healthz, asked directly", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
    rate, half, most = wrk(f"{server.base}{door.path}healthz", 8, Cookie=door.cookie)
    row("through CrawlHub", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
    upstream, front = free_port(), free_port()
    with nginx(folder, upstream=upstream, front=front, body="x" * 1000):
        # The proxy alone: something faster than an editor stands where the editor stood.
        with sqlite3.connect(f"{folder}/crawlhub.db", timeout=30) as database:
            database.execute("UPDATE code_sessions SET upstream = ? WHERE status = 'ready'", (f"127.0.0.1:{upstream}",))
        while door.get("x") != (200, b"x" * 1000):
            time.sleep(0.2)
        rate, half, most = wrk(f"http://127.0.0.1:{upstream}/x", 32)
        row("1,000 bytes, asked directly", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
        rate, half, most = wrk(f"http://127.0.0.1:{front}/x", 32)
        row("through nginx", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
        rate, half, most = wrk(f"{server.base}{door.path}x", 32, Cookie=door.cookie)
        row("through CrawlHub", f"{rate:,.0f} /s", f"half {half}, 99% {most}")
    server.call("DELETE", f"{API}/spiders/{spider}/code-session?force=true")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--size", type=int, default=50_000)
    parser.add_argument("--warm", type=int, default=2)
    options = parser.parse_args()

    def warm(server, _folder):
        # The pool fills while this waits.
        time.sleep(15)
        times, _ = opened(server, options.warm)
        row("from the warm pool, to its page", median(times), f"most {max(times):,.0f} ms")

    for settings, work in [
        ({}, lambda server, _folder: usable(server, options.count)),
        ({"CRAWLHUB_CODE_SESSIONS_WARM": str(options.warm)}, warm),
        ({}, lambda server, _folder: synced(server, options.files, options.size)),
        ({}, proxied),
    ]:
        with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
            server = Server(options.server, folder, dict(SETTINGS, **settings))
            try:
                work(server, folder)
                row("most memory the server had", f"{server.memory_mb('VmHWM'):.0f} MB")
            finally:
                server.stop()


if __name__ == "__main__":
    main()
