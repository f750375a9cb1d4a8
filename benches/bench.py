"""What CrawlHub does in a second on this machine, beside what the machine itself does: python3 benches/bench.py --server BINARY

Standard library and wrk. Everything runs on loopback, in a temporary folder, and ends with this script.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid

API = "/platform/api/crawlhub"
PASSWORD = secrets.token_urlsafe(16)
NOTHING = "pass\n"
SDK_ITEMS = """
import os
from crawlhub import save_item, flush
n = int(os.environ['N'])
for i in range(n):
    save_item({'id': i, 'title': 'a title of some length', 'price': 12.5, 'tags': ['a', 'b']})
"""
LINES_ITEMS = """
import json, os
n = int(os.environ['N'])
with open(os.environ['CRAWLHUB_OUTPUT_DIR'] + '/items.jsonl', 'w') as out:
    for i in range(n):
        out.write(json.dumps({'id': i, 'title': 'a title of some length', 'price': 12.5, 'tags': ['a', 'b']}) + '\\n')
"""


class Server:
    """A server of our own, and its administrator."""

    def __init__(self, binary, folder, settings=()):
        env = {
            "PATH": os.environ["PATH"],
            "CRAWLHUB_LISTEN": "127.0.0.1:0",
            "CRAWLHUB_DATA_DIR": folder,
            "CRAWLHUB_ADMIN_PASSWORD": PASSWORD,
            "CRAWLHUB_LOG_FILTER": "warn",
            **dict(settings),
        }
        if os.environ.get("DATABASE_URL"):
            env["DATABASE_URL"] = os.environ["DATABASE_URL"]
        start = time.perf_counter()
        self.process = subprocess.Popen([binary, "serve"], env=env, stdout=subprocess.PIPE, text=True)
        self.base = re.search(r"http://[^/ ]+", self.process.stdout.readline()).group(0)
        urllib.request.urlopen(self.base + "/readyz").read()
        self.ready_after = time.perf_counter() - start
        self.token = None
        login = urllib.request.Request(
            self.base + "/platform/api/login",
            json.dumps({"email": "admin@crawlhub.local", "password": PASSWORD}).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(login) as answer:
            cookies = "; ".join(cookie.split(";")[0] for cookie in answer.headers.get_all("set-cookie"))
        csrf = re.search(r"admin_csrf_token=([^;]+)", cookies).group(1)
        self.headers = {"cookie": cookies, "x-csrf-token": csrf}
        self.token = self.call("POST", "/platform/api/tokens", {"name": "bench"})["token"]
        self.headers = {"authorization": "Bearer " + self.token}

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = dict(self.headers, **{"content-type": "application/json"})
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]

    def spider(self, name, script, **fields):
        spider = self.call("POST", API + "/spiders", dict(fields, name=name, overlap="allow"))["id"]
        self.call("POST", f"{API}/spiders/{spider}/files/new", {"path": "main.py", "content": script})
        return spider

    def wait(self, task):
        """Follows the task's events to its end."""
        request = urllib.request.Request(self.base + f"{API}/tasks/{task}/events", headers=self.headers)
        urllib.request.urlopen(request).read()
        return self.call("GET", f"{API}/tasks/{task}")

    def memory_mb(self, field):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(field + r":\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def row(what, figure, beside=""):
    print(f"{what:<52} {figure:>16}   {beside}", flush=True)


def wrk(server, path, seconds):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-H", "Authorization: Bearer " + server.token, server.base + path]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        sys.exit(f"{path}: {output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def start_and_reap(argv, count):
    start = time.perf_counter()
    for _ in range(count):
        subprocess.run(argv, check=True)
    return count / (time.perf_counter() - start)


def tasks_per_second(server, count):
    """How many tasks of a spider that does nothing come to their end in a second; all slots in use."""
    spider = server.spider("nothing", NOTHING)
    server.wait(server.call("POST", f"{API}/spiders/{spider}/run", {})["id"])
    start = time.perf_counter()
    threads = []

    def queue(share):
        for _ in range(share):
            server.call("POST", f"{API}/spiders/{spider}/run", {})

    for _ in range(4):
        threads.append(threading.Thread(target=queue, args=(count // 4,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    while server.call("GET", f"{API}/tasks?status=pending&page_size=1")["total"]:
        time.sleep(0.05)
    while server.call("GET", f"{API}/tasks?status=running&page_size=1")["total"]:
        time.sleep(0.01)
    seconds = time.perf_counter() - start
    failed = server.call("GET", f"{API}/tasks?status=failed&page_size=1")["total"]
    if failed:
        sys.exit(f"{failed} tasks failed")
    return count / seconds


def items_per_second(server, name, script, count):
    spider = server.spider(name, script, env_vars={"N": str(count)}, timeout_seconds=600)
    start = time.perf_counter()
    task = server.wait(server.call("POST", f"{API}/spiders/{spider}/run", {})["id"])
    seconds = time.perf_counter() - start
    if task["status"] != "completed" or task["total_count"] != count:
        sys.exit(f"{name}: {task}")
    return count / seconds


def recovery(binary, folder, server):
    """After kill -9: from the start of the next server to the second attempt of the task that ran; and to /readyz."""
    spider = server.spider("recovers", "import time\nprint('up', flush=True)\ntime.sleep(600)\n", retry_delay_seconds=0)
    task = server.call("POST", f"{API}/spiders/{spider}/run", {})["id"]
    while not server.call("GET", f"{API}/tasks/{task}/logs/lines")["items"]:
        time.sleep(0.01)
    server.process.kill()
    server.process.wait()
    start = time.perf_counter()
    server = Server(binary, folder)
    while server.call("GET", f"{API}/tasks/{task}")["attempt"] < 2:
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    server.call("POST", f"{API}/tasks/{task}/cancel", {})
    return server, seconds


def in_parallel(server, bodies):
    """Makes schedules, by four connections that are kept."""
    def post(share):
        connection = http.client.HTTPConnection(server.base.split("//")[1])
        for body in share:
            connection.request("POST", API + "/schedules", json.dumps(body), server.headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise SystemExit(answer.read())
            answer.read()

    threads = [threading.Thread(target=post, args=(bodies[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def scheduled(server, count):
    """The first `count` or so tasks that schedules queued, newest first."""
    tasks, cursor = [], ""
    while len(tasks) < count and cursor is not None:
        page = server.call("GET", f"{API}/tasks?trigger_type=schedule&page_size=100&cursor={cursor}")
        tasks += page["items"]
        cursor = page["next_cursor"]
    return tasks


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def start_delays(server, seconds):
    """How late tasks of an idle server start, in seconds, sorted: each second one for every slot of two cores."""
    spiders = [server.spider(f"each second {n}", NOTHING, cron_expr="* * * * * *") for n in range(4)]
    time.sleep(seconds)
    for spider in spiders:
        server.call("PUT", f"{API}/spiders/{spider}", {"is_active": False})
    time.sleep(2)
    tasks = [task for task in scheduled(server, 4 * seconds) if task["started_at"]]
    return sorted(instant(task["started_at"]) - instant(task["scheduled_at"]) for task in tasks)


def queue_at_once(server, count):
    """From a planned time of `count` schedules to the last task's being queued: as seen from outside, as the server says."""
    spider = server.spider("at once", NOTHING)
    server.call("PUT", f"{API}/spiders/{spider}", {"is_active": False})
    in_parallel(server, [{"spider_id": spider, "cron_expr": "0 * * * * *"}] * count)
    former = server.call("GET", f"{API}/tasks?trigger_type=schedule&page_size=1")["total"]
    if time.time() % 60 > 50:
        time.sleep(12)
    # What passed while the schedules were made is skipped, well before the next one.
    server.call("PUT", f"{API}/spiders/{spider}", {"is_active": True})
    planned = (time.time() // 60 + 1) * 60
    time.sleep(planned - time.time())
    while server.call("GET", f"{API}/tasks?trigger_type=schedule&page_size=1")["total"] - former < count:
        time.sleep(0.01)
    seen = time.time() - planned
    server.call("PUT", f"{API}/spiders/{spider}", {"is_active": False})
    tasks = [task for task in scheduled(server, count) if task["spider_id"] == spider]
    return seen, max(instant(task["created_at"]) - instant(task["scheduled_at"]) for task in tasks)


def bare_insert(folder, count):
    """The same number of rows by the engine alone, into an empty copy of the table, in one transaction."""
    columns = ("id, spider_id, spider_name, code_hash, trigger_type, priority, max_retries, scheduled_at, params, "
               "schedule_id, status, is_test, attempt, retry_count, progress, total_count, success_count, failed_count, "
               "created_at, updated_at")
    now = "2026-03-01T09:00:00.000000+00:00"
    row_of = lambda: (f"('{uuid.uuid4()}', '{uuid.uuid4()}', 'at once', '{'0' * 64}', 'schedule', 0, 3, '{now}', '{{}}', "
                      f"'{uuid.uuid4()}', 'pending', FALSE, 0, 0, 0, 0, 0, 0, '{now}', '{now}')")
    inserts = ";".join(f"INSERT INTO bare ({columns}) VALUES " + ", ".join(row_of() for _ in range(500))
                       for _ in range(count // 500))
    if os.environ.get("DATABASE_URL"):
        psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", os.environ["DATABASE_URL"]]
        subprocess.run([*psql, "-c", "CREATE TABLE bare (LIKE tasks INCLUDING ALL)"], check=True)
        start = time.perf_counter()
        subprocess.run(psql, input=f"BEGIN; {inserts}; COMMIT;", text=True, check=True)
        seconds = time.perf_counter() - start
        subprocess.run([*psql, "-c", "DROP TABLE bare"], check=True)
        return seconds
    with contextlib.closing(sqlite3.connect(folder + "/crawlhub.db")) as database:
        made = [sql for (sql,) in database.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'tasks' AND sql <> ''")]
    with contextlib.closing(sqlite3.connect(folder + "/bare.db")) as database:
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        for sql in made:
            database.execute(re.sub(r'(TABLE|ON) "?tasks"?', r"\1 bare", sql))
        start = time.perf_counter()
        database.executescript(f"BEGIN; {inserts}; COMMIT;")
        return time.perf_counter() - start


def schedules(binary, count, seconds):
    """On a server of its own: what it leaves in the queue is nobody's."""
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        server = Server(binary, folder)
        try:
            delays = start_delays(server, seconds)
            at = lambda share: delays[int(len(delays) * share)] * 1000
            row("planned time to start on an idle server, p99", f"{at(0.99):.0f} ms", f"median {at(0.5):.0f}, of {len(delays)}")
            seen, queued = queue_at_once(server, count)
            bare = bare_insert(folder, count)
            beside = f"{queued * 1000:.0f} as the server says; {bare * 1000:.0f} for bare INSERTs"
            row(f"{count:,} schedules due in one second, all queued", f"{seen * 1000:.0f} ms", beside)
        finally:
            server.process.kill()
            server.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seconds", type=int, default=5, help="of each request benchmark")
    parser.add_argument("--tasks", type=int, default=400)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--schedules", type=int, default=10_000)
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed (Debian package wrk)")
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        server = Server(options.server, folder)
        try:
            cores = os.cpu_count()
            print(f"{cores} cores, {'PostgreSQL' if os.environ.get('DATABASE_URL') else 'SQLite'}, wrk -t1 -c32")
            row("from start to /readyz", f"{server.ready_after * 1000:.0f} ms")
            row("memory of the idle server", f"{server.memory_mb('VmRSS'):.0f} MB")
            for path in ["/healthz", API + "/projects", API + "/tasks?page_size=20"]:
                row(f"GET {path}", f"{wrk(server, path, options.seconds):,.0f} /s")
            true = start_and_reap(["/bin/true"], 300)
            python = start_and_reap([sys.executable, "-c", "pass"], 100)
            rate = tasks_per_second(server, options.tasks)
            row("/bin/true started and reaped, one after the other", f"{true:,.0f} /s")
            row("python3 -c pass, one after the other", f"{python:,.0f} /s")
            row("tasks of a spider that does nothing", f"{rate:,.1f} /s", f"{rate / python:.2f} of python3 -c pass")
            row("items through the SDK", f"{items_per_second(server, 'sdk', SDK_ITEMS, options.items):,.0f} /s")
            row("items through JSON Lines", f"{items_per_second(server, 'lines', LINES_ITEMS, options.items):,.0f} /s")
            row("most memory the server had", f"{server.memory_mb('VmHWM'):.0f} MB")
            server, seconds = recovery(options.server, folder, server)
            beside = f"{server.ready_after * 1000:.0f} ms to /readyz"
            row("kill -9, from the next start to the next attempt", f"{seconds * 1000:.0f} ms", beside)
        finally:
            server.stop()
    schedules(options.server, options.schedules, 25)


if __name__ == "__main__":
    main()
