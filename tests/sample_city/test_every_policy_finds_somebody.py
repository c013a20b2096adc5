"""Every policy of the library finds somebody in the sample city, and somebody whom it is not for.

A policy that has expired is asked about a day on which it was in force, in a city of that day. A small city
of twenty thousand people and two thousand firms is enough for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from engine.installation import Installation
from engine.running import run
from policies.policy import Policy
from profiles.catalog_model import Source
from profiles.home import Home
from profiles.intake import take_in
from profiles.sample_city import generate

TODAY = date(2026, 11, 22)
CITIZENS, ENTERPRISES = 20_000, 2_000


@dataclass(frozen=True)
class Found:
    """What a dry run over a city said of one policy."""

    on: date
    eligible: int
    not_eligible: int


def days_in_force(policies: Iterable[Policy]) -> dict[date, list[Policy]]:
    """Return few days on which, together, every policy was in force: today, else the last days of the expired."""
    groups: dict[date, list[Policy]] = {TODAY: []}
    expired = []
    for policy in policies:
        first, last = policy.in_force
        (groups[TODAY] if first <= TODAY and (last is None or last >= TODAY) else expired).append(policy)
    for policy in sorted(expired, key=lambda one: one.in_force[1] or date.max):
        last = policy.in_force[1]
        assert last is not None, f"{policy.id} begins after {TODAY}"
        held = next((day for day in groups if day != TODAY and policy.in_force[0] <= day <= last), last)
        groups.setdefault(held, []).append(policy)
    return groups


def is_read(source: Source, texts: str) -> bool:
    """Whether the rule files speak of anything that `source` delivers."""
    names = {field.name for field in source.fields} | {source.collection or "", source.space}
    return source.kind == "register" or any(re.search(rf"\b{name}\b", texts) for name in names if name)


def asked(folder: Path, on: date, policies: list[Policy]) -> dict[str, Found]:
    installation = Installation(Home(folder / "home"))
    city = generate(folder / "extracts", CITIZENS, ENTERPRISES, seed=1, on=on)
    texts = "\n".join(policy.text for policy in policies)
    for source in installation.catalog.sources.values():
        if source.kind != "identity" and is_read(source, texts):
            take_in(installation.home, installation.catalog, source.id, city.files[source.id], as_of=on)
    report = run(
        installation.ledger, installation.snapshot(on), {policy.id: policy for policy in policies},
        installation.catalog.vocabulary, on, dry_run=True, second_opinion=0,
    )  # fmt: skip
    assert [item.error for item in report.policies] == [()] * len(report.policies)
    return {item.policy: Found(on, item.matched, item.ineligible) for item in report.policies}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Policy]:
    library = Installation(Home(tmp_path_factory.mktemp("none"))).library
    assert not library.errors
    return library.policies


@pytest.fixture(scope="module")
def found(library: Mapping[str, Policy], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    answers: dict[str, Found] = {}
    for day, policies in days_in_force(library.values()).items():
        answers |= asked(tmp_path_factory.mktemp(str(day)), day, policies)
    return answers


def test_every_policy_is_asked_on_a_day_on_which_it_is_in_force(
    library: Mapping[str, Policy], found: dict[str, Found]
) -> None:
    assert set(found) == set(library)
    for name, answer in found.items():
        first, last = library[name].in_force
        assert first <= answer.on and (last is None or answer.on <= last), name


def test_every_policy_finds_somebody(found: dict[str, Found]) -> None:
    assert [name for name, answer in found.items() if answer.eligible == 0] == []


def test_no_policy_is_for_everybody(found: dict[str, Found]) -> None:
    assert [name for name, answer in found.items() if answer.not_eligible == 0] == []
