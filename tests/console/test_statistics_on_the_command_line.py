"""The pyramid of the store on the command line: counts that agree with the store, beside the published figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profiles.sample_city.statistics import published
from tests.console.conftest import DAY, City


@pytest.fixture(scope="module")
def told(city: City) -> dict[str, Any]:
    return dict(city.json("profiles", "statistics", "--on", DAY))


def test_the_pyramid_counts_every_living_resident_once(told: dict[str, Any]) -> None:
    assert told["on"] == DAY and told["people"] > 1_800 and told["firms"] > 100
    placed = sum(group["men"] + group["women"] for group in told["groups"])
    assert placed + told["unplaced"] == told["people"]
    assert sum(group["published_men"] + group["published_women"] for group in told["groups"]) == pytest.approx(
        100_000, abs=21
    )
    for share in told["shares"]:
        assert 0 <= share["counted"] <= share["known"] and share["title"]["zh"] and share["certainty"]


def test_the_demo_city_looks_like_the_published_one(told: dict[str, Any]) -> None:
    placed = told["people"] - told["unplaced"]
    for group in told["groups"]:
        published_share = (group["published_men"] + group["published_women"]) / 100_000
        assert abs((group["men"] + group["women"]) / placed - published_share) < 0.03, group


def test_the_picture_is_readable_in_both_languages(city: City) -> None:
    english = city.call("profiles", "statistics", "--on", DAY)
    chinese = city.call("profiles", "statistics", "--on", DAY, lang="zh")
    assert english.code == chinese.code == 0
    assert "30-34" in english.out and "█" in english.out and "women" in english.out
    assert "在世居民" in chinese.out and "公布" in chinese.out
    assert max(len(line) for line in english.out.splitlines()) <= 160


def test_the_figures_behind_the_city_are_listed_with_source_and_certainty_without_any_store(
    city: City, tmp_path: Path
) -> None:
    answer = city.call("profiles", "statistics", "--figures", home=tmp_path / "none")
    assert answer.code == 0
    assert "24,870,895" in answer.out and "as published" in answer.out and "to be verified" in answer.out
    told = city.json("profiles", "statistics", "--figures")
    assert set(told["figures"]) == set(published().figures) and set(told["sources"]) == set(published().sources)
    assert told["devices"] and all(figure["source"] in told["sources"] for figure in told["figures"].values())


def test_an_empty_store_is_told_with_what_to_do(city: City, tmp_path: Path) -> None:
    answer = city.call("profiles", "statistics", home=tmp_path / "empty")
    assert answer.code != 0 and "help:" in answer.problems
