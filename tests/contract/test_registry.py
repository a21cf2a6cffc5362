"""The registry's client against the embedded server, and the server against Confluent's own client."""

from __future__ import annotations

import copy
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from runtime.registry.client import RegistryAddress, RegistryClient
from runtime.registry.errors import (
    IncompatibleSchemaError,
    RegistryAnswerError,
    RegistryStateError,
    RegistryUnavailableError,
)
from runtime.registry.publishing import look_up_all, register_all, with_schemas_of
from runtime.registry.server import MEDIA_TYPE, application
from runtime.registry.state import RegistryState
from schemas.avro_files import record_schemas
from schemas.codec import HEADER_BYTES, Codec
from schemas.events import Event
from schemas.json_form import from_json
from schemas.versions import subjects

SUBJECT = "synergy.availability.v1-synergy.v1.Tick"
TICK = record_schemas()["Tick"]


def changed(**entries: Any) -> str:
    return json.dumps({**copy.deepcopy(dict(TICK.definition)), **entries})


def without_chapter() -> str:
    return changed(
        fields=[field for field in TICK.definition["fields"] if field["name"] != "chapter"]
    )


def in_milliseconds() -> str:
    return TICK.text.replace("timestamp-micros", "timestamp-millis")


def with_required_field() -> str:
    more = {"name": "actor", "type": "string", "doc": "Who."}
    return changed(fields=[*TICK.definition["fields"], more])


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "registry" / "registry.jsonl"


@pytest.fixture
def url(state_file: Path) -> Iterator[str]:
    with closing(RegistryState(state_file)) as state, served(state) as address:
        yield address


class served:  # noqa: N801 reads as a verb
    """Serves a registry on a free port in a thread while the block runs."""

    def __init__(self, state: RegistryState) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application(state), log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> str:
        self._socket.listen()
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def client(url: str) -> Iterator[RegistryClient]:
    with RegistryClient(RegistryAddress(url)) as client:
        yield client


def test_a_registered_schema_is_found_by_subject_and_by_id(client: RegistryClient) -> None:
    assert client.versions(SUBJECT) == []
    schema_id = client.register(SUBJECT, TICK.text)
    assert client.look_up(SUBJECT, TICK.text) == schema_id
    assert json.loads(client.schema(schema_id)) == TICK.definition
    assert client.subjects() == [SUBJECT]
    assert client.versions(SUBJECT) == [1]


def test_registering_again_gives_the_same_id(client: RegistryClient) -> None:
    schema_id = client.register(SUBJECT, TICK.text)
    assert client.register(SUBJECT, TICK.text) == schema_id
    assert client.register(SUBJECT, changed(doc="Other words.")) == schema_id
    assert client.register("synergy.commands.v1-synergy.v1.Tick", TICK.text) == schema_id
    assert client.versions(SUBJECT) == [1]


def test_a_compatible_schema_is_a_new_version(client: RegistryClient) -> None:
    first = client.register(SUBJECT, without_chapter())
    second = client.register(SUBJECT, TICK.text)
    assert first != second
    assert client.versions(SUBJECT) == [1, 2]
    assert client.look_up(SUBJECT, without_chapter()) == first


@pytest.mark.parametrize("schema", [in_milliseconds(), with_required_field()])
def test_an_incompatible_schema_is_refused_with_the_reason(
    client: RegistryClient, schema: str
) -> None:
    client.register(SUBJECT, TICK.text)
    assert client.check(SUBJECT, TICK.text) == ()
    (reason,) = client.check(SUBJECT, schema)
    with pytest.raises(IncompatibleSchemaError) as caught:
        client.register(SUBJECT, schema)
    assert reason in caught.value.reason
    assert caught.value.subject == SUBJECT
    assert client.versions(SUBJECT) == [1]


def test_the_level_of_a_subject_decides(client: RegistryClient) -> None:
    client.set_level(SUBJECT, "FORWARD")
    client.register(SUBJECT, TICK.text)
    client.register(SUBJECT, with_required_field())
    client.set_level(SUBJECT, "NONE")
    client.register(SUBJECT, in_milliseconds())
    assert client.versions(SUBJECT) == [1, 2, 3]


def test_what_is_missing_has_confluents_error_codes(client: RegistryClient) -> None:
    with pytest.raises(RegistryAnswerError) as caught:
        client.look_up(SUBJECT, TICK.text)
    assert (caught.value.status, caught.value.code) == (404, 40401)
    client.register(SUBJECT, TICK.text)
    with pytest.raises(RegistryAnswerError) as caught:
        client.look_up(SUBJECT, without_chapter())
    assert (caught.value.status, caught.value.code) == (404, 40403)
    with pytest.raises(RegistryAnswerError) as caught:
        client.schema(99)
    assert (caught.value.status, caught.value.code) == (404, 40403)
    with pytest.raises(RegistryAnswerError) as caught:
        client.register(SUBJECT, '{"type": "recrod"}')
    assert (caught.value.status, caught.value.code) == (422, 42201)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", f"/subjects/{SUBJECT}/versions/7", None, 404, 40402),
        ("GET", f"/subjects/{SUBJECT}/versions/first", None, 422, 42202),
        ("GET", "/subjects/ashes/versions", None, 404, 40401),
        ("GET", f"/config/{SUBJECT}", None, 404, 40408),
        ("PUT", f"/config/{SUBJECT}", {"compatibility": "SOMETIMES"}, 422, 42203),
        ("POST", f"/subjects/{SUBJECT}/versions", {"schema": 5}, 422, 42201),
        (
            "POST",
            f"/subjects/{SUBJECT}/versions",
            {"schema": "{}", "schemaType": "JSON"},
            422,
            42201,
        ),
        ("DELETE", f"/subjects/{SUBJECT}", None, 422, 42205),
        ("GET", "/associations", None, 404, 404),
        ("DELETE", "/subjects", None, 405, 405),
    ],
)
def test_wrong_calls_are_refused_in_confluents_form(
    url: str, method: str, path: str, body: object, status: int, code: int
) -> None:
    with RegistryClient(RegistryAddress(url)) as client:
        client.register(SUBJECT, TICK.text)
    answer = httpx.request(method, url + path, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["message"]


def test_a_body_that_is_no_json_object_is_refused(url: str) -> None:
    for content in (b"{", b"[]", b"\xff"):
        answer = httpx.post(f"{url}/subjects/a/versions", content=content)
        assert (answer.status_code, answer.json()["error_code"]) == (422, 42201)


def test_ids_versions_and_levels_survive_a_restart(state_file: Path) -> None:
    with closing(RegistryState(state_file)) as state:
        state.set_level(SUBJECT, "BACKWARD")
        first = state.register(SUBJECT, without_chapter())
        second = state.register(SUBJECT, TICK.text)
    with closing(RegistryState(state_file)) as state:
        assert state.versions(SUBJECT) == [first, second]
        assert state.level(SUBJECT) == "BACKWARD"
        assert state.register(SUBJECT, TICK.text) == second
        alert = state.register("alerts", record_schemas()["Alert"].text)
        assert alert.id == second.id + 1


def test_a_line_cut_off_by_a_crash_is_dropped_and_a_damaged_one_is_named(state_file: Path) -> None:
    with closing(RegistryState(state_file)) as state:
        first = state.register(SUBJECT, without_chapter())
        state.register(SUBJECT, TICK.text)
    state_file.write_bytes(state_file.read_bytes()[:-20])
    with closing(RegistryState(state_file)) as state:
        assert state.versions(SUBJECT) == [first]
        second = state.register(SUBJECT, TICK.text)
    with closing(RegistryState(state_file)) as state:
        assert state.versions(SUBJECT) == [first, second]
    state_file.write_text(state_file.read_text().replace('"version": 1', '"version" 1'))
    with pytest.raises(RegistryStateError, match="line 1 is damaged"):
        RegistryState(state_file)


def test_the_registry_is_a_process_that_a_signal_ends(state_file: Path) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    program = (
        "from pathlib import Path; from runtime.registry.serving import serve; "
        f"serve(Path({str(state_file)!r}), '127.0.0.1', {port})"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        transport = httpx.HTTPTransport(retries=10)  # waits longer after each refused connection
        with httpx.Client(transport=transport, base_url=f"http://127.0.0.1:{port}") as http:
            answer = http.post(f"/subjects/{SUBJECT}/versions", json={"schema": TICK.text})
            assert answer.json() == {"id": 1}
        process.terminate()
        assert process.wait(10) in (0, -signal.SIGTERM)
    with closing(RegistryState(state_file)) as state:
        assert state.find(SUBJECT, TICK.text).id == 1


def test_one_process_serves_a_file(state_file: Path) -> None:
    with (
        closing(RegistryState(state_file)),
        pytest.raises(RegistryStateError, match="another process"),
    ):
        RegistryState(state_file)


def test_every_schema_is_registered_under_its_subject_and_level(
    client: RegistryClient, url: str
) -> None:
    codec = register_all(client)
    assert client.subjects() == sorted(subjects())
    assert codec.ids.keys() == record_schemas().keys()
    assert look_up_all(client).ids == codec.ids
    config = httpx.get(f"{url}/config/{SUBJECT}").json()
    assert config == {"compatibilityLevel": "FULL_TRANSITIVE"}


def test_a_schema_that_nobody_registered_is_not_looked_up(client: RegistryClient) -> None:
    with pytest.raises(RegistryAnswerError, match="40401"):
        look_up_all(client)


def tick_by(client: RegistryClient, codec: Codec) -> tuple[Event, bytes, int]:
    """A tick, its value as an earlier release writes it, and the id of that release's schema."""
    content = {"programme": "a", "time": "2007-04-20T00:00:00Z", "state": "ENDED", "speed": 1}
    tick = from_json("Tick", content)
    earlier_id = client.register(SUBJECT, without_chapter())
    earlier = b"\x00" + earlier_id.to_bytes(4, "big") + codec.encode(tick)[HEADER_BYTES:-1]
    return tick, earlier, earlier_id


@pytest.mark.parametrize("start", [register_all, look_up_all])
def test_every_version_of_the_registry_is_read(
    client: RegistryClient, start: Callable[[RegistryClient], Codec]
) -> None:
    tick, earlier, _ = tick_by(client, register_all(client))
    codec = start(client)
    assert codec.decode(earlier) == tick
    assert codec.encode(tick) != earlier


def test_a_registry_that_does_not_tell_its_versions_ends_the_start(
    client: RegistryClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_all(client)

    def refusing(_: RegistryClient, subject: str) -> dict[int, str]:
        raise RegistryAnswerError(503, 50301, f"{subject}: not now")

    monkeypatch.setattr(RegistryClient, "schemas_of", refusing)
    with pytest.raises(RegistryAnswerError, match="not now"):
        look_up_all(client)


def test_an_unknown_id_is_read_after_asking_the_registry(client: RegistryClient) -> None:
    foreign_id = client.register("foreign", '"string"')
    codec = register_all(client)
    tick, earlier, earlier_id = tick_by(client, codec)
    value = codec.encode(tick)
    unknown = codec.unknown_ids([value, earlier, b"\x00\x00\x00\x00\x63abc"])
    assert unknown == {earlier_id, 99}

    more = with_schemas_of(codec, {*unknown, foreign_id}, client)

    assert more.decode(earlier) == tick
    assert more.unknown_ids([earlier]) == frozenset()
    assert more.reading({}).schemas.keys() == more.schemas.keys()


def test_a_registry_that_does_not_answer_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with (
        RegistryClient(RegistryAddress(url), timeout_s=0.5) as client,
        pytest.raises(RegistryUnavailableError, match=url),
    ):
        client.subjects()


def test_confluents_client_can_use_the_embedded_registry(url: str) -> None:
    with SchemaRegistryClient({"url": url}) as theirs:
        schema_id = theirs.register_schema(SUBJECT, Schema(TICK.text, "AVRO"))
        assert theirs.lookup_schema(SUBJECT, Schema(TICK.text, "AVRO")).schema_id == schema_id
        found = theirs.get_schema(schema_id).schema_str
        assert found is not None
        assert json.loads(found) == TICK.definition
        latest = theirs.get_latest_version(SUBJECT)
        assert (latest.version, latest.schema_id) == (1, schema_id)
        assert theirs.get_subjects() == [SUBJECT]
        assert theirs.get_versions(SUBJECT) == [1]
        assert theirs.test_compatibility(SUBJECT, Schema(without_chapter(), "AVRO"))
        assert not theirs.test_compatibility(SUBJECT, Schema(in_milliseconds(), "AVRO"))
        with pytest.raises(SchemaRegistryError) as caught:
            theirs.register_schema(SUBJECT, Schema(in_milliseconds(), "AVRO"))
        assert caught.value.http_status_code == 409
        assert theirs.get_compatibility() == "FULL_TRANSITIVE"


def test_a_codec_of_registered_ids_is_read_by_confluents_framing(client: RegistryClient) -> None:
    codec: Codec = register_all(client)
    event = from_json(
        "Tick",
        {"programme": "a", "time": "2007-04-20T00:00:00Z", "state": "ENDED", "speed": 1},
    )
    value = codec.encode(event)
    assert value[:1] == b"\x00"
    assert json.loads(client.schema(int.from_bytes(value[1:5], "big")))["name"] == "Tick"
