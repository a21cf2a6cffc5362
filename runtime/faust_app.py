"""The Faust app of a worker: what Faust does for it, and what it must not do."""

from __future__ import annotations

from pathlib import Path

from runtime.faust_credentials import faust_credentials
from runtime.faust_transport import BatchApp
from runtime.kafka_log import KafkaConnection

REVOKE_TIMEOUT_S = 10.0
"""How long a worker may take to give its partitions up."""
_SESSION_TIMEOUT_S = 6.0
_HEARTBEAT_S = 0.5
"""The shorter, the sooner after the end of another worker the others learn of it: they ask with each heartbeat."""
_METADATA_MAX_AGE_MS = 5_000
"""A group leader that joined a broker in its start knows no topic and assigns nothing until it looks again."""


def faust_app(
    group: str,
    data: Path,
    connection: KafkaConnection,
    *,
    fetch_min_bytes: int,
    first_topics: tuple[str, ...],
) -> BatchApp:
    """Return the app: group membership by heartbeats, no tables, no web, no topic management.

    Args:
        group: the consumer group.
        data: where Faust may put files.
        connection: the cluster.
        fetch_min_bytes: for what the broker waits, 0.2 s at most, before it answers a fetch.
        first_topics: all that is there of them is taken in before the rest of the partition.
    """
    return BatchApp(
        group,
        fetch_min_bytes=fetch_min_bytes,
        first_topics=first_topics,
        broker=[f"kafka://{host}" for host in connection.bootstrap.split(",")],
        broker_credentials=faust_credentials(connection.security),
        datadir=data,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        autodiscover=False,
        stream_wait_empty=False,
        stream_buffer_maxsize=4,
        consumer_auto_offset_reset="none",
        consumer_max_fetch_size=2 << 20,
        consumer_metadata_max_age_ms=_METADATA_MAX_AGE_MS,
        broker_commit_interval=1.0,
        broker_session_timeout=_SESSION_TIMEOUT_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_rebalance_timeout=2 * REVOKE_TIMEOUT_S,
        broker_request_timeout=30.0,
    )
