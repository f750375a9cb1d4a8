"""One item a page of a site, with the links on it; entry point ``main:run``, standard library only.

Parameters: ``start_url``, and if you like ``concurrency`` (8) and ``max_pages`` (0: all).
Outside CrawlHub: CRAWLHUB_PARAMS='{"start_url": "http://127.0.0.1:8080/"}' python main.py
"""

import asyncio
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

from crawlhub import get_params, log, report_progress, save_item, throttle


class Page(HTMLParser):
    """The title of a page and where it points to."""

    def __init__(self, html):
        super().__init__()
        self.title = ""
        self.links = []
        self._in_title = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._in_title = tag == "title" and not self.title
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.links.append(href.strip())

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title += data


def fetch(url):
    """The status, and the text where it is an HTML page."""
    throttle()
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            if response.headers.get_content_type() != "text/html":
                return response.status, None
            charset = response.headers.get_content_charset("utf-8")
            return response.status, response.read().decode(charset, "replace")
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, None


class Crawl:
    def __init__(self, start_url, max_pages):
        self.home = urlsplit(start_url)[:2]
        self.max_pages = max_pages
        self.waiting = asyncio.Queue()
        self.seen = set()
        self.done = 0
        self.add(start_url)

    def add(self, url):
        page = url[:-len("index.html")] if url.endswith("/index.html") else url
        full = self.max_pages and len(self.seen) >= self.max_pages
        if urlsplit(url)[:2] == self.home and page not in self.seen and not full:
            self.seen.add(page)
            self.waiting.put_nowait(url)

    async def work(self, executor):
        while True:
            url = await self.waiting.get()
            try:
                await self.visit(url, executor)
            except OSError as error:
                log("warn", "{}: {}".format(url, error))
            self.done += 1
            report_progress(100 * self.done / len(self.seen), "{} / {} 页".format(self.done, len(self.seen)))
            self.waiting.task_done()

    async def visit(self, url, executor):
        status, html = await asyncio.get_running_loop().run_in_executor(executor, fetch, url)
        if status != 200:
            save_item({"url": url, "status": status, "说明": "打不开的链接"})
        if html is None:
            return
        page = Page(html)
        inside, outside = set(), set()
        for link in page.links:
            target = urldefrag(urljoin(url, link)).url
            if urlsplit(target)[:2] == self.home:
                inside.add(target)
            elif target.startswith("http"):
                outside.add(urlsplit(target).hostname)
        for target in sorted(inside):
            self.add(target)
        save_item({
            "url": url,
            "status": status,
            "title": " ".join(page.title.split()),
            "links": len(inside),
            "external_hosts": sorted(filter(None, outside)),
        })


async def run(params):
    concurrency = int(params.get("concurrency", 8))
    crawl = Crawl(params["start_url"], int(params.get("max_pages", 0)))
    with ThreadPoolExecutor(concurrency) as executor:
        workers = [asyncio.ensure_future(crawl.work(executor)) for _ in range(concurrency)]
        finished = asyncio.ensure_future(crawl.waiting.join())
        # A worker only ends by an error, and without it the queue would never be done.
        await asyncio.wait([finished, *workers], return_when=asyncio.FIRST_COMPLETED)
        for task in workers:
            if task.done():
                task.result()
            task.cancel()
    log("info", "{} 个地址".format(crawl.done))


if __name__ == "__main__":
    asyncio.run(run(get_params()))
