"""What every function means, with a condition that holds: the reference shows it, a test lets the checker and an engine say so."""

from __future__ import annotations

from policies.function_meanings import FUNCTION_MEANINGS as SHOWN

__all__ = ["SHOWN"]
