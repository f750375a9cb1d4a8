"""Follows the pages of a site made for practice. Items need no pipeline of their own: CrawlHub takes what is yielded.

`params` of the run may name another page to start from: {"url": "https://quotes.toscrape.com/tag/life/"}.
"""

import scrapy

from quotes_project.items import Quote


class QuotesSpider(scrapy.Spider):
    name = "quotes"

    def __init__(self, url="https://quotes.toscrape.com/", **arguments):
        super().__init__(**arguments)
        self.start_urls = [url]

    def parse(self, response):
        for quote in response.css("div.quote"):
            yield Quote(
                text=quote.css("span.text::text").get(),
                author=quote.css("small.author::text").get(),
                tags=quote.css("a.tag::text").getall(),
            )
        for page in response.css("li.next a"):
            yield response.follow(page, self.parse)
