"""The same moves on a real broker: fewer, since every opening and commit takes its time there."""

from __future__ import annotations

from itertools import count
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.kafka_control import KafkaControl
from tests.stateful.machine import DamagedInput, PartitionMachine
from tests.stateful.world import World

BRIEF = settings(
    max_examples=5,
    stateful_step_count=20,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


class OnKafka(PartitionMachine):
    """Makes the world on the broker named by `bootstrap`.

    It checks at the end only: every output is still there then, and each is judged at its own offset.
    """

    checks_each_step: ClassVar[bool] = False
    bootstrap: ClassVar[str] = ""
    numbers: ClassVar[count[int]] = count()

    def make_world(self) -> World:
        prefix = f"{type(self).__name__.lower()}.{next(self.numbers)}."
        return World(KafkaControl(self.bootstrap, prefix), prefix=prefix)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            control = self.world.control
            assert isinstance(control, KafkaControl)
            control.close(self.world.prefix)


def test_on_kafka_every_record_is_counted_exactly_once(kafka: str) -> None:
    class Undamaged(OnKafka):
        bootstrap = kafka

    run_state_machine_as_test(Undamaged, settings=BRIEF)


def test_on_kafka_a_damaged_input_stops_the_worker(kafka: str) -> None:
    class Damaged(OnKafka, DamagedInput):
        bootstrap = kafka

    run_state_machine_as_test(Damaged, settings=BRIEF)
