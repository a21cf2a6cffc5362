"""Commands, wiring and the embedded stack; imports everything, imported by nothing."""
