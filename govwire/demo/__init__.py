"""The demo: bundled sample sites on loopback, which Govwire watches like any others, without a network.

`govwire run --demo` starts them in its own process; the child processes get plain settings and sources.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from govwire import __version__
from govwire.core.source import Source
from govwire.demo.server import serve
from govwire.demo.site import DOMAIN, Site, load_sites

# At this pace every sample site is read within seconds; real ones are never asked so fast.
HOST_DELAY_SECONDS = 0.05


@dataclass(frozen=True)
class Demo:
    """Sample sites that are being served."""

    port: int
    sites: Mapping[str, Site]
    hosts: tuple[str, ...]

    def overrides(self) -> dict[str, Any]:
        """The settings under which the sample sites, and nothing else on loopback, may be fetched."""
        return {
            "user_agent": f"govwire-demo/{__version__} (+http://{DOMAIN}/)",
            "fetch": {
                "allow": (f"127.0.0.0/8:{self.port}",),
                "proxy": None,
                "resolve": tuple(f"{host}:127.0.0.1" for host in self.hosts),
            },
            "crawl": {"host_delay_seconds": HOST_DELAY_SECONDS},
        }

    def sources(self) -> dict[str, Source]:
        """The sample sites as sources, by id."""
        return {site_id: site.source(site_id, self.port) for site_id, site in self.sites.items()}


def _utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def start(clock: Callable[[], datetime] = _utc_now) -> Iterator[Demo]:
    """Serve the sample sites until the block ends; their news is fresh at `clock()`."""
    sites = load_sites()
    with serve(sites, clock) as (port, samples):
        yield Demo(port, sites, tuple(samples.hosts))
