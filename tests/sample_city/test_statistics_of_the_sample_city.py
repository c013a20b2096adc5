"""Every figure of the sample city has a source and says how sure it is; tables add up to what was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from policies.errors import CatalogError
from profiles.sample_city.fitting import MEN, WOMEN, fitted, pyramid, schooling
from profiles.sample_city.statistics import CERTAINTIES, STATISTICS_FILE, Figure, age_range, published

FIGURES = sorted(published().figures.items())


@pytest.mark.parametrize(("name", "figure"), FIGURES, ids=[name for name, _ in FIGURES])
def test_every_figure_names_its_publication_its_table_its_year_and_its_certainty(name: str, figure: Figure) -> None:
    source = published().sources[figure.source]
    assert source.title.zh and source.title.en and source.publisher.zh and source.publisher.en
    assert figure.table and figure.unit and figure.title.zh and figure.title.en
    assert 2010 <= figure.year <= source.published.year
    assert figure.certainty in CERTAINTIES


def test_every_publication_is_used_and_every_device_says_what_it_is_for() -> None:
    used = {figure.source for _, figure in FIGURES}
    assert used == set(published().sources)
    for device in published().devices.values():
        assert device.says.zh and device.says.en and device.unit


def test_exact_tables_add_up_to_the_exact_total() -> None:
    figures = published()
    total = figures.number("population")
    for table in ("sex", "age_bands", "districts"):
        assert figures.figures[table].certainty == "exact"
        assert sum(figures.table(table).values()) == total
    assert sum(figures.table("education").values()) < total


def test_age_tables_cover_every_age_once() -> None:
    figures = published()
    for name in (
        "age_men", "age_women", "incomers_by_age", "living_with_spouse_men", "living_with_spouse_women",
        "employed_men", "employed_women", "disability_by_age",
    ):  # fmt: skip
        ages = [age for key in figures.table(name) for age in range(age_range(key)[0], age_range(key)[1] + 1)]
        assert ages == list(range(107)), name


def test_the_pyramid_keeps_the_estimated_groups_within_the_exact_bands_and_sexes() -> None:
    figures, ages = published(), pyramid()
    sexes = figures.table("sex")
    assert ages.people[:, MEN].sum() == pytest.approx(sexes["men"], rel=1e-9)
    assert ages.people[:, WOMEN].sum() == pytest.approx(sexes["women"], rel=1e-9)
    for band, people in figures.table("age_bands").items():
        low, high = age_range(band)
        inside = [low <= first <= high for first in ages.lows]
        assert ages.people[inside].sum() == pytest.approx(people, rel=1e-9), band


def test_education_by_age_adds_up_to_the_census() -> None:
    figures, table, ages = published(), schooling(), pyramid()
    group = np.searchsorted(np.array(table.lows), np.array(ages.lows), side="right") - 1
    found = (table.chances[group] * ages.people.sum(axis=1)[:, None]).sum(axis=0)
    for at, level in enumerate(("college", "senior", "junior", "primary")):
        assert found[at] == pytest.approx(figures.table("education")[level], rel=1e-6), level


def test_fitting_meets_both_margins_and_leaves_noughts_alone() -> None:
    table = np.array([[1.0, 2.0, 0.0], [3.0, 1.0, 5.0]])
    result = fitted(table, np.array([10.0, 20.0]), np.array([12.0, 8.0, 10.0]))
    assert result.sum(axis=1) == pytest.approx([10.0, 20.0])
    assert result.sum(axis=0) == pytest.approx([12.0, 8.0, 10.0])
    assert result[0, 2] == 0.0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    source: census-2020\n    table: 一、常住人口\n    year: 2020\n    certainty: exact\n", "    year: 2020\n    certainty: exact\n"),
        ("    certainty: exact\n", "    certainty: sure\n"),
        ("    source: census-2020\n", "    source: hearsay\n"),
        ("    unit: people\n", "    unit: people\n    unti: people\n"),
        ("figures:\n", "figurs:\n"),
    ],
    ids=["no source", "no such certainty", "source not listed", "key misspelt", "section misspelt"],
)  # fmt: skip
def test_a_figure_without_what_it_needs_is_refused_with_its_place(old: str, new: str, tmp_path: Path) -> None:
    text = STATISTICS_FILE.read_text("utf-8")
    assert old in text
    wrong = tmp_path / "statistics.yaml"
    wrong.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CatalogError) as refused:
        published(wrong)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "wrong-statistics" and diagnostic.place is not None
    assert diagnostic.help is not None


def test_what_is_no_yaml_at_all_is_refused_as_a_mistake_of_the_file(tmp_path: Path) -> None:
    wrong = tmp_path / "statistics.yaml"
    wrong.write_bytes(b"figures: [1,\n")
    with pytest.raises(CatalogError):
        published(wrong)
