"""The order in which the stack starts and stops. The broker has its own contract test."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.stack import AlreadyRunningError, NotReadyError, Part, Stack, StackSpec, only_one
from runtime.clock import FakeClock, SystemClock
from runtime.setting_types import Settings
from runtime.settings import load

# Stands for `python -m cli`: writes what happens to a diary, serves when it has a port, stops on SIGTERM.
PROCESS = """
import http.server, os, signal, sys, time
_, _, setting, name, *rest = sys.argv
def note(what):
    with open(os.path.join(os.path.dirname(setting.removeprefix("var=")), "diary"), "a") as diary:
        diary.write(f"{what} {name}\\n")
def stop(number, frame):
    note("stop")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
note("start")
if rest:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
        def log_message(self, *_):
            pass
    port = int(os.environ["SYNERGY__REGISTRY__URL"].rpartition(":")[2])
    http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
while True:  # no pause(): a signal that comes right before it would never be handled
    time.sleep(0.05)
"""
REGISTRY = Part(
    name="registry",
    arguments=("registry", "serve"),
    usual_port=18_081,
    setting="registry.url",
    ready_path="/subjects",
    first=True,
    stop_rank=9,
)
WORKERS = (
    Part(name="balance", arguments=("balance",), stop_rank=2),
    Part(name="replay", arguments=("replay",), stop_rank=1),
)


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "var"


def stack_of(var: Path, parts: Sequence[Part], diary: Path) -> Stack:
    def prepare(settings: Settings) -> None:
        with diary.open("a") as file:
            file.write(f"prepare {settings.registry.url != ''}\n")

    loaded = load({"var": str(var), "kafka.bootstrap": "elsewhere:9092"})
    program = (sys.executable, "-S", str(var.parent / "process.py"))
    (var.parent / "process.py").write_text(PROCESS)
    spec = StackSpec(loaded=loaded, parts=parts, prepare=prepare, program=program)
    return Stack(spec, SystemClock(), lambda _: None)


def wait_for_lines(diary: Path, count: int) -> list[str]:
    clock = SystemClock()
    deadline = clock.monotonic_s() + 20
    while len(lines := diary.read_text().splitlines()) < count:
        assert clock.monotonic_s() < deadline, lines
        clock.sleep(0.02)
    return lines


def test_workers_start_after_topics_and_schemas_and_stop_before_what_they_use(var: Path) -> None:
    diary = var.parent / "diary"
    stack = stack_of(var, (REGISTRY, *WORKERS), diary)
    stack.start()
    started = wait_for_lines(diary, 4)
    assert started[:2] == ["start registry", "prepare True"]
    assert sorted(started[2:]) == ["start balance", "start replay"]
    assert [state.condition for state in stack.states()] == ["running"] * 3
    stack.stop()
    assert diary.read_text().splitlines()[4:] == ["stop replay", "stop balance", "stop registry"]


def test_a_registry_that_somebody_chose_is_not_started(var: Path) -> None:
    diary = var.parent / "diary"
    (var.parent / "synergy.toml").write_text('[registry]\nurl = "http://elsewhere:8081"\n')
    stack = stack_of(var, (REGISTRY, *WORKERS), diary)
    stack.start()
    assert not any("registry" in line for line in wait_for_lines(diary, 3))
    stack.stop()


def test_what_an_earlier_run_left_behind_is_ended_first(var: Path) -> None:
    diary = var.parent / "diary"
    first = stack_of(var, WORKERS, diary)
    first.start()
    wait_for_lines(diary, 3)
    second = stack_of(var, WORKERS, diary)
    second.start()
    lines = wait_for_lines(diary, 8)
    assert lines.count("stop balance") == lines.count("stop replay") == 1
    second.stop()
    first.stop()


def test_a_server_that_never_answers_is_an_error_that_names_its_log(var: Path) -> None:
    silent = Part(
        name="registry",
        arguments=("registry",),
        usual_port=18_091,
        setting="registry.url",
        ready_path="/subjects",
        first=True,
    )
    loaded = load({"var": str(var), "kafka.bootstrap": "elsewhere:9092"})
    program = (sys.executable, "-S", "-c", "import signal; signal.pause()")
    spec = StackSpec(loaded=loaded, parts=(silent,), prepare=lambda _: None, program=program)
    stack = Stack(spec, FakeClock(), lambda _: None)
    with pytest.raises(NotReadyError, match=r"registry\.log"):
        stack.start()
    stack.stop()


def test_a_folder_is_used_by_one_stack_at_a_time(var: Path) -> None:
    with only_one(var), pytest.raises(AlreadyRunningError), only_one(var):
        pass
    with only_one(var):
        pass
