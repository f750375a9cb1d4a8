"""Follows the pages of a site made for practice. Items need no pipeline of their own: CrawlHub takes what is yielded."""

import scrapy

from quotes_project.items import Quote


class QuotesSpider(scrapy.Spider):
    name = "quotes"
    start_urls = ["https://quotes.toscrape.com/"]

    def parse(self, response):
        for quote in response.css("div.quote"):
            yield Quote(
                text=quote.css("span.text::text").get(),
                author=quote.css("small.author::text").get(),
                tags=quote.css("a.tag::text").getall(),
            )
        for page in response.css("li.next a"):
            yield response.follow(page, self.parse)
