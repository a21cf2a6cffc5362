"""Derives by-product flows from what a plant does measure: heat input, SO2, load.

Pure: no I/O, no clock (the import-linter contract "The core does no I/O" holds it). A derived quantity is an estimate:
whoever publishes one says so with quality ESTIMATED and the formula's name.
"""
