"""Faust as shipped: an agent, a table with its changelog, and a timer that sends the sums that changed."""

import sys
from array import array

import faust
from rolling import TOTAL, add, arguments, empty, reader

task = arguments()
read = reader(task["schema"], task["schema_id"])
app = faust.App(
    task["group"],
    broker=f"kafka://{task['bootstrap']}",
    store="memory://",
    datadir=task["state"],
    topic_partitions=4,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    broker_commit_interval=float(task["interval_s"]),
    broker_session_timeout=6,
    broker_heartbeat_interval=2,
    web_enabled=False,
)
readings = app.topic(
    task["topic"], key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
output = app.topic(
    task["output"], key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
)
rings = app.Table("rings", key_type=bytes, value_type=bytes, partitions=4)
changed = {}


@app.agent(readings)
async def count(stream):
    async for series, value in stream.items():
        found = read(value)
        if found is None:
            continue
        kept = rings.get(series)
        ring = empty(found[0]) if kept is None else array("q", kept)
        add(ring, *found)
        rings[series] = ring.tobytes()
        changed[series] = ring[TOTAL]


@app.timer(float(task["interval_s"]))
async def leave():
    leaving = list(changed.items())
    changed.clear()
    for series, total in leaving:
        await output.send(key=series, value=str(total).encode())


sys.argv = [sys.argv[0], "worker", "--loglevel", "warn", "--without-web"]
app.main()
