"""A city that never was: extract files of every source, for trying the product and for its tests.

It promises: no number of it can belong to anyone (residents carry the unassigned division 999999, credit
codes 91999999, phones a range nobody uses, mail the reserved domain `invalid`); the same seed and day give
the same bytes; ages, families, firms and hardship are plausible enough that policies find people; and a
stated share of rows is wrong in stated ways. It must never be mistaken for statistics about a real city.
"""

from profiles.sample_city.city import CityReport, generate

__all__ = ["CityReport", "generate"]
