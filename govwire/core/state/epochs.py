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
    found = newest(transaction)
    if found is not None and found["digest"] == digest:
        return int(found["epoch"])
    epoch = int(found["epoch"]) + 1 if found is not None else 1
    row = {"epoch": epoch, "digest": digest, "model": model, "created_at": at}
    transaction.execute(insert_into(transaction, epochs), row)
    return epoch


def current(transaction: Transaction, *, digest: str, model: str) -> int:
    """The newest epoch, for a classifier that has begun one.

    Raises:
        ServiceError: it is another classifier's by now.
    """
    found = newest(transaction)
    if found is None or found["digest"] != digest:
        now = f"{found['model']} since epoch {found['epoch']}" if found is not None else "nobody"
        raise ServiceError(f"classify: labels are made by {now}, not by this {model}; restart with the same config")
    return int(found["epoch"])


def newest(transaction: Transaction) -> RowMapping | None:
    """The row of the newest epoch; None where nobody has labelled anything yet."""
    return transaction.execute(select(epochs).order_by(epochs.c.epoch.desc()).limit(1)).mappings().first()
