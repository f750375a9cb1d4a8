"""CrawlHub from nothing to a CSV: what ``make demo`` runs. Standard library only.

    python3 examples/demo.py --server target/release/crawlhub

Serves the Python documentation on a free loopback port, starts a CrawlHub server on another with an
empty data directory, uploads the example spiders, runs them, and compares the CSV with the task.
Everything it starts is stopped, and the data directory removed.
"""

import argparse
import contextlib
import csv
import functools
import http.cookiejar
import http.server
import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
DEFAULT_SITE = Path("/usr/share/doc/python3.11/html")
DOCUMENTATION = Path("/usr/share/doc")
EMAIL = "admin@crawlhub.local"
FINAL = ("completed", "failed", "cancelled")

SPIDERS = [
    {"name": "docs-pages", "folder": "docs_scrapy", "source": "scrapy", "entry_point": "pages"},
    {"name": "docs-symbols", "folder": "docs_scrapy", "source": "scrapy", "entry_point": "symbols"},
    {"name": "async-links", "folder": "async_links", "source": "upload", "entry_point": "main:run"},
]


class DemoError(Exception):
    """Something that ends the demo; its text is for whoever started it."""


# --- The site -------------------------------------------------------------------------------------

def html_files(directory):
    return [path for path in directory.rglob("*.html") if path.is_file()]


def choose_site(wanted):
    if html_files(wanted):
        return wanted
    folders = [index.parent for index in DOCUMENTATION.glob("**/index.html")]
    best = max(folders, key=lambda folder: len(html_files(folder)), default=None)
    if best is None:
        raise DemoError("there is no HTML in {} nor anywhere in {}; install python3-doc, or give --site DIR".format(
            wanted, DOCUMENTATION))
    print("There is no HTML in {}; using {} instead.".format(wanted, best))
    return best


class SiteHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each kept-alive answer waits 40 ms for an acknowledgement

    def send_response(self, code, message=None):
        path = urllib.parse.urlsplit(self.path).path
        if code == 200 and path.endswith(("/", ".html")):
            with self.server.lock:
                self.server.pages.add(path)
        super().send_response(code, message)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def serve_site(directory):
    handler = functools.partial(SiteHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        site.pages = set()
        site.lock = threading.Lock()
        threading.Thread(target=site.serve_forever, daemon=True).start()
        try:
            yield site
        finally:
            site.shutdown()


# --- The server -----------------------------------------------------------------------------------

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def run_server(binary, password):
    folder = Path(tempfile.mkdtemp(prefix="crawlhub-demo-"))
    port = free_port()
    # Settings of another installation are not for this one.
    foreign = ("DATABASE_URL", "MONGODB_URL")
    env = {k: v for k, v in os.environ.items() if not k.startswith("CRAWLHUB_") and k not in foreign}
    env.update({
        "CRAWLHUB_LISTEN": "127.0.0.1:{}".format(port),
        "CRAWLHUB_DATA_DIR": str(folder / "data"),
        "CRAWLHUB_ADMIN_EMAIL": EMAIL,
        "CRAWLHUB_ADMIN_PASSWORD": password,
    })
    output = folder / "server.log"
    try:
        with open(output, "wb") as log:
            process = subprocess.Popen([str(binary), "serve"], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT)
        try:
            api = Api("http://127.0.0.1:{}".format(port))
            wait_for_server(process, api, output)
            yield api
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_server(process, api, output):
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError):
            with api.opener.open(api.home + "/readyz", timeout=2):
                return
        if process.poll() is not None or time.monotonic() > deadline:
            tail = output.read_text("utf-8", "replace").splitlines()[-20:]
            raise DemoError("the server did not become ready; the end of its output:\n" + "\n".join(tail))
        time.sleep(0.05)


class Api:
    """The server's HTTP interface, signed in as a browser is: by cookies and the CSRF header."""

    def __init__(self, home):
        self.home = home
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, method, path, body=None, content_type="application/json", timeout=60):
        request = urllib.request.Request(self.home + "/platform/api" + path, data=body, method=method)
        request.add_header("Accept-Language", "en")
        if body is not None:
            request.add_header("Content-Type", content_type)
        for cookie in self.cookies:
            if cookie.name == "admin_csrf_token":
                request.add_header("X-CSRF-Token", cookie.value)
        try:
            return self.opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error.read().decode("utf-8", "replace")
            with contextlib.suppress(ValueError, AttributeError):
                answer = json.loads(answer).get("msg") or answer
            raise DemoError("{} {}: {} {}".format(method, path, error.code, answer)) from None
        except OSError as error:
            raise DemoError("{} {}: {}".format(method, path, error)) from None

    def call(self, method, path, fields=None, **options):
        body = options.pop("body", None)
        if fields is not None:
            body = json.dumps(fields).encode("utf-8")
        with self.open(method, path, body, **options) as response:
            return json.load(response).get("data")

    def log_in(self, password):
        self.call("POST", "/login", {"email": EMAIL, "password": password})

    def upload_zip(self, spider_id, content):
        boundary = secrets.token_hex(16)
        body = ("--{0}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"spider.zip\"\r\n"
                "Content-Type: application/zip\r\n\r\n").format(boundary).encode("ascii")
        body += content + "\r\n--{}--\r\n".format(boundary).encode("ascii")
        self.call("POST", "/crawlhub/spiders/{}/files/upload-zip".format(spider_id), body=body,
                  content_type="multipart/form-data; boundary=" + boundary)

    def events(self, task_id):
        """The data of each event of the task, until the server ends the stream."""
        with self.open("GET", "/crawlhub/tasks/{}/events".format(task_id), timeout=300) as stream:
            data = []
            for line in stream:
                line = line.decode("utf-8").rstrip("\r\n")
                if line.startswith("data:"):
                    data.append(line[5:].lstrip())
                elif not line and data:
                    yield json.loads("\n".join(data))
                    data = []


def zip_of(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder).as_posix())
    return content.getvalue()


# --- The runs -------------------------------------------------------------------------------------

def create_spider(api, project_id, spider):
    fields = {key: spider[key] for key in ("name", "source", "entry_point")}
    # The first run of a Scrapy spider may install Scrapy within its time; a failure is to be seen at once.
    fields.update(project_id=project_id, timeout_seconds=900, max_retries=0)
    created = api.call("POST", "/crawlhub/spiders", fields)
    api.upload_zip(created["id"], zip_of(EXAMPLES / spider["folder"]))
    return created["id"]


def follow(api, task_id):
    """Show the task's events until it has ended; the finished task."""
    shown = ""
    while True:
        with contextlib.suppress(OSError):
            # A broken stream is opened again; the task itself says when it is over.
            for event in api.events(task_id):
                line = "  {:<10} {:>3} %  {:>7} items".format(
                    event.get("status") or "", event.get("progress") or 0, event.get("total_count") or 0)
                if line != shown:
                    shown = line
                    show(line)
        task = api.call("GET", "/crawlhub/tasks/{}".format(task_id))
        if task["status"] in FINAL:
            show("", end="")
            return task
        time.sleep(0.2)


def show(line, end="\r"):
    # A file or a CI log keeps only what is final.
    if sys.stdout.isatty():
        print("\r" + line.ljust(60), end=end, flush=True)


def run(api, spider, spider_id, site):
    site.pages.clear()
    begin = time.monotonic()
    params = {"start_url": "http://127.0.0.1:{}/".format(site.server_port)}
    task = api.call("POST", "/crawlhub/spiders/{}/run".format(spider_id), {"params": params})
    print("{} …".format(spider["name"]), flush=True)
    task = follow(api, task["id"])
    seconds = time.monotonic() - begin
    rows = download_csv(api, task["id"])
    header, count = (rows[0], len(rows) - 1) if rows else ([], 0)
    problem = None
    if task["status"] != "completed":
        problem = "the task ended as {}: {}".format(task["status"], task.get("error_message") or "no reason is given")
    elif not count:
        problem = "the task delivered nothing"
    elif count != task["total_count"]:
        problem = "the CSV has {} rows, the task counted {} items".format(count, task["total_count"])
    return {"spider": spider["name"], "pages": len(site.pages), "items": task["total_count"], "seconds": seconds,
            "status": task["status"], "header": header, "first_rows": rows[1:4], "problem": problem,
            "task_id": task["id"]}


def download_csv(api, task_id):
    csv.field_size_limit(1 << 30)
    with api.open("GET", "/crawlhub/data/export/csv?task_id=" + task_id) as response:
        return list(csv.reader(io.TextIOWrapper(response, "utf-8", newline="")))


def log_tail(api, task_id, lines=30):
    log = api.call("GET", "/crawlhub/tasks/{}/logs".format(task_id)) or {}
    text = (log.get("stdout") or "") + "\n" + (log.get("stderr") or "")
    return [line for line in text.splitlines() if line][-lines:]


# --- What is shown --------------------------------------------------------------------------------

def width(text):
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text, columns):
    text = " ".join(text.split())
    if width(text) <= columns:
        return text + " " * (columns - width(text))
    while width(text) > columns - 1:
        text = text[:-1]
    return text + "…" + " " * (columns - 1 - width(text))


def print_table(results):
    print("\n{:<14} {:>7} {:>8} {:>9}  {}".format("spider", "pages", "items", "seconds", "status"))
    for result in results:
        print("{spider:<14} {pages:>7} {items:>8} {seconds:>9.1f}  {status}".format(**result))


def print_first_rows(result, columns=22, most=6):
    print("\nThe first rows of {}.csv:".format(result["spider"]))
    for row in [result["header"]] + result["first_rows"]:
        print(" | ".join(cut(cell, columns) for cell in row[:most]))


def demo(arguments):
    directory = choose_site(arguments.site)
    binary = arguments.server.resolve()
    if not os.access(str(binary), os.X_OK):
        raise DemoError("there is no server at {}; build it with: cargo build --release".format(arguments.server))
    password = secrets.token_urlsafe(16)
    with serve_site(directory) as site, run_server(binary, password) as api:
        print("The site: {}, {} HTML files".format(directory, len(html_files(directory))))
        print("The server: {}".format(api.home))
        api.log_in(password)
        project = api.call("POST", "/crawlhub/projects", {"name": "demo", "description": "示例"})
        results = []
        for spider in SPIDERS:
            results.append(run(api, spider, create_spider(api, project["id"], spider), site))
        print_table(results)
        for result in results:
            if result["first_rows"]:
                print_first_rows(result)
        failed = [result for result in results if result["problem"]]
        for result in failed:
            print("\n{}: {}\nThe end of its log:".format(result["spider"], result["problem"]), file=sys.stderr)
            print("\n".join(log_tail(api, result["task_id"])), file=sys.stderr)
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", type=Path, required=True, metavar="BINARY", help="the crawlhub binary")
    parser.add_argument("--site", type=Path, default=DEFAULT_SITE, metavar="DIR",
                        help="HTML to crawl (default: %(default)s)")
    arguments = parser.parse_args()
    # Ended by SIGTERM, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return demo(arguments)
    except DemoError as error:
        print("demo: {}".format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
