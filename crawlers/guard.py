"""The address guard: what is fetched lies on the public internet, whatever a feed or a redirect says.

A middleware checks scheme and port of every request and hop; the resolver checks every address that a name resolves to
or that a URL names itself, in any of its spellings, since Twisted connects only to what the resolver hands out. The
only exceptions are `fetch.allow` and `fetch.resolve`, empty unless a demo, a test or an office sets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, IgnoreRequest
from scrapy.http import Request, Response
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.address import IPv4Address as TwistedIPv4
from twisted.internet.address import IPv6Address as TwistedIPv6
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer

from govwire.core.errors import ConfigError, UrlError
from govwire.core.settings import FetchSettings
from govwire.core.urls import clean

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = {"http": 80, "https": 443}
# IPv6 addresses that carry an IPv4 address, by which a private one could be reached: v4-compatible, v4-mapped, NAT64
# (RFC 6052, RFC 8215), 6to4 and Teredo; and blocks of special purpose that Python counts as global: site-local ones
# (RFC 3879), those for documentation (RFC 9637), and two of IPv4 (RFC 6890).
_NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "::/96",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
        "3fff::/20",
        "192.0.0.0/24",
        "192.88.99.0/24",
    )
)


class RefusedError(IgnoreRequest):
    """A request that is not sent, for a named reason; `redirected` where it is not the one that was asked for."""

    def __init__(self, reason: str, detail: str, *, redirected: bool = False) -> None:
        self.reason, self.detail, self.redirected = reason, detail, redirected
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True)
class AddressRules:
    """Which addresses may be fetched, and which names have an address of their own."""

    allowed: tuple[tuple[Network, int | None], ...] = ()  # port None: any
    names: tuple[tuple[str, Address], ...] = ()
    web: bool = True  # False: nothing but the exceptions, since nobody there would know who asks
    proxy: tuple[str, int] | None = None  # the only one to connect to, where there is one

    @classmethod
    def of(cls, settings: FetchSettings, *, web: bool = True) -> Self:
        """The rules of `fetch.allow`, `fetch.resolve` and `fetch.proxy`.

        Raises:
            ConfigError: every rule that cannot be read.
        """
        problems: list[str] = []
        allowed, names = [], []
        for rule in settings.allow:
            block, _, port = rule.rpartition(":")
            try:
                allowed.append((ip_network(block.strip("[]")), None if port == "*" else int(port)))
            except ValueError as error:
                problems.append(f"fetch.allow: {rule!r}: {error}; write 'block:port', as 127.0.0.0/8:8000")
        for rule in settings.resolve:
            name, _, address = rule.partition(":")
            try:
                names.append((name.lower(), ip_address(address.strip("[]"))))
            except ValueError as error:
                problems.append(f"fetch.resolve: {rule!r}: {error}; write 'name:address', as site.test:127.0.0.1")
        if problems:
            raise ConfigError(problems)
        proxy = urlsplit(settings.proxy.get_secret_value()) if settings.proxy else None
        return cls(tuple(allowed), tuple(names), web, (proxy.hostname or "", proxy.port or 0) if proxy else None)

    def permits(self, address: Address, port: int) -> bool:
        """Whether something may be fetched from there."""
        if any(address in block and known in {None, port} for block, known in self.allowed):
            return True
        return self.web and port in WEB_PORTS.values() and is_public(address)

    def permits_connection(self, host: str, address: Address, port: int) -> bool:
        """Whether to connect there for a host; where there is a proxy, to nothing else.

        Twisted asks for the proxy's address without a port before it opens a tunnel.
        """
        if self.proxy is not None:
            return host.lower() == self.proxy[0] and port in {0, self.proxy[1]}
        return self.permits(address, port)

    def permits_port(self, port: int) -> bool:
        """Whether there is any address at which that port may be asked."""
        return port in WEB_PORTS.values() or any(known in {None, port} for _, known in self.allowed)

    def address_of(self, name: str) -> Address | None:
        """The address that `fetch.resolve` gives a name."""
        return dict(self.names).get(name.lower())

    def covers(self, host: str) -> bool:
        """Whether a host is one of the exceptions: a name or an address that only the settings let through."""
        try:
            literal: Address | None = ip_address(host)
        except ValueError:
            literal = self.address_of(host)
        return literal is not None and any(literal in block for block, _ in self.allowed)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to nobody's own network."""
    if any(address in block for block in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@implementer(IHostnameResolver)
class GuardedResolver:
    """Twisted's resolver, by which only permitted addresses come through; TWISTED_DNS_RESOLVER of the crawl."""

    def __init__(self, rules: AddressRules, reactor: Any) -> None:
        self._rules, self._reactor = rules, reactor
        self._system: Any = reactor.nameResolver
        self._refused: dict[tuple[str, int], str] = {}

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler.settings["ADDRESS_RULES"], reactor)

    def install_on_reactor(self) -> None:
        """Resolve every name of this process from now on."""
        self._reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802 - the signature is Twisted's
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:
        """Resolve a name, or pass on an address, leaving out what is not permitted."""
        self._refused.pop((_ascii(hostName), portNumber), None)
        receiver = _Sieve(self, resolutionReceiver, hostName, portNumber)
        own = self._rules.address_of(hostName)
        if own is None:
            return self._system.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)
        resolution = _Resolution(hostName)
        receiver.resolutionBegan(resolution)
        kind = TwistedIPv4 if own.version == 4 else TwistedIPv6
        receiver.addressResolved(kind("TCP", str(own), portNumber))
        receiver.resolutionComplete()
        return resolution

    def check(self, address: str, host: str, port: int) -> bool:
        """Whether an address may be connected to; remembers what was refused."""
        permitted = self._rules.permits_connection(host, ip_address(address.partition("%")[0]), port)
        if not permitted:
            self._refused[_ascii(host), port] = address
        return permitted

    def take_refusal(self, host: str, port: int) -> str | None:
        """The address that was refused for a host when it was resolved last."""
        return self._refused.pop((_ascii(host), port), None)


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """It is over as soon as it has begun."""


@implementer(IResolutionReceiver)
class _Sieve:
    """Hands on the addresses that the guard lets through."""

    def __init__(self, guard: GuardedResolver, receiver: Any, host: str, port: int) -> None:
        self._guard, self._receiver, self._host, self._port = guard, receiver, host, port

    def resolutionBegan(self, resolution: Any) -> None:  # noqa: N802 - the name is Twisted's
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: Any) -> None:  # noqa: N802 - the name is Twisted's
        if self._guard.check(address.host, self._host, self._port):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802 - the name is Twisted's
        self._receiver.resolutionComplete()


class AddressMiddleware:
    """Checks scheme and port of every request and hop, and names what the resolver refused."""

    def __init__(self, rules: AddressRules) -> None:
        self._rules = rules

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way of making one."""
        return cls(crawler.settings["ADDRESS_RULES"])

    def process_request(self, request: Request) -> None:
        """Refuse what is no web address.

        Raises:
            RefusedError: scheme or port is none of the web's, nor one of `fetch.allow`; or it holds credentials.
        """
        scheme, _, port = _target(request)
        if scheme not in WEB_PORTS:
            raise _refused(request, f"scheme {scheme}")
        if not self._rules.permits_port(port):
            raise _refused(request, f"port {port}")
        if urlparse_cached(request).username is not None:
            raise _refused(request, "credentials in the address")

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Tell a name whose addresses were refused from one that has none.

        Raises:
            RefusedError: the guard let none of its addresses through.
        """
        if not isinstance(exception, CannotResolveHostError):
            return
        from twisted.internet import reactor

        _, host, port = _target(request)
        resolver: Any = reactor.nameResolver
        if (address := resolver.take_refusal(host, port)) is not None:
            raise _refused(request, f"{host} is {address}") from exception


class RedirectMiddleware:
    """Refuses a redirect to what is no address, at which Scrapy's own would fail in many ways; so it sits below it."""

    def process_response(self, request: Request, response: Response) -> Response:  # noqa: ARG002 - Scrapy's signature
        """Let an answer pass.

        Raises:
            RefusedError: it leads to no web address.
        """
        location = response.headers.get("Location")
        if location is not None and 300 <= response.status < 400:
            try:
                clean(location.decode("utf-8", "replace"), base=response.url)
            except UrlError as error:
                raise RefusedError("bad_redirect", str(error), redirected=True) from error
        return response


def _refused(request: Request, detail: str) -> RefusedError:
    return RefusedError("address_refused", detail, redirected="redirect_times" in request.meta)


def _ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _target(request: Request) -> tuple[str, str, int]:
    parts = urlparse_cached(request)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, parts.hostname or "", WEB_PORTS.get(parts.scheme, -1) if port is None else port
