"""Govwire watches the news for the governance of AI: who takes which stance on what, with the sentence that proves it.

`govwire.core` is the hall: what crawlers and processors agree on. `govwire.core.flow` shows the whole way of an item on
one page, `govwire.core.records` what travels on it. `govwire.run` runs everything on one machine, `govwire.cli` has the
commands.
"""

from importlib.metadata import version

__version__ = version("govwire")
