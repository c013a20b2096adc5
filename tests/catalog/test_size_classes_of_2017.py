"""The size class of a firm is that of 国统字〔2017〕213号: every bound of the table, from both sides, in every engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest

from engine.columnar import decide_all
from engine.decision import Outcome
from engine.durable_engine import DurableEngine
from engine.frame_facts import FactsInBulk
from engine.frames_population import FramesPopulation
from engine.interpreter import decide, decide_units
from policies.fixing import fix
from policies.library import read_policy_text
from policies.policy import Policy
from policies.proofs.comparing import compare
from policies.proofs.proving import prove
from policies.proofs.report import Verdict
from profiles.catalog_reading import read_catalog
from profiles.sample_city.size_classes import SIZE_CLASSES, size_classes

VOCABULARY = read_catalog().vocabulary
ON = date(2026, 11, 22)
CLASSES = ("L", "M", "S", "XS")
TEN_THOUSAND_YUAN = 10_000 * 100  # in fen
STAFF, REVENUE, ASSETS = "statistical_staff", "revenue", "statistical_assets"

# The table as published: lower bounds of large, medium and small; staff in people, the others in ten thousand yuan.
TABLE: dict[str, dict[str, tuple[int, int, int]]] = {
    "agriculture": {REVENUE: (20_000, 500, 50)},
    "industry": {STAFF: (1_000, 300, 20), REVENUE: (40_000, 2_000, 300)},
    "construction": {REVENUE: (80_000, 6_000, 300), ASSETS: (80_000, 5_000, 300)},
    "wholesale": {STAFF: (200, 20, 5), REVENUE: (40_000, 5_000, 1_000)},
    "retail": {STAFF: (300, 50, 10), REVENUE: (20_000, 500, 100)},
    "transport": {STAFF: (1_000, 300, 20), REVENUE: (30_000, 3_000, 200)},
    "storage": {STAFF: (200, 100, 20), REVENUE: (30_000, 1_000, 100)},
    "post": {STAFF: (1_000, 300, 20), REVENUE: (30_000, 2_000, 100)},
    "accommodation": {STAFF: (300, 100, 10), REVENUE: (10_000, 2_000, 100)},
    "catering": {STAFF: (300, 100, 10), REVENUE: (10_000, 2_000, 100)},
    "information": {STAFF: (2_000, 100, 10), REVENUE: (100_000, 1_000, 100)},
    "software": {STAFF: (300, 100, 10), REVENUE: (10_000, 1_000, 50)},
    "real_estate": {REVENUE: (200_000, 1_000, 100), ASSETS: (10_000, 5_000, 2_000)},
    "property_management": {STAFF: (1_000, 300, 100), REVENUE: (5_000, 1_000, 500)},
    "leasing_and_business": {STAFF: (300, 100, 10), ASSETS: (120_000, 8_000, 100)},
    "other": {STAFF: (300, 100, 10)},
}
# Codes of GB/T 4754-2017 with two, three and four digits, and where the table puts them.
CODES: dict[str, tuple[str, ...]] = {
    "agriculture": ("01", "0111", "05"),
    "industry": ("06", "12", "13", "3562", "43", "44", "4620"),
    "construction": ("47", "4813", "50"),
    "wholesale": ("51", "5137"),
    "retail": ("52", "5211"),
    "transport": ("54", "5810", "55", "56", "57", "591", "5910"),
    "storage": ("59", "592", "5990"),
    "post": ("60", "6010"),
    "accommodation": ("61", "6110"),
    "catering": ("62", "6210"),
    "information": ("63", "64", "6421"),
    "software": ("65", "6513"),
    "real_estate": ("701", "7010"),
    "property_management": ("702", "7020"),
    "leasing_and_business": ("71", "72", "7291"),
    "other": ("703", "7040", "7090", "73", "75", "76", "79", "80", "82", "85", "86", "9011"),
    "none": ("53", "5310", "66", "6790", "70", "83", "84", "8411", "91", "96", "97"),
}


@dataclass(frozen=True)
class Firm:
    """What is known of a firm, None where nothing is (money in fen), and the class that the table gives it."""

    name: str
    industry: str | None
    staff: int | None
    revenue: int | None
    assets: int | None
    expected: str | None


def _firm(name: str, sector: str, values: dict[str, int | None], expected: str | None) -> Firm:
    """Return a firm of a sector; indicators that the table does not ask of it are the least there are."""
    known = {STAFF: 0, REVENUE: 0, ASSETS: 0} | values
    return Firm(name, CODES[sector][-1], known[STAFF], known[REVENUE], known[ASSETS], expected)


def _bounds(sector: str, rank: int) -> dict[str, int]:
    return {name: bounds[rank] * (1 if name == STAFF else TEN_THOUSAND_YUAN) for name, bounds in TABLE[sector].items()}


def _on_both_sides_of_every_bound() -> Iterator[Firm]:
    for sector in TABLE:
        for rank in range(3):
            bounds = _bounds(sector, rank)
            yield _firm(f"{sector} at {CLASSES[rank]}", sector, dict(bounds), CLASSES[rank])
            for name, bound in bounds.items():
                below = f"{sector}, {name} just below {CLASSES[rank]}"
                yield _firm(below, sector, bounds | {name: bound - 1}, CLASSES[rank + 1])


def _one_indicator_decides() -> Iterator[Firm]:
    """Whoever misses one bound of small is micro, however large the rest; nobody gets larger by one indicator."""
    most = 100_000 * 1_000_000
    for sector, indicators in TABLE.items():
        small = _bounds(sector, 2)
        for name in indicators:
            rest = dict.fromkeys(indicators, most)
            yield _firm(f"{sector}, all but {name} huge", sector, rest | {name: small[name] - 1}, "XS")
            yield _firm(f"{sector}, all but {name} huge", sector, rest | {name: small[name]}, "S")


def _in_every_code() -> Iterator[Firm]:
    for sector, codes in CODES.items():
        for code in codes:
            bounds = {STAFF: 0, REVENUE: 0, ASSETS: 0} | (_bounds(sector, 1) if sector in TABLE else {})
            expected = "M" if sector in TABLE else "none"
            yield Firm(f"division {code}", code, bounds[STAFF], bounds[REVENUE], bounds[ASSETS], expected)


def _where_something_is_unknown() -> Iterator[Firm]:
    yield Firm("industry unknown", None, 10, TEN_THOUSAND_YUAN, TEN_THOUSAND_YUAN, None)
    for sector, indicators in TABLE.items():
        medium = _bounds(sector, 1)
        for name in indicators:
            others = {one: value for one, value in medium.items() if one != name}
            yield _firm(f"{sector}, {name} unknown", sector, {**others, name: None}, None)
            if others:
                low = dict.fromkeys(others, 0)
                yield _firm(f"{sector}, {name} unknown, the rest micro", sector, {**low, name: None}, "XS")
        unasked = {name: None for name in (STAFF, REVENUE, ASSETS) if name not in indicators}
        yield _firm(f"{sector}, what is not asked unknown", sector, {**medium, **unasked}, "M")


def _published() -> Iterator[Firm]:
    """Cases from a published bid complaint (software) and worked by hand from the table."""
    cases = (
        ("software", 103, 1_573_528, 0, "M"),
        ("industry", 999, 99_999_900, 0, "M"),
        ("industry", 1_500, 30_000, 0, "S"),
        ("industry", 19, 5_000_000, 0, "XS"),
        ("real_estate", 0, 25_000_000, 999_900, "M"),
    )
    for sector, staff, revenue, assets, expected in cases:
        # revenue and assets in hundredths of ten thousand yuan, that is, in hundreds of yuan
        values = {STAFF: staff, REVENUE: revenue * 10_000, ASSETS: assets * 10_000}
        yield _firm(f"published: {sector} {staff}", sector, values, expected)


FIRMS = (
    *_on_both_sides_of_every_bound(),
    *_one_indicator_decides(),
    *_in_every_code(),
    *_where_something_is_unknown(),
    *_published(),
)


def _policy(name: str, condition: str) -> Policy:
    return read_policy_text(
        f"""id: size-{name}
title: {{zh: 划型, en: size class}}
space: enterprise
author: desk
authority: 统计局
basis: [{{document: 国统字〔2017〕213号}}]
region: "000000"
in_force: {{from: 2018-01-01}}
delivery: notify
period: year
schedule: "0 1 1 1 *"
eligibility:
  all:
    - {{when: '{condition}', says: {{zh: 划型, en: the class}}, basis: 国统字〔2017〕213号}}
benefit: {{kind: qualification}}
notice: {{granted: {{zh: 划型, en: size class}}}}
confidence: high
unverified: [无]
""",
        VOCABULARY,
    )


POLICIES = {one: _policy(one.lower(), f'size_class == "{one}"') for one in (*CLASSES, "none")}
FIXED = {one: fix(policy, VOCABULARY, ON) for one, policy in POLICIES.items()}


def _population(firms: Sequence[Firm]) -> FramesPopulation:
    frame = pl.DataFrame(
        {
            "subject": [f"{number:04}" for number in range(len(firms))],
            "industry": pl.Series([one.industry for one in firms], dtype=pl.String),
            STAFF: pl.Series([one.staff for one in firms], dtype=pl.Int64),
            REVENUE: pl.Series([one.revenue for one in firms], dtype=pl.Int64),
            ASSETS: pl.Series([one.assets for one in firms], dtype=pl.Int64),
        }
    )
    return FramesPopulation(VOCABULARY, {"enterprise": frame}, {})


def _facts() -> list:  # type: ignore[type-arg]
    names = {"enterprise": {"industry", STAFF, REVENUE, ASSETS}}
    subjects = [f"{number:04}" for number in range(len(FIRMS))]
    return FactsInBulk(_population(FIRMS), VOCABULARY, names).of("enterprise", subjects)


def _differing(found: dict[str, list[bool | None]]) -> list[str]:
    """Return the firms of which some class is answered otherwise than the table says; None is undetermined."""
    wrong = []
    for number, firm in enumerate(FIRMS):
        answers = {name: answered[number] for name, answered in found.items()}
        if firm.expected is None:
            right = None in answers.values() and True not in answers.values()
        else:
            right = answers == {name: name == firm.expected for name in found}
        if not right:
            wrong.append(f"{firm.name}: {answers}, not {firm.expected}")
    return wrong


TRUTH = {Outcome.ELIGIBLE: True, Outcome.INELIGIBLE: False, Outcome.UNDETERMINED: None}


def test_the_table_has_fifteen_sectors_and_the_rest_and_every_bound_is_tried() -> None:
    assert len(TABLE) == 16
    assert sum(3 * len(indicators) for indicators in TABLE.values()) == 90
    assert sum(", " in one.name and "just below" in one.name for one in FIRMS) == 90


def test_one_firm_at_a_time_is_classed_as_the_table_says() -> None:
    facts = _facts()
    found = {name: [TRUTH[decide_units(fixed, one)[0][1].outcome] for one in facts] for name, fixed in FIXED.items()}
    assert _differing(found) == []


def test_all_firms_at_once_are_classed_as_the_table_says() -> None:
    matches = decide_all(list(FIXED.values()), _population(FIRMS))
    found = {name: matches.outcomes(fixed.policy.id)["eligible"].to_list() for name, fixed in FIXED.items()}
    assert _differing(found) == []


def test_durable_rules_classes_firms_as_the_table_says() -> None:
    names = {fixed.policy.id: name for name, fixed in FIXED.items()}
    found: dict[str, list[bool | None]] = {name: [] for name in FIXED}
    with DurableEngine(list(FIXED.values()), VOCABULARY) as engine:
        assert not engine.refused
        for answers in engine.decide_many(_facts(), space="enterprise"):
            for policy, _, verdict in answers:
                found[names[policy]].append(TRUTH[verdict.outcome])
    assert _differing(found) == []


def _reaches(sector: str, rank: int) -> str:
    parts = [f"{name} >= {bound if name == STAFF else bound // 100}" for name, bound in _bounds(sector, rank).items()]
    return "(" + " and ".join(parts) + ")"


@pytest.mark.parametrize("sector", TABLE)
def test_the_solver_knows_no_firm_of_a_sector_that_the_table_would_class_otherwise(sector: str) -> None:
    """For all firms, not for some: what the catalog says of a sector equals what the table says of it."""
    code = CODES[sector][-1]
    large, medium, small = (_reaches(sector, rank) for rank in range(3))
    says = {
        "L": large,
        "M": f"{medium} and not {large}",
        "S": f"{small} and not {medium}",
        "XS": f"not {small}",
    }
    for name, condition in says.items():
        catalog = _policy("catalog", f'industry == "{code}" and size_class == "{name}"')
        table = _policy("table", f'industry == "{code}" and {condition}')
        assert compare(catalog, table, VOCABULARY, ON, decide).relation == "equal", name


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        ('reaches_large and not reaches_small and size_class != "none"', False),
        ('size_class == "XS" and reaches_medium', False),
        ('size_class == "L" and statistical_staff == 0 and within(industry, "51")', False),
        ('size_class == "L" and statistical_staff == 0 and within(industry, "01")', True),
    ],
)
def test_who_is_large_is_also_medium_and_small_and_nobody_is_two_classes(claim: str, holds: bool) -> None:
    report = prove(_policy("claim", claim), VOCABULARY, ON, decide, only_extremes=True)
    assert report.verdicts["never"] is (Verdict.PROVED if holds else Verdict.REFUTED)


def test_a_missing_indicator_is_asked_for_and_not_the_class() -> None:
    firm = FactsInBulk(
        _population([Firm("software", "6513", None, 5_000 * TEN_THOUSAND_YUAN, None, None)]),
        VOCABULARY,
        {"enterprise": {"industry", STAFF, REVENUE, ASSETS}},
    ).one("enterprise", "0000")
    assert decide(FIXED["M"], firm).settled_by == (STAFF,)


def test_the_sample_city_notes_for_its_firms_the_class_that_the_catalog_would_derive() -> None:
    """The table stands in the sample city, too: for every group of GB/T 4754 and on both sides of every bound."""
    numbers = np.random.default_rng(7)
    groups = np.repeat(np.arange(10, 980), 8)
    bounds = {
        name: np.array(
            sorted(
                {
                    bound * (1 if name == STAFF else TEN_THOUSAND_YUAN) - less
                    for indicators in TABLE.values()
                    for bound in indicators.get(name, ())
                    for less in (0, 1)
                }
            )
        )
        for name in (STAFF, REVENUE, ASSETS)
    }
    drawn = {name: numbers.choice(values, len(groups)) for name, values in bounds.items()}
    firms = [
        Firm(f"{number}", f"{group:03}", *map(int, (staff, revenue, assets)), None)
        for number, (group, staff, revenue, assets) in enumerate(zip(groups, *drawn.values(), strict=True))
    ]
    matches = decide_all(list(FIXED.values()), _population(firms))
    noted = size_classes(groups, drawn[STAFF], drawn[REVENUE], drawn[ASSETS])
    for name, fixed in FIXED.items():
        derived = matches.outcomes(fixed.policy.id).sort("subject")["eligible"].to_numpy()
        differing = groups[derived != (noted == SIZE_CLASSES.index(name))]
        assert sorted(set(differing.tolist())) == [], name
    assert len(set(noted.tolist())) == len(SIZE_CLASSES)
