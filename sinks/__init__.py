"""The ledger and other sinks: what leaves Kafka."""
