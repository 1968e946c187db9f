"""Debian's Chromium without a window: what a page looks like, and what it holds once its scripts have run.

The browser reaches nothing outside this machine: every name but the given ones is unknown to it.
"""

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from servers.programs import CHROMIUM, as_root

# A cold browser on two busy cores takes up to 10 s for a page.
_SECONDS = 60
_NOT_LOADED = "Page load failed"


class BrowserError(Exception):
    """The browser failed, or could not load the page; the message holds its own words."""


class Chromium:
    """A browser; `hosts` maps names to addresses on loopback (`name -> 127.0.0.1:8000` or `127.0.0.1`).

    Each call opens the page in a browser of its own, without memory of earlier ones.
    """

    def __init__(self, hosts: Mapping[str, str] | None = None) -> None:
        self._program = CHROMIUM.require()
        self._hosts = dict(hosts or {})

    def dump_dom(self, url: str) -> str:
        """The page as HTML after its scripts have run."""
        return self._run(url, "--dump-dom")

    def screenshot(self, url: str, path: Path, *, width: int = 1280, height: int = 1600) -> Path:
        """Write a PNG of the page to `path` and return it."""
        self._run(url, f"--screenshot={path}", f"--window-size={width},{height}")
        if not path.exists():
            raise BrowserError(f"chromium made no picture of {url}")
        return path

    def _run(self, url: str, *options: str) -> str:
        known = [f"MAP {name} {address}" for name, address in self._hosts.items()]
        rules = [*known, "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1"]
        flags = [
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            f"--host-resolver-rules={', '.join(rules)}",
            # Timers of the page are run forward by up to 5 s, so that late scripts are done.
            "--virtual-time-budget=5000",
        ]
        if as_root():
            flags.append("--no-sandbox")
        with tempfile.TemporaryDirectory(prefix="govwire-chromium-", ignore_cleanup_errors=True) as profile:
            try:
                done = subprocess.run(
                    [self._program, *flags, f"--user-data-dir={profile}", *options, url],
                    check=False,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_SECONDS,
                )
            except subprocess.TimeoutExpired as error:
                raise BrowserError(f"chromium did not end within {_SECONDS} s on {url}") from error
        said = done.stderr.decode(errors="replace")
        # A page that cannot be loaded is no failure to the browser: it ends with 0 and prints nothing.
        if done.returncode or _NOT_LOADED in said:
            why = [line for line in said.splitlines() if _NOT_LOADED in line] or said.splitlines()[-10:]
            raise BrowserError(f"chromium failed on {url}: {' | '.join(why)}")
        return done.stdout.decode()
