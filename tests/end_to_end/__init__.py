"""End to end: the product's own processes on a real broker and a real ledger. One stack serves the whole folder."""
