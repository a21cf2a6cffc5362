"""Faults let loose on the product's own processes, and a comparison of every hop. One stack serves the whole folder."""
