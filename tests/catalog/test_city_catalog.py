"""The catalog that comes along: complete, bounded, bilingual, and in step with what policies need."""

from __future__ import annotations

from datetime import date

import pytest

from policies.types import Code, Number
from policies.vocabulary import Attribute, Collection, Space
from profiles.catalog_building import is_code
from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return read_catalog()


def attributes_of(catalog: Catalog) -> list[tuple[str, Attribute]]:
    owners: list[Space | Collection] = [*catalog.spaces.values()]
    owners += [one for space in catalog.spaces.values() for one in space.collections.values()]
    return [(owner.name, each) for owner in owners for each in owner.attributes.values()]


def test_reading_twice_gives_the_same_catalog(catalog: Catalog) -> None:
    assert read_catalog() == catalog


@pytest.mark.parametrize(
    ("region", "exists"),
    [
        ("310115", True), ("310000", True), ("469001", True), ("659012", True), ("710000", True), ("820000", True),
        ("999998", False), ("000000", False), ("160000", False), ("470101", False), ("830000", False), ("31011", False),
        ("3101150", False),
    ],
)  # fmt: skip
def test_a_region_lies_in_a_province_that_exists(catalog: Catalog, region: str, exists: bool) -> None:
    assert is_code(region, catalog.vocabulary.code_sets["region"]) is exists


def test_every_number_is_bounded_so_tightly_that_sums_cannot_overflow(catalog: Catalog) -> None:
    for owner, attribute in attributes_of(catalog):
        if isinstance(attribute.type, Number):
            widest = max(abs(attribute.type.low), abs(attribute.type.high))
            assert widest <= 10**13, f"{owner}.{attribute.name}"


def test_the_sum_of_a_whole_collection_stays_within_64_bits(catalog: Catalog) -> None:
    for space in catalog.spaces.values():
        for collection in space.collections.values():
            for attribute in collection.attributes.values():
                if isinstance(attribute.type, Number):
                    assert attribute.type.high * collection.at_most < 2**62, f"{collection.name}.{attribute.name}"


def test_what_touches_on_health_or_loss_is_sensitive(catalog: Catalog) -> None:
    sensitive = {each.name for _, each in attributes_of(catalog) if each.sensitivity == "sensitive"}
    assert sensitive == {
        "disability_certificate", "disability_type", "disability_grade", "care_level", "elder_disability",
        "special_family", "special_support", "hiv_child",
    }  # fmt: skip


def test_every_title_is_in_chinese_and_english(catalog: Catalog) -> None:
    for owner, attribute in attributes_of(catalog):
        assert not attribute.title.zh.isascii(), f"{owner}.{attribute.name}"
        assert attribute.title.en.isascii(), f"{owner}.{attribute.name}"


def test_every_source_says_for_what_purpose_it_is_used(catalog: Catalog) -> None:
    for source in catalog.sources.values():
        assert source.purpose.zh and source.purpose.en and source.agency.zh and source.catalogue, source.id


def test_nothing_in_the_catalog_asks_for_ethnicity_or_religion(catalog: Catalog) -> None:
    for owner, attribute in attributes_of(catalog):
        assert not {"民族", "宗教"} & {attribute.title.zh}, f"{owner}.{attribute.name}"


def test_each_space_has_its_register_first(catalog: Catalog) -> None:
    assert [catalog.register_of(space).id for space in ("citizen", "household", "enterprise")] == [
        "population", "households", "enterprises",
    ]  # fmt: skip
    assert [source.kind for source in catalog.sources.values()][:3] == ["register"] * 3


def test_age_is_derived_the_same_way_for_all_policies(catalog: Catalog) -> None:
    citizen = catalog.spaces["citizen"].attributes
    assert citizen["age"].derivation == "years_between(birth_date, on)"
    assert citizen["age_in_month"].derivation == "years_between(birth_date, month_end(on))"


def test_agencies_words_cover_their_code_sets(catalog: Catalog) -> None:
    for source in catalog.sources.values():
        for field in source.fields:
            if isinstance(field.type, Code) and field.codes:
                code_set = catalog.vocabulary.code_sets[field.type.code_set]
                assert set(field.codes.values()) <= set(code_set.codes), f"{source.id}.{field.name}"


def test_abolished_districts_stay_known_and_point_to_their_successors(catalog: Catalog) -> None:
    in_use = catalog.codes_on("region", date(2026, 11, 22))
    for abolished, successor in (("310103", "310101"), ("310108", "310106"), ("310119", "310115")):
        assert abolished not in in_use
        assert catalog.validity["region"][abolished].successors == (successor,)
    assert sum(code.startswith("31") and code != "310000" for code in in_use) == 16


def test_industries_are_complete_down_to_divisions(catalog: Catalog) -> None:
    industry = catalog.vocabulary.code_sets["industry"]
    assert sorted(industry.codes) == [f"{number:02d}" for number in range(1, 98)]
    assert is_code("5211", industry) and not is_code("A", industry)


def test_groups_that_policies_share_are_named(catalog: Catalog) -> None:
    groups = catalog.vocabulary.code_groups
    assert groups["sme"] == ("size_class", ("M", "S", "XS"))
    assert groups["retail"] == ("industry", ("52",))
    assert groups["manufacturing"][1] == tuple(f"{number:02d}" for number in range(13, 44))


def test_every_indicator_has_all_months_of_three_years(catalog: Catalog) -> None:
    months = {f"{year}-{month:02d}" for year in (2024, 2025, 2026) for month in range(1, 13)}
    for indicator in catalog.vocabulary.indicators.values():
        assert "sample" in indicator.source
        for region, series in indicator.values.items():
            assert set(series) == months, f"{indicator.name} {region}"


def test_prices_of_october_2026_trigger_the_price_subsidy_of_november(catalog: Catalog) -> None:
    indicators = catalog.vocabulary.indicators
    food, all_goods = indicators["food_cpi_yoy"], indicators["cpi_yoy"]
    assert (food.lag_months, all_goods.lag_months) == (1, 1)
    assert food.values[""]["2026-10"] >= 60
    assert food.values[""]["2026-09"] < 60 and all_goods.values[""]["2026-09"] < 35
