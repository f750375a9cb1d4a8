from docs.site import SiteSpider, text_of


class PagesSpider(SiteSpider):
    """One item a page: scrapy crawl pages -a start_url=http://127.0.0.1:8080/"""

    name = "pages"

    def items(self, response):
        title = " ".join(response.css("title::text").get("").split())
        headings = [text_of(heading) for heading in response.css("h1, h2, h3")]
        counts = {
            "links": len(response.css("a[href]")),
            "images": len(response.css("img")),
            "code_blocks": len(response.css("pre")),
            "paragraphs": len(response.css("p")),
        }
        yield {
            "url": response.url,
            "title": title,
            "简介": "《{}》，共 {} 个标题、{} 段正文".format(title, len(headings), counts["paragraphs"]),
            "headings": headings,
            "counts": counts,
            "bytes": len(response.body),
        }
