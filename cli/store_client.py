"""The store's REST server, as the commands use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self, cast

import httpx

TIMEOUT_S = 10.0
NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer and its version."""

    tag: str
    document: dict[str, Any]


class StoreError(Exception):
    """The store does not answer, or refused. `detail` is its own sentence."""

    def __init__(self, address: str, detail: str) -> None:
        super().__init__(f"the store at {address}: {detail}")
        self.address = address
        self.detail = detail


class StoreClient:
    """One connection to the store. It keeps the answers and fetches one again when it has changed."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address
        self._client = httpx.Client(base_url=address, timeout=timeout_s, trust_env=False)
        self._kept: dict[str, _Kept] = {}

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return a JSON object. Raises StoreError."""
        question = str(httpx.URL(path, params=query))
        kept = self._kept.get(question)
        headers = {"If-None-Match": kept.tag} if kept else {}
        response = self._sent("GET", path, params=query, headers=headers)
        if kept and response.status_code == NOT_MODIFIED:
            return kept.document
        document = self._object(response)
        if tag := response.headers.get("ETag"):
            self._kept[question] = _Kept(tag, document)
        return document

    def post(
        self, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a JSON object and return the answer. Raises StoreError."""
        options = {"json": dict(body), "headers": dict(headers or {})}
        return self._object(self._sent("POST", path, **options))

    def get_text(self, path: str, **query: str) -> bytes:
        """Return an answer that is no JSON, such as a CSV, byte by byte. Raises StoreError."""
        response = self._sent("GET", path, params=query)
        if response.is_error:
            self._refuse(response)
        return response.content

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection."""
        self._client.close()

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        document = self._document(response)
        if response.is_error:
            self._refuse(response)
        if not isinstance(document, dict):
            raise StoreError(self._address, "answered something else than a JSON object")
        return cast("dict[str, Any]", document)

    def _sent(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        try:
            return self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            detail = f"does not answer ({error}); start it with `make run`"
            raise StoreError(self._address, detail) from error

    def _document(self, response: httpx.Response) -> object:
        try:
            return response.json()
        except ValueError as error:
            detail = f"answered {response.status_code} without JSON"
            raise StoreError(self._address, detail) from error

    def _refuse(self, response: httpx.Response) -> NoReturn:
        detail = _sentence(self._document(response)) or f"status {response.status_code}"
        raise StoreError(self._address, detail)


def responds(url: str) -> bool:
    """Whether a GET is answered with success now."""
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _sentence(document: object) -> str:
    if isinstance(document, dict):
        error = cast("dict[str, Any]", document).get("error")
        return str(error) if error else ""
    return ""
