"""Events to show: the shipped examples, with what a test changes in them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.resources import files
from typing import Any, TypeVar

from schemas.json_form import from_json

Shown = TypeVar("Shown")


def example(kind: type[Shown], **changes: Any) -> Shown:
    """Return the example of an event type, changed."""
    name = re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower()
    content = json.loads((files("schemas") / "examples" / f"{name}.v1.json").read_text("utf-8"))
    event = from_json(kind.__name__, content)
    assert isinstance(event, kind)
    return replace(event, **changes)
