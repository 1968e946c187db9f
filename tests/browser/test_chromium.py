"""The browser of these tests is safe to let loose on pages: it reaches nothing but this machine."""

import pytest

from servers.chromium import BrowserError, Chromium


def test_the_browser_knows_no_name_outside_this_machine(chromium: Chromium) -> None:
    with pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED"):
        chromium.dump_dom("http://news.example/")
