"""The gateway: readings that plants send are checked, spooled, and published; what was answered is durable."""
