"""Quix Streams: a StreamingDataFrame with a stateful function; sums that changed leave once an interval.

The library has no timer of its own, so that a reading or a tick that comes when the interval is over takes along what
changed: the ticks that follow the load take the rest.
"""

import time
from array import array

from quixstreams import Application
from quixstreams.models import BytesDeserializer, BytesSerializer, Serializer
from rolling import TOTAL, add, arguments, empty, reader


class RollingSums:
    def __init__(self, task):
        self.read = reader(task["schema"], task["schema_id"])
        self.interval_s = float(task["interval_s"])
        self.due = time.monotonic() + self.interval_s
        self.changed = {}

    def count(self, value, key, timestamp, headers, state):
        """Count a reading in the state of its series; return what leaves now."""
        found = self.read(value)
        if found is not None:
            kept = state.get_bytes("ring")
            ring = empty(found[0]) if kept is None else array("q", kept)
            add(ring, *found)
            state.set_bytes("ring", ring.tobytes())
            self.changed[key] = ring[TOTAL]
            if time.monotonic() < self.due:
                return ()
        self.due = time.monotonic() + self.interval_s
        leaving, self.changed = self.changed, {}
        return list(leaving.items())


class TotalSerializer(Serializer):
    def __call__(self, value, ctx):
        return str(value[1]).encode()


def application(task):
    return Application(
        broker_address=task["bootstrap"],
        consumer_group=task["group"],
        auto_offset_reset="earliest",
        commit_interval=float(task["interval_s"]),
        state_dir=task["state"],
        processing_guarantee=task["guarantee"],
        consumer_poll_timeout=0.1,
        consumer_extra_config={"fetch.queue.backoff.ms": 10, "queued.min.messages": 1_000_000},
        producer_extra_config={"compression.type": "lz4"},
        loglevel="WARNING",
    )


def main():
    task = arguments()
    app = application(task)
    taken = {"key_deserializer": BytesDeserializer(), "value_deserializer": BytesDeserializer()}
    given = {"key_serializer": BytesSerializer(), "value_serializer": TotalSerializer()}
    frame = app.dataframe(app.topic(task["topic"], **taken))
    frame = frame.apply(RollingSums(task).count, stateful=True, expand=True, metadata=True)
    frame.to_topic(app.topic(task["output"], **given), key=lambda pair: pair[0])
    app.run()


main()
