"""A client of any registry that speaks Confluent's REST calls: Confluent, Karapace, Apicurio or the embedded one."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self, cast
from urllib.parse import quote

import httpx

from runtime.registry.errors import (
    IncompatibleSchemaError,
    RegistryAnswerError,
    RegistryUnavailableError,
)
from schemas.compatibility import Level

MEDIA_TYPE: Final = "application/vnd.schemaregistry.v1+json"
TIMEOUT_S: Final = 10.0
HTTP_OK: Final = 200
HTTP_NOT_FOUND: Final = 404
HTTP_CONFLICT: Final = 409


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """Where a registry is, and how to log in.

    Args:
        url: for example http://127.0.0.1:8081.
        username: empty when the registry asks for none.
        password: of the user.
        ca_file: PEM file of the certificate authority; empty for the system's.
    """

    url: str
    username: str = ""
    password: str = ""
    ca_file: str = ""


class RegistryClient:
    """Asks one registry. Schemas by id are remembered: they never change. Not for use in several threads at once."""

    def __init__(self, address: RegistryAddress, timeout_s: float = TIMEOUT_S) -> None:
        self._url = address.url.rstrip("/")
        self._texts: dict[int, str] = {}
        auth = (address.username, address.password) if address.username else None
        self._http = httpx.Client(
            base_url=self._url,
            auth=auth,
            timeout=timeout_s,
            verify=ssl.create_default_context(cafile=address.ca_file or None),
            headers={"Accept": f"{MEDIA_TYPE}, application/json", "Content-Type": MEDIA_TYPE},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def subjects(self) -> list[str]:
        """Return the subjects. Raises RegistryError."""
        return cast("list[str]", self._call("GET", "/subjects"))

    def register(self, subject: str, text: str) -> int:
        """Return the id of a schema, registered as a new version when it is not one yet.

        Raises:
            IncompatibleSchemaError: it breaks the compatibility level of the subject.
            RegistryError: the registry refused it for another reason, or does not answer.
        """
        try:
            answer = self._call("POST", f"/subjects/{_path(subject)}/versions", {"schema": text})
        except RegistryAnswerError as error:
            if error.status == HTTP_CONFLICT:
                raise IncompatibleSchemaError(subject, error.message) from error
            raise
        return int(answer["id"])

    def look_up(self, subject: str, text: str) -> int:
        """Return the id of a schema that is a version of the subject. Raises RegistryError."""
        return int(self._call("POST", f"/subjects/{_path(subject)}", {"schema": text})["id"])

    def schema(self, schema_id: int) -> str:
        """Return the schema text of an id. Raises RegistryError."""
        if schema_id not in self._texts:
            path = f"/schemas/ids/{schema_id}"
            answer = self._call("GET", path)
            if not isinstance(answer, dict) or "schema" not in answer:
                message = f"{self._url}{path} answers no schema: is it a registry?"
                raise RegistryAnswerError(HTTP_OK, 0, message)
            self._texts[schema_id] = str(cast("dict[str, Any]", answer)["schema"])
        return self._texts[schema_id]

    def versions(self, subject: str) -> list[int]:
        """Return the versions of a subject; none when there is no such subject. Raises RegistryError."""
        return self._versions(f"/subjects/{_path(subject)}/versions")

    def _versions(self, path: str) -> list[int]:
        try:
            return cast("list[int]", self._call("GET", path))
        except RegistryAnswerError as error:
            if error.status == HTTP_NOT_FOUND:
                return []
            raise

    def schemas_of(self, subject: str) -> dict[int, str]:
        """Return the schema text of every version that a subject ever had, by id; none when there is no such subject.

        A version that was deleted is one of them as long as the registry knows it: values were written with it.

        Raises:
            RegistryError: the registry refused the question, or does not answer.
        """
        path, found = f"/subjects/{_path(subject)}/versions", dict[int, str]()
        for version in self._versions(f"{path}?deleted=true"):
            answer = self._call("GET", f"{path}/{version}?deleted=true")
            found[int(answer["id"])] = str(answer["schema"])
        return found

    def check(self, subject: str, text: str) -> tuple[str, ...]:
        """Return why a schema would be refused as the next version; nothing when it would not.

        Raises:
            RegistryError: the registry refused the question, or does not answer.
        """
        path = f"/compatibility/subjects/{_path(subject)}/versions/latest?verbose=true"
        try:
            answer = self._call("POST", path, {"schema": text})
        except RegistryAnswerError as error:
            if error.status == HTTP_NOT_FOUND:
                return ()
            raise
        if answer["is_compatible"]:
            return ()
        return tuple(answer.get("messages") or ["the registry does not say why"])

    def set_level(self, subject: str, level: Level) -> None:
        """Set the compatibility level of a subject. Raises RegistryError."""
        self._call("PUT", f"/config/{_path(subject)}", {"compatibility": level})

    def _call(self, method: str, path: str, body: Mapping[str, Any] = MappingProxyType({})) -> Any:
        try:
            answer = self._http.request(method, path, json=dict(body) if body else None)
        except httpx.HTTPError as error:
            raise RegistryUnavailableError(self._url, str(error) or type(error).__name__) from error
        try:
            content = answer.json()
        except ValueError as error:
            raise RegistryAnswerError(
                answer.status_code, 0, f"{self._url}{path} answers no JSON: is it a registry?"
            ) from error
        if answer.is_error:
            raise _answer_error(answer.status_code, content)
        return content


def _answer_error(status: int, content: object) -> RegistryAnswerError:
    entry = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    code = entry.get("error_code")
    return RegistryAnswerError(
        status, code if isinstance(code, int) else status, str(entry.get("message", content))
    )


def _path(subject: str) -> str:
    return quote(subject, safe="")
