"""The words that reports use for outcomes and changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.text import Bilingual

OUTCOMES: Mapping[str, Bilingual] = {
    "eligible": Bilingual("符合", "eligible"),
    "ineligible": Bilingual("不符合", "not eligible"),
    "undetermined": Bilingual("未定", "undetermined"),
    "no-unit": Bilingual("无此条目", "no such unit"),
}
CHANGE_WORDS: Mapping[str, Bilingual] = {
    "gains": Bilingual("新得到", "gain"),
    "loses": Bilingual("失去", "lose"),
    "more": Bilingual("得到更多", "get more"),
    "less": Bilingual("得到更少", "get less"),
    "same": Bilingual("一样得到", "get the same"),
    "neither": Bilingual("两版都得不到", "get it from neither"),
}
PERIOD_WORDS: Mapping[str, Bilingual] = {
    "once": Bilingual("一次性", "once"),
    "event": Bilingual("每次事件", "for each event"),
    "month": Bilingual("每月", "a month"),
    "quarter": Bilingual("每季", "a quarter"),
    "year": Bilingual("每年", "a year"),
}


@dataclass(frozen=True, slots=True)
class Reasoned:
    """One unit as an example of a change: pseudonym, what happens to it, and why, in words."""

    subject: str
    unit: str
    change: str
    before: Bilingual
    after: Bilingual
    why: Bilingual
