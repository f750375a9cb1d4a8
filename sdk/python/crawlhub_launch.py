"""Starts a spider that is no script: `call module:function`, or `scrapy NAME`."""

import asyncio
import importlib
import inspect
import json
import os
import sys


def call(target):
    module, _, function = target.partition(":")
    sys.path.insert(0, os.getcwd())
    found = getattr(importlib.import_module(module), function)
    params = json.loads(os.environ.get("CRAWLHUB_PARAMS") or "{}")
    result = found(params) if inspect.signature(found).parameters else found()
    if inspect.isawaitable(result):
        async def wait():
            return await result

        result = asyncio.run(wait())
    if result is not None:
        with open(os.environ["CRAWLHUB_RESULT_FILE"], "w", encoding="utf-8") as file:
            json.dump(result, file, ensure_ascii=False, default=str)


def scrapy(name):
    from scrapy.cmdline import execute

    execute(["scrapy", "crawl", name])


if __name__ == "__main__":
    {"call": call, "scrapy": scrapy}[sys.argv[1]](sys.argv[2])
