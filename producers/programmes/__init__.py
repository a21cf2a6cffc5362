"""The two programmes that a replay plays, built from the data files in `programmes/`.

`load_programmes` is the way in. What is real, estimated, assumed and simulated is told apart on every
reading; a plant with a borrowed load profile is SIMULATED throughout.
"""

from producers.programmes.load import load_programmes, shipped_folder
from producers.programmes.programme import Chapter, Exclusion, Programme

__all__ = ["Chapter", "Exclusion", "Programme", "load_programmes", "shipped_folder"]
