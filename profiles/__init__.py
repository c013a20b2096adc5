"""Who are the people?

The catalog (spaces, sources, attributes, relations, code sets), identity checks and pseudonyms, the
encrypted vault, the intake of extract files, the columnar profile store and the sample city. Bad rows go
to quarantine with a reason; nothing is ever half written. It must never import from engine or notifier.
"""
