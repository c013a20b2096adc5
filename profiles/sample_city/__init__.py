"""A city that never was: extract files of every source, for trying the product and for its tests.

It promises: no number of it can belong to anyone (residents carry the unassigned division 999999, credit
codes 91999999, phones a range nobody uses, mail the reserved domain `invalid`); the same seed and day give
the same bytes; ages, families, schooling, work, need and firms follow published statistics of Shanghai
(`statistics.yaml`: each figure with its source and with how sure it is) closely enough that simulations look
plausible; every policy of the library finds somebody; and a stated share of rows is wrong in stated ways.

It must never be mistaken for statistics about a real city. Some shares are raised or made up so that rules of
other places find people too; they stand under `devices`. The structure is that of the census of 2020, on
whatever day the city is made for; it is not projected.
"""

from profiles.sample_city.city import CityReport, generate

__all__ = ["CityReport", "generate"]
