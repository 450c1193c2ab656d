"""The installer and the commands behind the Makefile.

It runs before any virtual environment exists, so it imports only Python's standard library
and `guest.tiny`, which keeps the same rule.
"""
