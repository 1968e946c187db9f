"""A crawl in an office that reaches the web by a proxy only: through it, never past it, and no further than without."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawling import Crawl
from govwire.core.state import exchanges
from servers.process import free_port
from servers.proxy import PASSWORD, ProxyServer
from servers.sites import Reply, Sites
from servers.tls import make_certificates


@dataclass
class Office:
    """A crawl, the proxy, and what lies behind it: the web by http and https, and a server of the office's own."""

    crawl: Crawl
    proxy: ProxyServer
    plain: Sites
    secure: Sites
    inner: Sites

    def urls(self) -> list[str]:
        return [self.plain.set("localhost", "/a", "<p>a</p>"), self.secure.set("localhost", "/b", "<p>b</p>")]


@pytest.fixture(scope="module")
def proxy() -> Iterator[ProxyServer]:
    with ProxyServer() as running:
        yield running


@pytest.fixture
def office(proxy: ProxyServer, tmp_path: Path) -> Iterator[Office]:
    certificates = make_certificates(tmp_path)
    with ExitStack() as stack:
        plain, secure, inner = (stack.enter_context(Sites(each)) for each in (None, certificates, None))
        crawl = Crawl(
            tmp_path / "crawl",
            plain.port,
            GOVWIRE_FETCH__ALLOW=json.dumps([f"127.0.0.0/8:{port}" for port in (plain.port, secure.port)]),
            GOVWIRE_FETCH__PROXY=proxy.url,
            GOVWIRE_FETCH__CA_FILE=str(certificates.ca_file),
            GOVWIRE_USER_AGENT="office/1.0 (+https://office.example/contact)",
        )
        stack.callback(crawl.close)
        yield Office(crawl, proxy, plain, secure, inner)


def test_http_and_https_go_by_the_proxy_whose_password_no_site_sees(office: Office) -> None:
    office.plain.set(
        "localhost", "/moved", Reply(status=301, headers={"Location": office.secure.url("localhost", "/b")})
    )
    urls = [*office.urls(), office.plain.url("localhost", "/moved")]
    before = len(office.proxy.told())
    ended = office.crawl.once(urls=urls)
    assert [office.crawl.standing(url) for url in urls] == [("fetched", None)] * 3, ended.log
    told = "\n".join(office.proxy.told()[before:])
    assert f"GET localhost:{office.plain.port}/" in told
    assert f"CONNECT localhost:{office.secure.port}" in told
    asked = [*office.plain.asked, *office.secure.asked]
    assert {each.path for each in asked} == {"/robots.txt", "/a", "/b", "/moved"}
    assert not any("proxy-authorization" in each.headers for each in asked)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "printer", "wiki.corp"],
)
def test_what_lies_inside_is_not_asked_for_by_the_proxy_either(office: Office, address: str) -> None:
    url = f"http://{address}:{office.inner.port}/secret"
    # Any address at that port would do for the port's own check.
    allow = json.dumps([f"127.0.0.0/8:{office.plain.port}", f"198.51.100.0/24:{office.inner.port}"])
    before = len(office.proxy.told())
    office.crawl.once(urls=[url], environment={"GOVWIRE_FETCH__ALLOW": allow})
    assert office.crawl.standing(url) == ("dropped", "address_refused")
    assert office.inner.asked == []
    assert office.proxy.told()[before:] == []


def test_a_redirect_to_the_inside_is_not_followed(office: Office) -> None:
    target = "http://169.254.169.254/latest/meta-data/"
    url = office.plain.set("localhost", "/away", Reply(status=302, headers={"Location": target}))
    office.crawl.once(urls=[url])
    assert office.crawl.standing(url) == ("dropped", "address_refused")
    assert not any("169.254" in line for line in office.proxy.told())


def test_a_proxy_that_refuses_us_or_is_away_is_waited_for_and_never_passed_by(office: Office) -> None:
    urls = office.urls()
    for proxy in (office.proxy.url_with("wrong-Secret"), f"http://127.0.0.1:{free_port()}"):
        ended = office.crawl.once(urls=urls, environment={"GOVWIRE_FETCH__PROXY": proxy})
        assert [office.crawl.standing(url) for url in urls] == [("waiting", "robots_unreachable")] * 2, ended.log
        assert [*office.plain.asked, *office.secure.asked] == []
        assert "wrong-Secret" not in ended.log


def test_its_password_is_written_down_nowhere(office: Office) -> None:
    ended = office.crawl.once(urls=office.urls(), environment={"GOVWIRE_LOG_LEVEL": "debug"})
    with office.crawl.state() as state, state.begin() as transaction:
        noted = exchanges.of_source(transaction, "asked", 100)
    assert len(noted) >= 4
    kept = b"".join(path.read_bytes() for path in office.crawl.data_dir.rglob("*") if path.is_file())
    for secret in (PASSWORD, office.proxy.url.split(":")[2].partition("@")[0], "cmVhZGVyOnByb3h5OlNlY3JldEAx"):
        assert secret not in ended.log
        assert secret.encode() not in kept
