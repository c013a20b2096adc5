"""What a Chinese keyboard, a word processor or a spreadsheet puts into a rule file is named with its place and remedy."""

from __future__ import annotations

import re

import pytest

from policies.document import read_bytes, read_document
from policies.errors import Diagnostic, PolicyError
from policies.library import read_policy_text
from profiles.catalog_reading import read_catalog

VOCABULARY = read_catalog().vocabulary
RULE = """id: cn-31-clearwater-allowance
title: {zh: 午餐补贴, en: Lunch allowance}
space: citizen
author: wang
authority: 清水镇人民政府
basis: [{document: 清府发〔2026〕1号}]
region: "310115"
in_force: {from: 2026-02-01}
delivery: automatic
period: month
schedule: "0 2 1 * *"
guard: {share_at_most: 0.5}
parameters:
  starting_age: {2026-02-01: 70}
eligibility:
  all:
    - when: within(hukou_region, "310115")
      says: {zh: 本区户籍，且在册, en: registered in this district}
      basis: 第二条
    - when: age >= starting_age
      says: {zh: 年满70周岁, en: 70 or older}
      basis: 第二条
benefit:
  kind: cash
  amount: 60
notice:
  granted: {zh: "{amount}元", en: "{amount} yuan"}
"""
# What is written instead of what, the code, where it stands, and what the remedy says in English.
MISTAKES = [
    ("space: citizen", "space：citizen", "not-yaml", "3:6", "write `:` instead of `：`"),
    ("    - when: age", "    - when：age", "not-yaml", "20:11", "write `:` instead of `：`"),
    ("午餐补贴, en", "午餐补贴， en", "not-yaml", "2:17", "write `,` instead of `，`"),
    ('"310115"\nin_force', "“310115”\nin_force", "bad-format", "7:9", 'write `"` instead of `“`'),
    ('region, "310115")', "region, “310115”)", "bad-expression", "17:34", 'write `"` instead of `“`'),
    ('within(hukou_region, "310115")', 'within（hukou_region, "310115"）', "bad-expression", "17:19", "write `(`"),
    ("age >= starting", "age ≥ starting", "bad-expression", "20:17", "write `>=` instead of `≥`"),
    ("age >= starting", "age\u3000>= starting", "bad-expression", "20:16", "instead of U+3000"),
    ("  all:", "\u00a0\u00a0all:", "invisible-character", "16:1", "write a plain space"),
    ("    - when: age", "\t- when: age", "not-yaml", "20:1", "write spaces instead of the tab"),
    ("amount: 60\n", "amount: ６０\n", "bad-expression", "25:11", "write `6` instead of `６`"),
    ("amount: 60\n", "amount: 60元\n", "bad-expression", "25:13", "write the number alone: `60`"),
    ("amount: 60\n", "amount: 1.5万\n", "bad-expression", "25:14", "write the number alone: `15000`"),
    ("amount: 60\n", "amount: 60,000\n", "not-in-language", "25:11", "write the number alone: `60000`"),
    ("amount: 60\n", "amount: 1e3\n", "bad-literal", "25:11", "write the number alone: `1000`"),
    (": 70}", ": 7e1}", "wrong-type", "14:30", "write the number alone: `70`"),
    (": 70}", ": 70岁}", "wrong-type", "14:30", "write the number alone: `70`"),
    ("share_at_most: 0.5", "share_at_most: 5%", "wrong-type", "12:24", "write the number alone: `0.05`"),
    ("from: 2026-02-01", "from: 2025-02-30", "wrong-type", "8:18", "the calendar has no such day"),
    ("from: 2026-02-01", "from: 2026年2月1日", "wrong-type", "8:18", "write it as 2026-02-01"),
    ("{2026-02-01: 70}", "{2025-02-29: 70}", "unknown-key", "14:18", "the calendar has no such day"),
]


def test_without_them_the_file_is_good() -> None:
    assert read_policy_text(RULE, VOCABULARY).id == "cn-31-clearwater-allowance"


def refused(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as found:
        read_policy_text(text, VOCABULARY, "rule.yaml")
    return found.value.diagnostics


@pytest.mark.parametrize(("good", "bad", "code", "place", "remedy"), MISTAKES)
def test_each_is_named_with_its_place_and_what_to_write_instead(
    good: str, bad: str, code: str, place: str, remedy: str
) -> None:
    assert RULE.count(good) == 1
    found = refused(RULE.replace(good, bad))
    (one,) = [each for each in found if each.code == code]
    assert str(one.place) == f"rule.yaml:{place}"
    assert one.help is not None and remedy in one.help.en
    assert re.search("[\u4e00-\u9fff]", one.help.zh), one.help.zh


def test_full_width_signs_in_sentences_are_good_chinese_and_never_blamed() -> None:
    (found,) = refused(RULE.replace("kind: cash", "kind: cash: yes"))
    assert found.code == "not-yaml" and found.help is not None and "indentation" in found.help.en
    (found,) = refused(RULE.replace("en: registered in this district}", "en: registered: here: too"))
    assert found.help is not None and "Chinese keyboard" not in found.help.en


@pytest.mark.parametrize("spelled", ["\ufeff{}", "{}"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_marks_of_order_and_ends_of_lines_of_other_systems_change_nothing(spelled: str, end: str) -> None:
    data = spelled.replace("{}", RULE.replace("\n", end)).encode()
    assert read_document(read_bytes(data, "rule.yaml"), "rule.yaml").root == read_document(RULE, "rule.yaml").root


def test_a_file_in_another_encoding_is_told_which_one_it_probably_is() -> None:
    for encoding, name in (("gb18030", "GBK"), ("utf-16", "UTF-16")):
        with pytest.raises(PolicyError, match=name):
            read_bytes(RULE.encode(encoding), "rule.yaml")
