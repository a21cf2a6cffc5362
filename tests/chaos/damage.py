"""What a worker has to refuse: state or input that is no longer what it was. Each says so, and which command mends it.

A lost changelog is rebuilt, and the stand goes on; damages of the input are in `last_faults`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka import TopicPartition as VendorPartition
from confluent_kafka.admin import AdminClient

from cli.prepare import prepare
from schemas import topic_files
from tests.chaos.stand import PROGRAM, WORKERS, Stand
from tests.stateful.kafka_control import wait_for

REFUSED_S = 60.0
OUTPUTS: Final[Mapping[str, Sequence[str]]] = {
    "balance": (topic_files.POSITIONS,),
    "market": (topic_files.MATCHES, topic_files.TRANSACTIONS, topic_files.OUTCOMES),
}


def _admin(stand: Stand) -> AdminClient:
    return AdminClient({"bootstrap.servers": stand.pipeline.stack.settings.kafka.bootstrap})


def stop_workers(stand: Stand, stage: str) -> None:
    """Stop both workers of a stage."""
    for name in WORKERS[stage]:
        stand.pipeline.stack.stop_part(name)


def start_workers(stand: Stand, stage: str) -> None:
    """Start both workers of a stage that were stopped."""
    for name in WORKERS[stage]:
        stand.pipeline.stack.start_part(name)


def recreate(stand: Stand, topic: str) -> None:
    """Delete a topic and create it anew, as declared."""
    admin = _admin(stand)
    wait_for(admin.delete_topics([topic]))
    stand.wait(1.0)
    prepare(stand.pipeline.stack.settings)


def delete_everything(stand: Stand, topic: str) -> None:
    """Let retention pass every record of a topic."""
    ends = stand.pipeline.ends(topic)
    places = [VendorPartition(topic, number, end) for number, end in ends.items() if end]
    admin = _admin(stand)
    wait_for(admin.delete_records(places))


@contextmanager
def run_by_hand(stand: Stand, *arguments: str) -> Generator[Path]:
    """Run one command of the product by hand, as an operator does; give its log."""
    var = stand.pipeline.stack.settings.var.resolve()
    log = var / "log" / f"{'-'.join(one.strip('-') for one in arguments)}-by-hand.log"
    command = [*PROGRAM, "--set", f"var={var}", "--set", "logs.form=json", *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            yield log
        finally:
            process.terminate()
            process.wait()


def refusals(stand: Stand, log: Path, count: int) -> dict[int | None, tuple[str, str]]:
    """Wait until so many partitions are refused; return codes and messages by partition, None for a whole process."""

    def found() -> dict[int | None, tuple[str, str]]:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
        said = {
            line.get("partition"): (line["code"], line.get("cause", line["event"]))
            for line in lines
            if "code" in line
        }
        return said if len(said) == count else {}

    return stand.pipeline.eventually(f"there are {count} refusals", found, REFUSED_S)


def rebuild(stand: Stand, stage: str) -> None:
    """Rebuild a stage as the refusal says, and wait until it has everything."""
    with run_by_hand(stand, "worker", stage, "--rebuild"):
        stand.pipeline.settle()


def published(stand: Stand, *stages: str) -> Mapping[tuple[str, int], int]:
    """Return where everything ends that these stages publish."""
    return {
        (topic, number): end
        for stage in stages
        for topic in OUTPUTS[stage]
        for number, end in stand.pipeline.ends(topic).items()
    }
