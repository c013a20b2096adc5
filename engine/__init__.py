"""What follows?

One file per compiler of the rule tree, and the road of a run: plan, match, guard, allocate, record.
The compilers and the allocation are pure; clock, data and ledger are passed in. The engine never sees who
anyone is: a subject is a pseudonym. It must never import from notifier.
"""
