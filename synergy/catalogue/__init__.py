"""The catalogue: what materials there are, what can be done with them and what that is worth.

Pure (gate: import-linter, ruff TID251): it reads its packaged files once and has no clock.
"""

from synergy.catalogue.catalogue import Catalogue
from synergy.catalogue.errors import CatalogueError, InvalidRow
from synergy.catalogue.loader import load_catalogue
from synergy.catalogue.model import (
    Blend,
    BlendLimit,
    Coefficient,
    CoefficientKind,
    Industry,
    Market,
    Material,
    PropertyKind,
    QualityLimit,
    Role,
    Suggestions,
    TradeUnit,
    Treatment,
    TreatmentSite,
    TreatmentWhen,
    Use,
    Validity,
)

__all__ = [
    "Blend",
    "BlendLimit",
    "Catalogue",
    "CatalogueError",
    "Coefficient",
    "CoefficientKind",
    "Industry",
    "InvalidRow",
    "Market",
    "Material",
    "PropertyKind",
    "QualityLimit",
    "Role",
    "Suggestions",
    "TradeUnit",
    "Treatment",
    "TreatmentSite",
    "TreatmentWhen",
    "Use",
    "Validity",
    "load_catalogue",
]
