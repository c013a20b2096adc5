"""What happens in lives, between two extracts: stored first, then seen by every reader of the profiles.

`log.EventLog` takes an event as posted, checks it against the kinds that the catalog declares, and writes
it together with its patches in one transaction; whatever cannot be taken is kept, sealed, with the reason.
A patch is a dated statement about one datum. The newest statement wins, whether an extract or an event made
it and in whatever order they came. Nothing here stores an identity number or a contact in clear.
"""
