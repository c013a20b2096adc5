"""A policy can be read by people who do not write rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from policies.library import read_policy, read_policy_text
from policies.plain_words import condition_in_words, to_plain_words, value_in_words
from policies.text import Language
from policies.types import Bool, Code, Date, Number, Text, Type, Value, to_day_number
from policies.vocabulary import Vocabulary

GOOD = Path(__file__).parent / "good"
MONEY = Number(2, "yuan")


@pytest.mark.parametrize(
    ("value", "kind", "zh", "en"),
    [
        (7500, MONEY, "75.00元", "75.00 yuan"),
        (123_456_789, MONEY, "1,234,567.89元", "1,234,567.89 yuan"),
        (-5, MONEY, "-0.05元", "-0.05 yuan"),
        (0, MONEY, "0.00元", "0.00 yuan"),
        (65, Number(0, "age"), "65岁", "65 years"),
        (15, Number(0, "years"), "15年", "15 years"),
        (2024, Number(0, "calendar_year"), "2024年", "2024"),
        (36, Number(1, "percent"), "3.6%", "3.6%"),
        (55, Number(3), "0.055", "0.055"),
        (to_day_number(date(1961, 5, 31)), Date(), "1961-05-31", "1961-05-31"),
        (True, Bool(), "是", "yes"),
        (False, Bool(), "否", "no"),
        (None, MONEY, "未知", "unknown"),
        ("310115", Code("region"), "【310115】 (310115)", "310115 (310115)"),
        ("999999", Code("region"), "999999", "999999"),
        ("护理员", Text(), "护理员", "护理员"),
    ],
)
def test_a_value_is_shown_as_people_write_it(
    vocabulary: Vocabulary, value: Value, kind: Type, zh: str, en: str
) -> None:
    assert value_in_words(value, kind, "zh", vocabulary) == zh
    assert value_in_words(value, kind, "en", vocabulary) == en


def test_a_condition_says_what_its_author_says(vocabulary: Vocabulary) -> None:
    policy = read_policy(GOOD / "tiers_by_age.yaml", vocabulary)
    first, second, _ = policy.eligibility.children
    assert condition_in_words(first, "zh") == "本市户籍"
    assert condition_in_words(first, "en") == "registered in Shanghai"
    assert condition_in_words(second, "en") == "age_in_month >= minimum_age"
    assert condition_in_words(policy.eligibility, "en") == "all of these hold:"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_amount_condition_and_definition_is_told(vocabulary: Vocabulary, path: Path, language: Language) -> None:
    policy = read_policy(path, vocabulary)
    told = to_plain_words(policy, language)
    for tier in policy.benefit.tiers:
        assert tier.text in told
    for name, text in policy.definition_texts.items():
        title = policy.definition_titles.get(name)
        called = "" if title is None else f"（{title.zh}）" if language == "zh" else f" ({title.en})"
        assert f"{name}{called} = {text}" in told
    for name, parameter in policy.parameters.items():
        title = parameter.title.in_language(language) if parameter.title else name
        assert title in told
    assert "None" not in told


def test_tiers_limits_and_tables_are_told_with_their_values(vocabulary: Vocabulary) -> None:
    elderly = to_plain_words(read_policy(GOOD / "tiers_by_age.yaml", vocabulary), "zh")
    assert "1. age_in_month < 70：75.00元" in elderly
    assert "3. 其余：180.50元" in elderly
    quotients = to_plain_words(read_policy(GOOD / "definitions_and_quotients.yaml", vocabulary), "en")
    assert "per_head / 3" in quotients
    assert "at least 10" in quotients and "at most 200" in quotients and "rounded to yuan, up" in quotients
    table = to_plain_words(read_policy(GOOD / "table_by_code.yaml", vocabulary), "en")
    assert "full = 500.00 yuan, mostly = 250.50 yuan" in table
    assert "otherwise: 0.00 yuan" in table
    scale = to_plain_words(read_policy(GOOD / "progressive_scales.yaml", vocabulary), "en")
    assert "from 36,000.00 yuan: 0.1" in scale


def test_how_sure_an_author_is_of_the_figures_is_told(vocabulary: Vocabulary) -> None:
    text = (GOOD / "tiers_by_age.yaml").read_text(encoding="utf-8")
    untold = read_policy_text(text, vocabulary)
    assert untold.confidence is None and "confidence" not in to_plain_words(untold, "en")
    policy = read_policy_text(f"{text.rstrip()}\nconfidence: medium\n", vocabulary)
    assert "confidence: medium: read at second hand, or partly from memory" in to_plain_words(policy, "en")
    assert "可信度：中：见于二手页面，或部分为自有知识" in to_plain_words(policy, "zh")
