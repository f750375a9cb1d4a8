BOT_NAME = "docs"
SPIDER_MODULES = ["docs.spiders"]

ROBOTSTXT_OBEY = True
CONCURRENT_REQUESTS = 32
CONCURRENT_REQUESTS_PER_DOMAIN = 32
DOWNLOAD_DELAY = 0

# One line an item is too much of a log for thousands of items.
LOG_LEVEL = "INFO"
