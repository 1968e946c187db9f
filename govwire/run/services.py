"""What a process works with: the state, the bus and the index, opened once and closed at its end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from govwire.core.bus import Bus, open_bus
from govwire.core.errors import ConfigError
from govwire.core.index import Index, open_index
from govwire.core.patience import Patience
from govwire.core.settings import Settings
from govwire.core.state import State, open_state


@dataclass(frozen=True)
class Services:
    """One process's own clients."""

    state: State
    bus: Bus
    index: Index


@contextmanager
def open_services(settings: Settings, patience: Patience) -> Iterator[Services]:
    """State, bus and index for the block; what is away at the start is waited for.

    Raises:
        ConfigError: an address is unusable, or data_dir cannot be written.
        StoppedError: asked to stop while waiting.
        ServiceError: a service stayed away for longer than `patience` has.
    """
    with ExitStack() as stack:
        state = stack.enter_context(patience.wait_for(lambda: open_state(settings.state_url)))
        bus = patience.wait_for(lambda: open_bus(settings))
        stack.callback(bus.close)
        index = patience.wait_for(lambda: open_index(settings))
        stack.callback(index.close)
        yield Services(state, bus, index)


def refuse_misfit(index: Index) -> None:
    """Return when the index can be written by this program.

    Raises:
        ConfigError: its mapping is of another version, or its file is damaged.
        SearchError: it cannot be reached, or is not made yet.
    """
    index.newest_at()  # `check` tells of an index that is away as of any other trouble; this raises
    if problems := index.check():
        raise ConfigError(problems)
