"""The verbs: rolling balance, catalogue, market, derivation. Pure: no clock, no I/O, no threads."""
