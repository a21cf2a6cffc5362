"""Screens, REST and live streams of the ledger and the views."""
