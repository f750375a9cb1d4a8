"""An async function: the entry point `main:run` is awaited with the run's `params`.

Pages are fetched a few at a time, each in a thread of its own, so that the standard library is enough; with `httpx`
or `aiohttp` in the requirements, `fetch` can await them instead. `params` may name other pages:
{"urls": ["https://example.com/"], "concurrency": 5}.
"""

import asyncio
import re
from urllib.request import Request, urlopen

from crawlhub import save_item

URLS = ["https://example.com/", "https://example.org/"]


def get(url):
    request = Request(url, headers={"User-Agent": "Mozilla/5.0 (compatible; CrawlHub)"})
    with urlopen(request, timeout=30) as response:
        charset = response.headers.get_content_charset() or "utf-8"
        return response.status, response.read().decode(charset, errors="replace")


async def fetch(url, limit):
    async with limit:
        try:
            status, html = await asyncio.to_thread(get, url)
        except OSError as error:
            print(f"{url}: {error}")
            return error
    title = re.search(r"<title[^>]*>(.*?)</title>", html, re.IGNORECASE | re.DOTALL)
    save_item({"url": url, "status": status, "title": title.group(1).strip() if title else None})
    return None


async def run(params):
    limit = asyncio.Semaphore(int(params.get("concurrency", 5)))
    ends = await asyncio.gather(*(fetch(url, limit) for url in params.get("urls", URLS)))
    errors = [error for error in ends if error]
    print(f"{len(ends) - len(errors)} of {len(ends)} pages saved")
    if errors and len(errors) == len(ends):
        raise errors[0]  # some pages may be missing; a run without any is a failure
