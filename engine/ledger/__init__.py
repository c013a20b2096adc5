"""The ledger: what was decided, granted, reserved, announced and approved, and by whom.

SQLModel tables on SQLite (WAL, BEGIN IMMEDIATE, synchronous FULL) or PostgreSQL. Whatever belongs together
is written in one transaction or not at all; keys are derived, so that writing twice changes nothing; every
action is a row of a hash-chained audit log. Nothing here knows rules or profiles, and no row names a person:
subjects are pseudonyms. It must never delete a grant, and never change one outside the table of its stages.
"""

from engine.ledger.opening import Ledger, open_ledger

__all__ = ["Ledger", "open_ledger"]
