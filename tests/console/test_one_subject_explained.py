"""What is said of one person: by pseudonym or identity number, a yes, a no, an undetermined."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from profiles.identity import is_valid_citizen_number
from tests.console.conftest import DAY, City

POLICY = "cn-31-elderly-allowance"


@pytest.fixture(scope="module")
def register(city: City) -> list[dict[str, str]]:
    """Return the clean rows of the demo's population register, of those alive and old."""
    text = (city.home / "extracts" / f"population-{DAY}.csv").read_text(encoding="gb18030")
    rows = list(csv.DictReader(text.splitlines()))
    times = Counter(row["公民身份号码"] for row in rows)
    return [
        row
        for row in rows
        if times[row["公民身份号码"]] == 1 and is_valid_citizen_number(row["公民身份号码"])
        and row["人员状态"] == "在世" and row["出生日期"].isdigit() and row["出生日期"] < "19600101"
        and "=" not in "".join(row.values())
    ]  # fmt: skip


def _leaves(line: dict) -> Iterator[dict]:
    if not line["children"]:
        yield line
    for child in line["children"]:
        yield from _leaves(child)


@pytest.mark.parametrize(
    ("region", "outcome", "result", "zh", "en"),
    [("31", "eligible", True, "符合", "eligible"), ("3[^1]", "ineligible", False, "不符合", "not eligible"),
     ("", "undetermined", None, "未定", "undetermined")],
)  # fmt: skip
def test_each_outcome_is_explained_condition_by_condition(
    city: City, register: list[dict[str, str]], region: str, outcome: str, result: bool | None, zh: str, en: str
) -> None:
    of_region = (row for row in register if re.fullmatch(region and f"{region}.*", row["户籍地区划"]))
    number = next(of_region)["公民身份号码"]
    assert number.startswith("999999")
    (one,) = city.json("explain", number, POLICY, "--on", DAY)
    assert number not in json.dumps(one)
    found = one["explanation"]
    assert (found["outcome"], found["policy"], found["on"]) == (outcome, POLICY, DAY)
    assert (found["amount"] is not None) == (outcome == "eligible")
    leaves = list(_leaves(found["root"]))
    assert all(leaf["words"]["zh"] and leaf["words"]["en"] for leaf in leaves)
    (hukou,) = [leaf for leaf in leaves if any(value["name"] == "hukou_region" for value in leaf["values"])]
    assert hukou["result"] is result
    assert hukou["clause"] and hukou["values"][0]["source"] and hukou["values"][0]["as_of"] == DAY
    missing = ["place of household registration"] if outcome == "undetermined" else []
    assert [each["en"] for each in found["settled_by"]] == missing
    if outcome == "eligible":
        assert f"\n{en}" in city.call("explain", one["subject"], POLICY, "--on", DAY).out
    in_chinese = city.call("explain", number, POLICY, "--lang", "zh", "--on", DAY).out
    assert f"\n{zh}" in in_chinese and number not in in_chinese


def test_what_is_shown_of_a_person_never_names_who_it_is(city: City, register: list[dict[str, str]]) -> None:
    row = next(row for row in register if row["户籍地区划"].startswith("310"))
    number, day = row["公民身份号码"], row["出生日期"]
    profile = city.json("profiles", "show", number, "--on", DAY)
    data = {each["name"]: each for each in profile["data"]}
    assert data["birth_date"]["value"] == f"{day[:4]}-{day[4:6]}-{day[6:]}"
    assert (data["hukou_region"]["value"], data["hukou_region"]["source"]) == (row["户籍地区划"], "population")
    grants = city.json("grants", "--subject", number)["grants"]
    assert POLICY in {each["policy"] for each in grants}
    assert {each["subject"] for each in grants} == {profile["subject"]}
    notices = city.json("notices", "show", number)
    assert {each["policy"] for each in notices} == {each["policy"] for each in grants}
    for command in (("grants", "--subject", number), ("notices", "link", number)):
        shown = city.call(*command)
        assert shown.code == 0
        assert number not in shown.out and row["姓名"] not in shown.out
