"""Bytewax with recovery: a stateful operator whose logic asks to be told when its interval is over."""

from array import array
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from rolling import TOTAL, add, empty, reader


class RollingSum(StatefulBatchLogic):
    def __init__(self, kept, interval):
        self.ring = None if kept is None else array("q", kept)
        self.interval = interval
        self.due = None

    def on_batch(self, values):
        for quarter, quantity in values:
            if self.ring is None:
                self.ring = empty(quarter)
            add(self.ring, quarter, quantity)
        if self.due is None:
            self.due = datetime.now(UTC) + self.interval
        return (), StatefulBatchLogic.RETAIN

    def _leave(self):
        if self.due is None:
            return (), StatefulBatchLogic.RETAIN
        self.due = None
        return (self.ring[TOTAL],), StatefulBatchLogic.RETAIN

    def on_notify(self):
        return self._leave()

    def on_eof(self):
        return self._leave()

    def notify_at(self):
        return self.due

    def snapshot(self):
        return self.ring.tobytes()


def flow(*told):
    """Make the dataflow: `python -m bytewax.run "bytewax_sums:flow('name=value', ...)"` gives the arguments."""
    task = dict(one.split("=", 1) for one in told)
    read = reader(task["schema"], task["schema_id"])
    interval = timedelta(seconds=float(task["interval_s"]))

    def readings(messages):
        for message in messages:
            found = read(message.value)
            if found is not None:
                yield message.key.decode(), found

    made = Dataflow("sums")
    source = KafkaSource(
        [task["bootstrap"]],
        [task["topic"]],
        tail=False,
        batch_size=10_000,
        add_config={"fetch.queue.backoff.ms": "10", "queued.min.messages": "1000000"},
    )
    keyed = op.flat_map_batch("read", op.input("readings", made, source), readings)
    sums = op.stateful_batch("sum", keyed, lambda kept: RollingSum(kept, interval))
    leaving = op.map(
        "write", sums, lambda pair: KafkaSinkMessage(pair[0].encode(), str(pair[1]).encode())
    )
    sink = KafkaSink([task["bootstrap"]], task["output"], {"compression.type": "lz4"})
    op.output("sums", leaving, sink)
    return made
