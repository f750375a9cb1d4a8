"""Commands in workspaces beside the bare engine: scripts/with-docker python3 benches/sandboxes.py --server BINARY

Standard library and the docker client. What is compared runs in turn, so that a busy machine is busy for both.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

from bench import API, Server, row
from editors import docker

IMAGE = "crawlhub-workspace:latest"
LIMITS = ["--read-only", "--tmpfs", "/tmp:rw,exec,nosuid,nodev,size=64m", "--network", "none", "--cpus", "1",
          "--memory", "512m", "--memory-swap", "512m", "--pids-limit", "128", "--cap-drop", "ALL", "--security-opt",
          "no-new-privileges", "--init", "--user", "1000:1000", "--log-driver", "none", "--ulimit", "nofile=8192",
          "--ulimit", "fsize=536870912", "--ulimit", "core=0"]


def timed(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def in_turn(count, ours, theirs):
    """Milliseconds of each, the first ones left out."""
    ours(), theirs()
    pairs = [(timed(ours), timed(theirs)) for _ in range(count)]
    return [one for one, _ in pairs], [other for _, other in pairs]


def compared(what, ours, theirs, bare):
    half, other = statistics.median(ours), statistics.median(theirs)
    row(what, f"{half:,.0f} ms", f"most {max(ours):,.0f} ms")
    row(f"beside it: {bare}", f"{other:,.0f} ms", f"most {max(theirs):,.0f} ms; ratio {half / other:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--count", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crawlhub-bench-") as folder:
        server = Server(options.server, folder, {"DOCKER_HOST": os.environ.get("DOCKER_HOST", "")})
        try:
            def run(command, mode):
                body = {"command": command, "mode": mode}
                done = server.call("POST", f"{API}/workspace/exec", body)
                if done["exit_code"]:
                    sys.exit(f"{command}: {done}")
                return done

            first = timed(lambda: run("true", "persistent"))
            row("the first command of a workspace, which is made", f"{first:,.0f} ms")
            own = server.call("GET", f"{API}/workspace")["id"]
            container = docker("ps", "-q", "--filter", f"label=crawlhub.workspace={own}")
            ours, theirs = in_turn(
                options.count,
                lambda: run("true", "persistent"),
                lambda: docker("exec", container, "bash", "-c", "true"),
            )
            compared("a command in a persistent workspace", ours, theirs, "bare docker exec")
            volume = docker("volume", "create")
            ours, theirs = in_turn(
                options.count,
                lambda: run("true", "ephemeral"),
                lambda: docker("run", "--rm", *LIMITS, "-v", f"{volume}:/workspace", IMAGE, "bash", "-c", "true"),
            )
            compared("a command in a container of its own", ours, theirs, "bare docker run --rm, the same limits")
            listing = [timed(lambda: server.call("GET", f"{API}/workspace/files")) for _ in range(options.count)]
            row("a list of files", f"{statistics.median(listing):,.0f} ms")
            seconds = timed(lambda: run("head -c 1000000000 /dev/zero", "persistent")) / 1000
            row("1 GB of output, of which the ends are kept", f"{seconds:.1f} s", f"{1000 / seconds:,.0f} MB/s")
            row("most memory the server had", f"{server.memory_mb('VmHWM'):.0f} MB")
            server.call("DELETE", f"{API}/workspace?purge=true")
            docker("volume", "rm", volume)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
