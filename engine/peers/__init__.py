"""The same policies and the same people, decided by other engines: what `mianshen bench peers` measures.

One file for each engine, written as its own documentation would have an author write it, in the fastest way that
was found. None of this is used to decide anything for real, and none of these engines knows an unknown value:
the people measured are complete.
"""
