"""The broker's jars: fetched by jgo from its lock file, compared with their SHA-256, kept in one cache per user.

Only the lock is read at run time, so nothing is mediated on a newcomer's machine, and a jar that
differs from the one that was locked is never run.
"""

from __future__ import annotations

import fcntl
import hashlib
import tomllib
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = Path(__file__).parents[2] / "infra" / "kafka" / "jgo.lock.toml"
DOWNLOADS_AT_ONCE = 6
TIMEOUT_S = 60


class JarError(Exception):
    """Root of the errors of this module."""


class JarMissingError(JarError):
    """A jar could not be fetched."""

    def __init__(self, jar: str, reason: str) -> None:
        super().__init__(
            f"{jar} could not be fetched from Maven Central: {reason}. Check the network, then run the same "
            f"command again: what has arrived is kept."
        )
        self.jar = jar
        self.reason = reason


class JarChangedError(JarError):
    """A fetched jar is not the one that was locked."""

    def __init__(self, jar: str, expected: str, actual: str) -> None:
        super().__init__(
            f"{jar} has SHA-256 {actual}, the lock file says {expected}: it was not run."
        )
        self.jar = jar
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True)
class LockedJar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Name of the file in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"

    def path_in(self, repository: Path) -> Path:
        """Where the jar lies in a repository of Maven's layout."""
        return repository.joinpath(
            *self.group.split("."), self.artifact, self.version, self.file_name
        )


def locked_jars(lock_file: Path = LOCK_FILE) -> list[LockedJar]:
    """Read the lock file. Raises OSError or KeyError on a file that is not one of jgo's."""
    with lock_file.open("rb") as file:
        rows = tomllib.load(file)["dependencies"]
    return [
        LockedJar(row["groupId"], row["artifactId"], row["version"], row["sha256"]) for row in rows
    ]


def class_path(
    cache: Path, report: Callable[[str], None], lock_file: Path = LOCK_FILE
) -> list[Path]:
    """Return the verified jars, after fetching those that the cache lacks.

    Args:
        cache: folder of Maven's layout, shared by all checkouts of this user.
        report: takes one line of progress.
        lock_file: jgo's lock.

    Raises:
        JarMissingError: a jar can't be fetched.
        JarChangedError: a jar is not the locked one.
    """
    jars = locked_jars(lock_file)
    if not all(jar.path_in(cache).is_file() for jar in jars):
        cache.mkdir(parents=True, exist_ok=True)
        with _one_fetcher(cache, report):
            _fetch([jar for jar in jars if not jar.path_in(cache).is_file()], cache, report)
    for jar in jars:
        _verify(jar, jar.path_in(cache))
    return [jar.path_in(cache) for jar in jars]


@contextmanager
def _one_fetcher(cache: Path, report: Callable[[str], None]) -> Generator[None]:
    """Let one process fetch at a time: two checkouts may start side by side."""
    with (cache / "fetch.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("Kafka: another process is fetching the jars, waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(jars: Sequence[LockedJar], cache: Path, report: Callable[[str], None]) -> None:
    if not jars:
        return
    arriving = cache / "arriving"
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        futures = [pool.submit(_fetch_one, jar, arriving, cache) for jar in jars]
        size = 0
        for done, future in enumerate(as_completed(futures), 1):
            size += future.result()
            report(f"Kafka: {done} of {len(jars)} jars fetched, {size / 1e6:.0f} MB")


def _fetch_one(jar: LockedJar, arriving: Path, cache: Path) -> int:
    """Fetch one jar beside its place, verify it and move it there.

    A cut download leaves nothing that looks whole.
    """
    from jgo.maven import MavenContext, PythonResolver

    part = jar.path_in(arriving)
    part.unlink(missing_ok=True)
    context = MavenContext(resolver=PythonResolver(), repo_cache=arriving, timeout=TIMEOUT_S)
    try:
        context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:  # jgo raises RuntimeError, requests and OSError alike
        raise JarMissingError(jar.file_name, str(error)) from error
    _verify(jar, part)
    place = jar.path_in(cache)
    place.parent.mkdir(parents=True, exist_ok=True)
    part.replace(place)
    return place.stat().st_size


def _verify(jar: LockedJar, path: Path) -> None:
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != jar.sha256:
        path.unlink()
        raise JarChangedError(jar.file_name, jar.sha256, actual)
