"""Named fault points: places where a crash is worth trying. Off unless GOVWIRE_FAULT names one.

`GOVWIRE_FAULT=extract.published:3` kills this process with SIGKILL the third time it passes that point. The chaos tests
set it; nothing else does. A stage's points are `<stage>.<moment>`; MOMENTS lists the moments, and tests walk the list.
"""

import os
import signal

# The moments every stage passes, in order (processors/stage.py), then those of single stages.
STAGE_MOMENTS = ("read", "applied", "published", "committed")
POINTS: tuple[str, ...] = (
    *(f"{stage}.{moment}" for stage in ("extract", "classify", "index", "match") for moment in STAGE_MOMENTS),
    "crawl.leased",
    "crawl.fetched",
    "crawl.published",
    "crawl.recorded",
    "backfill.published",
    "backfill.recorded",
    "index.put",
    "deliver.taken",
    "deliver.sent",
    "deliver.marked",
)

_passed = 0


def passing(point: str) -> None:
    """Pass a fault point: nothing happens unless GOVWIRE_FAULT names it."""
    wanted = os.environ.get("GOVWIRE_FAULT")
    if not wanted:
        return
    name, _, times = wanted.partition(":")
    if name != point:
        return
    global _passed  # noqa: PLW0603 - one process passes one named point; counting it is this module's whole state
    _passed += 1
    if _passed == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
