"""Who is told, and how?

Announcements of the ledger become deliveries by channel, each with one idempotency key; the web pages show
every citizen and enterprise what was granted and why. Nothing here decides who gets what.
"""
