from docs.site import SiteSpider, text_of

KINDS = {
    "module": "模块", "class": "类", "exception": "异常", "function": "函数", "method": "方法",
    "classmethod": "类方法", "staticmethod": "静态方法", "attribute": "属性", "data": "数据",
    "macro": "宏", "member": "成员", "type": "类型", "option": "选项",
}


class SymbolsSpider(SiteSpider):
    """One item a definition, with the fields that it has: scrapy crawl symbols -a start_url=…"""

    name = "symbols"

    def items(self, response):
        for definition in response.css("dl[class] > dt.sig[id]"):
            yield self.item(response.url, definition)

    def item(self, url, definition):
        symbol = definition.attrib["id"]
        language, _, kind = " ".join(definition.xpath("../@class").get().split()[:2]).partition(" ")
        item = {
            "id": symbol,
            "url": url + "#" + symbol,
            "language": language,
            "kind": kind,
            "signature": text_of(definition),
        }
        if kind in KINDS:
            item["类别"] = KINDS[kind]
        module = "".join(definition.css(".sig-prename ::text").getall()).strip("@. ")
        if module:
            item["module"] = module
        # A group of definitions shares the description that follows it.
        description = definition.xpath("following-sibling::dd[1]")
        changes = [text_of(change) for change in description.xpath("./div[contains(@class, 'version')]/p")]
        if changes:
            item["changes"] = changes
        summary = description.xpath("./p[1]")
        if summary:
            item["summary"] = text_of(summary[0])
        return item
