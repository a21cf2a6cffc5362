"""The stack that one command starts on one machine: broker, registry, workers, store."""
