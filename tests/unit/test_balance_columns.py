"""Strings of a column become numbers, once for each distinct string."""

from __future__ import annotations

import gc

import polars as pl

from synergy.balance.columns import TextColumn


class Resolver:
    """Numbers strings by their length and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> int:
        self.asked.append(text)
        return len(text)


def test_each_string_is_resolved_once_although_its_batches_are_gone() -> None:
    resolver = Resolver()
    column = TextColumn("test-once", resolver)
    for batch in (["a", "bb", "a"], ["ccc", "a"], ["bb", "ccc"]):
        assert column.numbers(pl.Series(batch)).tolist() == [len(text) for text in batch]
        gc.collect()
    assert resolver.asked == ["a", "bb", "ccc"]


def test_after_forget_every_string_is_resolved_anew() -> None:
    resolver = Resolver()
    column = TextColumn("test-forget", resolver)
    column.numbers(pl.Series(["a"]))
    column.forget()
    assert column.numbers(pl.Series(["a"])).tolist() == [1]
    assert resolver.asked == ["a", "a"]


def test_garbage_does_not_fill_the_memory_and_numbers_stay_right() -> None:
    resolver = Resolver()
    column = TextColumn("test-limit", resolver, limit=10)
    for batch in range(40):
        texts = ["kept", *(f"{'x' * (batch % 5)}{number}" for number in range(batch, batch + 7))]
        assert column.numbers(pl.Series(texts)).tolist() == [len(text) for text in texts]
        gc.collect()
    assert resolver.asked.count("kept") > 1
