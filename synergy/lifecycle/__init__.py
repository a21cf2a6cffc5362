"""The life of a match, of the agreement it becomes, and of each delivery under it.

Pure (gate: import-linter, ruff TID251): one table for each machine, events out, and folds of these events.
"""

from synergy.lifecycle.actions import COMMANDS, ON_ALERT, ON_MATCH, ON_TRANSACTION, Action
from synergy.lifecycle.agreement_states import AGREEMENTS, AgreementState
from synergy.lifecycle.delivery_states import DELIVERIES, DeliveryState
from synergy.lifecycle.match_states import MATCHES
from synergy.lifecycle.refusals import Refusal, refusal_words
from synergy.lifecycle.transactions import Agreement, Delivery, agreement_id, delivery_id

__all__ = [
    "AGREEMENTS",
    "COMMANDS",
    "DELIVERIES",
    "MATCHES",
    "ON_ALERT",
    "ON_MATCH",
    "ON_TRANSACTION",
    "Action",
    "Agreement",
    "AgreementState",
    "Delivery",
    "DeliveryState",
    "Refusal",
    "agreement_id",
    "delivery_id",
    "refusal_words",
]
