"""Writes what each story shows now into its file: `python -m tests.golden.regenerate`."""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.golden.stories import FOLDER, Step, names, told


def line(value: Any) -> str:
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False)


def block(items: list[str], indent: int) -> str:
    """Items in brackets, one a line."""
    space = " " * indent
    inside = f",\n{space}  ".join(items)
    return f"[\n{space}  {inside}\n{space}]" if items else "[]"


def seen(step: Step) -> str:
    """One event, a line for each field, so that a difference can be read."""
    fields = [f"{line(name)}: {line(value)}" for name, value in step.items()]
    inside = ",\n          ".join(fields)
    return f"{{\n          {inside}\n        }}"


def written(story: str, steps: list[Step]) -> str:
    """The text of a story's file."""
    parts = [
        f'{{\n      "says": {line(step["says"])},\n'
        f'      "given": {block([line(item) for item in step["given"]], 6)},\n'
        f'      "sees": {block([seen(item) for item in step["sees"]], 6)}\n    }}'
        for step in steps
    ]
    return f'{{\n  "story": {line(story)},\n  "steps": {block(parts, 2)}\n}}\n'


def main() -> None:
    """Rewrite every story."""
    for name in names():
        path = FOLDER / f"{name}.json"
        old = json.loads(path.read_text(encoding="utf-8"))
        steps = told(old["steps"])
        path.write_text(written(old["story"], steps), encoding="utf-8")
        sys.stdout.write(f"{path.name}: {sum(len(step['sees']) for step in steps)} events\n")


if __name__ == "__main__":
    main()
