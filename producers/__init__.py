"""Programmes, the replay that plays them, plan files, and the spool that gives identities."""
