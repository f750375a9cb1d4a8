"""Items by the million: exports, memory, pages. python3 benches/data.py --server BINARY [--rows 1000000]

Beside each export stands what the database's own tool takes for the same rows in the same run: sqlite3 (Debian package
sqlite3), or psql where DATABASE_URL names a PostgreSQL, which should be an empty one.
"""

import argparse
import contextlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from bench import API, Server, row

# Of some 200 bytes, in SQL that both engines read; {n} is the row's number.
ITEM = """'{{"id": ' || {n} || ', "title": "A title of item ' || {n} || ' of a usual length", "price": ' || (({n} % 10000) / 100.0) ||
          ', "in_stock": true, "url": "https://shop.example.com/catalogue/' || {n} || '/index.html", "tags": ["new", "books", "' ||
          ({n} % 97) || '"], "sku": "SKU-' || ({n} * 7919) || '"}}'"""
FIELDS = ["id", "in_stock", "price", "sku", "tags", "title", "url"]
TASKS = {"small": "00000000-0000-7000-8000-00000000000a", "large": "00000000-0000-7000-8000-00000000000b"}
NOW = "2026-03-01 09:00:00+00:00"
PIECE = 1 << 20
POSTGRES = os.environ.get("DATABASE_URL")


def item_id(task, number):
    """Ids of a task follow each other, as the server makes them."""
    return f"{TASKS[task][-1] * 8}-0000-7000-8000-{number:012d}"


def fill(folder, task, rows):
    """The task's items and its books, by the engine alone."""
    id_prefix = item_id(task, 0)[:-12]
    books = (f"INSERT INTO item_counts (task_id, spider_id, received, stored, duplicate, rejected, item_bytes, items_kept) "
             f"VALUES ('{TASKS[task]}', 'spider', {rows}, {rows}, 0, 0, 0, {rows})")
    start = time.perf_counter()
    if POSTGRES:
        numbers, id_of = f"generate_series(0, {rows - 1}) AS n", f"'{id_prefix}' || LPAD(CAST(n AS TEXT), 12, '0')"
        data = f"CAST({ITEM.format(n='CAST(n AS BIGINT)')} AS JSON)"
        sql(f"INSERT INTO items (id, task_id, spider_id, is_test, data, created_at) SELECT {id_of}, '{TASKS[task]}', 'spider', FALSE, {data}, '{NOW}' FROM {numbers}; {books}; "
            f"VACUUM ANALYZE items")
    else:
        numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {rows})"
        with contextlib.closing(sqlite3.connect(folder + "/documents.db")) as database:
            database.executescript(
                f"BEGIN; INSERT INTO items (id, task_id, spider_id, is_test, data, created_at) {numbers} SELECT '{id_prefix}' || printf('%012d', n), '{TASKS[task]}', 'spider', "
                f"FALSE, {ITEM.format(n='n')}, '{NOW}' FROM numbers; {books}; COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")
    row(f"{rows:,} items filled in by the engine", f"{time.perf_counter() - start:.1f} s")


def sql(statements):
    for statement in statements.split("; "):
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", POSTGRES, "-c", statement], check=True)


def export(server, path):
    """Bytes and seconds, and seconds to the first byte."""
    request = urllib.request.Request(f"{server.base}{API}/data/export/{path}", headers=server.headers)
    size, start, first = 0, time.perf_counter(), None
    with urllib.request.urlopen(request) as answer:
        while piece := answer.read(PIECE):
            first = first or time.perf_counter() - start
            size += len(piece)
    return size, time.perf_counter() - start, first


def own_tool(folder, what, task):
    """The same rows by the database's own tool: bytes and seconds."""
    if what == "csv" and POSTGRES:
        columns = ", ".join(f"data->>'{name}'" for name in FIELDS)
    elif what == "csv":
        columns = ", ".join(f"json_extract(data, '$.{name}')" for name in FIELDS)
    else:
        columns = "data"
    query = f"SELECT {columns} FROM items WHERE task_id = '{TASKS[task]}' ORDER BY id"
    if POSTGRES:
        form = " WITH (FORMAT csv)" if what == "csv" else ""
        command = ["psql", "-q", POSTGRES, "-c", f"\\copy ({query}) TO STDOUT{form}"]
    else:
        command = ["sqlite3", "-csv" if what == "csv" else "-list", folder + "/documents.db", query]
    start, size = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tool:
        while piece := tool.stdout.read(PIECE):
            size += len(piece)
    if tool.returncode:
        sys.exit(f"{command[0]} failed")
    return size, time.perf_counter() - start


def exports(server, folder, rows):
    tool = "psql \\copy" if POSTGRES else "sqlite3"
    for what, path in [("csv", "csv"), ("csv", "csv?fields=" + ",".join(FIELDS)), ("ndjson", "ndjson")]:
        size, seconds, first = export(server, path + ("&" if "?" in path else "?") + "task_id=" + TASKS["large"])
        own_size, own_seconds = own_tool(folder, what, "large")
        named = what + (", fields named" if "fields" in path else "")
        row(f"export of {rows:,} items as {named}", f"{size / seconds / 1e6:,.0f} MB/s",
            f"first byte {first * 1000:.0f} ms; {tool}: {own_size / own_seconds / 1e6:,.0f} MB/s")
    for path in ["ndjson?compress=gzip", "ndjson?compress=zstd", "parquet", "xlsx"]:
        size, seconds, _ = export(server, path + ("&" if "?" in path else "?") + "task_id=" + TASKS["large"])
        row(f"the same as {path}", f"{seconds:.1f} s", f"{size / 1e6:,.0f} MB")


def memory(options, folder, task, rows):
    """The most that a new server had after it exported the task in every form that is a stream, and as a workbook."""
    server = Server(options.server, folder)
    try:
        idle = server.memory_mb("VmHWM")
        for path in ["csv", "ndjson", "ndjson?compress=zstd", "parquet"]:
            export(server, path + ("&" if "?" in path else "?") + "task_id=" + TASKS[task])
        streams = server.memory_mb("VmHWM")
        export(server, "xlsx?task_id=" + TASKS[task])
        beside = f"{idle:.0f} before; {server.memory_mb('VmHWM'):.0f} after XLSX"
        row(f"most memory after exports of {rows:,} items", f"{streams:.0f} MB", beside)
    finally:
        server.stop()


def pages(server, rows):
    """A page of 100 at the top, and the one 10,000 pages further down, or as far as there are items."""
    def milliseconds(query, times=30):
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            found = server.call("GET", f"{API}/data?page_size=100&{query}")
            taken.append((time.perf_counter() - start) * 1000)
        return statistics.median(taken), found

    deep = max(rows - 1_000_000, rows // 10)
    scope = "spider_id=spider"
    for name, query, times in [
        ("page 1", scope, 30),
        (f"page {(rows - deep) // 100:,} by cursor", f"{scope}&cursor={item_id('large', deep)}", 30),
        ("a search by a field, few finds", f"{scope}&filter=id:eq:{rows - 1000}", 3),
        ("a search by text, few finds", f"{scope}&q=item%20{rows - 1000}%20", 3),
    ]:
        taken, found = milliseconds(query, times)
        if not found["items"]:
            sys.exit(f"{query} finds nothing")
        row(f"of {rows:,} items, {name}", f"{taken:.1f} ms", f"total {found['total']}")
    taken, _ = milliseconds(f"task_id={TASKS['small']}&sort=-price", 3)
    row("the small task sorted by a field", f"{taken:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large task")
    parser.add_argument("--small", type=int, default=10_000, help="of the other one, whose memory is compared")
    options = parser.parse_args()
    tool = "psql" if POSTGRES else "sqlite3"
    if not shutil.which(tool):
        sys.exit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        # Makes the tables.
        Server(options.server, folder).stop()
        fill(folder, "small", options.small)
        fill(folder, "large", options.rows)
        for task, rows in [("small", options.small), ("large", options.rows)]:
            memory(options, folder, task, rows)
        server = Server(options.server, folder)
        try:
            exports(server, folder, options.rows)
            pages(server, options.rows)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
