"""The two stages, balance and market: they bind the pure core to topics."""
