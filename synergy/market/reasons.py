"""The codes of all reasons and what their parameters mean; `explain` puts them into words."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why something is or is not matched, withdrawn or refused.

    Parameters are the fields of `schemas.events.Reason`: subject, value, limit, unit, text.
    """

    # of a match
    SUBSTITUTES = "substitutes"  # subject material, value ratio
    HAUL_REACH = "haul_reach"  # value km, limit break-even km
    TREATED = "treated"  # subject treatment
    SAMPLE_NEEDED = "sample_needed"  # subject property, limit, unit
    NO_LIMITS = "no_limits"  # subject use: the catalogue has no quality limits for it
    PERMIT_HELD = "permit_held"  # subject permit
    BINDING_SUPPLY = "binding_supply"  # value worth of one more unit, unit
    BINDING_NEED = "binding_need"  # value worth of one more unit, unit
    BINDING_SHARE_CAP = "binding_share_cap"  # subject use, value worth, limit share cap
    BINDING_BLEND = "binding_blend"  # subject blend, value worth, limit share cap
    BINDING_BLEND_LIMIT = "binding_blend_limit"  # subject property, value worth, limit
    BINDING_TREATMENT = "binding_treatment"  # subject treatment, value worth, limit capacity
    ALTERNATIVE_RECEIVER = "alternative_receiver"  # subject facility, value gain a unit, text use
    ALTERNATIVE_GIVER = "alternative_giver"  # subject facility, value gain a unit, text use
    SHORT_HISTORY = "short_history"  # subject facility, value days seen
    SAMPLE_FACILITY = "sample_facility"  # subject facility, text source
    FLAGGED = "flagged"  # subject facility, text flag of the readings
    FLAGGED_MORE = "flagged_more"  # subject facility, value flags that are not named
    # of a series without a match, and of a withdrawn match
    NO_USE_KNOWN = "no_use_known"  # subject material or industry
    LIMIT_FAILED = "limit_failed"  # subject property, value, limit, unit, text use; of a match: why no other use
    TREATMENT_WOULD_HELP = "treatment_would_help"  # subject treatment that nobody has, text use
    NO_COUNTERPART = "no_counterpart"  # subject material that nobody needs or supplies
    TOO_FAR = "too_far"  # value km, limit break-even km, text use
    NO_GAIN = "no_gain"  # value gain a unit (negative), unit, text use
    NO_PRICE = "no_price"  # text use: the catalogue has no coefficients for place and time
    TAKEN_BY_OTHERS = "taken_by_others"  # subject facility, text use
    BELOW_LOT = "below_lot"  # value per day, limit lot, text use
    PERMIT_MISSING = "permit_missing"  # subject facility, text permit
    BLOCKED = "blocked"  # subject facility
    DECLINED_BEFORE = "declined_before"  # subject facility, text use
    STALE = "stale"  # subject facility
    NO_DATA_IN_CHAPTER = "no_data_in_chapter"  # subject facility
    NOT_OPERATING = "not_operating"  # subject facility: not valid at the programme's time
    FACILITY_UNKNOWN = "facility_unknown"  # subject facility
    UNIT_DIFFERS = "unit_differs"  # subject material, unit of the position
    NOTHING_OFFERED = "nothing_offered"  # subject facility
    REALLOCATED = "reallocated"  # text use: another allocation is worth more
    NO_ANSWER = "no_answer"  # value days waited
    BY_PERSON = "by_person"  # subject side or actor, text reason given
    # of alerts
    COMMITTED_SHORT = "committed_short"  # subject facility, value available, limit committed, unit
    NEW_MATCH = "new_match"  # subject facility, value gain of both sides a day, unit, text use
    BETTER_MATCH = "better_match"  # subject facility, value gain, limit gain before, unit, text use
    MATCH_WITHDRAWN = "match_withdrawn"  # subject facility, text use
    SUPPLY_STALE = "supply_stale"  # subject facility, text material
    QUALITY_FAILED = "quality_failed"  # subject property, value, limit, unit, text use
    OPEN_GAP = "open_gap"  # subject facility, value readings missing, text source
    SEQUENCE_GAP = "sequence_gap"  # subject facility, value readings lost, text source
    REJECTS = "rejects"  # subject facility or source, value records, text reason of most
    LAG = "lag"  # subject stage, value records behind, limit
    STALLED = "stalled"  # subject stage, value lag, limit seconds
    SOLVER_TIME_LIMIT = "solver_time_limit"  # subject market, limit seconds
    SOLVE_FAILED = "solve_failed"  # subject market, text error
