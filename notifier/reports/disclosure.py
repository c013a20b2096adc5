"""Small cells: a figure about fewer than five people could tell something about one of them."""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST_SHOWN = 5
HIDDEN = f"<{SMALLEST_SHOWN}"
ALSO_HIDDEN = "*"
Shown = int | str


def shown_counts(counts: Sequence[int], *, exact: bool = False) -> list[Shown]:
    """Return counts of people as they may be shared.

    1 to 4 becomes `<5`. If only one is hidden, the total would give it away: then the smallest of the others that
    is not zero becomes `*`, too. With `exact` nothing is hidden.
    """
    found: list[Shown] = list(counts)
    if exact:
        return found
    hidden = [number for number, count in enumerate(counts) if 0 < count < SMALLEST_SHOWN]
    for number in hidden:
        found[number] = HIDDEN
    others = [number for number, count in enumerate(counts) if count >= SMALLEST_SHOWN]
    if len(hidden) == 1 and others:
        found[min(others, key=lambda number: counts[number])] = ALSO_HIDDEN
    return found


def shown_amounts(counts: Sequence[Shown], amounts: Sequence[int]) -> list[Shown]:
    """Return the sums that belong to counts; those of hidden counts become `*`."""
    return [ALSO_HIDDEN if isinstance(count, str) else amount for count, amount in zip(counts, amounts, strict=True)]
