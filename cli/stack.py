"""The processes of the embedded stack: which there are, how they are started, in which order they stop."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from cli.embedded import kafka, ports
from cli.embedded.child import ChildSpec, stop_stale
from cli.store_client import responds
from cli.supervisor import ChildState, Supervisor
from runtime.clock import Clock
from runtime.setting_types import Settings
from runtime.settings import Loaded, environment, load

STOP_S = 9.0
LEAST_GRACE_S = 0.3
STALE_GRACE_S = 3.0
READY_S = 30.0
QUIET = {"RUST_BACKTRACE": "0"}
"""Bytes that are no Avro may make polars panic, which is caught: a hundred lines of its stack help nobody."""


class StackError(Exception):
    """Root of the errors of this module."""


class AlreadyRunningError(StackError):
    """Another `synergy up` runs in the same folder."""

    def __init__(self, var: Path) -> None:
        super().__init__(
            f"another `synergy up` is running on {var.resolve()}: stop it, or set `var` to another folder"
        )
        self.var = var


class UnusableFolderError(StackError):
    """Nothing can be written where everything is kept."""

    def __init__(self, var: Path, error: OSError) -> None:
        super().__init__(
            f"var: {error.strerror or error} ({error.filename or var}): set `var` to a folder that can be written"
        )
        self.var = var


class NotReadyError(StackError):
    """A process did not become ready."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(f"{name} did not become ready within {READY_S:.0f} s: see {log}")
        self.name = name
        self.log = log


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the stack.

    `setting` is the one that tells every process where this one listens (`registry.url`, `store.port`); `usual_port` is
    None when it has no server. A part that is `first` is started, and answers, before topics and schemas are applied.
    `stop_s` is how long it gets to stop; parts with the same `stop_rank` stop side by side, lower ranks earlier.
    """

    name: str
    arguments: tuple[str, ...]
    usual_port: int | None = None
    setting: str = ""
    ready_path: str = ""
    first: bool = False
    may_end: bool = False
    stop_rank: int = 0
    stop_s: float = 3.0


PROGRAM = (sys.executable, "-m", "cli")
PARTS: tuple[Part, ...] = (
    Part(
        name="registry",
        arguments=("registry",),
        usual_port=8081,
        setting="registry.url",
        ready_path="/subjects",
        first=True,
        stop_rank=4,
        stop_s=1.0,
    ),
    Part(
        name="store",
        arguments=("store",),
        usual_port=8080,
        setting="store.port",
        stop_rank=3,
        stop_s=5.0,
    ),
    Part(name="balance", arguments=("worker", "balance"), stop_rank=2),
    Part(name="market", arguments=("worker", "market"), stop_rank=2),
    Part(name="replay", arguments=("replay",), stop_rank=1),
    Part(name="actors", arguments=("actors",), stop_rank=1, may_end=True),
)
"""In the order of their starts. The broker is not one of them: it is first and last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """What to run: the parts, and `prepare`, which applies topics and schemas once the first parts answer."""

    loaded: Loaded
    parts: Sequence[Part]
    prepare: Callable[[Settings], None]
    program: Sequence[str] = PROGRAM


class Stack:
    """The running processes. Make, start, look and stop it from one thread, the main one."""

    def __init__(self, spec: StackSpec, clock: Clock, say: Callable[[str], None]) -> None:
        self._spec = spec
        self._clock = clock
        self._say = say
        self._supervisor = Supervisor(clock, say)
        self._claims = ports.PortClaims()
        self._broker: kafka.Broker | None = None
        self.settings = spec.loaded.settings

    def start(self) -> None:
        """Start everything in order. What has started is stopped by `stop`, also after an error.

        Raises:
            StackError, BrokerError, JarError, NoFreePortError: the stack can't run.
        """
        overrides: dict[str, object] = dict(self._spec.loaded.flags)
        parts = [part for part in self._spec.parts if not self._is_elsewhere(part)]
        usual = {part.name: part.usual_port for part in parts if part.usual_port is not None}
        chosen = ports.choose(self.settings.var / "ports.json", usual, self._claims)
        overrides |= {
            part.setting: _address(part, chosen[part.name]) for part in parts if part.setting
        }
        first = [part for part in parts if part.first]
        self._start_parts(first, overrides)  # while the broker starts
        if not self._spec.loaded.chosen("kafka.bootstrap"):
            self._broker = self._start_broker()
            overrides["kafka.bootstrap"] = self._broker.bootstrap
        self.settings = load(overrides).settings
        for part in first:
            self._wait_until_ready(part, overrides[part.setting])
        self._spec.prepare(self.settings)
        self._start_parts([part for part in parts if not part.first], overrides)

    def look(self) -> None:
        """Start again what has ended. Blocks for seconds only when the broker itself has ended."""
        if self._broker is not None and self._broker.child.exit_status() is not None:
            self._say("Kafka: ended, starting it again")
            self._broker = self._start_broker()
        self._supervisor.look()

    def states(self) -> list[ChildState]:
        """Return the state of every part."""
        return self._supervisor.states()

    def stop_part(self, name: str) -> None:
        """Stop one part for good; the others go on."""
        for part in self._spec.parts:
            if part.name == name:
                self._supervisor.stop([name], part.stop_s)

    def start_part(self, name: str) -> None:
        """Start a part that was stopped."""
        self._supervisor.start_again(name)

    def stop(self) -> None:
        """Stop everything in order, first what publishes, last the broker, in less than STOP_S seconds."""
        deadline = self._clock.monotonic_s() + STOP_S
        by_rank = sorted(self._spec.parts, key=lambda part: part.stop_rank)
        for _, group in groupby(by_rank, key=lambda part: part.stop_rank):
            parts = list(group)
            grace_s = min(max(part.stop_s for part in parts), self._left(deadline))
            self._supervisor.stop([part.name for part in parts], grace_s)
        if self._broker is not None:
            self._broker.stop(self._left(deadline))
            self._broker = None
        self._claims.close()

    def _left(self, deadline: float) -> float:
        return max(LEAST_GRACE_S, deadline - self._clock.monotonic_s())

    def _is_elsewhere(self, part: Part) -> bool:
        """Whether the settings name a server of this kind that runs elsewhere."""
        return part.setting.endswith(".url") and self._spec.loaded.chosen(part.setting)

    def _start_broker(self) -> kafka.Broker:
        spec = kafka.BrokerSpec(
            var=self.settings.var,
            jar_cache=self.settings.embedded.jar_cache.expanduser(),
            heap_mb=self.settings.embedded.kafka_heap_mb,
        )
        return kafka.start(spec, self._say, self._clock, self._claims)

    def _start_parts(self, parts: Sequence[Part], overrides: Mapping[str, object]) -> None:
        """Start the parts side by side."""
        for part in parts:
            spec = self._child(part, environment(overrides) | QUIET)
            if stop_stale(spec.pid_file, spec.mark, STALE_GRACE_S) is not None:
                self._say(f"{part.name}: ended a process that an earlier run left behind")
            self._supervisor.start(spec)

    def _child(self, part: Part, variables: Mapping[str, str]) -> ChildSpec:
        var = self.settings.var.resolve()
        arguments = ("--set", f"var={var}", *part.arguments)
        return ChildSpec(
            name=part.name,
            command=(*self._spec.program, *arguments),
            log=var / "log" / f"{part.name}.log",
            pid_file=var / "run" / f"{part.name}.pid",
            mark=" ".join(arguments),
            environment=variables,
            may_end=part.may_end,
        )

    def _wait_until_ready(self, part: Part, address: object) -> None:
        began = self._clock.monotonic_s()
        while not responds(f"{address}{part.ready_path}"):
            if self._clock.monotonic_s() - began > READY_S:
                raise NotReadyError(part.name, self.settings.var / "log" / f"{part.name}.log")
            self._clock.sleep(0.1)
            self.look()


def _address(part: Part, port: int) -> object:
    return f"http://{ports.HOST}:{port}" if part.setting.endswith(".url") else port


@contextmanager
def only_one(var: Path) -> Generator[None]:
    """Hold the folder for this process. Raises AlreadyRunningError, UnusableFolderError."""
    place = var / "run"
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = (place / "up.lock").open("w")
    except OSError as error:
        raise UnusableFolderError(var, error) from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunningError(var) from error
        yield
