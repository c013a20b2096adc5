"""The document about the sample city names every device, every mark of certainty, and the command that lists them."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.sample_city.statistics import CERTAINTIES, published

TEXT = (Path(__file__).resolve().parents[2] / "profiles" / "sample_city" / "sample-city.md").read_text("utf-8")


@pytest.mark.parametrize("name", [*published().devices, *CERTAINTIES])
def test_it_is_explained(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_what_is_called_exact_there_is_exact_in_the_figures() -> None:
    figures = published().figures
    for name in (
        "population",
        "sex",
        "age_bands",
        "districts",
        "education",
        "incomers",
        "household_size",
        "sectors",
        "small_and_micro",
    ):
        assert figures[name].certainty == "exact", name
    for name in ("family_households", "births", "deaths", "average_wage", "high_tech", "srdi"):
        assert figures[name].certainty == "rounded", name
    for name in ("age_men", "education_by_age", "dibao", "certificate_holders", "employee_pensioners", "entities"):
        assert figures[name].certainty == "estimated", name
