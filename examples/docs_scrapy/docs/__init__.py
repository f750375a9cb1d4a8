"""A Scrapy project that reads the documentation of a site."""
