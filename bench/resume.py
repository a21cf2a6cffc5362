"""How long a resume takes after a load, and how much `var/` grew by it.

    .venv/bin/python -m bench.resume [seconds of load] [readings a second]

The bars are for one hour at 1,000 readings a second, of series that have a day of history. The short form loads for 5
minutes; the growth of an hour is that growth times 12, except for the parts of the ledger that were merged into larger
ones: they are deleted 8 minutes later, and count once. Changelogs are compacted every 10 minutes, so they count too
much. For the hour itself: `python -m bench.resume 3600`.

The resume runs from the start of `synergy up` until every part runs, no stage or sink has any lag, and a step of a
supply that was sent after the start is seen in its match over REST.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.background import Background
from bench.foundation import codec_of, say, sender, take_free_ports
from bench.machine import conditions, size_mb
from bench.market_pair import MarketPair
from bench.results import Bar, Condition, Figure, record
from bench.running_stack import CpuShares, RunningStack, running_stack
from bench.step_change import FACILITIES, PROGRAMME, enrol, now_of, ready, shows
from cli.store_client import StoreClient
from schemas.codec import Codec

LOADED_S = 300
PER_SECOND = 1_000
HOUR_S = 3_600
SETTLE_S = 15.0
HEARD_OF_S = 2.0
"""By then the store knows of what was just sent, and tells of it as lag."""
GIGABYTE_MB = 1024.0
MERGED = "ledger_merged_parts"
BYTES_IN_USE = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Disk space in MB by part of `var/`."""

    mb: Mapping[str, float]

    @classmethod
    def of(cls, stack: RunningStack) -> Sizes:
        """Look at the folders, and ask the ledger which of its parts are in use."""
        var = stack.var
        topics = list((var / "kafka" / "data").glob("*-[0-9]*"))
        changelogs = sum(size_mb(one) for one in topics if "changelog" in one.name)
        internal = sum(size_mb(one) for one in topics if one.name.startswith("__"))
        kafka = size_mb(var / "kafka")
        ledger, used = size_mb(var / "ledger"), _ledger_in_use_mb(stack)
        parts = {
            "topics": kafka - changelogs - internal,
            "changelogs": changelogs,
            "kafka_internal": internal,
            "ledger": used,
            MERGED: max(0.0, ledger - used),
            "rest": size_mb(var) - kafka - ledger,
        }
        return cls(parts)

    def growth(self, before: Sizes) -> dict[str, float]:
        """Return how much each part grew, in MB."""
        return {name: mb - before.mb[name] for name, mb in self.mb.items()}


def _ledger_in_use_mb(stack: RunningStack) -> float:
    client = StoreClient(stack.settings.store.address)
    try:
        rows = client.post("/api/v1/sql", {"sql": BYTES_IN_USE})["rows"]
    finally:
        client.close()
    return float(rows[0][0]) / 2**20


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the load left behind. `said` are conditions."""

    pair: MarketPair
    growth: Mapping[str, float]
    said: Mapping[str, Condition]


def idle(stack: RunningStack) -> bool:
    """Whether the stages and the sink have done everything there is."""
    lag = stack.get("/api/v1/status").get("lag", {})
    return {"balance", "market", "ledger"} <= lag.keys() and not any(lag.values())


def load(stack: RunningStack, codec: Codec, seconds: int, per_second: int) -> Loaded:
    """Publish for so long, wait until all of it is done, and look at the disk."""
    background = Background(FACILITIES, per_second)
    with sender(stack.settings, codec) as of_load, sender(stack.settings, codec) as of_pair:
        pair = MarketPair(of_pair, PROGRAMME, now_of(stack))
        pair.enrol()
        enrol(stack, background, of_load)
        background.give_history(of_load, now_of(stack))
        stack.clock.sleep(HEARD_OF_S)
        stack.wait("the history", lambda: idle(stack))
        before = Sizes.of(stack)
        used = CpuShares.begin(stack)
        with background.running(of_load, now_of(stack)):
            stack.clock.sleep(seconds)
        shares = used.end(stack)
    caught_up_s = stack.clock.monotonic_s()
    stack.wait("the end of the lag", lambda: idle(stack))
    stack.check_accepted()
    said: dict[str, Condition] = {
        "seconds_of_load": seconds,
        "readings": background.published,
        "background_behind_at_worst_s": round(background.behind_s, 2),
        "lag_gone_after_s": round(stack.clock.monotonic_s() - caught_up_s, 1),
        **shares,
    }
    stack.clock.sleep(SETTLE_S)  # the last segments are written, small parts merged
    return Loaded(pair, Sizes.of(stack).growth(before), said)


def resume(stack: RunningStack, codec: Codec, pair: MarketPair) -> float:
    """Return the seconds until everything runs, nothing lags, and a new step is seen."""
    stack.wait("the broker's process", lambda: stack.runs("kafka"))
    with sender(stack.settings, codec) as made:
        pair.sender = made
        wanted = pair.step()
        stack.wait("every part runs", lambda: ready(stack))
        stack.wait("the step after the start", lambda: shows(stack, wanted))
    return stack.wait("the end of the lag", lambda: idle(stack))


def measure(seconds: int, per_second: int) -> list[Figure]:
    """Load, stop, start again."""
    with tempfile.TemporaryDirectory(prefix="synergy-bench-") as folder:
        var = Path(folder)
        take_free_ports(var)
        with running_stack(var, without=("replay",)) as stack:
            stack.wait("every part runs", lambda: ready(stack))
            codec = codec_of(stack.settings)
            loaded = load(stack, codec, seconds, per_second)
            say(f"stopped after {stack.interrupt():.1f} s")
        with running_stack(var, without=("replay",)) as stack:
            resumed_s = resume(stack, codec, loaded.pair)
    return figures(loaded, resumed_s, HOUR_S / seconds)


def figures(loaded: Loaded, resumed_s: float, times: float) -> list[Figure]:
    """Return the resume and the growth."""
    grown = {f"grown_mb_{name}": round(mb, 1) for name, mb in loaded.growth.items()}
    said = conditions({**loaded.said, **grown})
    measured_mb = sum(loaded.growth.values())
    merged_mb = loaded.growth[MERGED]
    hour_mb = (measured_mb - merged_mb) * times + merged_mb
    hour = Figure(
        name="growth of var/ in an hour at 1,000 readings/s",
        value=hour_mb / GIGABYTE_MB,
        unit="GB" if times == 1 else f"GB, from {HOUR_S / times:g} s",
        bar=Bar("<", 1.0),
        conditions=said,
    )
    measured = Figure(
        name="growth of var/ during the load",
        value=measured_mb,
        unit="MB",
        bar=None,
        conditions=said,
    )
    resumed = Figure(
        name="resume after the load",
        value=resumed_s,
        unit="s",
        bar=Bar("<", 15.0),
        conditions=said,
    )
    return [resumed, hour, measured]


def main() -> None:
    """Measure and record."""
    given = [int(text) for text in sys.argv[1:]]
    seconds, per_second = (*given, *(LOADED_S, PER_SECOND)[len(given) :])
    record(measure(seconds, per_second))


if __name__ == "__main__":
    main()
