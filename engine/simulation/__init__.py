"""What a policy would do: decided over the whole population, compared with another version, or with last year.

Nothing here writes: not to the ledger, not to the profile store.
"""
