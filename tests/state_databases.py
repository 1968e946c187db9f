"""The databases that the state may lie in, as the contract tests see them, and the time at which these begin."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

DATABASES = ["sqlite", "postgresql"]
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def empty_database(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database of the kind that the fixture's parameter names."""
    if request.param == "sqlite":
        return f"sqlite:///{folder / 'state.db'}"
    url: str = request.getfixturevalue("postgres_server").create_database()
    return url


def after(seconds: float) -> datetime:
    """So many seconds after the tests begin."""
    return NOW + timedelta(seconds=seconds)
