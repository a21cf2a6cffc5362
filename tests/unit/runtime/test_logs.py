"""Whatever speaks, the log has one form."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.logs import Form, configure, logger


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def written(form: Form, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure("balance", "debug" if level == "debug" else "info", form, stream)
    return stream


def objects(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_tells_when_how_bad_who_what_and_with_which_values() -> None:
    stream = written("json")
    logger("runtime.worker").bind(stage="balance").warning("partition is behind", lag=120_000)
    (line,) = objects(stream)
    assert list(line)[:4] == ["time", "level", "process", "event"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["process"]) == ("warning", "balance")
    assert (line["event"], line["lag"], line["stage"]) == (
        "partition is behind",
        120_000,
        "balance",
    )


def test_a_library_s_record_has_the_same_form() -> None:
    stream = written("json")
    logging.getLogger("aiokafka.consumer").warning("rebalance %s", 5)
    (line,) = objects(stream)
    assert (line["event"], line["level"], line["process"]) == ("rebalance 5", "warning", "balance")


def test_what_aiokafka_mends_by_itself_is_no_error() -> None:
    stream = written("json")
    logging.getLogger("aiokafka.consumer.group_coordinator").error("Request failed: %s", 15)
    logging.getLogger("faust.worker").error("crashed")
    assert [line["level"] for line in objects(stream)] == ["warning", "error"]


def test_what_a_library_repeats_is_said_once_and_counted() -> None:
    stream = written("json")
    (handler,) = logging.getLogger().handlers
    library = logging.getLogger("aiokafka")
    for second in (0.0, 0.1, 9.9, 10.0):
        record = library.makeRecord(
            "aiokafka", logging.ERROR, "f", 1, "Unable connect to %s", (second,), None
        )
        record.created = second
        handler.handle(record)
    library.warning("another matter")
    logger("worker").warning("commit repeats")
    logger("worker").warning("commit repeats")
    said = [(line["event"], line.get("repeated")) for line in objects(stream)]
    assert said == [
        ("Unable connect to 0.0", None),
        ("Unable connect to 10.0", 2),
        ("another matter", None),
        ("commit repeats", None),
        ("commit repeats", None),
    ]


def test_the_native_client_is_told_apart_by_what_its_lines_are_about() -> None:
    stream = written("json")
    native = logging.getLogger("librdkafka")
    for about, text in (("FAIL", "refused"), ("FAIL", "refused again"), ("GETPID", "no answer")):
        native.error("%s [%s] %s", about, "rdkafka#consumer-1", text)
    lines = objects(stream)
    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert [line["event"] for line in lines] == [
        "FAIL [rdkafka#consumer-1] refused",
        "GETPID [rdkafka#consumer-1] no answer",
    ]


def test_chatter_of_libraries_is_left_out_until_it_is_asked_for() -> None:
    stream = written("json")
    logging.getLogger("aiokafka.consumer").info("chatter")
    assert stream.getvalue() == ""
    stream = written("json", "debug")
    logging.getLogger("aiokafka.consumer").info("chatter")
    assert "chatter" in stream.getvalue()


def test_a_traceback_holds_no_local_variables() -> None:
    stream = written("json")

    def fail(password: str) -> None:
        raise ValueError(len(password))

    try:
        fail(" ".join(("open", "sesame")))
    except ValueError:
        logger("x").exception("login failed")
    (line,) = objects(stream)
    assert "ValueError: 11" in line["exception"]
    assert "open sesame" not in stream.getvalue()


def test_python_s_warnings_arrive_too() -> None:
    stream = written("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("deprecated", UserWarning, stacklevel=1)
    (line,) = objects(stream)
    assert line["level"] == "warning"
    assert "deprecated" in line["event"]


def test_people_get_one_readable_line_without_colours_in_a_file() -> None:
    stream = written("console")
    logger("runtime.worker").info("partition opened", partition=3)
    line = stream.getvalue()
    assert "partition opened" in line
    assert "partition=3" in line
    assert "\x1b" not in line


def test_auto_means_json_where_no_person_looks() -> None:
    stream = written("auto")
    logger("x").info("started")
    assert objects(stream)[0]["event"] == "started"
