"""The store's REST server, as the commands use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Self, cast

import httpx

TIMEOUT_S = 10.0


class StoreError(Exception):
    """The store does not answer, or refused. `detail` is its own sentence."""

    def __init__(self, address: str, detail: str) -> None:
        super().__init__(f"the store at {address}: {detail}")
        self.address = address
        self.detail = detail


class StoreClient:
    """One connection to the store."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self._address = address
        self._client = httpx.Client(base_url=address, timeout=timeout_s, trust_env=False)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return a JSON object. Raises StoreError."""
        return self._call("GET", path, params=query)

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Send a JSON object and return the answer. Raises StoreError."""
        return self._call("POST", path, json=dict(body))

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

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        response = self._sent(method, path, **options)
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
