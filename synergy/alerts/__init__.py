"""Alert rules: what deserves a person's attention, how severe it is, and from which limit on.

Pure (gate: import-linter, ruff TID251). The rules' parameters are in `rules.csv`.
"""

from synergy.alerts.rules import AlertRule, RuleName, alert_rules
from synergy.alerts.telling import alert_id, cleared, raised

__all__ = ["AlertRule", "RuleName", "alert_id", "alert_rules", "cleared", "raised"]
