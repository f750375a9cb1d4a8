"""Tests of the SDK and the launcher, against a loopback server that is often unwell.

    python3 -m unittest discover -s sdk/python
"""

import contextlib
import http.server
import importlib.util
import json
import os
import random
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
TOKEN = "secret-of-this-task"
PATIENCE = 30.0


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain until " + what)
        time.sleep(0.01)


class Platform:
    """The server's internal API. ``troubles`` says what happens to the next posts of items."""

    def __init__(self):
        self.troubles = []
        self.stored = {}
        self.posts = 0
        self.calls = []
        self.task_status = "running"
        self.checkpoint = None
        self.progress_status = 200
        self.lock = threading.Lock()
        self.server = None
        self.port = 0
        self.come_back()

    @property
    def api_url(self):
        return "http://127.0.0.1:{}/platform/api/_t/{}".format(self.port, TOKEN)

    def come_back(self):
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self):
                platform.answer(self)

            do_GET = do_POST

            def log_message(self, *args):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # clients that hang up are part of the tests

        self.connections = set()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def go_away(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(2)
        self.server = None

    def close(self):
        if self.server is not None:
            self.go_away()

    def answer(self, request):
        self.connections.add(request.connection)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        path, _, query = request.path.partition("?")
        prefix = "/platform/api/_t/{}/crawlhub/internal".format(TOKEN)
        if not path.startswith(prefix) or request.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.reply(request, 401, "no")
        path = path[len(prefix):]
        with self.lock:
            self.calls.append((request.command, path, dict(urllib.parse.parse_qsl(query)), body))
        if path == "/items":
            return self.take_items(request, body)
        if path == "/progress" and self.progress_status != 200:
            return self.reply(request, self.progress_status, "坏的进度")
        data = None
        if path == "/task/status":
            data = {"task_id": "task-1", "status": self.task_status}
        elif path == "/checkpoint" and request.command == "GET":
            data = self.checkpoint
        elif path == "/proxy/rotate":
            data = {"proxy_url": "http://proxy-2:3128", "message": "ok"}
        self.reply(request, 200, "success", data)

    def take_items(self, request, body):
        with self.lock:
            self.posts += 1
            trouble = self.troubles.pop(0) if self.troubles else None
        if trouble == "drop":
            return self.hang_up(request)
        if isinstance(trouble, int):
            return self.reply(request, trouble, "坏的批次")
        self.store(body)
        if trouble == "store, then drop":
            return self.hang_up(request)
        if trouble == "slow":
            time.sleep(0.3)
        self.reply(request, 200, "已接收", {"accepted": 1, "duplicate": 0, "rejected": 0})

    def store(self, body):
        batch = json.loads(body.decode("utf-8"))
        assert (batch["task_id"], batch["spider_id"]) == ("task-1", "spider-1")
        with self.lock:
            self.stored.setdefault(batch["batch"], batch["items"])

    def hang_up(self, request):
        request.close_connection = True
        request.connection.shutdown(2)

    def reply(self, request, status, message, data=None):
        content = json.dumps({"code": status, "msg": message, "data": data}).encode("utf-8")
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def items(self):
        with self.lock:
            return [item for number in sorted(self.stored) for item in self.stored[number]]

    def numbers(self):
        return sorted(item["n"] for item in self.items())

    def called(self, path):
        with self.lock:
            return [call for call in self.calls if call[1] == path]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="crawlhub-sdk-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.spool = os.path.join(self.folder, "spool")
        self.platform = Platform()
        self.addCleanup(self.platform.close)

    def environment(self, **changes):
        env = {k: v for k, v in os.environ.items() if not k.startswith("CRAWLHUB_")}
        env.update({
            "CRAWLHUB_TASK_ID": "task-1",
            "CRAWLHUB_SPIDER_ID": "spider-1",
            "CRAWLHUB_API_URL": self.platform.api_url + "/",
            "CRAWLHUB_TOKEN": TOKEN,
            "CRAWLHUB_SPOOL_DIR": self.spool,
            "PYTHONPATH": HERE,
            "PYTHONIOENCODING": "utf-8",
        })
        for name, value in changes.items():
            env.pop(name, None)
            if value is not None:
                env[name] = str(value)
        return env

    def start(self, script, **environment):
        path = os.path.join(self.folder, "main.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(script))
        return self.popen([sys.executable, "-u", path], **environment)

    def popen(self, command, cwd=None, **environment):
        process = subprocess.Popen(
            command, cwd=cwd or self.folder, env=self.environment(**environment), text=True, encoding="utf-8",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.reap, process)
        return process

    def reap(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def end(self, process, code=0):
        out, err = process.communicate(timeout=PATIENCE * 2)
        self.assertEqual(process.returncode, code, out + err)
        self.assertNotIn(TOKEN, out + err)
        return out, err

    def run_script(self, script, code=0, **environment):
        return self.end(self.start(script, **environment), code)

    def spooled(self, suffix=".json"):
        names = os.listdir(self.spool) if os.path.isdir(self.spool) else []
        bodies = []
        for name in sorted(names):
            if name.endswith(suffix):
                with open(os.path.join(self.spool, name), "rb") as file:
                    bodies.append(file.read())
                self.assertEqual(name, "{}{}".format(json.loads(bodies[-1].decode("utf-8"))["batch"], suffix))
        return bodies


def save(count, then=""):
    """A script that saves items and goes on with ``then``."""
    return textwrap.dedent("""
        from crawlhub import save_item
        for n in range({}):
            save_item({{"n": n, "标题": "第 %d 页" % n}})
    """).format(count) + textwrap.dedent(then)


class Delivery(Case):
    def test_items_arrive_in_order_and_in_batches(self):
        self.run_script(save(1234))
        self.assertEqual([item["n"] for item in self.platform.items()], list(range(1234)))
        self.assertEqual(self.platform.items()[7]["标题"], "第 7 页")
        for number, items in self.platform.stored.items():
            self.assertLess(number, 2 ** 53)
            self.assertLessEqual(len(items), 500)

    def test_batches_stay_below_one_mebibyte(self):
        self.run_script("""
            from crawlhub import save_item
            for n in range(40):
                save_item({"n": n, "text": "页" * 30000})
        """)
        self.assertEqual(self.platform.numbers(), list(range(40)))
        sizes = [len(body) for _, _, _, body in self.platform.called("/items")]
        self.assertLess(max(sizes), 1024 * 1024)

    def test_a_lone_item_does_not_wait_for_company(self):
        process = self.start("""
            import time
            from crawlhub import save_item
            save_item({"n": 1})
            time.sleep(60)
        """)
        wait_until(lambda: self.platform.numbers() == [1], "the item came while the spider was still at work")
        process.kill()

    def test_a_proxy_in_the_environment_is_not_for_the_platform(self):
        self.run_script(save(3), HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
        self.assertEqual(self.platform.numbers(), [0, 1, 2])

    def test_max_items(self):
        out, _ = self.run_script("""
            from crawlhub import save_item, save_items
            print(save_items({"n": n} for n in range(9)), save_item({"n": 9}), save_item({"n": 10}))
        """, CRAWLHUB_MAX_ITEMS=5)
        self.assertIn("5 False False", out)
        self.assertEqual(out.count("max_items"), 1)
        self.assertEqual(self.platform.numbers(), [0, 1, 2, 3, 4])

    def test_items_of_other_exit_functions(self):
        self.run_script("""
            import atexit
            atexit.register(lambda: crawlhub.save_item({"n": 2}))  # runs after the SDK's own
            import crawlhub
            atexit.register(lambda: crawlhub.save_item({"n": 1}))
            crawlhub.save_item({"n": 0})
        """)
        self.assertEqual(self.platform.numbers(), [0, 1, 2])

    def test_items_of_many_threads(self):
        self.run_script("""
            import threading
            from crawlhub import save_item
            def work(first):
                for n in range(first, first + 1000):
                    save_item({"n": n})
            threads = [threading.Thread(target=work, args=(k * 1000,)) for k in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
        """)
        self.assertEqual(self.platform.numbers(), list(range(8000)))


class Outages(Case):
    def test_nothing_lost_and_nothing_doubled(self):
        self.platform.troubles = [500, "drop", "store, then drop", 429, "slow", 503, "store, then drop", "drop", 408]
        self.run_script(save(3000))
        self.assertEqual(self.platform.numbers(), list(range(3000)))
        self.assertEqual(self.platform.troubles, [])
        self.assertEqual(self.spooled(), [])

    def test_random_troubles(self):
        chance = random.Random(20)
        for _ in range(40):
            self.platform.troubles += [chance.choice(["drop", "store, then drop", None, None, None, 502])]
        self.run_script(save(15000), CRAWLHUB_FLUSH_SECONDS=60)
        self.assertEqual(self.platform.numbers(), list(range(15000)))

    def test_the_server_is_away_and_comes_back(self):
        self.platform.go_away()
        process = self.start(save(3000, """
        print("saved", flush=True)
        """))
        self.assertEqual(process.stdout.readline(), "saved\n")
        self.platform.come_back()
        self.end(process)
        self.assertEqual(self.platform.numbers(), list(range(3000)))
        self.assertEqual(self.spooled(), [])

    def test_the_server_restarts_in_the_middle(self):
        process = self.start("""
            import sys, time
            from crawlhub import save_item
            for n in range(2000):
                save_item({"n": n})
                if n % 500 == 499:
                    print(n, flush=True)
                    time.sleep(0.3)
        """)
        process.stdout.readline()
        self.platform.go_away()
        process.stdout.readline()
        self.platform.come_back()
        self.end(process)
        self.assertEqual(self.platform.numbers(), list(range(2000)))

    def test_the_server_never_comes_back(self):
        self.platform.go_away()
        _, err = self.run_script(save(1200), CRAWLHUB_FLUSH_SECONDS=0.5)
        self.assertIn("1200 items could not be sent and are left in the spool", err)
        for body in self.spooled():
            self.platform.store(body)
        self.assertEqual(self.platform.numbers(), list(range(1200)))
        self.assertEqual([n for n in os.listdir(self.spool) if not n.endswith(".json")], [])

    def test_what_was_stored_unacknowledged_and_spooled_counts_once(self):
        self.platform.troubles = ["store, then drop"] * 1000
        self.run_script(save(1200), CRAWLHUB_FLUSH_SECONDS=0.5)
        self.assertGreater(len(self.spooled()), 0)
        for body in self.spooled():
            self.platform.store(body)
        self.assertEqual(self.platform.numbers(), list(range(1200)))

    def test_without_a_spool_the_loss_is_told(self):
        self.platform.go_away()
        _, err = self.run_script(save(7), CRAWLHUB_FLUSH_SECONDS=0.5, CRAWLHUB_SPOOL_DIR=None)
        self.assertIn("7 items could not be delivered", err)

    def test_a_spool_that_cannot_be_written(self):
        self.platform.go_away()
        blocked = os.path.join(self.folder, "file")
        open(blocked, "w").close()
        _, err = self.run_script(save(7), CRAWLHUB_FLUSH_SECONDS=0.5,
                                 CRAWLHUB_SPOOL_DIR=os.path.join(blocked, "spool"))
        self.assertIn("7 items could not be delivered", err)

    def test_a_refused_batch_is_kept_apart_and_told_once(self):
        self.platform.troubles = [422]
        _, err = self.run_script(save(3, """
        import crawlhub
        crawlhub.flush()
        save_item({"n": 3})
        """))
        self.assertEqual(err.count("坏的批次"), 1)
        self.assertIn("3 items", err)
        self.assertEqual(self.platform.numbers(), [3])
        self.assertEqual(self.spooled(), [])
        self.assertEqual(len(json.loads(self.spooled(".rejected")[0].decode("utf-8"))["items"]), 3)

    def test_one_bad_batch_holds_up_nothing(self):
        process = self.start("""
            import sys, time
            import crawlhub
            for n in range(1000):
                crawlhub.save_item({"n": n})
            time.sleep(60)
        """)
        answer = self.platform.take_items

        def refuse_the_first(request, body):
            if json.loads(body.decode("utf-8"))["items"][0]["n"] == 0:
                self.platform.reply(request, 500, "bad")
            else:
                answer(request, body)

        self.platform.take_items = refuse_the_first
        wait_until(lambda: self.platform.numbers() == list(range(500, 1000)), "the second batch passed the first")
        process.kill()

    def test_memory_is_bounded_by_the_spool(self):
        self.platform.go_away()
        process = self.start("""
            import crawlhub
            most = 0
            for n in range(6000):
                crawlhub.save_item({"n": n, "text": "x" * 10000})
                most = max(most, crawlhub._outbox._memory + crawlhub._outbox._parts_bytes)
            print(most, flush=True)
        """, CRAWLHUB_FLUSH_SECONDS=60)
        self.assertLess(int(process.stdout.readline()), 10 * 1024 * 1024)
        self.assertGreater(len(self.spooled()), 40)
        self.platform.come_back()
        self.end(process)
        self.assertEqual(self.platform.numbers(), list(range(6000)))
        self.assertEqual(os.listdir(self.spool), [])

    def test_saving_never_waits_for_the_network(self):
        self.platform.go_away()
        out, _ = self.run_script("""
            import time
            from crawlhub import save_item
            begin = time.monotonic()
            for n in range(2000):
                save_item({"n": n})
            print(time.monotonic() - begin)
        """, CRAWLHUB_FLUSH_SECONDS=0)
        self.assertLess(float(out), 2.0)


@unittest.skipUnless(hasattr(os, "fork"), "signals and fork are POSIX")
class Processes(Case):
    def test_sigterm_delivers_and_ends_by_the_signal(self):
        process = self.start(save(700, """
        import time
        print("saved", flush=True)
        time.sleep(60)
        """))
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        self.end(process, -signal.SIGTERM)
        self.assertEqual(self.platform.numbers(), list(range(700)))

    def test_sigterm_without_a_server_spools(self):
        self.platform.go_away()
        process = self.start(save(700, """
        import time
        print("saved", flush=True)
        time.sleep(60)
        """))
        process.stdout.readline()
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.end(process, -signal.SIGTERM)
        self.assertLess(time.monotonic() - begin, 4.5)
        for body in self.spooled():
            self.platform.store(body)
        self.assertEqual(self.platform.numbers(), list(range(700)))

    def test_sigterm_at_any_moment_leaves_no_gap(self):
        for delay in (0.0, 0.013, 0.041, 0.087, 0.133):
            self.platform.stored.clear()
            process = self.start("""
                import itertools
                from crawlhub import save_item
                print("go", flush=True)
                for n in itertools.count():
                    save_item({"n": n})
            """)
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGTERM)
            self.end(process, -signal.SIGTERM)
            numbers = self.platform.numbers()
            self.assertEqual(numbers, list(range(len(numbers))))

    def test_a_handler_of_the_spider_stays(self):
        process = self.start("""
            import signal, sys, time
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
            from crawlhub import save_item
            save_item({"n": 0})
            print("saved", flush=True)
            time.sleep(60)
        """)
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        self.end(process, 7)
        self.assertEqual(self.platform.numbers(), [0])

    def test_a_traceback_does_not_lose_items(self):
        _, err = self.run_script(save(10, """
        raise RuntimeError("the site changed")
        """), code=1)
        self.assertIn("the site changed", err)
        self.assertEqual(self.platform.numbers(), list(range(10)))

    def test_fork(self):
        self.run_script("""
            import os, sys
            from crawlhub import save_item
            save_item({"n": 0})
            child = os.fork()
            if child == 0:
                for n in range(100, 800):
                    save_item({"n": n})
                sys.exit(0)
            save_item({"n": 1})
            os.waitpid(child, 0)
        """)
        self.assertEqual(self.platform.numbers(), [0, 1] + list(range(100, 800)))

    def test_a_child_is_never_too_young_for_sigterm(self):
        self.run_script("""
            import os, signal, time
            import crawlhub
            for _ in range(100):
                child = os.fork()
                if child == 0:
                    time.sleep(5)
                    os._exit(9)
                os.kill(child, signal.SIGTERM)
                assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM
        """)

    def test_multiprocessing(self):
        for method in ("fork", "spawn", "forkserver"):
            with self.subTest(method):
                self.platform.stored.clear()
                self.run_script("""
                    import multiprocessing
                    from crawlhub import save_item
                    def work(first):
                        for n in range(first, first + 600):
                            save_item({"n": n})
                    if __name__ == "__main__":
                        context = multiprocessing.get_context("%s")
                        for n in range(5):
                            save_item({"n": n})
                        children = [context.Process(target=work, args=(1000 * k,)) for k in (1, 2, 3)]
                        [child.start() for child in children]
                        [child.join() for child in children]
                        assert [child.exitcode for child in children] == [0, 0, 0]
                """ % method)
                expected = list(range(5)) + [n for k in (1, 2, 3) for n in range(1000 * k, 1000 * k + 600)]
                self.assertEqual(self.platform.numbers(), expected)

    def test_a_pool_that_is_terminated(self):
        self.run_script("""
            import multiprocessing
            from crawlhub import save_item
            def work(n):
                return save_item({"n": n})
            if __name__ == "__main__":
                with multiprocessing.Pool(3) as pool:
                    assert all(pool.map(work, range(300)))
        """)
        self.assertEqual(self.platform.numbers(), list(range(300)))


class Heartbeat(Case):
    def test_beats_carry_the_count(self):
        process = self.start("""
            import time
            from crawlhub import save_items
            save_items({"n": n} for n in range(12))
            time.sleep(60)
        """, CRAWLHUB_HEARTBEAT_SECONDS=0.1)
        wait_until(lambda: len(self.platform.called("/heartbeat")) > 2, "it beat")
        beat = json.loads(self.platform.called("/heartbeat")[-1][3].decode("utf-8"))
        self.assertEqual((beat["task_id"], beat["items_count"]), ("task-1", 12))
        process.kill()

    def test_beats_without_any_item(self):
        process = self.start("import crawlhub, time; time.sleep(60)", CRAWLHUB_HEARTBEAT_SECONDS=0.1)
        wait_until(lambda: self.platform.called("/heartbeat"), "it beat")
        process.kill()

    def test_cancelled(self):
        process = self.start("""
            import time
            import crawlhub
            crawlhub.save_item({"n": 0})
            while not crawlhub.is_cancelled():
                time.sleep(0.005)
            print("cancelled", flush=True)
            time.sleep(60)
        """, CRAWLHUB_HEARTBEAT_SECONDS=0.1)
        wait_until(lambda: self.platform.called("/heartbeat"), "it beat")
        self.platform.task_status = "cancelled"
        self.end(process, -signal.SIGTERM)
        self.assertEqual(self.platform.numbers(), [0])


class Values(Case):
    def test_values_json_has_no_form_for(self):
        self.run_script("""
            import collections, dataclasses, datetime, decimal, enum, pathlib, uuid
            from crawlhub import save_item

            @dataclasses.dataclass
            class Price:
                amount: decimal.Decimal
                currency: str = "CNY"

            class Colour(enum.Enum):
                RED = "red"

            Point = collections.namedtuple("Point", "x y")
            loop = {}
            loop["self"] = loop
            deep = []
            for _ in range(5000):
                deep = [deep]
            class Rude:
                def __str__(self):
                    raise ValueError
            save_item({"k": "nan", "v": [float("nan"), float("inf"), -float("inf"), 1.5]})
            save_item({"k": "set", "v": {3, 1, 2}})
            save_item({"k": "tuple", "v": (1, "二")})
            save_item({"k": "bytes", "v": ["页".encode(), b"\\xff\\x00"]})
            save_item({"k": "time", "v": [datetime.datetime(2026, 2, 3, 4, 5), datetime.date(2026, 2, 3)]})
            save_item({"k": "dataclass", "v": Price(decimal.Decimal("1.10"))})
            save_item({"k": "others", "v": [Colour.RED, pathlib.PurePosixPath("/a"), uuid.UUID(int=1), Rude()]})
            save_item({"k": "keys", 1: "a", (1, 2): "b", None: "c"})
            save_item({"k": "surrogate", "v": "a\\ud800b"})
            save_item({"k": "loop", "v": loop})
            save_item({"k": "deep", "v": deep})
            save_item(Price(decimal.Decimal("2")))
            save_item(Point(1, 2))
            save_item(collections.OrderedDict(k="ordered"))
            save_item("just text")
            item = {"k": "mutated", "v": 1}
            save_item(item)
            item["v"] = 2
        """)
        items = self.platform.items()
        self.assertEqual(len(items), 16)
        by_key = {item.get("k"): item for item in items}
        value = {key: item.get("v") for key, item in by_key.items()}
        self.assertEqual(value["nan"], [None, None, None, 1.5])
        self.assertEqual(value["set"], [1, 2, 3])
        self.assertEqual(value["tuple"], [1, "二"])
        self.assertEqual(value["bytes"], ["页", "/wA="])
        self.assertEqual(value["time"], ["2026-02-03T04:05:00", "2026-02-03"])
        self.assertEqual(value["dataclass"], {"amount": "1.10", "currency": "CNY"})
        self.assertEqual(value["others"], ["red", "/a", "00000000-0000-0000-0000-000000000001", "<Rude>"])
        self.assertEqual(by_key["keys"]["(1, 2)"], "b")
        self.assertEqual(value["surrogate"], "a?b")
        self.assertEqual(value["mutated"], 1)
        self.assertIn({"amount": "2", "currency": "CNY"}, items)
        self.assertIn({"x": 1, "y": 2}, items)
        self.assertIn({"value": "just text"}, items)


class Calls(Case):
    def test_progress_that_is_not_taken_holds_up_no_item(self):
        self.platform.progress_status = 500
        begin = time.monotonic()
        self.run_script("""
            from crawlhub import report_progress, save_item
            for n in range(1200):
                report_progress(n / 12)
                save_item({"n": n})
        """)
        self.assertEqual(self.platform.numbers(), list(range(1200)))
        self.assertLess(time.monotonic() - begin, 10)

    def test_of_several_reports_the_newest_is_sent(self):
        self.run_script("""
            from crawlhub import report_progress
            for percent in range(0, 150):
                report_progress(percent, "第 %d 步" % percent)
        """)
        last = json.loads(self.platform.called("/progress")[-1][3].decode("utf-8"))
        self.assertEqual(last, {"task_id": "task-1", "progress": 100, "message": "第 149 步"})
        self.assertLess(len(self.platform.called("/progress")), 150)

    def test_a_checkpoint_follows_its_items(self):
        self.platform.checkpoint = {"checkpoint_data": {"page": 3}, "task_id": "task-0"}
        out, _ = self.run_script("""
            from crawlhub import load_checkpoint, save_checkpoint, save_item
            print(load_checkpoint())
            save_item({"n": 1})
            print(save_checkpoint({"page": 4}))
        """)
        self.assertEqual(out.split("\n")[:2], ["{'page': 3}", "True"])
        paths = [path for _, path, _, _ in self.platform.calls]
        self.assertEqual(paths, ["/checkpoint", "/items", "/checkpoint"])
        self.assertEqual(self.platform.called("/checkpoint")[0][2], {"spider_id": "spider-1"})

    def test_rotate_proxy(self):
        out, _ = self.run_script("""
            from crawlhub import get_proxy, rotate_proxy
            import os
            print(get_proxy(), rotate_proxy("http://u:p@proxy-1:3128"), get_proxy(), os.environ["HTTPS_PROXY"])
            print(os.environ["HTTP_PROXY"])
        """, CRAWLHUB_PROXY_URL="http://u:p@proxy-1:3128", HTTPS_PROXY="http://u:p@proxy-1:3128",
            HTTP_PROXY="http://own:1")
        self.assertEqual(out.split()[1:], ["http://proxy-2:3128"] * 3 + ["http://own:1"])
        query = self.platform.called("/proxy/rotate")[0][2]
        self.assertEqual(query["failed_proxy"], "http://u:p@proxy-1:3128")

    def test_download_file(self):
        site = os.path.join(self.folder, "文件.csv")
        with open(site, "wb") as file:
            file.write(b"a,b\r\n1,2\r\n")
        out, _ = self.run_script("""
            import pathlib
            from crawlhub import download_file
            print(download_file(pathlib.Path("文件.csv").absolute().as_uri()))
            print(download_file(pathlib.Path("文件.csv").absolute().as_uri(), "../../报告.pdf", upload=False))
        """, CRAWLHUB_OUTPUT_DIR=os.path.join(self.folder, "output"))
        first, second = out.split()
        self.assertEqual(first, os.path.join(self.folder, "output", "downloads", "文件.csv"))
        self.assertEqual(second, os.path.join(self.folder, "output", "报告.pdf"))
        (_, _, _, body), = self.platform.called("/files/upload")
        self.assertIn(b"a,b\r\n1,2\r\n", body)
        self.assertIn('filename="文件.csv"'.encode("utf-8"), body)

    def test_incremental_crawl(self):
        self.platform.checkpoint = {"checkpoint_data": {
            "_incremental_meta": {"seen_urls": ["http://a/1"]}, "_incremental_data": {"page": 2}}}
        self.run_script("""
            from crawlhub import IncrementalCrawl
            crawl = IncrementalCrawl(max_urls=2, auto_save_interval=0)
            assert crawl.is_seen("HTTP://A/1#top") and crawl.get("page") == 2
            crawl.mark_seen("http://a/2")
            crawl.mark_seen("http://a/3")
            assert not crawl.is_seen("http://a/1")
            crawl.set("page", 3)
            crawl.save()
            crawl.stop()
        """)
        saved = json.loads(self.platform.called("/checkpoint")[-1][3].decode("utf-8"))["checkpoint_data"]
        self.assertEqual(saved, {"_incremental_meta": {"seen_urls": ["http://a/2", "http://a/3"]},
                                 "_incremental_data": {"page": 3}})


class Alone(Case):
    """Away from CrawlHub."""

    def test_items_are_lines_on_standard_output(self):
        out, err = self.run_script("""
            import crawlhub
            crawlhub.save_item({"标题": "一", "v": float("nan")})
            crawlhub.report_progress(50, "half")
            crawlhub.log("info", "hello")
            assert crawlhub.load_checkpoint() is None and not crawlhub.save_checkpoint({})
            assert crawlhub.get_params() == {"depth": 2} and crawlhub.flush() and not crawlhub.is_cancelled()
            assert crawlhub.get_datasource("db")["host"] == "h" and crawlhub.get_datasource("x") is None
            assert crawlhub.rotate_proxy() is None
        """, CRAWLHUB_TASK_ID=None, CRAWLHUB_PARAMS='{"depth": 2}',
            CRAWLHUB_DATASOURCES='[{"name": "db", "host": "h"}]')
        self.assertEqual(out, '{"标题":"一","v":null}\n')
        self.assertEqual(err, "[crawlhub:info] 50% half\n[crawlhub:info] hello\n")
        self.assertEqual(self.platform.calls, [])

    def test_tools(self):
        self.run_script("""
            import gzip, http.server, threading, time
            import crawlhub

            class Handler(http.server.BaseHTTPRequestHandler):
                answers = [503, 200, 200, 404]
                def do_GET(self):
                    self.send_response(self.answers.pop(0))
                    self.send_header("Content-Encoding", "gzip")
                    self.send_header("Set-Cookie", "a=1")
                    self.end_headers()
                    self.wfile.write(gzip.compress("页".encode()))
                def log_message(self, *args):
                    pass

            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = "http://127.0.0.1:%d/" % server.server_port

            class Louder(crawlhub.RequestMiddleware):
                def process_response(self, data, meta):
                    return data * meta["times"]

            chain = crawlhub.MiddlewareChain()
            chain.add(Louder())
            chain.execute.__func__.__globals__["time"].sleep, real = (lambda s: None), time.sleep
            assert chain.execute(url, crawlhub.get_request_headers({"X": "y"}), {"times": 2}) == "页页".encode()
            crawlhub.time.sleep = real
            session = crawlhub.SessionManager()
            assert session.get(url) == "页".encode() and [c.name for c in session.cookies] == ["a"]
            try:
                crawlhub.fetch_with_retry(url)
            except OSError as error:
                assert error.code == 404
            frontier = crawlhub.URLFrontier()
            assert frontier.add("http://a/?b=1&a=2#x", {"d": 1}) and not frontier.add("HTTP://A/?a=2&b=1")
            assert frontier.add_many(["http://a/1", "http://a/1"]) == 1
            assert (frontier.size(), frontier.seen_count()) == (2, 2)
            assert frontier.pop() == ("http://a/?b=1&a=2#x", {"d": 1}) and not frontier.is_empty()
            begin = time.monotonic()
            for _ in range(5):
                crawlhub.throttle()
            assert 0.15 < time.monotonic() - begin < 2
            crawlhub.report_response_time(100)
            crawlhub.adaptive_throttle()
        """, CRAWLHUB_TASK_ID=None, CRAWLHUB_RATE_LIMIT=20, http_proxy=None, HTTP_PROXY=None)


class LauncherCase(Case):
    """The support directory is apart from the spider's files, as on the server."""

    def setUp(self):
        super().setUp()
        self.support = os.path.join(self.folder, "support")
        self.work = os.path.join(self.folder, "work")
        os.makedirs(self.support)
        os.makedirs(self.work)
        for name in ("crawlhub.py", "crawlhub_launch.py"):
            shutil.copy(os.path.join(HERE, name), self.support)
        self.result = os.path.join(self.folder, "result.json")

    def write(self, path, text):
        path = os.path.join(self.work, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))

    def launch(self, mode, target, **environment):
        launcher = os.path.join(self.support, "crawlhub_launch.py")
        environment.setdefault("CRAWLHUB_RESULT_FILE", self.result)
        return self.popen(
            [sys.executable, "-u", launcher, mode, target], cwd=self.work,
            PYTHONPATH=self.work + os.pathsep + self.support, **environment)


class LaunchCall(LauncherCase):
    def call(self, body, target="main:run", code=0, **environment):
        self.write("main.py", body)
        return self.end(self.launch("call", target, **environment), code)

    def returned(self):
        with open(self.result, encoding="utf-8") as file:
            return json.load(file)

    def test_a_function_and_its_result(self):
        self.call("def run(params):\n    return {'got': params, 'set': {1}}", CRAWLHUB_PARAMS='{"深": 2}')
        self.assertEqual(self.returned(), {"got": {"深": 2}, "set": [1]})

    def test_a_function_without_parameters_that_returns_nothing(self):
        self.call("from crawlhub import save_item\ndef run():\n    save_item({'n': 1})")
        self.assertFalse(os.path.exists(self.result))
        self.assertEqual(self.platform.numbers(), [1])

    def test_a_coroutine(self):
        self.call("""
            import asyncio
            async def run(params=None):
                await asyncio.sleep(0)
                return [{"n": 1}]
        """)
        self.assertEqual(self.returned(), [{"n": 1}])

    def test_a_generator(self):
        self.call("def run(params):\n    for n in range(700):\n        yield {'n': n}")
        self.assertEqual(self.platform.numbers(), list(range(700)))
        self.assertFalse(os.path.exists(self.result))

    def test_an_async_generator(self):
        self.call("async def run():\n    for n in range(700):\n        yield {'n': n}", CRAWLHUB_MAX_ITEMS=600)
        self.assertEqual(self.platform.numbers(), list(range(600)))

    def test_a_dotted_name_in_a_package(self):
        self.write("shop/__init__.py", "")
        self.write("shop/spider.py", "class Spider:\n    @staticmethod\n    def run(params):\n        return [1]")
        self.call("", target="shop.spider:Spider.run")
        self.assertEqual(self.returned(), [1])

    def test_the_traceback_begins_with_the_spider(self):
        for body in ("def run(params):\n    raise ValueError('空')", "async def run():\n    raise ValueError('空')",
                     "def run():\n    yield {'n': 1}\n    raise ValueError('空')", "raise ValueError('空')"):
            with self.subTest(body):
                _, err = self.call(body, code=1)
                self.assertIn("ValueError: 空", err)
                self.assertIn("main.py", err)
                self.assertNotIn("crawlhub_launch", err)
                self.assertNotIn("importlib", err)

    def test_an_entry_point_that_is_not_there(self):
        _, err = self.call("", target="absent:run", code=1)
        self.assertIn("No module named 'absent'", err)
        self.assertNotIn("crawlhub_launch", err)
        _, err = self.call("", target="main:absent", code=1)
        self.assertIn("has no attribute 'absent'", err)
        self.call("", target="main", code=2)

    def test_the_spiders_own_crawlhub_wins(self):
        self.write("crawlhub.py", "def save_item(item):\n    print('own', item)")
        out, _ = self.call("""
            import crawlhub
            def run():
                crawlhub.save_item(1)
                yield {"n": 1}
        """)
        self.assertIn("own 1", out)
        self.assertEqual(self.platform.numbers(), [1])

    def test_sigterm(self):
        self.write("main.py", """
            import asyncio
            async def run():
                yield {"n": 1}
                print("there", flush=True)
                await asyncio.sleep(60)
        """)
        process = self.launch("call", "main:run")
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        self.end(process, -signal.SIGTERM)
        self.assertEqual(self.platform.numbers(), [1])


class LaunchScrapyWithoutScrapy(LauncherCase):
    def test_scrapy_is_missing(self):
        self.write("scrapy/__init__.py", "raise ImportError('No module named scrapy')")
        _, err = self.end(self.launch("scrapy", "shop"), 2)
        self.assertIn("Scrapy cannot be imported", err)


@unittest.skipUnless(importlib.util.find_spec("scrapy"), "Scrapy is not installed")
class LaunchScrapy(LauncherCase):
    SPIDER = """
        import scrapy

        class Shop(scrapy.Spider):
            name = "shop"
            {custom}

            def __init__(self, first="0", more=None, **kwargs):
                super().__init__(**kwargs)
                self.first, self.more = int(first), more

            start_urls = ["data:,x"]

            def parse(self, response):
                for n in range(self.first, self.first + 20):
                    yield {{"n": n, "more": self.more, "标题": "页"}}
    """

    def project(self, where="", settings="", custom=""):
        self.write(where + "scrapy.cfg", "[settings]\ndefault = shop.settings\n")
        self.write(where + "shop/__init__.py", "")
        self.write(where + "shop/settings.py", "SPIDER_MODULES = ['shop.spiders']\n" + textwrap.dedent(settings))
        self.write(where + "shop/spiders/__init__.py", "")
        self.write(where + "shop/spiders/shop.py", self.SPIDER.format(custom=custom))

    def crawl(self, name="shop", code=0, **environment):
        return self.end(self.launch("scrapy", name, **environment), code)

    def test_an_unchanged_project(self):
        self.project()
        self.crawl(CRAWLHUB_PARAMS='{"first": 5, "more": ["a", "二"]}')
        self.assertEqual(self.platform.numbers(), list(range(5, 25)))
        self.assertEqual(self.platform.items()[0]["more"], '["a", "二"]')

    def test_a_project_in_the_only_sub_directory(self):
        self.project("repository/")
        self.crawl()
        self.assertEqual(len(self.platform.items()), 20)

    def test_our_pipeline_in_the_project_means_each_item_once(self):
        self.project(settings="ITEM_PIPELINES = {'crawlhub.CrawlHubPipeline': 300}")
        self.crawl()
        self.assertEqual(self.platform.numbers(), list(range(20)))

    def test_a_projects_own_crawlhub_without_its_pipeline(self):
        self.project(settings="import crawlhub\nassert crawlhub.OWN")
        self.write("crawlhub.py", "OWN = True")
        self.crawl()
        self.assertEqual(self.platform.numbers(), list(range(20)))

    def test_a_projects_own_crawlhub_with_its_pipeline(self):
        self.project(custom="custom_settings = {'ITEM_PIPELINES': {'crawlhub.CrawlHubPipeline': 300}}")
        self.write("crawlhub.py", """
            class CrawlHubPipeline:
                def process_item(self, item):
                    print("own", item["n"])
                    return item
        """)
        out, _ = self.crawl()
        self.assertEqual(out.count("own"), 20)
        self.assertEqual(self.platform.items(), [])

    def test_extensions_of_project_and_spider_stay(self):
        self.write("shop/own.py", """
            class First:
                def __init__(self):
                    print("extension", type(self).__name__)
            class Second(First):
                pass
        """)
        self.project(settings="EXTENSIONS = {'shop.own.First': 1}")
        self.assertIn("extension First", self.crawl()[0])
        self.project(custom="custom_settings = {'EXTENSIONS': {'shop.own.Second': 1}}")
        self.assertIn("extension Second", self.crawl()[0])
        self.assertEqual(self.platform.numbers(), sorted(list(range(20)) * 2))

    def test_limits(self):
        self.project(settings="CONCURRENT_REQUESTS = 1")
        self.crawl(CRAWLHUB_MAX_ITEMS=7, CRAWLHUB_RATE_LIMIT=100)
        self.assertEqual(self.platform.numbers(), list(range(7)))

    def test_sigterm_under_twisted(self):
        self.project()
        self.write("shop/spiders/shop.py", """
            import scrapy
            class Shop(scrapy.Spider):
                name = "shop"
                start_urls = ["data:,0"]
                def parse(self, response):
                    n = int(response.text)
                    yield {"n": n}
                    yield scrapy.Request("data:,%d" % (n + 1))
        """)
        process = self.launch("scrapy", "shop", CRAWLHUB_PARAMS='{"unused": 1}')
        threading.Thread(target=process.stdout.read, daemon=True).start()
        wait_until(lambda: len(self.platform.items()) > 20, "items came")
        process.send_signal(signal.SIGTERM)
        err = process.stderr.read()
        process.wait(PATIENCE)
        self.assertIn("shutdown", err)
        scraped = int(err.rpartition("'item_scraped_count': ")[2].partition(",")[0])
        self.assertEqual(self.platform.numbers(), list(range(scraped)))

    def test_an_unknown_spider(self):
        self.project()
        process = self.launch("scrapy", "absent")
        _, err = process.communicate(timeout=PATIENCE)
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("absent", err)

    def test_no_project_or_two(self):
        self.assertIn("there is no scrapy.cfg", self.crawl(code=2)[1])
        self.project("a/")
        self.project("b/")
        self.assertIn("a, b", self.crawl(code=2)[1])


if __name__ == "__main__":
    unittest.main()
