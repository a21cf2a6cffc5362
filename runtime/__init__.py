"""The wires: log, transactions, Faust, ClickHouse, clock, settings, logs, metrics. The only home of vendors."""
