"""The `hub` engine where its extra is not installed; tests/hub has the rest."""

import sys

import pytest

from govwire.core.errors import ConfigError
from govwire.core.settings import Settings
from govwire.core.share import shared
from govwire.core.vocabulary import load_vocabulary
from processors.classifiers import open_classifier


def test_a_missing_extra_is_one_line_that_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as Python marks what is not to be found
    settings = Settings.model_validate({"classify": {"engine": "hub", "hub_model": "owner/model"}})
    with pytest.raises(ConfigError, match=r"pip install 'govwire\[hub\]'") as caught:
        open_classifier(settings, load_vocabulary(shared("config")))
    assert "\n" not in str(caught.value)
