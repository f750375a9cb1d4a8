BOT_NAME = "quotes_project"

SPIDER_MODULES = ["quotes_project.spiders"]
NEWSPIDER_MODULE = "quotes_project.spiders"

ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS_PER_DOMAIN = 4
DOWNLOAD_DELAY = 0.25
FEED_EXPORT_ENCODING = "utf-8"
