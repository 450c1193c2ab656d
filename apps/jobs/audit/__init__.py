"""The record of events, sealed: a chain of hashes whose signed heads lie outside the database.

`sealer` makes it, `heads` is the file, `checking` finds what is not as it was, `pruning` drops what is old.
docs/adr/0010-events-are-sealed.md has the reasons.
"""
