"""The ledger: grants with their evidence, funds, announcements, runs, slots and the audit log.

Everything that must be true of money and rights is asserted here, by constraints of the database first.
All times are aware UTC, all money is integer fen, entries are appended and corrected by reversal.
"""
