"""The limits of CONTRIBUTING.md that ruff has no rule for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "schemas",
    "synergy",
    "runtime",
    "producers",
    "stream_processors",
    "sinks",
    "console",
    "cli",
    "bench",
)
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
MOST_ARGUMENTS = 5
FORBIDDEN_NAMES = frozenset(
    {"utils", "util", "common", "core", "helpers", "helper", "manager", "base", "misc"}
)

# Over the limit when the limit came: none may grow, and an entry that is no longer needed fails.
LONGER_MODULES = {"runtime/partition_task.py": 330}
LONGER_FUNCTIONS = {
    "bench/balance_core.py frames": 45,
    "synergy/market/drafts.py _draft": 45,
    "synergy/market/picture.py take_picture": 43,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules() -> list[Path]:
    found = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    assert len(found) > 50, "the packages were not found"
    return found


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def lines_of(function: Function) -> int:
    """Return the lines from `def` to the end, without the docstring: it may be as long as it is useful."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None and first.end_lineno is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def positional_arguments(function: Function) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    own = [name for name in names if name not in ("self", "cls")]
    return len(own) + len(function.args.kwonlyargs)


def is_command(function: Function) -> bool:
    """Whether it is a command of the command line: Typer makes its options from the arguments."""
    return any("command" in ast.unparse(decorator) for decorator in function.decorator_list)


def beyond(found: Mapping[str, int], allowed: Mapping[str, int]) -> dict[str, int]:
    return {name: lines for name, lines in found.items() if lines > allowed.get(name, 0)}


def test_modules_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_MODULE
    }
    assert beyond(long, LONGER_MODULES) == {}
    assert LONGER_MODULES.keys() <= long.keys(), "take the entry out"


def test_functions_are_short() -> None:
    long = {
        f"{path.relative_to(ROOT)} {function.name}": lines_of(function)
        for path in modules()
        for function in functions(path)
        if lines_of(function) > LONGEST_FUNCTION
    }
    assert beyond(long, LONGER_FUNCTIONS) == {}
    assert LONGER_FUNCTIONS.keys() <= long.keys(), "take the entry out"


def test_functions_take_few_arguments() -> None:
    many = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": positional_arguments(
            function
        )
        for path in modules()
        for function in functions(path)
        if positional_arguments(function) > MOST_ARGUMENTS and not is_command(function)
    }
    assert many == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    named = [str(path.relative_to(ROOT)) for path in modules() if path.stem in FORBIDDEN_NAMES]
    assert named == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f():\n    return 1", 2),
        ('def f():\n    """Say.\n\n    More.\n    """\n    return 1', 2),
    ],
)
def test_a_docstring_does_not_make_a_function_long(source: str, lines: int) -> None:
    (function,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))
    assert lines_of(function) == lines
