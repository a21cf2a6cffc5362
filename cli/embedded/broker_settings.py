"""The broker's `server.properties`: one KRaft node on the loopback address, sized for a laptop."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes

from cli.embedded.ports import HOST

TEXT = """\
# Written by `synergy up` at every start; changes made here are lost.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}

# One node: every internal topic has one replica.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
default.replication.factor=1
min.insync.replicas=1
auto.create.topics.enable=false

# A group of one or two workers has nobody to wait for.
group.initial.rebalance.delay.ms=0

# After kill -9 the next start is refused until the controller has given the former process up: 9 s
# by default.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000

# Small: few threads, small buffers. The cleaner's default buffer alone would be 128 MB of heap.
num.network.threads=2
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=2
log.cleaner.dedupe.buffer.size=16777216
log.cleaner.io.buffer.size=262144
offsets.load.buffer.size=1048576
transaction.state.log.load.buffer.size=1048576
group.coordinator.threads=1
share.coordinator.threads=1

# Idle costs nothing: no empty metadata records twice a second.
metadata.max.idle.interval.ms=0
log.segment.bytes=134217728
metadata.log.segment.bytes=16777216
metadata.max.retention.bytes=33554432
"""


def new_cluster_id() -> str:
    """Return a random id, URL-safe base64 of 16 bytes.

    It tells our broker from another one that listens on the same port: two starts at the same moment may choose the
    same free port, and only one of them gets it.
    """
    while True:
        found = urlsafe_b64encode(token_bytes(16)).decode().rstrip("=")
        if not found.startswith("-"):  # the format tool would take it for an option
            return found


@dataclass(frozen=True, slots=True)
class BrokerPlace:
    """Where one broker lives: its folder and its two ports."""

    folder: Path
    port: int
    controller_port: int

    @property
    def data(self) -> Path:
        """Folder of the partitions."""
        return self.folder / "data"

    @property
    def cluster_id(self) -> str | None:
        """The id that this broker's storage was formatted with, or None before."""
        try:
            lines = (self.data / "meta.properties").read_text().splitlines()
        except OSError:
            return None
        return next((line[11:] for line in lines if line.startswith("cluster.id=")), None)

    @property
    def properties(self) -> Path:
        """The file the broker is started with.

        Its path on the command line identifies the process.
        """
        return self.folder / "server.properties"

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"{HOST}:{self.port}"


def write_properties(place: BrokerPlace) -> None:
    """Write `server.properties` into the broker's folder."""
    place.folder.mkdir(parents=True, exist_ok=True)
    place.properties.write_text(
        TEXT.format(
            host=HOST, port=place.port, controller_port=place.controller_port, data=place.data
        )
    )
