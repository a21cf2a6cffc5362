"""The sums of the balance worker, from what it has in Kafka: the state is restored as the worker would, and asked."""

from __future__ import annotations

from dataclasses import replace

from cli.connections import kafka_connection
from producers.load import LoadPlan, load_facility
from runtime.clock import SystemClock
from runtime.kafka_log import KafkaLog
from runtime.log import TopicPartition
from runtime.partition_head import HEAD_KEY
from runtime.setting_types import Settings
from schemas import topic_files
from schemas.events import Position
from schemas.identity import series_key
from schemas.routing import partition_for
from stream_processors.balance import material_rules
from synergy.balance import PartitionBalances
from synergy.catalogue import load_catalogue

BEYOND_ALL = 1 << 60


def balance_sums(settings: Settings, plan: LoadPlan, partitions: int) -> dict[bytes, int]:
    """Return the 24 h sum of each series of a load.

    Positions are published when they are news, so that the last one of a series may be older than its last reading. A
    facility that changes to another programme makes all its positions news: here in memory alone.
    """
    log = KafkaLog(kafka_connection(settings))
    rules = material_rules(load_catalogue())
    sums: dict[bytes, int] = {}
    for number in range(partitions):
        tp = TopicPartition(topic_files.BALANCE_CHANGELOG, number)
        parts = log.latest(tp, *log.bounds(tp))
        balances = PartitionBalances.restore(
            topic_files.AVAILABILITY,
            number,
            rules,
            {key: value for key, value in parts.items() if key != HEAD_KEY},
            lambda facility: partition_for(facility, partitions),
        )
        for facility in (load_facility(plan, count) for count in range(plan.facilities)):
            if partition_for(facility.id, partitions) == number:
                balances.put_facility(replace(facility, programme="asked"), BEYOND_ALL)
        balances.clock(SystemClock().now_us())
        for event in balances.take_events(BEYOND_ALL):
            if isinstance(event, Position):
                key = series_key(event.facility, event.material, event.direction)
                sums[key] = event.quantity_24h
    return sums
