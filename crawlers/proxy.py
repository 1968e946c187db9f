"""The way out of an office: every request goes by its proxy, and none past it.

The proxy connects, so the resolver sees only the proxy's own name. What a request names is checked here instead, as far
as DNS tells it here; names that only the proxy can resolve it must refuse by itself where they lie inside.
"""

import asyncio
import socket
from base64 import b64encode
from ipaddress import ip_address
from typing import Self
from urllib.parse import unquote, urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Request
from scrapy.utils.httpobj import urlparse_cached

from crawlers.guard import WEB_PORTS, Address, AddressRules, RefusedError
from govwire.core.urls import has_public_suffix


class ProxyMiddleware:
    """Sends requests by the proxy of `fetch.proxy`, after a look at where they lead."""

    def __init__(self, proxy: str, rules: AddressRules) -> None:
        parts = urlsplit(proxy)
        self._url = f"http://{parts.hostname}:{parts.port}"
        self._rules = rules
        self._credentials: bytes | None = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._credentials = b"Basic " + b64encode(pair.encode())

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one.

        Raises:
            NotConfigured: there is no proxy.
        """
        proxy = crawler.settings["PROXY"]
        if proxy is None:
            raise NotConfigured
        return cls(proxy.get_secret_value(), crawler.settings["ADDRESS_RULES"])

    async def process_request(self, request: Request) -> None:
        """Send a request, or a hop, by the proxy.

        Raises:
            RefusedError: it leads to an address that may not be fetched, or to a name that is none of the web's.
        """
        parts = urlparse_cached(request)
        host, port = parts.hostname or "", parts.port or WEB_PORTS[parts.scheme]
        addresses = await self._addresses(host, port)
        refused = next((each for each in addresses if not self._rules.permits(each, port)), None)
        if refused is not None:
            raise RefusedError("address_refused", f"{host} is {refused}", redirected="redirect_times" in request.meta)
        if not addresses and not has_public_suffix(host):
            why = f"{host}: unknown here, and no name of the web"
            raise RefusedError("address_refused", why, redirected="redirect_times" in request.meta)
        request.meta["proxy"] = self._url
        if self._credentials is not None:
            request.headers["Proxy-Authorization"] = self._credentials
            if parts.scheme == "http":
                # Of a connection that is kept, proxy.py 2.4 takes the password out of the first request only.
                request.headers["Connection"] = "close"

    async def _addresses(self, host: str, port: int) -> list[Address]:
        """Every address that a name or a number stands for here; none where DNS does not know it."""
        if (own := self._rules.address_of(host)) is not None:
            return [own]
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return []
        return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]
