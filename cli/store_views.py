"""Where the views of a store begin: with what the ledger holds, or else with what Kafka has."""

from __future__ import annotations

from collections import Counter

from console.feed import Feed
from console.ledger_readers import LedgerReaders
from runtime.ledger_database import LedgerDatabaseError
from runtime.log import TopicPartition
from runtime.logs import Logger
from sinks.latest import latest_values
from sinks.ledger_store import table_ends


def begin_views(feed: Feed, readers: LedgerReaders, log: Logger) -> None:
    """Fill the views from the ledger, then let the feed go on where the ledger ends.

    A ledger that can't be asked keeps nobody from starting: Kafka has the latest of nearly everything too.
    """
    try:
        _begin_from_ledger(feed, readers)
    except LedgerDatabaseError as error:
        log.warning("views start from Kafka, without what it no longer has", cause=str(error))


def _begin_from_ledger(feed: Feed, readers: LedgerReaders) -> None:
    ends = {(end.topic, end.topic_id, end.partition): end.last for end in table_ends(readers.own)}
    ids = Counter(topic for topic, _ in {(topic, topic_id) for topic, topic_id, _ in ends})
    feed.begin(
        latest_values(readers.own),
        {
            TopicPartition(topic, partition): last + 1
            for (topic, _, partition), last in ends.items()
            if ids[topic] == 1  # offsets of a topic that was made again mean something else
        },
    )
