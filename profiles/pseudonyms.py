"""Pseudonyms as numbers: many of them compared and searched at once."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

Numbers = np.ndarray[Any, Any]
_HALF = 16  # hexadecimal digits that go into one number


@dataclass(frozen=True)
class Pseudonyms:
    """Distinct pseudonyms in ascending order, as bytes: (pseudonyms, bytes of one)."""

    wholes: Numbers

    @cached_property
    def first_halves(self) -> Numbers:
        """The first eight bytes of each as a number."""
        return first_halves(self.wholes)


def pseudonyms(texts: pl.Series) -> Pseudonyms | None:
    """Return the distinct ones of `texts`, packed; None if there are none, or one of them is no pseudonym."""
    packed = hexadecimal_bytes(texts.drop_nulls().unique().sort())
    return None if packed is None else Pseudonyms(packed)


def hexadecimal_bytes(texts: pl.Series) -> Numbers | None:
    """Return texts, none of them null, as bytes, two digits to a byte: (texts, digits / 2).

    None if there are none, or they are not all numbers of one even length, at least 16 digits 0-9 and a-f.
    """
    arrow = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not isinstance(arrow, pa.LargeStringArray) or not len(arrow):
        return None
    _, places, data = arrow.buffers()
    starts = np.frombuffer(places, dtype=np.int64)[arrow.offset : arrow.offset + len(arrow) + 1]
    digits = int(starts[1] - starts[0])
    if digits % 2 or digits < _HALF or not (np.diff(starts) == digits).all():
        return None
    told = np.frombuffer(data, dtype=np.uint8)[starts[0] : starts[-1]]
    try:
        packed = np.frombuffer(binascii.unhexlify(told.data), dtype=np.uint8)
    except ValueError:
        return None
    # Capital letters would come back as small ones.
    return None if (told & 0xE0 == 0x40).any() else packed.reshape(-1, digits // 2)


def first_halves(wholes: Numbers) -> Numbers:
    """Return the first eight bytes of each as a number; numbers and pseudonyms have one order."""
    return np.ascontiguousarray(wholes[:, : _HALF // 2]).view(">u8").reshape(-1).astype(np.uint64)


def ranges(start: Numbers, count: Numbers) -> Numbers:
    """Return the numbers `start`, `start + 1`, … of each range, `count` of them, one range after the other."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(start - ends + count, count) + np.arange(total)
