"""`synergy schemas check|lock`: the schema files against their published versions and against the registry."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from cli.connections import registry_address
from runtime.registry.client import RegistryClient
from runtime.settings import load
from schemas import versions
from schemas.versions import Finding


def check(flags: Mapping[str, object], form: Literal["text", "json"]) -> int:
    """Compare the schema files with the lock of published versions and, when one is named, with the registry.

    Raises:
        SettingsError, RegistryError: it can't be compared.
    """
    settings = load(flags).settings
    findings = list(versions.check_all(versions.load_lock()))
    if settings.registry.url:
        with RegistryClient(registry_address(settings)) as registry:
            findings += _refused_by(registry)
    if form == "json":
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        compared = f"the lock and {settings.registry.url}" if settings.registry.url else "the lock"
        lines = [f"{finding.subject}: {finding.message}" for finding in findings]
        lines = lines or [f"{len(versions.subjects())} subjects agree with {compared}"]
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return int(bool(findings))


def _refused_by(registry: RegistryClient) -> Iterable[Finding]:
    for subject, schema in versions.subjects().items():
        for reason in registry.check(subject, schema.text):
            yield Finding(subject, f"the registry would refuse it: {reason}")


def lock() -> int:
    """Take the schema files' present versions into the lock; what is published is kept."""
    file = Path(versions.__file__).with_name(versions.LOCK_FILE)
    before = versions.load_lock()
    after = versions.locked(before)
    file.write_text(after.text(), encoding="utf-8")
    new = sorted(
        subject
        for subject in after.subjects
        if after.subjects[subject] != before.subjects.get(subject)
    )
    sys.stdout.writelines(f"new version of {subject}\n" for subject in new)
    if not new:
        sys.stdout.write("every schema file is a published version\n")
    return 0
