"""Epochs: the numbered switches of the labelling. Only the newest one labels."""

from datetime import datetime

from sqlalchemy import RowMapping, select

from govwire.core.errors import ServiceError
from govwire.core.state import Transaction, insert_into
from govwire.core.state.tables import epochs


def begin(transaction: Transaction, *, digest: str, model: str, at: datetime) -> int:
    """The epoch of a classifier that starts: the newest one where it is its own, else a new one.

    A classifier that comes back after another begins a new epoch too.
    """
    newest = _newest(transaction)
    if newest is not None and newest["digest"] == digest:
        return int(newest["epoch"])
    epoch = int(newest["epoch"]) + 1 if newest is not None else 1
    row = {"epoch": epoch, "digest": digest, "model": model, "created_at": at}
    transaction.execute(insert_into(transaction, epochs), row)
    return epoch


def current(transaction: Transaction, *, digest: str, model: str) -> int:
    """The newest epoch, for a classifier that has begun one.

    Raises:
        ServiceError: it is another classifier's by now.
    """
    newest = _newest(transaction)
    if newest is None or newest["digest"] != digest:
        now = f"{newest['model']} since epoch {newest['epoch']}" if newest is not None else "nobody"
        raise ServiceError(f"classify: labels are made by {now}, not by this {model}; restart with the same config")
    return int(newest["epoch"])


def _newest(transaction: Transaction) -> RowMapping | None:
    return transaction.execute(select(epochs).order_by(epochs.c.epoch.desc()).limit(1)).mappings().first()
