"""`synergy facilities import`: enrols the plants of a file, all of them or none."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from cli.connections import kafka_connection, registry_address
from cli.facility_show import facility_address
from cli.store_client import StoreClient, StoreError
from producers.enrolment import Comparison, Difference, compare, enrol
from producers.errors import RowError
from producers.facility_cells import EnrolmentTerms
from producers.facility_file import FacilityFile, parse_facility_file
from producers.programmes.load import shipped_folder
from producers.programmes.settings_file import ProgrammeFile, parse_programme_file
from runtime.clock import Clock, SystemClock
from runtime.kafka_log import KafkaLog
from runtime.kafka_producer import KafkaPublisher
from runtime.log import TopicPartition
from runtime.registry.client import RegistryClient
from runtime.registry.publishing import look_up_all
from runtime.settings import load
from schemas.codec import Codec
from schemas.errors import DecodeError
from schemas.events import Facility
from schemas.topic_files import FACILITIES
from synergy.catalogue import Catalogue, load_catalogue

Form = Literal["text", "json"]
PATIENCE_S: Final = 10.0
LOOK_S: Final = 0.2


class ImportRefusedError(Exception):
    """The import can't begin: no such file, no such programme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was typed. `steps`: `check` shows what would change, `enrol` does it."""

    file: Path
    programme: str
    park: str | None
    steps: Literal["check", "enrol"]
    programmes: Literal["known", "any"]
    form: Form


def import_facilities(flags: Mapping[str, object], request: Request) -> int:
    """Check a file and enrol its plants; return 0 when there is nothing wrong with it.

    Raises:
        SettingsError, MissingSettingError, RegistryError, LogError, PublishError: Kafka can't be used.
        ImportRefusedError: there is no such file or programme.
    """
    settings = load(flags).settings
    content = _content(request.file)
    with RegistryClient(registry_address(settings)) as registry:
        codec = look_up_all(registry)
    known = known_facilities(KafkaLog(kafka_connection(settings)), codec)
    parsed = parse_facility_file(content, _terms(request, known))
    compared = compare(known, parsed.facilities)
    errors = (*parsed.errors, *_elsewhere(compared))
    if not errors and request.steps == "enrol" and compared.differences:
        publisher = KafkaPublisher(settings.kafka.client())
        enrol([one.facility for one in compared.differences], publisher, codec.encode)
        publisher.close()
    _show(request, parsed, compared, errors)
    if errors:
        return 1
    if request.steps == "enrol" and compared.differences:
        with StoreClient(settings.store.address) as store:
            return _await_enrolment(store, compared.differences, SystemClock(), request.form)
    return 0


def known_facilities(log: KafkaLog, codec: Codec) -> dict[str, Facility]:
    """Return the facilities that the topic holds now, by id. Raises LogError."""
    known: dict[str, Facility] = {}
    for number in range(log.describe(FACILITIES).partitions):
        tp = TopicPartition(FACILITIES, number)
        for record in log.read(tp, *log.bounds(tp)):
            if record.value is None:
                known.pop((record.key or b"").decode(errors="replace"), None)
                continue
            try:
                event = codec.decode(record.value)
            except DecodeError:
                continue  # balance has rejected it
            if isinstance(event, Facility):
                known[event.id] = event
    return known


def shipped_programme_files() -> dict[str, ProgrammeFile]:
    """Return what the shipped programmes say of themselves, by id."""
    paths = sorted(shipped_folder().glob("*/programme.toml"))
    files = (parse_programme_file(path.read_text(encoding="utf-8")) for path in paths)
    return {file.id: file for file in files}


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ImportRefusedError(f"{file}: {error.strerror}") from error


def _terms(request: Request, known: Mapping[str, Facility]) -> EnrolmentTerms:
    shipped = shipped_programme_files()
    members = [one for one in known.values() if one.programme == request.programme]
    if request.programme not in shipped and not members and request.programmes == "known":
        names = sorted({*shipped, *(one.programme for one in known.values())})
        raise ImportRefusedError(
            f"there is no programme {request.programme!r}: there are {', '.join(names)}; "
            "--new-programme begins one"
        )
    file = shipped.get(request.programme)
    countries = {one.country for one in members}
    return EnrolmentTerms(
        programme=request.programme,
        park=request.park,
        country=countries.pop() if len(countries) == 1 else "",
        parks=() if file is None else file.parks,
        source=f"imported from {request.file.name}",
    )


def _elsewhere(compared: Comparison) -> tuple[RowError, ...]:
    return tuple(
        RowError(0, "id", facility.id, f"it is in programme {programme}: choose another id")
        for facility, programme in compared.elsewhere
    )


def _show(
    request: Request, parsed: FacilityFile, compared: Comparison, errors: Iterable[RowError]
) -> None:
    listed = list(errors)
    if request.form == "json":
        sys.stdout.write(
            json.dumps(_document(request, compared, listed), ensure_ascii=False) + "\n"
        )
        return
    lines = _wrong(listed) if listed else _right(request, parsed, compared)
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _document(request: Request, compared: Comparison, errors: Iterable[RowError]) -> dict[str, Any]:
    new = [one.facility.id for one in compared.differences if one.is_new]
    changed = {one.facility.id: one.columns for one in compared.differences if not one.is_new}
    listed = [asdict(one) for one in errors]
    enrolled = request.steps == "enrol" and not listed
    return {
        "enrolled": enrolled,
        "new": new,
        "changed": changed,
        "unchanged": compared.unchanged,
        "errors": listed,
    }


def _wrong(errors: Iterable[RowError]) -> Iterator[str]:
    listed = list(errors)
    for one in listed:
        row = f"row {one.row}, " if one.row else ""
        yield f"{row}{one.column} {one.value!r}: {one.fix}"
    yield f"{len(listed)} {'error' if len(listed) == 1 else 'errors'}: nothing was enrolled."


def _right(request: Request, parsed: FacilityFile, compared: Comparison) -> Iterator[str]:
    catalogue = load_catalogue()
    yield from (_line(one) for one in compared.differences)
    for facility in parsed.facilities:
        if not _has_uses(catalogue, facility.industry):
            yield (
                f"note: the catalogue knows no use for industry {facility.industry} of {facility.id}: "
                "it is enrolled, and hardly matched"
            )
    yield compared.summary + (
        ": nothing was enrolled (dry run)" if request.steps == "check" else ""
    )


def _line(difference: Difference) -> str:
    facility = difference.facility
    if difference.is_new:
        where = f"{facility.latitude:.3f}, {facility.longitude:.3f} {facility.country}"
        park = f", {facility.park}" if facility.park else ""
        return f"new      {facility.id}  {facility.name}  {facility.industry}  {where}{park}"
    return f"changed  {facility.id}  {', '.join(difference.columns)}"


def _has_uses(catalogue: Catalogue, industry: str) -> bool:
    found = catalogue.suggestions_for(industry)
    return bool(found.gives or found.takes)


def _await_enrolment(
    store: StoreClient, differences: Iterable[Difference], clock: Clock, form: Form
) -> int:
    """Wait until the store shows the plants: from then on their readings are taken."""
    waiting = {one.facility.id: one.facility for one in differences}
    deadline = clock.monotonic_s() + PATIENCE_S
    trouble = "it has not passed balance yet"
    while waiting and clock.monotonic_s() < deadline:
        for identity, facility in list(waiting.items()):
            try:
                found = store.get(facility_address(identity))
            except StoreError as error:
                trouble = error.detail
                break
            if found["name"] == facility.name and found["programme"] == facility.programme:
                del waiting[identity]
        if waiting:
            clock.sleep(LOOK_S)
    if waiting and form == "text":
        left = ", ".join(sorted(waiting))
        sys.stdout.write(f"published; the store does not show {left} yet: {trouble}\n")
    return 1 if waiting else 0
