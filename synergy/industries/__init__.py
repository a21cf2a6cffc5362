"""Industry codes: ISIC Rev. 4 inside; NAICS, NACE and GB/T 4754 at the edges.

Pure (gate: import-linter): it reads its packaged files once and has no clock.
"""

from synergy.industries.codes import IndustryError, Scheme, find_industry, isic_classes

__all__ = ["IndustryError", "Scheme", "find_industry", "isic_classes"]
