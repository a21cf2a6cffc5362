"""Benchmarks: one command a figure, `python -m bench.<name>`; `python -m bench` runs all that have a bar."""
