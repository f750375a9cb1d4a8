"""What worker nodes do on this machine, beside the server itself, and what an idle one costs.

    python3 benches/nodes.py --server BINARY

Standard library. Server and agents share the machine's processors: more nodes show what the way over the network costs,
not what more machines bring. Everything runs on loopback, in temporary folders, and ends with this script.
"""

import argparse
import contextlib
import os
import re
import subprocess
import tempfile
import threading
import time

from bench import API, NOTHING, Server, row


class Node:
    """An agent of our own; it has so many slots."""

    def __init__(self, binary, server, name, slots, folder):
        made = server.call("POST", API + "/nodes", {"name": name})
        self.id = made["id"]
        env = {
            "PATH": os.environ["PATH"],
            "AGENT_NODE_NAME": name,
            "AGENT_MASTER_URL": server.base,
            "AGENT_TOKEN": made["agent_token"],
            "AGENT_API_PORT": "0",
            "AGENT_API_HOST": "127.0.0.1",
            "AGENT_STORAGE_PATH": folder,
            "AGENT_SLOTS": str(slots),
            "CRAWLHUB_LOG_FILTER": "warn",
        }
        self.process = subprocess.Popen([binary, "worker"], env=env)
        while server.call("GET", f"{API}/nodes/{self.id}")["status"] != "online":
            time.sleep(0.02)

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def memory_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tasks_per_second(server, count, **fields):
    """How many tasks of a spider that does nothing come to their end in a second; all slots in use."""
    spider = server.spider("nothing", NOTHING, **fields)
    server.wait(server.call("POST", f"{API}/spiders/{spider}/run", {})["id"])
    start = time.perf_counter()

    def queue(share):
        for _ in range(share):
            server.call("POST", f"{API}/spiders/{spider}/run", {})

    threads = [threading.Thread(target=queue, args=(count // 4,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for status in ("pending", "running"):
        while server.call("GET", f"{API}/tasks?status={status}&page_size=1&spider_id={spider}")["total"]:
            time.sleep(0.02)
    seconds = time.perf_counter() - start
    done = server.call("GET", f"{API}/tasks?status=completed&page_size=1&spider_id={spider}")["total"]
    if done != count // 4 * 4 + 1:
        raise SystemExit(f"{done} of {count} tasks completed")
    return count / seconds


def idle_cost(server, node, seconds):
    """In a minute: seconds of a processor, of the agent and of the server for it; the agent's memory."""
    agent, master = node.cpu_seconds(), cpu_seconds(server.process.pid)
    time.sleep(seconds)
    a_minute = 60 / seconds
    return ((node.cpu_seconds() - agent) * a_minute, (cpu_seconds(server.process.pid) - master) * a_minute,
            node.memory_mb())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True, help="the binary")
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--idle-seconds", type=int, default=60)
    given = parser.parse_args()
    slots = (os.cpu_count() or 1) * 2
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crawlhub-bench-"))
        server = Server(given.server, os.path.join(folder, "server"), {"CRAWLHUB_SLOTS": str(slots)})
        stack.callback(server.stop)
        before = cpu_seconds(server.process.pid)
        time.sleep(given.idle_seconds)
        alone = (cpu_seconds(server.process.pid) - before) * 60 / given.idle_seconds
        local = tasks_per_second(server, given.tasks, runner="process")
        row(f"tasks, run by the server itself, {slots} slots", f"{local:.1f} /s")
        nodes = []
        for many in (1, 2, 4):
            while len(nodes) < many:
                name = f"node-{len(nodes) + 1}"
                node = Node(given.server, server, name, slots, os.path.join(folder, name))
                stack.callback(node.stop)
                nodes.append(node)
                if len(nodes) == 1:
                    agent, master, memory = idle_cost(server, node, given.idle_seconds)
                    row("an idle node, of its own machine", f"{agent:.2f} s/min", f"and {memory:.0f} MB")
                    row("an idle node, of the server", f"{master - alone:.2f} s/min", f"beside {alone:.2f} without it")
                    row("an idle node, calls", "about 6 /min", "a heartbeat in 13.5 s, a call for work in 30 s")
            # All together have as many slots as the server has alone.
            for node in nodes:
                server.call("PUT", f"{API}/nodes/{node.id}", {"slots": slots // many or 1})
            speed = tasks_per_second(server, given.tasks, runner="node")
            row(f"tasks on {many} node{'s' if many > 1 else ''}, {slots // many or 1} slots each", f"{speed:.1f} /s")


if __name__ == "__main__":
    main()
