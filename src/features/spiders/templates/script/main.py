"""A plain script with nothing but the standard library.

It asks one page for its links and saves one item a link. `params` of the run may name another page:
{"url": "https://example.com/"}.
"""

import json
import os
from html.parser import HTMLParser
from urllib.parse import urljoin
from urllib.request import Request, urlopen

from crawlhub import save_item


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []
        self._href = None
        self._text = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self._href = dict(attrs).get("href")
            self._text = []

    def handle_data(self, data):
        if self._href:
            self._text.append(data)

    def handle_endtag(self, tag):
        if tag == "a" and self._href:
            self.found.append((self._href, "".join(self._text).strip()))
            self._href = None


def main():
    params = json.loads(os.environ.get("CRAWLHUB_PARAMS") or "{}")
    url = params.get("url", "https://example.com/")
    request = Request(url, headers={"User-Agent": "Mozilla/5.0 (compatible; CrawlHub)"})
    with urlopen(request, timeout=30) as response:
        charset = response.headers.get_content_charset() or "utf-8"
        html = response.read().decode(charset, errors="replace")

    links = Links()
    links.feed(html)
    for href, text in links.found:
        save_item({"page": url, "url": urljoin(url, href), "text": text})
    print(f"{len(links.found)} links on {url}")


if __name__ == "__main__":
    main()
