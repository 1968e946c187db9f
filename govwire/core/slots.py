"""A place of its own for each process of one kind on this host: `extract-myhost-0`, by the lowest free number.

A process that comes back under the name of a dead one takes up its work without waiting: its partitions on Kafka, its
leases in the frontier. The number is a lock file in data_dir that the kernel frees at a process's death.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from govwire.core.errors import ConfigError

# More processes of one kind than any host runs; a bound, so that a mistake ends in words.
MOST = 1000


@contextmanager
def slot(data_dir: Path, kind: str, number: int | None = None) -> Iterator[str]:
    """Hold a name `kind-host-number` for the block: that number, or the lowest free one.

    Raises:
        ConfigError: the number is taken on this host, or data_dir cannot be written.
    """
    folder = data_dir / "locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"data_dir: {error}; name a folder that can be written") from error
    for candidate in range(MOST) if number is None else [number]:
        lock = FileLock(folder / f"slot-{kind}-{candidate}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        try:
            yield f"{kind}-{socket.gethostname()}-{candidate}"
        finally:
            lock.release()
        return
    raise ConfigError(f"slot {number} of {kind} is taken in {folder}; choose another --slot")
