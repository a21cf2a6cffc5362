"""The values of the settings, each with its origin; the one module that reads the environment.

A value comes from the first of these that has it:

1. a flag of the command;
2. the environment: `SYNERGY__KAFKA__BOOTSTRAP`;
3. a file that the environment names: `SYNERGY__KAFKA__SASL_PASSWORD_FILE`;
4. `synergy.toml`, or the file that `SYNERGY_CONFIG` names;
5. the embedded stack of this folder, while its `var/ports.json` is there;
6. the default.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from runtime.setting_types import Settings

PREFIX = "SYNERGY__"
DELIMITER = "__"
FILE_SUFFIX = "_FILE"
CONFIG_VARIABLE = "SYNERGY_CONFIG"
DEFAULT_FILE = Path("synergy.toml")
EMBEDDED = "ports.json"
HIDDEN = "********"


class SettingsError(Exception):
    """A setting is unknown, unreadable or invalid. `problems` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings: " + "; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of one setting came from, for `config show`."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, the origin of each value that is not a default by dotted name, and the flags that were given."""

    settings: Settings
    sources: Mapping[str, str]
    flags: Mapping[str, object]

    def chosen(self, name: str) -> bool:
        """Whether somebody chose this value: it is no default and not read from a stack that ran here."""
        return not self.sources.get(name, EMBEDDED).endswith(EMBEDDED)

    def origins(self) -> list[Origin]:
        """Return every setting with its value and origin; secrets are hidden."""
        return [
            Origin(name, shown(value), self.sources.get(name, "default"))
            for name, value in leaves(self.settings)
        ]


def load(flags: Mapping[str, object] | None = None) -> Loaded:
    """Merge all sources and validate the result.

    Args:
        flags: values by dotted name (`{"kafka.bootstrap": "broker:9092"}`); None means that the
            flag was not given.

    Raises:
        SettingsError: with every problem found, not only the first.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    named = os.environ.get(CONFIG_VARIABLE)
    file = Path(named) if named else DEFAULT_FILE
    if named and not file.is_file():
        raise SettingsError([f"{CONFIG_VARIABLE} names {named}, which is no file"])
    layers: list[tuple[str, dict[str, object]]] = [
        ("flag", given),
        ("environment", _environment_values()),
        ("file named by the environment", _named_file_values()),
        (str(file), _toml_values(file)),
    ]
    merged, sources = _merge(layers)
    var = Path(str(merged.get("var", "var")))
    ports, port_sources = _merge([(str(var / EMBEDDED), _embedded_values(var))])
    merged, sources = ports | merged, port_sources | sources
    try:
        settings = Settings(**_nested(merged))
    except ValidationError as error:
        raise SettingsError(_problems(error, sources)) from error
    return Loaded(settings, sources, given)


def leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the dotted name and the value of every setting."""
    for name in type(model).model_fields:
        value: object = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def shown(value: object) -> str:
    """Return a value as text; a secret that is set is hidden."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    return str(value)


def variable(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable("kafka.bootstrap")
    'SYNERGY__KAFKA__BOOTSTRAP'
    """
    return PREFIX + name.replace(".", DELIMITER).upper()


def environment(overrides: Mapping[str, object]) -> dict[str, str]:
    """Return the environment for a child process, with settings by dotted name put over it."""
    return dict(os.environ) | {variable(name): str(value) for name, value in overrides.items()}


def variable_is_set(name: str) -> bool:
    """Whether the environment has a non-empty variable of that name (`NO_COLOR`, `CI`)."""
    return bool(os.environ.get(name))


def _names() -> dict[str, str]:
    """Return the dotted name of every setting by its environment variable."""
    return {variable(name): name for name, _ in leaves(Settings())}


def _environment_values() -> dict[str, object]:
    source = EnvSettingsSource(Settings, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)
    known = _names()
    unknown = [
        name
        for name in os.environ
        if name.startswith(PREFIX) and name.removesuffix(FILE_SUFFIX) not in known
    ]
    if unknown:
        raise SettingsError([f"{name} is no setting" for name in sorted(unknown)])
    values = _flat(source())
    return {name: value for name, value in values.items() if not name.endswith("_file")}


def _named_file_values() -> dict[str, object]:
    values: dict[str, object] = {}
    for name, setting in _names().items():
        path = os.environ.get(name + FILE_SUFFIX)
        if path:
            try:
                values[setting] = Path(path).read_text().rstrip("\r\n")
            except OSError as error:
                raise SettingsError([f"{name}{FILE_SUFFIX}: {error}"]) from error
    return values


def _toml_values(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    try:
        return _flat(TomlConfigSettingsSource(Settings, file)())
    except ValueError as error:  # tomllib's error is one
        raise SettingsError([f"{file}: {error}"]) from error


def _embedded_values(var: Path) -> dict[str, object]:
    """Return addresses of the embedded stack that runs, or ran last, in this folder."""
    try:
        ports = json.loads((var / EMBEDDED).read_text())
        addresses = {
            "kafka.bootstrap": f"127.0.0.1:{int(ports['kafka'])}" if "kafka" in ports else None,
            "registry.url": f"http://127.0.0.1:{ports['registry']}"
            if "registry" in ports
            else None,
            "store.port": ports.get("store"),
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return {name: value for name, value in addresses.items() if value is not None}


def _merge(
    layers: list[tuple[str, dict[str, object]]],
) -> tuple[dict[str, object], dict[str, str]]:
    merged: dict[str, object] = {}
    sources: dict[str, str] = {}
    for origin, values in reversed(layers):
        merged |= values
        sources |= dict.fromkeys(values, origin)
    return merged, sources


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            values |= _flat(cast("dict[str, Any]", value), f"{prefix}{name}.")
        else:
            values[f"{prefix}{name}"] = value
    return values


def _nested(values: Mapping[str, object]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *path, leaf = name.split(".")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
        node[leaf] = value
    return tree


def _problems(error: ValidationError, sources: Mapping[str, str]) -> list[str]:
    """Return a line for each problem: setting, origin, what is wrong. The value is left out.

    It may be a secret.
    """
    lines: list[str] = []
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        longer = [known for known in sources if known.startswith(f"{name}.")]
        name = longer[0] if longer and problem["type"] == "extra_forbidden" else name
        wrong = "is no setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{name} ({sources.get(name, 'default')}): {wrong}")
    return lines
