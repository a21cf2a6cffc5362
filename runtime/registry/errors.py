"""Errors of the registry, on both sides of the wire."""

from __future__ import annotations


class RegistryError(Exception):
    """Root of the registry's errors."""


class RegistryUnavailableError(RegistryError):
    """The registry did not answer in time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"schema registry at {url} does not answer: {reason}")
        self.url = url
        self.reason = reason


class RegistryAnswerError(RegistryError):
    """The registry refused a call. `code` is Confluent's error code, for example 40401."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"schema registry: {message} (HTTP {status}, code {code})")
        self.status = status
        self.code = code
        self.message = message


class IncompatibleSchemaError(RegistryAnswerError):
    """A schema is not compatible with the published versions of its subject."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(409, 409, f"the schema of {subject} is incompatible: {reason}")
        self.subject = subject
        self.reason = reason


class RegistryStateError(RegistryError):
    """The file of the embedded registry can't be used."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"registry file {path}: {reason}")
        self.path = path
        self.reason = reason
