"""The balance worker beside other engines: the same readings, the same rolling sums, the same broker, one run."""
