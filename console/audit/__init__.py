"""Named questions to the ledger for auditors: one documented SQL file each in `queries`, over REST and as CSV."""
