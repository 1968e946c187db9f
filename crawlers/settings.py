"""Scrapy's settings: what it does unsafely by default is off, and what our own parts do is left to them.

What depends on the user's settings is added by crawlers/process.py.
"""

SPIDER_MODULES = ["crawlers.spiders"]

# Only the web, only verified, without cookies; no door by which others could steer the process.
DOWNLOAD_HANDLERS = {
    "http": "crawlers.wire.HttpHandler",
    "https": "crawlers.wire.HttpHandler",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
DOWNLOAD_VERIFY_CERTIFICATES = True
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
HTTPPROXY_ENABLED = False  # it takes any proxy that the environment names, and looks at nothing
REFERER_ENABLED = False
METAREFRESH_ENABLED = False

TWISTED_DNS_RESOLVER = "crawlers.guard.GuardedResolver"
REACTOR_THREADPOOL_MAXSIZE = 20  # names are resolved there
DOWNLOADER_MIDDLEWARES = {
    "crawlers.guard.AddressMiddleware": 10,
    "crawlers.proxy.ProxyMiddleware": 20,  # not in use without fetch.proxy
    "crawlers.manners.RobotsMiddleware": 100,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "crawlers.encodings.EncodingMiddleware": 590,  # in its place
    "crawlers.guard.RedirectMiddleware": 650,  # below Scrapy's own, at 600
    "crawlers.manners.PaceMiddleware": 900,  # last: a turn that is taken is used at once
    "crawlers.exchanges.ExchangeMiddleware": 910,  # sees answers as they come
    # What has nothing to do here, and would be asked about every request.
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.stats.DownloaderStats": None,
}
ITEM_PIPELINES = {"crawlers.pipelines.BusPipeline": 100}
CONCURRENT_ITEMS = 1  # a callback yields one item, and Scrapy starts so many tasks for each response

DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"  # the frontier knows what was fetched
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,  # every answer has a fate
    "scrapy.spidermiddlewares.urllength.UrlLengthMiddleware": None,  # govwire.core.urls has the limit
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,  # nothing is followed
    "scrapy.spidermiddlewares.metacopy.MetaCopyDetectionMiddleware": None,
}
RETRY_ENABLED = False  # the frontier puts off
ROBOTSTXT_OBEY = False  # RobotsMiddleware obeys, with files that all processes share
DOWNLOAD_DELAY = 0  # PaceMiddleware waits

DEFAULT_REQUEST_HEADERS = {"Accept": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"}
DOWNLOAD_WARNSIZE = 0
LOG_INSTALL_ROOT_HANDLER = False  # govwire.core.logs has the handlers
LOG_VERSIONS: list[str] = []
STATS_DUMP = False
EXTENSIONS = {
    f"scrapy.extensions.{name}": None
    for name in ("corestats.CoreStats", "logcount.LogCount", "logstats.LogStats", "memusage.MemoryUsage")
}
