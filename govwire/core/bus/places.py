"""Lock files: how the processes of the embedded bus share partitions without leases, clocks or heartbeats.

A lock belongs to an open file, so the kernel frees it at the death of its process, however it dies. Local disks only.
Source: flock(2).
"""

import fcntl
import os
from pathlib import Path
from typing import Self
from urllib.parse import quote


class Lock:
    """A lock that is held until `release`, or until this process dies."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, path: Path) -> Self | None:
        """Take the lock if nobody holds it. The file stays for ever: removing it would let two hold "the" lock."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return cls(handle)

    def release(self) -> None:
        """Let others take it."""
        os.close(self._handle)


def is_held(path: Path) -> bool:
    """Whether somebody, this process included, holds the lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two who look at once do not take each other for the holder.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


class Places:
    """The lock files of one group on one Kafka topic: a place for each member, and one for each partition."""

    def __init__(self, data_dir: Path, group: str, kafka_topic: str, partitions: int) -> None:
        folder = data_dir / "locks" / "bus" / _file_name(group) / _file_name(kafka_topic)
        self.partitions = partitions
        self._members = folder / "members"
        self._partitions = folder / "partitions"

    def take_member(self, slot: str) -> Lock | None:
        """Take the place of a member; None while another process has it."""
        return Lock.take(self._members / _file_name(slot))

    def take_partition(self, partition: int) -> Lock | None:
        """Take a partition; None while another member owns it."""
        return Lock.take(self._partitions / str(partition))

    def share_of(self, slot: str) -> int:
        """How many partitions this member may own: as many as any other, give or take one."""
        alive = sorted(path.name for path in self._members.iterdir() if is_held(path))
        rank = alive.index(_file_name(slot))
        return self.partitions // len(alive) + (rank < self.partitions % len(alive))


def _file_name(name: str) -> str:
    return quote(name, safe="")
