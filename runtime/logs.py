"""Structured logs: one place where everything that this process says arrives, in one form.

Our own code writes events with fields; the libraries' standard logging and Python's warnings are
routed through the same renderer. A line answers at 3 a.m.: when, how bad, which process, what
happened, with which values.

    2026-11-24T02:13:07.512Z warning  balance  partition is behind          partition=3 lag=120000

As JSON it is one object a line: `time`, `level`, `process`, `event`, then the fields.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import MutableMapping
from typing import Any, Literal, Protocol, TextIO, cast

import structlog

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["auto", "console", "json"]
EventFields = MutableMapping[str, Any]

LIBRDKAFKA = "librdkafka"
"""Logger of the Kafka client's native part."""
AGAIN_S = 10.0
"""Seconds until a library may say the same thing again."""
_MOST_SUBJECTS = 200
CHATTY = {
    "aiokafka": logging.WARNING,
    "faust": logging.WARNING,
    "httpx": logging.WARNING,
    "kafka": logging.WARNING,
    "mode": logging.WARNING,
    "runtime.faust_transport": logging.WARNING,  # Faust's services name themselves after the subclass
    "uvicorn": logging.WARNING,
    "uvicorn.error": logging.WARNING,
}
"""Libraries whose INFO tells nothing to an operator; with level `debug` they speak."""


class Logger(Protocol):
    """What our code needs of a logger. Fields are values, never parts of the sentence."""

    def debug(self, event: str, **fields: object) -> None:
        """Say what only a developer asks for."""
        ...

    def info(self, event: str, **fields: object) -> None:
        """Say that something expected happened: started, assigned, stopped."""
        ...

    def warning(self, event: str, **fields: object) -> None:
        """Say that something is wrong and is being dealt with."""
        ...

    def error(self, event: str, **fields: object) -> None:
        """Say that somebody has to do something."""
        ...

    def exception(self, event: str, **fields: object) -> None:
        """Say it with the traceback of the exception being handled."""
        ...

    def bind(self, **fields: object) -> Logger:
        """Return a logger that adds these fields to every event."""
        ...


def configure(process: str, level: Level, form: Form, stream: TextIO | None = None) -> None:
    """Set up the logs of this process; the last call holds.

    Args:
        process: name in every line: `balance`, `market`, `store`, `replay`.
        level: the least severe level that is written.
        form: `auto` is for people when `stream` is a terminal, else JSON lines.
        stream: where to; standard error when None, so that standard output stays for results.
    """
    target = stream or sys.stderr
    people = form == "console" or (form == "auto" and target.isatty())
    shared = _shared(process)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(people=people, colours=people and target.isatty()),
            ],
        )
    )
    handler.addFilter(_Seldom())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _route_libraries(debugging=level == "debug")


def logger(name: str) -> Logger:
    """Return the logger of a module: `logger(__name__)`."""
    return cast("Logger", structlog.stdlib.get_logger(name))


def _shared(process: str) -> list[structlog.typing.Processor]:
    """Return the steps that our events and the libraries' records both take."""

    def add_process(_: Any, __: str, fields: EventFields) -> EventFields:
        fields["process"] = process
        return fields

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _soften,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True, key="time"),
        add_process,
        structlog.processors.StackInfoRenderer(),
    ]


def _soften(_: Any, __: str, fields: EventFields) -> EventFields:
    """Call these libraries' errors warnings: they repeat what they log, and what they can't mend they raise."""
    if _repeats_itself(str(fields.get("logger", ""))) and fields["level"] == "error":
        fields["level"] = "warning"
    return fields


def _repeats_itself(name: str) -> bool:
    return name.startswith((LIBRDKAFKA, "aiokafka"))


class _Seldom(logging.Filter):
    """Lets the complaint of a library that tries again and again through once in ten seconds, with a count."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[tuple[str, object], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or not _repeats_itself(record.name):
            return True
        args = record.args if record.name.startswith(LIBRDKAFKA) else None
        subject = args[0] if isinstance(args, tuple) and args else record.msg  # FAIL, GETPID
        said_at, left_out = self._told.get((record.name, subject), (-AGAIN_S, 0))
        if record.created - said_at < AGAIN_S:
            self._told[record.name, subject] = (said_at, left_out + 1)
            return False
        if len(self._told) >= _MOST_SUBJECTS:
            self._told.clear()
        self._told[record.name, subject] = (record.created, 0)
        if left_out:
            record.repeated = left_out
        return True


def _rendering(*, people: bool, colours: bool) -> list[structlog.typing.Processor]:
    if people:
        return [
            _short_time,
            structlog.dev.ConsoleRenderer(
                colors=colours,
                timestamp_key="time",
                pad_event_to=36,
                sort_keys=False,
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    return [
        structlog.processors.format_exc_info,  # without local variables: they may be secrets
        _time_first,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def _short_time(_: Any, __: str, fields: EventFields) -> EventFields:
    """Cut microseconds to milliseconds and leave the module out: the process says enough."""
    fields["time"] = f"{fields['time'][:23]}Z"
    fields.pop("logger", None)
    return fields


def _time_first(_: Any, __: str, fields: EventFields) -> EventFields:
    first = ("time", "level", "process", "event")
    ordered = {name: fields[name] for name in first if name in fields}
    return ordered | {name: value for name, value in fields.items() if name not in ordered}


def _route_libraries(*, debugging: bool) -> None:
    """Let every library's records reach the one handler; say each warning once."""
    for name in list(logging.root.manager.loggerDict):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name, least in CHATTY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if debugging else least)
    logging.captureWarnings(capture=True)
    if not sys.warnoptions:
        warnings.simplefilter("once")
