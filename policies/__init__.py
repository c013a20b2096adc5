"""What does the law say?

The rule language (document, types, parser, checker, lowering to one typed tree) and the library of
rule files by region. This folder is pure: no clock, no randomness, no network, and it reads nothing
but the rule file it is given. It must never import from profiles, engine or notifier: what a policy
may name reaches it as a `policies.vocabulary.Vocabulary`.
"""
