"""Logging of a process: structlog to standard error, an event and its fields, for people or for machines."""

import logging
import sys

import structlog

from govwire.core.settings import Settings

_OURS = ("govwire", "crawlers", "processors")
# Clients of services: what they warn of, with stack traces, their doors tell in one line, and whoever waits for them.
_TOLD_BY_US = ("elastic_transport", "kafka")


def configure(settings: Settings) -> None:
    """Set this process's log level and format; foreign libraries' warnings come the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=24,
            # The default shows the values of variables, secrets among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    traces = [structlog.processors.format_exc_info] if settings.log_format == "json" else []
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *traces, renderer],
        )
    )
    handler.addFilter(_is_told)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def _is_told(record: logging.LogRecord) -> bool:
    """Our own events at the level asked for; of libraries, which set their own levels, what they find worrying."""
    library = record.name.partition(".")[0]
    return library in _OURS or record.levelno >= (logging.CRITICAL if library in _TOLD_BY_US else logging.WARNING)
