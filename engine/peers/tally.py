"""What every engine of the peers benchmark hands back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Found(NamedTuple):
    """How many matched one policy, and the sum of their amounts in fen."""

    matched: int
    amount: int


# Decides everybody once; whatever is made ready before is not measured.
Ready: TypeAlias = "Callable[[], list[Found]]"
