"""Children are started again, stopped in time, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.embedded.child import Child, ChildSpec, command_line, stop_stale
from cli.supervisor import ChildState, Supervisor
from runtime.clock import FakeClock, SystemClock

WAITS = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PATIENCE_S = 20.0


def spec_of(folder: Path, code: str, name: str = "worker", *, may_end: bool = False) -> ChildSpec:
    return ChildSpec(
        name=name,
        command=[sys.executable, "-S", "-c", code, str(folder)],
        log=folder / f"{name}.log",
        pid_file=folder / f"{name}.pid",
        mark=str(folder),
        may_end=may_end,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    clock = SystemClock()
    deadline = clock.monotonic_s() + PATIENCE_S
    while not condition():
        assert clock.monotonic_s() < deadline, "it did not happen"
        clock.sleep(0.02)


@pytest.fixture
def said() -> list[str]:
    return []


def test_a_child_that_fails_is_started_again_after_a_wait(tmp_path: Path, said: list[str]) -> None:
    clock = FakeClock()
    supervisor = Supervisor(clock, said.append)
    supervisor.start(spec_of(tmp_path, "raise SystemExit(3)"))

    def is_waiting() -> bool:
        supervisor.look()
        return supervisor.states()[0].condition == "waiting"

    wait_for(is_waiting)
    assert supervisor.states() == [ChildState("worker", "waiting", None, 0, 3)]
    assert "status 3" in said[0]
    supervisor.look()
    assert supervisor.states()[0].restarts == 0
    clock.advance(0.5)
    supervisor.look()
    assert supervisor.states()[0].restarts == 1
    supervisor.stop(["worker"], grace_s=60)


def test_the_wait_doubles_while_the_child_keeps_failing(tmp_path: Path, said: list[str]) -> None:
    clock = FakeClock()
    supervisor = Supervisor(clock, said.append)
    supervisor.start(spec_of(tmp_path, "raise SystemExit(1)"))

    def has_failed_three_times() -> bool:
        clock.advance(0.01)
        supervisor.look()
        return len(said) == 3

    wait_for(has_failed_three_times)
    assert [line.partition("again in ")[2].partition(" s")[0] for line in said] == ["0.5", "1", "2"]


def test_only_a_child_that_may_end_ends_with_status_zero(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor(FakeClock(), said.append)
    supervisor.start(spec_of(tmp_path, "pass", "replay", may_end=True))
    supervisor.start(spec_of(tmp_path, "pass", "market"))

    def both_have_ended() -> bool:
        supervisor.look()
        return len(said) == 2

    wait_for(both_have_ended)
    supervisor.look()
    assert [state.condition for state in supervisor.states()] == ["ended", "waiting"]


def test_a_child_is_asked_first_and_killed_when_it_is_deaf(tmp_path: Path, said: list[str]) -> None:
    supervisor = Supervisor(SystemClock(), said.append)
    supervisor.start(spec_of(tmp_path, WAITS, "polite"))
    supervisor.start(spec_of(tmp_path, DEAF, "deaf"))
    wait_for(lambda: "deaf" in (tmp_path / "deaf.log").read_text())
    supervisor.stop(["polite", "deaf"], grace_s=0.5)
    statuses = {state.name: state.status for state in supervisor.states()}
    assert statuses == {"polite": -signal.SIGTERM, "deaf": -signal.SIGKILL}
    assert said == ["deaf: did not stop within 0.5 s and was killed"]
    assert not list(tmp_path.glob("*.pid"))


def test_a_stopped_child_is_not_started_again_unless_it_is_asked_for(
    tmp_path: Path, said: list[str]
) -> None:
    clock = FakeClock()
    supervisor = Supervisor(clock, said.append)
    supervisor.start(spec_of(tmp_path, WAITS))
    supervisor.stop(["worker"], grace_s=60)
    clock.advance(3600)
    supervisor.look()
    assert [state.condition for state in supervisor.states()] == ["ended"]
    supervisor.start_again("worker")
    supervisor.look()
    assert [state.condition for state in supervisor.states()] == ["running"]
    supervisor.stop(["worker"], grace_s=60)


def test_what_a_killed_parent_left_behind_is_found_and_ended(tmp_path: Path) -> None:
    child = Child(spec_of(tmp_path, WAITS))
    wait_for(
        lambda: (
            command_line(child.pid).endswith(f"{tmp_path} ")
            and "guard" not in command_line(child.pid)
        )
    )
    assert stop_stale(tmp_path / "worker.pid", str(tmp_path), grace_s=5) == child.pid
    assert child.exit_status() == -signal.SIGTERM
    assert stop_stale(tmp_path / "worker.pid", str(tmp_path), grace_s=5) is None


def test_a_process_that_has_got_the_same_id_is_left_alone(tmp_path: Path) -> None:
    pid_file = tmp_path / "worker.pid"
    pid_file.write_text(str(os.getpid()))
    assert stop_stale(pid_file, str(tmp_path / "elsewhere"), grace_s=5) is None
    assert not pid_file.exists()


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from tests.unit.cli.test_supervisor import *\n"
            f"Child(spec_of(Path({str(tmp_path)!r}), WAITS)); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    pid_file = tmp_path / "worker.pid"
    wait_for(lambda: pid_file.exists() and WAITS in command_line(int(pid_file.read_text())))
    pid = int(pid_file.read_text())
    parent.kill()
    parent.communicate()
    wait_for(lambda: not command_line(pid))
