"""Proofs about rules: what holds for everybody whom the catalog allows, not only for those we have met.

A fixed policy is translated whole to formulas over integers and truth values, every node with the meaning
that the interpreter gives it, and Z3 looks for a person. No person: the claim is proved. A person: it is
shown as an example that can be pasted into the rule file, and only after an engine has confirmed it.
No answer in the time given is told as such; it is never taken for a yes or a no.

Nothing here reads a clock, a file or anybody's data. Importing this package does not import Z3;
its modules do (`proving.prove`, `comparing.compare`), and `report` holds what they answer, without it.
"""
