"""Which addresses belong to the public internet, and which exceptions the settings make."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from scrapy.http import Request
from twisted.internet.address import IPv4Address as TwistedIPv4
from twisted.internet.address import IPv6Address as TwistedIPv6
from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer

from crawlers.guard import AddressMiddleware, AddressRules, GuardedResolver, RefusedError, is_public
from govwire.core.errors import ConfigError
from govwire.core.settings import FetchSettings


def rules(*allow: str, resolve: tuple[str, ...] = ()) -> AddressRules:
    return AddressRules.of(FetchSettings(allow=allow, resolve=resolve))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:80b::200e"])
def test_public_addresses_are_permitted_at_web_ports_only(address: str) -> None:
    assert rules().permits(ip_address(address), 80)
    assert rules().permits(ip_address(address), 443)
    assert not rules().permits(ip_address(address), 22)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.8",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:93.184.215.14",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fc00::1",
        "fd12::1",
        "fe80::1",
        "fec0::1",
        "3fff::1",
        "ff02::1",
    ],
)
def test_addresses_of_nobody_else_are_refused(address: str) -> None:
    assert not rules().permits(ip_address(address), 80)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_hidden_in_an_ipv6_one_is_never_public(inner: IPv4Address) -> None:
    number = int(inner)
    for carrier in ("::", "::ffff:0:0", "64:ff9b::"):
        assert not is_public(IPv6Address(int(IPv6Address(carrier)) | number))


def test_an_exception_holds_for_its_block_and_port_only() -> None:
    local = rules("127.0.0.0/8:8000", "10.0.0.0/24:*", "::1/128:9000")
    assert local.permits(ip_address("127.0.0.1"), 8000)
    assert not local.permits(ip_address("127.0.0.1"), 8001)
    assert not local.permits(ip_address("128.0.0.1"), 8000)
    assert local.permits(ip_address("10.0.0.9"), 5)
    assert local.permits(ip_address("::1"), 9000)
    assert local.permits_port(12345)
    assert rules("127.0.0.0/8:8000").permits_port(8000)
    assert not rules("127.0.0.0/8:8000").permits_port(8001)


def test_a_name_may_have_an_address_of_its_own() -> None:
    local = rules("127.0.0.0/8:8000", resolve=("Site.test:127.0.0.1", "six.test:::1"))
    assert local.address_of("site.TEST") == ip_address("127.0.0.1")
    assert local.address_of("six.test") == ip_address("::1")
    assert local.address_of("other.test") is None


def test_only_what_the_exceptions_cover_needs_no_contact() -> None:
    local = rules("127.0.0.0/8:8000", resolve=("site.test:127.0.0.1", "far.test:93.184.215.14"))
    assert local.covers("site.test")
    assert local.covers("127.0.0.1")
    assert not local.covers("far.test")
    assert not local.covers("example.org")


def test_behind_a_proxy_nothing_but_the_proxy_is_connected_to() -> None:
    behind = AddressRules.of(FetchSettings(proxy=SecretStr("http://me:secret@Proxy.office:3128")))
    guard = GuardedResolver(behind, SimpleNamespace(nameResolver=Dns("10.0.0.9")))
    assert resolved(guard, "proxy.office", 3128) == ["10.0.0.9"]
    assert resolved(guard, "proxy.office", 0) == ["10.0.0.9"]  # before a tunnel is opened, Twisted names no port
    assert resolved(guard, "proxy.office", 22) == []
    assert resolved(GuardedResolver(behind, SimpleNamespace(nameResolver=Dns("1.1.1.1"))), "one.example") == []
    assert behind.permits(ip_address("1.1.1.1"), 443)


def test_without_a_contact_nothing_but_the_exceptions_is_permitted() -> None:
    nameless = AddressRules.of(FetchSettings(allow=("127.0.0.0/8:8000",)), web=False)
    assert not nameless.permits(ip_address("1.1.1.1"), 443)
    assert nameless.permits(ip_address("127.0.0.1"), 8000)


@pytest.mark.parametrize("rule", ["127.0.0.1", "nonsense:80", "127.0.0.1/8:80", "127.0.0.0/8:http", ""])
def test_a_rule_that_cannot_be_read_is_a_config_error(rule: str) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.allow"):
        rules(rule)


@pytest.mark.parametrize("rule", ["site.test", "site.test:", "site.test:nowhere"])
def test_a_name_without_address_is_a_config_error(rule: str) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.resolve"):
        rules(resolve=(rule,))


@implementer(IHostnameResolver)
class Dns:
    """Answers every name with the same addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    def resolveHostName(self, receiver: Any, hostName: str, portNumber: int = 0, *_: Any) -> None:  # noqa: N803
        receiver.resolutionBegan(None)
        for address in self.addresses:
            kind = TwistedIPv6 if ":" in address else TwistedIPv4
            receiver.addressResolved(kind("TCP", address, portNumber))
        receiver.resolutionComplete()


@implementer(IResolutionReceiver)
class Got:
    """The addresses that came through."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.is_complete = False

    def resolutionBegan(self, resolution: object) -> None:
        """Nothing has come yet."""

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address.host)

    def resolutionComplete(self) -> None:
        self.is_complete = True


def resolved(guard: GuardedResolver, name: str, port: int = 443) -> list[str]:
    got = Got()
    guard.resolveHostName(got, name, port)
    assert got.is_complete
    return got.addresses


def test_of_a_name_with_several_addresses_only_the_public_ones_come_through() -> None:
    guard = GuardedResolver(rules(), SimpleNamespace(nameResolver=Dns("10.0.0.1", "1.1.1.1", "::1", "fe80::1%eth0")))
    assert resolved(guard, "mixed.example") == ["1.1.1.1"]
    assert guard.take_refusal("mixed.example", 443) is not None


def test_a_name_that_was_refused_once_and_has_no_address_now_is_not_refused() -> None:
    dns = Dns("10.0.0.1", "1.1.1.1")
    guard = GuardedResolver(rules(), SimpleNamespace(nameResolver=dns))
    resolved(guard, "mixed.example")
    dns.addresses = ()
    assert resolved(guard, "mixed.example") == []
    assert guard.take_refusal("mixed.example", 443) is None


def test_a_name_with_an_address_of_its_own_is_not_looked_up_and_not_trusted_further() -> None:
    local = rules("10.0.0.0/8:443", resolve=("site.test:10.0.0.5",))
    guard = GuardedResolver(local, SimpleNamespace(nameResolver=Dns("1.1.1.1")))
    assert resolved(guard, "SITE.test") == ["10.0.0.5"]
    assert resolved(guard, "site.test", 80) == []
    assert guard.take_refusal("site.test", 80) == "10.0.0.5"


@pytest.mark.parametrize(
    "url", ["http://a.example:22/", "http://user@a.example/", "http://user:secret@a.example/", "ftp://a.example/"]
)
def test_a_request_that_no_address_could_mend_is_refused_before_any_is_looked_up(url: str) -> None:
    with pytest.raises(RefusedError, match="address_refused") as refused:
        AddressMiddleware(rules()).process_request(Request(url))
    assert "secret" not in str(refused.value)
