"""Numbers for the texts that state rows point to: sources, materials, programmes, formulas, flags.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations


class Texts:
    """Texts numbered in the order in which they came; a number stays for ever."""

    __slots__ = ("_numbers", "_saved", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._saved = 0

    def __getitem__(self, number: int) -> str:
        return self._texts[number]

    def number(self, text: str) -> int:
        """Return the number of a text, a new one if need be."""
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def take_new(self) -> dict[int, str]:
        """Return the texts that came since the last call."""
        start, self._saved = self._saved, len(self._texts)
        return dict(enumerate(self._texts[start:], start))

    def restore(self, texts: list[str]) -> None:
        """Take over all saved texts, in the order of their numbers."""
        self._texts = texts
        self._numbers = {text: number for number, text in enumerate(self._texts)}
        self._saved = len(self._texts)
