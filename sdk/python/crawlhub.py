"""What a CrawlHub spider imports: one file, standard library only, Python 3.8 or later.

    from crawlhub import get_params, save_item, report_progress

    for number, page in enumerate(pages, 1):
        save_item({"url": page.url, "title": page.title})
        report_progress(100 * number // len(pages))

``save_item`` returns at once. A background thread sends the items in numbered batches and repeats a
batch until the server has stored it; the server stores a batch number once. Away from CrawlHub the
same spider runs unchanged and prints each item as one line of JSON.
"""

import atexit
import base64
import collections
import collections.abc
import dataclasses
import datetime
import enum
import gzip
import http.client
import http.cookiejar
import json
import math
import os
import random
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import weakref
import zlib

__all__ = [
    "CrawlHubPipeline", "IncrementalCrawl", "MiddlewareChain", "RequestMiddleware", "SessionManager",
    "URLFrontier", "adaptive_throttle", "download_file", "fetch_with_retry", "flush", "get_datasource",
    "get_datasources", "get_params", "get_proxy", "get_random_ua", "get_request_headers", "is_cancelled",
    "load_checkpoint", "log", "report_progress", "report_response_time", "rotate_proxy",
    "save_checkpoint", "save_item", "save_items", "throttle",
]


# --- What the server told this process -----------------------------------------------------------

def _number(name, default):
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        return default
    return value if math.isfinite(value) and value >= 0 else default


_TASK_ID = os.environ.get("CRAWLHUB_TASK_ID", "")
_SPIDER_ID = os.environ.get("CRAWLHUB_SPIDER_ID", "")
_API_URL = os.environ.get("CRAWLHUB_API_URL", "").rstrip("/")
_TOKEN = os.environ.get("CRAWLHUB_TOKEN", "")
_OUTPUT_DIR = os.environ.get("CRAWLHUB_OUTPUT_DIR", "")
_SPOOL_DIR = os.environ.get("CRAWLHUB_SPOOL_DIR", "")
_RATE_LIMIT = _number("CRAWLHUB_RATE_LIMIT", 0.0)
_MAX_ITEMS = int(_number("CRAWLHUB_MAX_ITEMS", 0))
_FLUSH_SECONDS = _number("CRAWLHUB_FLUSH_SECONDS", 20.0)
_HEARTBEAT_SECONDS = _number("CRAWLHUB_HEARTBEAT_SECONDS", 30.0)
_ON_CRAWLHUB = bool(_TASK_ID and _SPIDER_ID and _API_URL)

_BATCH_ITEMS = 500
_BATCH_BYTES = 1024 * 1024 - 4096  # with its envelope below 1 MiB, where many proxies refuse a body
_BATCH_AGE = 0.5
_MEMORY_BYTES = 8 * 1024 * 1024
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 5.0
_CALL_TIMEOUT = 15.0
_SIGTERM_SECONDS = min(3.0, _FLUSH_SECONDS)  # the server kills the process 5 s after SIGTERM


def get_params():
    """The parameters of this run, a dict."""
    try:
        params = json.loads(os.environ.get("CRAWLHUB_PARAMS") or "{}")
    except ValueError:
        return {}
    return params if isinstance(params, dict) else {}


def get_datasources():
    """The spider's data sources: dicts of id, name, type, host, port, username, password, database."""
    try:
        sources = json.loads(os.environ.get("CRAWLHUB_DATASOURCES") or "[]")
    except ValueError:
        return []
    return sources if isinstance(sources, list) else []


def get_datasource(name):
    """The data source of that name, or None."""
    for source in get_datasources():
        if isinstance(source, dict) and source.get("name") == name:
            return source
    return None


def log(level, message):
    """Write one line to the task's log; level is debug, info, warn or error."""
    # Away from CrawlHub standard output belongs to the items.
    stream = sys.stdout if _ON_CRAWLHUB else sys.stderr
    print("[crawlhub:{}] {}".format(level, message), file=stream, flush=True)


def _complain(message):
    print("[crawlhub:error] " + message, file=sys.stderr, flush=True)


def _reason(error):
    """An error in words that cannot hold an address, for the API's address holds the token."""
    text = error.strerror if isinstance(error, OSError) else None
    return "{}: {}".format(type(error).__name__, text) if text else type(error).__name__


# --- Items as JSON -------------------------------------------------------------------------------

_DEEPEST = 100  # JSON readers stop at some depth; a cycle ends here too


def _fields(value):
    """The fields of a dataclass, attrs, pydantic or named-tuple object, else None."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if hasattr(value, f.name)}
    if hasattr(value, "__attrs_attrs__"):
        return {a.name: getattr(value, a.name) for a in value.__attrs_attrs__ if hasattr(value, a.name)}
    if callable(getattr(value, "model_dump", None)):
        return value.model_dump()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return None


def _fallback(value):
    """What JSON has no form for, in the nearest form it has."""
    if isinstance(value, collections.abc.Mapping):
        return dict(value)
    if isinstance(value, (collections.abc.Set, collections.abc.ValuesView, collections.deque)):
        try:
            return sorted(value) if isinstance(value, collections.abc.Set) else list(value)
        except TypeError:
            return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    fields = _fields(value)
    if fields is not None:
        return fields
    if callable(getattr(value, "tolist", None)):  # numpy's scalars and arrays
        return value.tolist()
    try:
        return str(value)
    except Exception:
        return "<{}>".format(type(value).__name__)


def _plain(value, depth=0):
    """A copy that JSON can hold: text keys, no NaN or Infinity, nothing too deep."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= _DEEPEST:
        return "<{}>".format(type(value).__name__)
    if isinstance(value, dict):
        return {k if isinstance(k, str) else str(k): _plain(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, depth + 1) for v in value]
    return _plain(_fallback(value), depth + 1)


_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_fallback).encode


def _encode(value):
    try:
        return _json(value).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        # Rare values (NaN, odd keys, cycles, lone surrogates) pay for the slow way; the others do not.
        return _json(_plain(value)).encode("utf-8", "replace")


def _record(item):
    """An item as the object that the server stores."""
    if isinstance(item, dict):
        return item
    if isinstance(item, collections.abc.Mapping):
        return dict(item)
    fields = _fields(item)
    return {"value": item} if fields is None else fields


# --- Talking to the server -----------------------------------------------------------------------

class _Link:
    """One kept-alive connection to the internal API. http.client knows no proxy, which is the point."""

    def __init__(self):
        self._connection = None

    def request(self, method, path, body=None, content_type="application/json", length=None,
                timeout=_CALL_TIMEOUT):
        """The status and the answer, a dict; OSError or HTTPException when there is none."""
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        if _TOKEN:
            headers["Authorization"] = "Bearer " + _TOKEN
        if length is not None:
            headers["Content-Length"] = str(length)
        url = urllib.parse.urlsplit(_API_URL + "/crawlhub/internal" + path)
        target = url.path + ("?" + url.query if url.query else "")
        kept = self._connection is not None
        try:
            return self._exchange(url, method, target, body, headers, timeout)
        except (ConnectionError, http.client.BadStatusLine):
            # The server may have closed a connection that was idle; that says nothing about it.
            if not kept:
                raise
            return self._exchange(url, method, target, body, headers, timeout)

    def _exchange(self, url, method, target, body, headers, timeout):
        if self._connection is None:
            kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(url.hostname, url.port, timeout=timeout)
        try:
            if self._connection.sock is not None:
                self._connection.sock.settimeout(timeout)
            self._connection.request(method, target, body=body, headers=headers)
            response = self._connection.getresponse()
            content = response.read()
        except BaseException:
            self.close()
            raise
        if response.will_close:
            self.close()
        try:
            answer = json.loads(content.decode("utf-8"))
        except ValueError:
            answer = None
        return response.status, answer if isinstance(answer, dict) else {}

    def close(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _is_final(status):
    """Whether repeating the call would bring the same refusal."""
    return 400 <= status < 500 and status not in (408, 429)


def _call(method, path, body=None, tries=3, **options):
    """One call in the caller's thread: (the answer's ``data``, True), or (None, False) and a line on stderr."""
    delay = _FIRST_DELAY
    failure = ""
    for attempt in range(tries):
        if attempt:
            time.sleep(delay)
            delay *= 2
        link = _Link()
        try:
            status, answer = link.request(method, path, body() if callable(body) else body, **options)
        except (OSError, http.client.HTTPException) as error:
            failure = _reason(error)
            continue
        finally:
            link.close()
        if 200 <= status < 300:
            return answer.get("data", {}), True
        failure = "{} {}".format(status, answer.get("msg", "")).strip()
        if _is_final(status):
            break
    _complain("{} {} failed: {}".format(method, path.partition("?")[0], failure))
    return None, False


# --- Delivery ------------------------------------------------------------------------------------

class _Lock:
    """A lock that a signal handler never finds held by the very thread it interrupted.

    The handler hands its work to ``run``: at once where the main thread is outside, else when it
    leaves. So the work sees whole data and cannot wait for itself.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._main = threading.main_thread().ident
        self._depth = 0  # of the main thread alone
        self._waiting = None

    def acquire(self, blocking=True, timeout=-1):
        if threading.get_ident() != self._main:
            return self._lock.acquire(blocking, timeout)
        self._depth += 1
        taken = self._lock.acquire(blocking, timeout)
        if not taken:
            self._leave()
        return taken

    def release(self):
        self._lock.release()
        if threading.get_ident() == self._main:
            self._leave()

    def _leave(self):
        self._depth -= 1
        if self._waiting is not None and self._depth == 0:
            work, self._waiting = self._waiting, None
            work()

    def run(self, work):
        if self._depth:
            self._waiting = work
        else:
            work()

    __enter__ = acquire

    def __exit__(self, *exc_info):
        self.release()


class _Batch:
    """Some items with their number; the body is in memory, in a spool file, or in both."""

    __slots__ = ("number", "count", "body", "path", "done")

    def __init__(self, number, count, body):
        self.number = number
        self.count = count
        self.body = body
        self.path = None
        self.done = False

    def read(self):
        body = self.body  # may move to disk at any moment
        if body is None:
            with open(self.path, "rb") as file:
                body = file.read()
        return body


class _Outbox:
    """Takes items, and sends them from one background thread, which also carries the heartbeat."""

    def __init__(self, beats=True, saved=0):
        self.saved = saved
        self.cancelled = False
        self._beats = beats
        self._lock = _Lock()
        self._changed = threading.Condition(self._lock)
        self._disk = threading.RLock()  # may be held when SIGTERM comes; writing a file twice is harmless
        self._parts = []
        self._parts_bytes = 0
        self._parts_since = 0.0
        self._queue = collections.deque()
        self._memory = 0
        self._numbers = self._number_range()
        self._progress = None
        self._thread = None
        self._started = False
        self._finishing = False
        self._finished = False
        self._full_said = False
        self._disk_said = False
        self._outage_said = False
        self._link = _Link()
        self._delay = _FIRST_DELAY
        self._next_beat = time.monotonic() + _HEARTBEAT_SECONDS
        self._envelope = "{{\"task_id\":{},\"spider_id\":{},".format(
            json.dumps(_TASK_ID), json.dumps(_SPIDER_ID)).encode("utf-8")

    @staticmethod
    def _number_range():
        # Unique over processes without asking anyone, and exact as a double (below 2^53).
        while True:
            base = (int.from_bytes(os.urandom(4), "big") >> 1) << 20
            yield from range(base + 1, base + (1 << 20))

    # What the spider's threads call

    def add(self, item):
        """Take an item; False when the task has its ``max_items``."""
        if _MAX_ITEMS and self.saved >= _MAX_ITEMS:
            return self._refuse()
        part = _encode(_record(item))
        if not self._started:
            self.start()
        with self._lock:
            full = _MAX_ITEMS and self.saved >= _MAX_ITEMS
            if not full:
                self.saved += 1
                if self._parts and self._parts_bytes + len(part) > _BATCH_BYTES:
                    self._seal()
                if not self._parts:
                    self._parts_since = time.monotonic()
                    self._changed.notify_all()
                self._parts.append(part)
                self._parts_bytes += len(part) + 1
                if len(self._parts) >= _BATCH_ITEMS or self._parts_bytes >= _BATCH_BYTES:
                    self._seal()
            crowded = self._memory > _MEMORY_BYTES
        if full:
            return self._refuse()
        if crowded:
            self._spill(_MEMORY_BYTES)
        if self._finished:
            self.finish(_SIGTERM_SECONDS)
        return True

    def _refuse(self):
        if not self._full_said:
            self._full_said = True
            log("warn", "max_items ({}) is reached; further items are dropped".format(_MAX_ITEMS))
        return False

    def progress(self, percent, message):
        if not self._started:
            self.start()
        with self._lock:
            self._progress = {"task_id": _TASK_ID, "progress": percent, "message": message}
            self._changed.notify_all()

    def flush(self, seconds):
        """Wait until everything taken so far has its answer; False when the time is over."""
        with self._lock:
            self._seal()
            waiting = list(self._queue)
        return self._await(lambda: all(batch.done for batch in waiting), seconds)

    def finish(self, seconds):
        """The end of the process: send what is left, and write to the spool what cannot be sent."""
        deadline = time.monotonic() + seconds
        with self._lock:
            self._finishing = True
            self._seal()
            self._changed.notify_all()
        if not self._await(lambda: not self._queue and self._progress is None, min(1.0, seconds)):
            # On disk it is safe from whoever loses patience with this process.
            self._spill(0)
            self._await(lambda: not self._queue, deadline - time.monotonic())
        self._finished = True
        with self._lock:
            lost = sum(batch.count for batch in self._queue if batch.path is None)
            spooled = sum(batch.count for batch in self._queue) - lost
        if lost:
            _complain("{} items could not be delivered".format(lost))
        if spooled:
            _complain("{} items could not be sent and are left in the spool".format(spooled))

    def _await(self, condition, seconds):
        thread = self._thread
        if thread is None or not thread.is_alive():
            # None can be started while the interpreter shuts down.
            self._drain(time.monotonic() + seconds)
            return condition()
        with self._lock:
            return self._changed.wait_for(condition, max(0.0, seconds))

    def start(self):
        with self._lock:
            if self._started:
                return
            self._started = True
        self._finish_with_multiprocessing()
        self._thread = threading.Thread(target=self._run, name="crawlhub", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            pass  # too late for a thread: _await sees that none is alive

    @staticmethod
    def _finish_with_multiprocessing():
        # Its children leave by os._exit, past atexit; they do run multiprocessing's own finalizers.
        if _is_multiprocessing_child():
            from multiprocessing import util
            util.Finalize(None, _at_exit, exitpriority=0)

    # Batches, in memory and on disk

    def _seal(self):
        """Close the batch that is being filled. The lock is held."""
        if not self._parts:
            return
        number = next(self._numbers)
        body = b"%s\"batch\":%d,\"items\":[%s]}" % (self._envelope, number, b",".join(self._parts))
        self._queue.append(_Batch(number, len(self._parts), body))
        self._memory += len(body)
        self._parts = []
        self._parts_bytes = 0
        self._changed.notify_all()

    def _spill(self, keep):
        """Move the newest batches to the spool until at most ``keep`` bytes are in memory."""
        while _SPOOL_DIR:
            with self._disk:
                with self._lock:
                    held = (b for b in reversed(self._queue) if b.body is not None)
                    batch = next(held, None) if self._memory > keep else None
                if batch is None:
                    return
                path = self._write(batch, ".json")
                if path is None:
                    return
                with self._lock:
                    batch.path = path
                    self._drop_body(batch)
                    too_late = batch.done
            if too_late:
                self._remove(path)

    def _write(self, batch, suffix):
        """The path of the batch's new spool file, or None."""
        path = os.path.join(_SPOOL_DIR, "{}{}".format(batch.number, suffix))
        passing = path + ".tmp"
        try:
            body = batch.read()
            os.makedirs(_SPOOL_DIR, exist_ok=True)
            with open(passing, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(passing, path)
        except OSError as error:
            if not self._disk_said:
                self._disk_said = True
                _complain("the spool cannot be written ({}); items stay in memory".format(_reason(error)))
            return None
        return path

    def _drop_body(self, batch):
        if batch.body is not None:
            self._memory -= len(batch.body)
            batch.body = None

    def _remove(self, path):
        try:
            os.remove(path)
        except OSError:
            pass  # the server would store this number once anyway

    # The background thread

    def _run(self):
        while True:
            try:
                self._step()
            except Exception as error:
                _complain("delivery stumbled ({}); it goes on".format(_reason(error)))
                self._pause()

    def _step(self):
        if self._beats and time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + _HEARTBEAT_SECONDS
            self._beat()
        with self._lock:
            if not self._queue and self._parts and self._parts_age() >= _BATCH_AGE:
                self._seal()
            batch = self._queue[0] if self._queue else None
            progress = self._progress
            if batch is None and progress is None:
                self._changed.wait(self._idle_seconds())
                return
        # Both are tried, so that neither's trouble holds up the other.
        sent = batch is None or self._send(batch)
        told = progress is None or self._send_progress(progress)
        if not (sent and told):
            self._pause()

    def _parts_age(self):
        return time.monotonic() - self._parts_since

    def _idle_seconds(self):
        until_beat = self._next_beat - time.monotonic() if self._beats else 3600.0
        until_old = _BATCH_AGE - self._parts_age() if self._parts else until_beat
        return max(0.0, min(until_beat, until_old))

    def _pause(self):
        """Wait before the next try; the end of the process does not wait as long."""
        with self._lock:
            finishing = self._finishing
            seconds = min(self._delay, 0.5) if finishing else self._delay
            self._changed.wait_for(lambda: self._finishing != finishing, seconds)
        self._delay = min(self._delay * 2, _LONGEST_DELAY)

    def _drain(self, deadline):
        """Send in the calling thread until nothing waits or the time is over."""
        while self._queue and time.monotonic() < deadline:
            if not self._send(self._queue[0], deadline - time.monotonic()):
                time.sleep(max(0.0, min(self._delay, deadline - time.monotonic())))

    def _post(self, path, body, timeout=_CALL_TIMEOUT):
        """The status (0 when there was no answer) and the server's sentence."""
        try:
            status, answer = self._link.request("POST", path, body, timeout=timeout)
        except (OSError, http.client.HTTPException) as error:
            status, message = 0, _reason(error)
        else:
            message = str(answer.get("msg", ""))
            self._say_rejected(answer.get("data"))
        if 200 <= status < 300:
            self._delay = _FIRST_DELAY
            if self._outage_said:
                self._outage_said = False
                log("info", "the server answers again")
        elif not _is_final(status) and not self._outage_said:
            self._outage_said = True
            why = "{} {}".format(status, message).strip() if status else message
            _complain("the server does not take items ({}); they are kept and sent again".format(why))
        return status, message

    def _say_rejected(self, told):
        """One line for each batch of which the spider's schema refused something."""
        if isinstance(told, dict) and told.get("rejected") and told.get("reason"):
            log("warn", "{} items were rejected and are in quarantine; the first: {}".format(
                told["rejected"], told["reason"]))

    def _send(self, batch, timeout=_CALL_TIMEOUT):
        """Send one batch; False when it has to be tried again."""
        try:
            body = batch.read()
        except OSError as error:
            _complain("{} items are gone from the spool ({})".format(batch.count, _reason(error)))
            self._settle(batch)
            return True
        status, message = self._post("/items", body, max(0.1, min(timeout, _CALL_TIMEOUT)))
        if 200 <= status < 300:
            self._settle(batch)
            return True
        if _is_final(status):
            kept = self._write(batch, ".rejected") if _SPOOL_DIR else None
            _complain("the server refused {} items ({} {}); {}".format(
                batch.count, status, message, "kept in the spool as rejected" if kept else "they are dropped"))
            self._settle(batch)
            return True
        with self._lock:
            # The next try takes another batch, so that a single bad one holds up nothing.
            self._queue.rotate(-1)
        return False

    def _settle(self, batch):
        with self._lock:
            batch.done = True
            self._drop_body(batch)
            if batch in self._queue:
                self._queue.remove(batch)
            path = batch.path
            self._changed.notify_all()
        if path is not None:
            self._remove(path)

    def _send_progress(self, progress):
        status, message = self._post("/progress", _encode(progress))
        if _is_final(status):
            _complain("the server refused the progress ({} {})".format(status, message))
        elif not 200 <= status < 300:
            return False
        with self._lock:
            if self._progress is progress:
                self._progress = None
                self._changed.notify_all()
        return True

    def _beat(self):
        beat = {"task_id": _TASK_ID, "items_count": self.saved}
        memory = _memory_mb()
        if memory is not None:
            beat["memory_mb"] = memory
        try:
            self._link.request("POST", "/heartbeat", _encode(beat))
            status, answer = self._link.request("GET", "/task/status?task_id=" + urllib.parse.quote(_TASK_ID))
        except (OSError, http.client.HTTPException):
            return
        data = answer.get("data")
        if status == 200 and isinstance(data, dict) and data.get("status") == "cancelled":
            self._cancel()

    def _cancel(self):
        self.cancelled = True
        self._beats = False
        with self._lock:
            self._seal()
        self._drain(time.monotonic() + _SIGTERM_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)


def _memory_mb():
    try:
        with open("/proc/self/statm") as statm:
            return round(int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576, 1)
    except (OSError, ValueError, IndexError):
        return None


def _is_multiprocessing_child():
    multiprocessing = sys.modules.get("multiprocessing")
    # A spawned child has its name before it imports the spider, and parent_process() only after.
    return multiprocessing is not None and multiprocessing.current_process().name != "MainProcess"


def _at_exit():
    _outbox.finish(_FLUSH_SECONDS)


def _on_sigterm(signum, frame):
    _outbox._lock.run(_end_by_sigterm)


def _end_by_sigterm():
    _outbox.finish(_SIGTERM_SECONDS)
    # Whoever waits for this process is to see that the signal ended it.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


_forking = threading.local()


def _before_fork():
    # Python forgets a signal that reaches a child before it has settled; blocked, the signal waits.
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])


def _after_fork_in_parent():
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _after_fork_in_child():
    # What the parent holds is the parent's to send; threads and locks do not survive a fork.
    global _outbox
    _outbox = _Outbox(beats=False, saved=_outbox.saved)
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


_outbox = None
if _ON_CRAWLHUB:
    _outbox = _Outbox(beats=not _is_multiprocessing_child())
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent,
                            after_in_child=_after_fork_in_child)
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _on_sigterm)
    if not _is_multiprocessing_child():
        _outbox.start()


# --- Items, progress, checkpoints ----------------------------------------------------------------

_printed = 0
_print_lock = threading.Lock()


def _print_item(item):
    global _printed
    line = _encode(_record(item)).decode("utf-8")
    with _print_lock:
        if _MAX_ITEMS and _printed >= _MAX_ITEMS:
            return False
        _printed += 1
        print(line, flush=True)
    return True


def save_item(item):
    """Save one item: a dict, or a dataclass, attrs, pydantic or Scrapy item. Never waits for the network.

    False when the task has as many items as it may have (``max_items``); the item is then dropped.
    """
    return _print_item(item) if _outbox is None else _outbox.add(item)


def save_items(items):
    """Save several items; the number that were taken."""
    return sum(1 for item in items if save_item(item))


def flush(timeout=None):
    """Wait until the items saved so far have been delivered; False when the time is over."""
    if _outbox is None:
        sys.stdout.flush()
        return True
    return _outbox.flush(_FLUSH_SECONDS if timeout is None else timeout)


def report_progress(percent, message=None):
    """Report how far the task is, 0 to 100. Of several reports the newest is sent."""
    percent = int(max(0, min(100, percent)))
    if _outbox is None:
        log("info", "{}% {}".format(percent, message or "").rstrip())
    else:
        _outbox.progress(percent, message)


def save_checkpoint(data):
    """Save where a later run may resume; True when the server has it.

    The items saved before are delivered first, so that a checkpoint never runs ahead of them.
    """
    if _outbox is None:
        return False
    if not flush():
        _complain("the checkpoint was not saved, because items before it are not delivered yet")
        return False
    return _call("POST", "/checkpoint", _encode({"task_id": _TASK_ID, "checkpoint_data": data}))[1]


def load_checkpoint():
    """The checkpoint of the spider's last failed run, or None."""
    if _outbox is None:
        return None
    data, _ = _call("GET", "/checkpoint?" + urllib.parse.urlencode({"spider_id": _SPIDER_ID}))
    return (data.get("checkpoint_data") or None) if isinstance(data, dict) else None


def is_cancelled():
    """Whether the task was cancelled; SIGTERM follows."""
    return _outbox is not None and _outbox.cancelled


class CrawlHubPipeline:
    """Scrapy pipeline: ITEM_PIPELINES = {"crawlhub.CrawlHubPipeline": 300}."""

    def process_item(self, item, spider=None):
        save_item(self._as_dict(item))
        return item

    def close_spider(self, spider=None):
        """Nothing to do: the end of the process delivers the rest, and waiting here would stop the reactor."""

    @staticmethod
    def _as_dict(item):
        if isinstance(item, dict):
            return item
        try:
            from itemadapter import ItemAdapter
        except ImportError:
            return item
        return ItemAdapter(item).asdict() if ItemAdapter.is_item(item) else item


# --- Politeness ----------------------------------------------------------------------------------

_pace_lock = threading.Lock()
_next_request = 0.0
_response_times = collections.deque(maxlen=50)


def throttle():
    """Call before each request: waits so that the spider's rate limit holds over all threads."""
    global _next_request
    if _RATE_LIMIT <= 0:
        return
    with _pace_lock:
        now = time.monotonic()
        turn = max(now, _next_request)
        _next_request = turn + 1.0 / _RATE_LIMIT
    time.sleep(turn - now)


def report_response_time(ms):
    """Note how long an answer took, in milliseconds, for ``adaptive_throttle``."""
    _response_times.append(float(ms))


def adaptive_throttle():
    """Wait longer the slower the site has lately answered: 0.1 s up to 0.5 s, 2 s at 2 s, 10 s from 10 s."""
    times = list(_response_times)
    seconds = sum(times) / len(times) / 1000.0 if times else 0.0
    if seconds <= 0.5:
        wait = 0.1
    elif seconds <= 2.0:
        wait = 0.1 + (seconds - 0.5) / 1.5 * 1.9
    else:
        wait = min(seconds, 10.0)
    time.sleep(wait)


# --- Fetching ------------------------------------------------------------------------------------

_PLATFORMS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
)


def get_random_ua():
    """The User-Agent of some present-day desktop browser."""
    platform = random.choice(_PLATFORMS)
    if random.random() < 0.3:
        version = random.randint(128, 140)
        return "Mozilla/5.0 ({}; rv:{}.0) Gecko/20100101 Firefox/{}.0".format(platform, version, version)
    return ("Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/{}.0.0.0 Safari/537.36".format(platform, random.randint(126, 140)))


def get_request_headers(extra=None):
    """A browser's usual request headers, with a random User-Agent; ``extra`` is laid over them."""
    headers = {
        "User-Agent": get_random_ua(),
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
        # Only what fetch_with_retry and SessionManager can undo.
        "Accept-Encoding": "gzip, deflate",
    }
    headers.update(extra or {})
    return headers


_proxy_url = os.environ.get("CRAWLHUB_PROXY_URL") or None


def get_proxy():
    """The proxy to use now, as an address, or None."""
    return _proxy_url


def rotate_proxy(failed_proxy=None):
    """Ask for another proxy, naming the one that failed; the proxy to use from now on, or None.

    Clients that look into the environment for each request, as requests does, use it from then on, too.
    """
    if _outbox is None:
        return _proxy_url
    query = {"task_id": _TASK_ID, "spider_id": _SPIDER_ID}
    if failed_proxy:
        query["failed_proxy"] = failed_proxy
    data, _ = _call("GET", "/proxy/rotate?" + urllib.parse.urlencode(query))
    if isinstance(data, dict) and data.get("proxy_url"):
        _adopt_proxy(data["proxy_url"])
    return _proxy_url


def _adopt_proxy(url):
    global _proxy_url
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        # What the spider was set to go through instead stays.
        if _proxy_url and os.environ.get(name) == _proxy_url:
            os.environ[name] = url
    _proxy_url = url


def _opener(proxy, *handlers):
    if not proxy:
        return urllib.request.build_opener(*handlers)
    if proxy.lower().startswith("socks"):
        # Going on without it would show the site the address that the proxy is there to hide.
        raise ValueError("urllib has no SOCKS; give get_proxy() to a client that speaks it")
    return urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy, "https": proxy}), *handlers)


def _read(response):
    body = response.read()
    encoding = (response.headers.get("Content-Encoding") or "").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return gzip.decompress(body)
    if encoding == "deflate":
        try:
            return zlib.decompress(body)
        except zlib.error:
            return zlib.decompress(body, -zlib.MAX_WBITS)  # some servers leave the zlib header out
    return body


class SessionManager:
    """Requests that share their cookies, through ``proxy`` or else the task's own."""

    def __init__(self, proxy=None):
        self._cookies = http.cookiejar.CookieJar()
        self._opener = _opener(proxy or get_proxy(), urllib.request.HTTPCookieProcessor(self._cookies))

    @property
    def cookies(self):
        return self._cookies

    def get(self, url, headers=None, timeout=30):
        """The body of the answer, as bytes."""
        return self._open(urllib.request.Request(url, headers=headers or {}), timeout)

    def post(self, url, data=None, headers=None, timeout=30):
        """The body of the answer, as bytes."""
        return self._open(urllib.request.Request(url, data=data, headers=headers or {}, method="POST"), timeout)

    def _open(self, request, timeout):
        with self._opener.open(request, timeout=timeout) as response:
            return _read(response)


def fetch_with_retry(url, max_retries=3, backoff_factor=1.0, retry_on_status=(429, 500, 502, 503, 504),
                     headers=None, timeout=30):
    """The body at ``url``, as bytes, tried again with growing pauses; raises the last failure."""
    for attempt in range(max_retries + 1):
        try:
            request = urllib.request.Request(url, headers=headers or {})
            with _opener(get_proxy()).open(request, timeout=timeout) as response:
                return _read(response)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in retry_on_status or attempt == max_retries:
                raise
        except (OSError, http.client.HTTPException):
            if attempt == max_retries:
                raise
        time.sleep(backoff_factor * 2 ** attempt * random.uniform(1.0, 1.5))


# A downloaded file of these kinds would be taken for items where the server looks for them.
_ITEM_FILES = (".json", ".jsonl", ".csv")


def download_file(url, filename=None, upload=True):
    """Download to the output directory and, with ``upload``, to the server; the local path."""
    name = filename or urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    name = os.path.basename(name.replace("\\", "/").rstrip("/"))
    if name in ("", ".", ".."):
        name = "download"
    folder = _OUTPUT_DIR or "."
    if _OUTPUT_DIR and name.lower().endswith(_ITEM_FILES):
        folder = os.path.join(folder, "downloads")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    request = urllib.request.Request(url, headers={"User-Agent": get_random_ua()})
    with _opener(get_proxy()).open(request, timeout=60) as response, open(path + ".part", "wb") as file:
        shutil.copyfileobj(response, file)
    os.replace(path + ".part", path)
    if upload and _outbox is not None:
        _upload(path, name)
    return path


def _upload(path, name):
    boundary = "crawlhub-" + os.urandom(12).hex()
    quoted = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = []
    for field, value in (("task_id", _TASK_ID), ("spider_id", _SPIDER_ID), ("filename", name)):
        head.append('--{}\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'.format(boundary, field, value))
    head.append('--{}\r\nContent-Disposition: form-data; name="file"; filename="{}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n".format(boundary, quoted))
    first = "".join(head).encode("utf-8")
    last = "\r\n--{}--\r\n".format(boundary).encode("ascii")

    def body():
        yield first
        with open(path, "rb") as file:
            yield from iter(lambda: file.read(1 << 16), b"")
        yield last

    _call("POST", "/files/upload", body, content_type="multipart/form-data; boundary=" + boundary,
          length=len(first) + os.path.getsize(path) + len(last), timeout=60.0)


# --- Which pages are still to do -----------------------------------------------------------------

def _normal_url(url):
    """The same text for addresses that mean the same page."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.urlencode(sorted(urllib.parse.parse_qsl(parts.query, keep_blank_values=True)))
    return urllib.parse.urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, query, ""))


class URLFrontier:
    """A queue of addresses, each taken once; safe for threads."""

    def __init__(self):
        self._queue = collections.deque()
        self._seen = set()
        self._lock = threading.Lock()

    def add(self, url, meta=None):
        """False when the address was there before."""
        key = _normal_url(url)
        with self._lock:
            if key in self._seen:
                return False
            self._seen.add(key)
            self._queue.append((url, meta))
            return True

    def add_many(self, urls):
        """The number of addresses that were new."""
        return sum(1 for url in urls if self.add(url))

    def pop(self):
        """The next (url, meta); IndexError when there is none."""
        with self._lock:
            return self._queue.popleft()

    def is_empty(self):
        return not self._queue

    def size(self):
        return len(self._queue)

    def seen_count(self):
        return len(self._seen)


class IncrementalCrawl:
    """Addresses seen and values kept from run to run, saved as the checkpoint."""

    def __init__(self, max_urls=10000, auto_save_interval=60):
        self._max_urls = max_urls
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        checkpoint = load_checkpoint()
        checkpoint = checkpoint if isinstance(checkpoint, dict) else {}
        meta = checkpoint.get("_incremental_meta")
        seen = meta.get("seen_urls") if isinstance(meta, dict) else None
        data = checkpoint.get("_incremental_data")
        self._seen = dict.fromkeys(seen[-max_urls:] if isinstance(seen, list) else ())
        self._data = data if isinstance(data, dict) else {}
        self._thread = None
        if auto_save_interval > 0:
            arguments = (weakref.ref(self), self._stopped, auto_save_interval)
            self._thread = threading.Thread(target=self._save_at_times, args=arguments, daemon=True)
            self._thread.start()

    @staticmethod
    def _save_at_times(reference, stopped, interval):
        while not stopped.wait(interval):
            crawl = reference()
            if crawl is None:
                return
            crawl.save()
            del crawl

    def is_seen(self, url):
        with self._lock:
            return _normal_url(url) in self._seen

    def mark_seen(self, url):
        """Beyond ``max_urls`` the oldest address is forgotten."""
        key = _normal_url(url)
        with self._lock:
            self._seen.pop(key, None)
            self._seen[key] = None
            while len(self._seen) > self._max_urls:
                del self._seen[next(iter(self._seen))]

    def get(self, key, default=None):
        with self._lock:
            return self._data.get(key, default)

    def set(self, key, value):
        with self._lock:
            self._data[key] = value

    def save(self):
        with self._lock:
            checkpoint = {
                "_incremental_meta": {"seen_urls": list(self._seen)},
                "_incremental_data": dict(self._data),
            }
        save_checkpoint(checkpoint)

    def stop(self):
        """End the automatic saving."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def __del__(self):
        self._stopped.set()


class RequestMiddleware:
    """Base class: override one or both to change requests and answers of a MiddlewareChain."""

    def process_request(self, url, headers, meta):
        return url, headers, meta

    def process_response(self, data, meta):
        return data


class MiddlewareChain:
    """fetch_with_retry inside middlewares: requests pass them in order, answers in reverse."""

    def __init__(self):
        self._middlewares = []

    def add(self, middleware):
        self._middlewares.append(middleware)

    def execute(self, url, headers=None, meta=None, timeout=30):
        """The body of the answer, as bytes."""
        headers = {} if headers is None else headers
        meta = {} if meta is None else meta
        for middleware in self._middlewares:
            url, headers, meta = middleware.process_request(url, headers, meta)
        data = fetch_with_retry(url, headers=headers, timeout=timeout)
        for middleware in reversed(self._middlewares):
            data = middleware.process_response(data, meta)
        return data
