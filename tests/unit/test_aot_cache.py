"""The broker's ahead-of-time cache: whose it is, and that nobody ever sees half of it."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from cli.embedded import aot_cache


def test_another_java_and_other_jars_have_another_cache(tmp_path: Path) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    release = tmp_path / "jdk" / "release"
    jars = [tmp_path / "kafka-4.1.jar"]

    release.write_text("25.0.1")
    first = aot_cache.file_of(tmp_path, jars, java)
    assert aot_cache.file_of(tmp_path, jars, java) == first
    assert first.parent == tmp_path

    assert aot_cache.file_of(tmp_path, [tmp_path / "kafka-4.2.jar"], java) != first
    release.write_text("25.0.2")
    assert aot_cache.file_of(tmp_path, jars, java) != first


def test_what_was_written_is_seen_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "kafka.aot"

    def write(part: Path) -> None:
        part.write_bytes(b"half")
        assert not file.exists()
        part.write_bytes(b"whole")

    aot_cache.make(file, write)
    assert file.read_bytes() == b"whole"


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "kafka.aot"

    def write(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        aot_cache.make(file, write)
    assert [path.name for path in tmp_path.iterdir()] == ["kafka.lock"]

    aot_cache.make(file, lambda _: None)  # the broker wrote none
    assert not file.exists()


def test_one_process_makes_it_and_the_others_go_without(tmp_path: Path) -> None:
    file = tmp_path / "kafka.aot"
    with (tmp_path / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        aot_cache.make(file, lambda _: pytest.fail("another process is making it"))
    aot_cache.make(file, lambda part: part.touch())
    assert file.exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"kafka\.lock"):
        aot_cache.make(tmp_path / "missing" / "kafka.aot", lambda _: None)
