import json
from urllib.parse import urldefrag, urljoin, urlsplit

import scrapy
from scrapy.http import HtmlResponse


class SiteSpider(scrapy.Spider):
    """Visits every HTML page of the site at the argument ``start_url``, each once, and no other site.

    A page that no other page links to is found through ``searchindex.js``, where a site made with
    Sphinx lists all its documents. Other sites have no such file, and lose nothing by its absence.
    """

    def __init__(self, start_url=None, **kwargs):
        super().__init__(**kwargs)
        if not start_url:
            raise ValueError("the argument start_url is missing")
        self.start_url = start_url
        self.home = urlsplit(start_url)[:2]
        self.seen = set()

    async def start(self):
        for request in self.visit([self.start_url]):
            yield request
        yield scrapy.Request(urljoin(self.start_url, "searchindex.js"), self.parse_search_index)

    def visit(self, urls):
        for url in urls:
            url = urldefrag(url).url
            page = url[:-len("index.html")] if url.endswith("/index.html") else url
            if urlsplit(url)[:2] == self.home and page not in self.seen:
                self.seen.add(page)
                yield scrapy.Request(url, self.parse)

    def parse(self, response):
        if not isinstance(response, HtmlResponse):
            return
        yield from self.items(response)
        links = response.css("a::attr(href), area::attr(href)").getall()
        yield from self.visit(response.urljoin(link.strip()) for link in links)

    def parse_search_index(self, response):
        text = response.text
        index = json.loads(text[text.index("{"):text.rindex("}") + 1])
        yield from self.visit(response.urljoin(name + ".html") for name in index["docnames"])

    def items(self, response):
        raise NotImplementedError


def text_of(selector):
    return " ".join("".join(selector.css("::text").getall()).replace("¶", " ").split())
