"""The broker's jars: only the locked ones are ever run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cli.embedded import jars
from cli.embedded.jars import JarChangedError, LockedJar


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    """Give a lock file of one jar whose whole content is `good`."""
    digest = hashlib.sha256(b"good").hexdigest()
    file = tmp_path / "jgo.lock.toml"
    file.write_text(
        f'[[dependencies]]\ngroupId = "a.b"\nartifactId = "c"\nversion = "1"\nsha256 = "{digest}"\n'
    )
    return file


@pytest.fixture
def locked(lock_file: Path) -> LockedJar:
    (jar,) = jars.locked_jars(lock_file)
    return jar


def put(jar: LockedJar, cache: Path, content: bytes) -> Path:
    path = jar.path_in(cache)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_a_jar_lies_where_maven_puts_it(tmp_path: Path, locked: LockedJar) -> None:
    assert locked.path_in(tmp_path) == tmp_path / "a" / "b" / "c" / "1" / "c-1.jar"


def test_what_is_in_the_cache_is_not_fetched_again(
    tmp_path: Path, lock_file: Path, locked: LockedJar
) -> None:
    path = put(locked, tmp_path, b"good")
    said: list[str] = []
    assert jars.class_path(tmp_path, said.append, lock_file) == [path]
    assert said == []


def test_a_jar_that_differs_is_not_run_and_not_kept(
    tmp_path: Path, lock_file: Path, locked: LockedJar
) -> None:
    path = put(locked, tmp_path, b"bad")
    with pytest.raises(JarChangedError, match=r"c-1\.jar"):
        jars.class_path(tmp_path, print, lock_file)
    assert not path.exists()


def test_the_lock_names_the_broker_and_its_own_client_library() -> None:
    versions = {jar.artifact: jar.version for jar in jars.locked_jars()}
    assert versions["kafka_2.13"] == versions["kafka-clients"] == versions["kafka-server"]
    assert versions["slf4j-api"].startswith("1.7.")
    assert all(len(jar.sha256) == 64 for jar in jars.locked_jars())
