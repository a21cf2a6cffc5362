"""Everything that one partition of the balance stage knows.

Pure: no clock, no I/O, no threads (gate: import-linter).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from synergy.balance.analyses import Analyses
from synergy.balance.facilities import Facilities
from synergy.balance.flags import SeriesFlags
from synergy.balance.identities import Identities
from synergy.balance.means import PropertyMeans
from synergy.balance.open_gaps import OpenGaps
from synergy.balance.plans import Plans
from synergy.balance.programmes import ProgrammeTimes
from synergy.balance.series import SeriesTable
from synergy.balance.texts import Texts
from synergy.balance.told import Told
from synergy.balance.validation import Limits
from synergy.balance.windows import Windows


@dataclass(slots=True)
class PartitionState:
    """The parts of the state; each knows what has changed since it was last saved.

    Attributes:
        topic, partition: input whose offsets the positions name.
        materials: names of the materials by number; the first ones have a rule in `limits`, the rest had one once.
    """

    topic: str
    partition: int
    limits: Limits
    materials: list[str]
    belongs: Callable[[str], bool]
    facilities: Facilities = field(init=False)
    texts: Texts = field(default_factory=Texts)
    identities: Identities = field(default_factory=Identities)
    open_gaps: OpenGaps = field(default_factory=OpenGaps)
    times: ProgrammeTimes = field(default_factory=ProgrammeTimes)
    series: SeriesTable = field(default_factory=SeriesTable)
    windows: Windows = field(default_factory=Windows)
    plans: Plans = field(default_factory=Plans)
    analyses: Analyses = field(default_factory=Analyses)
    means: PropertyMeans = field(default_factory=PropertyMeans)
    flags: SeriesFlags = field(default_factory=SeriesFlags)
    told: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.facilities = Facilities(self.belongs)

    def name_series(self, names: npt.NDArray[np.void]) -> None:
        """Take over saved names; a material that has no rule any more is kept, but not published."""
        used, place = np.unique(names["material"], return_inverse=True)
        numbers: list[int] = []
        for text in used.tolist():
            if self.texts[text] not in self.materials:
                self.materials.append(self.texts[text])
            numbers.append(self.materials.index(self.texts[text]))
        self.series.name(
            names["facility"].astype(np.int64),
            np.array(numbers, np.int64)[place],
            names["direction"].astype(np.int64),
        )
        self.series.touched[: self.series.size] = True
        self.reserve()

    def reserve(self) -> None:
        """Make room for all series of the table."""
        size = self.series.size
        self.windows.reserve(size)
        self.plans.reserve(size)
        self.analyses.reserve(size)
        self.told.reserve(size)
