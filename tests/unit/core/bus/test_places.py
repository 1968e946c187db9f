"""Lock files: one holder at a time, and fair shares of the partitions."""

from pathlib import Path

import pytest

from govwire.core.bus.places import Lock, Places, is_held


def test_a_lock_has_one_holder_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "a"
    assert not is_held(path)
    lock = Lock.take(path)
    assert lock is not None
    assert is_held(path)
    assert Lock.take(path) is None
    lock.release()
    assert not is_held(path)
    again = Lock.take(path)
    assert again is not None
    again.release()


@pytest.mark.parametrize("members", [1, 2, 3, 5, 8, 11])
def test_shares_are_fair_and_leave_no_partition_over(tmp_path: Path, members: int) -> None:
    places = Places(tmp_path, "group", "topic", 8)
    slots = [f"host/{number} ü" for number in range(members)]
    locks = [places.take_member(slot) for slot in slots]
    shares = [places.share_of(slot) for slot in slots]
    assert sum(shares) == 8
    assert max(shares) - min(shares) <= 1
    for lock in locks:
        assert lock is not None
        lock.release()


def test_a_member_that_is_gone_has_no_share(tmp_path: Path) -> None:
    places = Places(tmp_path, "group", "topic", 8)
    one, two = places.take_member("one"), places.take_member("two")
    assert one is not None
    assert two is not None
    one.release()
    assert places.share_of("two") == 8
    two.release()
