"""One rule, several engines, one answer: outcome, amount and settling facts are equal whoever decides.

A case is one policy decided for one subject or unit by every engine. `MIANSHEN_AGREEMENT_CASES` sets how many
(`make agreement`: 100,000); a difference is shrunk and kept in `corpus/`, which is always replayed first.
"""

from __future__ import annotations

import os
from datetime import date
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policies.errors import PolicyError
from tests.agreement.cases import CASES, Case, Engine, checked, kept_cases, problems, read_case
from tests.agreement.engines import (
    by_columns,
    by_durable_rules,
    by_interpreter,
    by_pandas,
)
from tests.agreement.shrinking import require_agreement
from tests.agreement.towns import TownMaker
from tests.agreement.written_policies import PolicyWriter

ENGINES: dict[str, Engine] = {
    "interpreter": by_interpreter,
    "columns": by_columns,
    "pandas": by_pandas,
    "durable-rules": by_durable_rules,
}
ON = (date(2026, 2, 28), date(2024, 2, 29), date(2025, 12, 31), date(2026, 3, 1))
NIGHT = "MIANSHEN_AGREEMENT_CASES" in os.environ
_CASES_OF_AN_EXAMPLE = 25


def draw_case(r: Random, policies: int = 8) -> Case:
    """Draw policies that the checker accepts, and a town."""
    texts: list[str] = []
    for number in range(policies):
        text = PolicyWriter(r).policy(f"p{number}")
        try:
            checked(text)
            texts.append(text)
        except PolicyError:
            continue
    return Case(tuple(texts), TownMaker(r, subjects=8).town(), r.choice(ON))


def test_what_was_once_decided_differently_is_decided_alike() -> None:
    for path in kept_cases():
        assert not problems(read_case(path), ENGINES), path.name


@given(seed=st.integers(0, 2**62))
@settings(
    max_examples=max(CASES // _CASES_OF_AN_EXAMPLE, 1),
    derandomize=not NIGHT,
    database=None,
    phases=[Phase.generate],  # a seed cannot be shrunk; the case it stands for is (`shrinking`)
)
def test_every_engine_gives_the_same_decisions(seed: int) -> None:
    case = draw_case(Random(seed))
    if case.policies:
        require_agreement(case, ENGINES)
