"""`synergy replay`: plays the programmes' recorded data until it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType

from cli.connections import registry_address
from producers.programmes import Programme, load_programmes
from producers.programmes.programme import Exclusion
from producers.replay import Pace, Replay, Wiring, play
from producers.spool import Spool
from runtime.clock import US_PER_S, SystemClock
from runtime.kafka_producer import KafkaPublisher
from runtime.logs import Logger, configure, logger
from runtime.publisher import PublishError
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.setting_types import Settings
from runtime.settings import load
from schemas.codec import Codec
from schemas.routing import partition_for


class UnknownProgrammeError(Exception):
    """A programme was asked for that is not among the shipped ones."""

    def __init__(self, asked: frozenset[str], known: list[str]) -> None:
        super().__init__(f"no programme {', '.join(sorted(asked))}: there are {', '.join(known)}")
        self.asked = asked
        self.known = known


def run_replay(flags: Mapping[str, object], names: frozenset[str]) -> None:
    """Play the named programmes, or all of them when none is named, until SIGTERM.

    Raises:
        SettingsError, MissingSettingError, RegistryError, SpoolError, UnknownProgrammeError: it can't start.
    """
    settings = load(flags).settings
    configure("replay", settings.logs.level, settings.logs.form)
    log = logger(__name__)
    with RegistryClient(registry_address(settings)) as registry:
        codec = look_up_all(registry)
    publisher = KafkaPublisher(settings.kafka.client())
    folder = spool_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    epoch = SystemClock().now_us() // US_PER_S
    programmes = chosen(load_programmes(reference_data(settings)), names)
    spools = [Spool(spool_path(folder, one.id), codec.encode, epoch) for one in programmes]
    pace = Pace(speed=settings.replay.speed)
    wiring = wiring_of(codec)
    replays = [
        Replay(programme, spool, publisher, wiring, pace)
        for programme, spool in zip(programmes, spools, strict=True)
    ]
    for replay in replays:
        here = replay.progress
        log.info("playing", programme=here.programme, chapter=here.chapter, at=here.time)
    for programme in programmes:
        list_exclusions(programme.id, programme.exclusions, log)
    try:
        _play_until_told(replays, log)
    finally:
        for spool in spools:
            spool.close()
    log.info("stopped")


def list_exclusions(programme: str, exclusions: Iterable[Exclusion], log: Logger) -> None:
    """Say which rows of the plant lists take no part, and why."""
    for one in exclusions:
        log.info(
            "plant takes no part", programme=programme, name=one.name, industry=one.industry,
            capacity=one.capacity, unit=one.unit, reason=one.reason, source=one.source,
        )  # fmt: skip


def wiring_of(codec: Codec) -> Wiring:
    """Return how the replay's events become records."""
    return Wiring(codec.encode, partition_for)


def chosen(programmes: tuple[Programme, ...], names: frozenset[str]) -> list[Programme]:
    """Return the programmes of these names, all when there are none. Raises UnknownProgrammeError."""
    known = [programme.id for programme in programmes]
    if unknown := names - set(known):
        raise UnknownProgrammeError(unknown, known)
    return [programme for programme in programmes if not names or programme.id in names]


def reference_data(settings: Settings) -> Path | None:
    """Return the folder of reference data, or None where it is not beside the checkout."""
    shared = settings.replay.shared
    return shared if (shared / "data" / "facilities").is_dir() else None


def spool_folder(settings: Settings) -> Path:
    """Return where the spools lie."""
    return settings.var / "spool"


def spool_path(folder: Path, programme: str) -> Path:
    """Return the spool of one programme: it outlives the process and knows how far the replay is."""
    return folder / f"{programme}.sqlite"


def _play_until_told(replays: list[Replay], log: Logger) -> None:
    told: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        told.append(number)

    def report(error: PublishError) -> None:
        log.warning("not published, trying again: the spool keeps it", cause=str(error))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    play(replays, SystemClock(), lambda: not told, report)
