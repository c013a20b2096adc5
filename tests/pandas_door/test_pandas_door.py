"""An analyst's DataFrame is decided exactly as a run would, and a mistake in it is told with column and row."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.pandas_door import decide_frame
from policies.errors import IntakeError, MianshenError, PolicyError, SettingsError
from policies.library import Library, read_library, read_policy, read_policy_text
from policies.policy import Policy
from profiles.catalog_reading import read_catalog

LIBRARY = Path(__file__).resolve().parents[2] / "policies"
ELDERLY = LIBRARY / "cn-31" / "elderly-allowance.yaml"
POVERTY = LIBRARY / "cn" / "minimum-living-allowance.yaml"
VOCABULARY = read_catalog().vocabulary
ON = date(2026, 5, 20)


def people(**columns: object) -> pd.DataFrame:
    found = {
        "birth_date": [date(1961, 5, 31), date(1950, 1, 1), date(1940, 2, 29)],
        "hukou_region": ["310115", "320500", None],
        "alive": [True, True, None],
    }
    return pd.DataFrame({**found, **columns}, index=["ann", "bo", "chen"])


def money_policy(text: str = "social_insurance_paid", condition: str = "true") -> Policy:
    written = ELDERLY.read_text("utf-8")
    head = written[written.index("title:") : written.index("guard:")]
    return read_policy_text(
        f"id: trial\n{head}eligibility: '{condition}'\n"
        f"benefit: {{kind: cash, amount: {text}}}\n"
        "notice: {granted: {zh: 好, en: fine}}\n"
        "examples: [{name: none, on: 2026-05-20, profile: {}, expect: {eligible: unknown}}]\n",
        VOCABULARY,
    )


def test_one_row_for_each_policy_and_subject_in_the_order_given() -> None:
    found = decide_frame(people(), ELDERLY, on=ON)
    assert found["subject"].tolist() == ["ann", "bo", "chen"]
    assert found["outcome"].tolist() == ["eligible", "ineligible", "undetermined"]
    assert found["eligible"].tolist()[:2] == [True, False] and found["eligible"].isna().tolist() == [False, False, True]
    assert found["amount_fen"].fillna(-1).tolist() == [7_500, -1, -1]
    assert found["amount_yuan"][0] == Decimal("75.00") and str(found["amount_yuan"].dtype).startswith("decimal128")
    assert found["settled_by"].tolist() == [(), (), ("alive", "hukou_region")]
    assert set(found["version"]) == {read_policy(ELDERLY, VOCABULARY).version}
    assert found.attrs["on"] == "2026-05-20" and found.attrs["not_given"] == ()


def test_explained_decisions_name_the_tier_the_conditions_against_and_the_values_used() -> None:
    found = decide_frame(people(), ELDERLY, on=ON, explain=True)
    assert found["tier"].fillna(-1).tolist() == [0, -1, -1]
    assert found["because"].tolist() == [(), ('within(hukou_region, "31")',), ('within(hukou_region, "31")', "alive")]
    assert found["inputs"][0] == {"hukou_region": "310115", "birth_date": date(1961, 5, 31), "alive": True}


def test_a_library_is_decided_whole_and_what_is_left_out_is_told() -> None:
    found = decide_frame(people(), LIBRARY, on="2026-05-20", space="citizen")
    library = read_library(LIBRARY, VOCABULARY)
    mine = [name for name, one in library.policies.items() if one.space == "citizen"]
    assert found["policy"].cat.categories.tolist() == mine
    assert set(found.attrs["left_out"]) == set(library.policies) - set(mine)
    assert "care_level" in found.attrs["not_given"]
    again = decide_frame(people(), library, VOCABULARY, ON, space="citizen")
    pd.testing.assert_frame_equal(found, again)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["1961-05-31", "1950/01/01", "19400229"]),
        pd.Series(pd.to_datetime(["1961-05-31", "1950-01-01", "1940-02-29"])),
        pd.Series([datetime(1961, 5, 31), date(1950, 1, 1), pd.Timestamp("1940-02-29")], dtype=object),
        pd.Series(["1961-05-31", "1950-01-01 00:00:00", "1940-02-29"], dtype="category"),
        pd.Series(np.array(["1961-05-31", "1950-01-01", "1940-02-29"], dtype="datetime64[D]")),
    ],
    ids=["texts", "datetime64", "objects", "categories", "days"],
)
def test_days_may_be_written_in_every_usual_way(column: pd.Series) -> None:
    expected = decide_frame(people(), ELDERLY, on=ON)
    pd.testing.assert_frame_equal(decide_frame(people(birth_date=column.array), ELDERLY, on=ON), expected)


@pytest.mark.parametrize(
    "column",
    [
        [True, True, None], pd.array([True, True, pd.NA], dtype="boolean"), ["是", "true", ""], ["1", "Y", np.nan],
        pd.Categorical(["是", "是", None]), np.array([1, 1, 0], dtype="int64"),
    ],
)  # fmt: skip
def test_truths_may_be_written_in_every_usual_way(column: object) -> None:
    found = decide_frame(people(alive=column), ELDERLY, on=ON)
    assert found["outcome"].tolist()[0] == "eligible"


@pytest.mark.parametrize("regions", [[310115, 320500, 310000], [310115.0, 320500.0, np.nan], [" 310115", "320500", ""]])
def test_codes_may_have_become_numbers_on_the_way(regions: list) -> None:
    assert decide_frame(people(hukou_region=regions), ELDERLY, on=ON)["outcome"].tolist()[0] == "eligible"


@pytest.mark.parametrize(
    ("cells", "fen"),
    [
        ([Decimal("75.10"), 0, None], [7_510, 0, -1]), (["75.10", "0", ""], [7_510, 0, -1]),
        (np.array([75, 0, 1_000_000]), [7_500, 0, 100_000_000]), ([75.5, 0.25, np.nan], [7_550, 25, -1]),
        (pd.array([75, 0, pd.NA], dtype="Int64"), [7_500, 0, -1]), ([75, Decimal("0.01"), "3"], [7_500, 1, 300]),
    ],
)  # fmt: skip
def test_money_is_in_yuan_and_exact(cells: object, fen: list[int]) -> None:
    found = decide_frame(people(social_insurance_paid=cells), money_policy(), on=ON)
    assert found["amount_fen"].fillna(-1).tolist() == fen


def test_columns_may_be_called_by_their_titles() -> None:
    named = people().rename(columns={"birth_date": "出生日期", "hukou_region": "户籍地", "alive": "alive"})
    pd.testing.assert_frame_equal(decide_frame(named, ELDERLY, on=ON), decide_frame(people(), ELDERLY, on=ON))


def test_a_missing_column_is_unknown_for_everybody_and_is_told() -> None:
    found = decide_frame(people()[["birth_date", "hukou_region"]].head(1), ELDERLY, on=ON)
    assert found["outcome"].tolist() == ["undetermined"] and found["settled_by"].tolist() == [("alive",)]
    assert found.attrs["not_given"] == ("alive",)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"alive": [1.5, True, True]}, ["wrong-type", "column `alive`, row `ann`: found 1.5", "True or False"]),
        ({"birth_date": ["1961-02-30", None, None]}, ["no-such-day", "row `ann`"]),
        ({"birth_date": ["31.5.1961", None, None]}, ["wrong-type", "'31.5.1961', expected a date"]),
        ({"birth_date": pd.to_datetime(["1961-05-31 10:00"] * 3)}, ["not-a-day", "normalize"]),
        ({"birth_date": pd.to_datetime(["1961-05-31"] * 3).tz_localize("Asia/Shanghai")}, ["not-a-day", "tz_localize"]),
        ({"hukou_region": ["31x", None, None]}, ["unknown-code", "row `ann`: found '31x'"]),
        ({"hukou_region": [True, None, None]}, ["wrong-type", "a code of `region`"]),
        ({"social_insurance_paid": [0.1, 1.0, 2.0]}, ["binary-float", "found 0.1", "Decimal"]),
        ({"social_insurance_paid": ["1.001", None, None]}, ["too-many-decimals", "at most 2"]),
        ({"social_insurance_paid": ["1,000", None, None]}, ["wrong-type", "an amount of money"]),
        ({"social_insurance_paid": [-1, 0, 0]}, ["out-of-range", "0", "1000000"]),
        ({"social_insurance_paid": [float("inf"), 0, 0]}, ["out-of-range"]),
        ({"social_insurance_paid": [True, 0, 0]}, ["wrong-type"]),
        ({"social_insurance_paid": [10**30, 0, 0]}, ["out-of-range"]),
        ({"social_insurance_paid": [[1], 0, 0]}, ["wrong-type", "[1]"]),
        (
            {"alife": [True, True, True]},
            ["unknown-column", "no column `alife`", "did you mean `alive`", "ignore_extra"],
        ),
        ({"age": [1, 2, 3]}, ["derived-column", "years_between(birth_date, on)"]),
        ({"certificates": [1, 2, 3]}, ["unknown-column", 'related={"certificates": frame}']),
        ({"在世": [True, True, True]}, ["column-given-twice", "`alive`"]),
        ({"subject": ["a", "a", "b"]}, ["duplicate-subject", "holds `a` twice"]),
        ({"subject": ["a", None, "b"]}, ["missing-id", "row `bo`"]),
    ],
)
def test_a_mistake_is_told_with_its_column_and_row_and_what_to_do(columns: dict, told: list[str]) -> None:
    with pytest.raises(IntakeError) as raised:
        decide_frame(people(**columns), ELDERLY, on=ON)
    message = str(raised.value)
    assert not [part for part in told if part not in message], message
    assert raised.value.diagnostics[0].message.zh != raised.value.diagnostics[0].message.en


def test_all_mistakes_are_told_together() -> None:
    with pytest.raises(IntakeError) as raised:
        decide_frame(people(alive=[2, 3, 4], alife=1), ELDERLY, on=ON, related={"hire": people()})
    assert [one.code for one in raised.value.diagnostics] == ["wrong-type", "unknown-column", "unknown-frame"]


def test_columns_that_nobody_knows_are_ignored_only_on_request() -> None:
    found = decide_frame(people(note="x"), ELDERLY, on=ON, ignore_extra=True)
    assert found["outcome"].tolist()[0] == "eligible"


def test_related_frames_are_followed_over_links_and_members() -> None:
    households = pd.DataFrame(
        {
            "size": [2, 3],
            "income_per_head": ["300.50", None],
            "assets_acceptable": [True, True],
            "region": ["310115"] * 2,
        },
        index=["h1", "h2"],
    )
    citizens = pd.DataFrame({"subject": ["ann", "bo"], "hukou_region": ["310115", "310115"]})
    members = pd.DataFrame(
        {"household": ["h1", "h1", "h2"], "member": ["ann", "bo", "ann"], "relationship": ["01", "10", None]}
    )
    found = decide_frame(households, POVERTY, on=ON, related={"citizen": citizens, "members": members})
    assert set(found["subject"]) == {"h1", "h2"}
    assert found.loc[found["subject"] == "h2", "outcome"].tolist() == ["undetermined"]
    assert "count(members, alive)" in found.loc[found["subject"] == "h2", "settled_by"].item()


def test_units_have_a_row_each() -> None:
    policy = read_policy(LIBRARY / "cn" / "consumer-loan-interest.yaml", VOCABULARY)
    loans = pd.DataFrame({"owner": ["ann", "ann", "bo"], "id": ["x", "y", "x"], "principal": ["8000", 4, None]})
    found = decide_frame(people(), policy, on=ON, related={"loans": loans})
    assert found[["subject", "unit"]].to_numpy().tolist() == [["ann", "x"], ["ann", "y"], ["bo", "x"]]
    unknown = decide_frame(people(), policy, on=ON)
    assert unknown["unit"].tolist() == ["", "", ""] and set(unknown["settled_by"]) == {("loans",)}


@pytest.mark.parametrize(
    ("related", "told"),
    [
        ({"certificates": pd.DataFrame({"level": [1]})}, "no column `owner`"),
        ({"household.members": pd.DataFrame({"owner": ["h"]})}, "no column `member`"),
        ({"household.member": pd.DataFrame()}, "did you mean `household.members`"),
        ({"certificates": pd.DataFrame({"owner": ["a", "a"], "item": [1, 1]})}, "holds the item `1` of `a` twice"),
        ({"certificates": pd.DataFrame({"owner": ["a"], "level": [9]})}, "column `level` of `certificates`, row `0`"),
        ({"certificates": [1]}, "must be a pandas DataFrame, not list"),
        ({"citizen": people()}, "hold `ann` twice"),
    ],
)
def test_a_mistake_in_a_related_frame_names_the_frame(related: dict, told: str) -> None:
    with pytest.raises(IntakeError) as raised:
        decide_frame(people(), ELDERLY, on=ON, related=related)
    assert told in str(raised.value)


def test_the_labels_of_the_frame_come_back_as_they_are() -> None:
    numbered = people().reset_index(drop=True)
    numbered.index = [30, 4, 100]
    assert decide_frame(numbered, ELDERLY, on=ON)["subject"].tolist() == [30, 4, 100]
    linked = numbered.assign(guardian=[4.0, np.nan, 30.0])
    assert decide_frame(linked, ELDERLY, on=ON)["subject"].tolist() == [30, 4, 100]


def test_an_empty_frame_gives_no_decisions() -> None:
    found = decide_frame(people().head(0), ELDERLY, on=ON, explain=True)
    assert len(found) == 0 and "settled_by" in found and "inputs" in found


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"policies": ELDERLY}, SettingsError, "no reference date"),
        ({"policies": ELDERLY, "on": 20261122}, SettingsError, "`20261122` is no date"),
        ({"policies": ELDERLY, "on": "20.5.2026"}, SettingsError, "`20.5.2026` is no date"),
        ({"policies": LIBRARY, "on": ON}, SettingsError, "several spaces"),
        ({"policies": LIBRARY, "on": ON, "space": "citizens"}, SettingsError, "did you mean `citizen`"),
        ({"policies": ELDERLY, "on": ON, "space": "household"}, SettingsError, "speak of `citizen`"),
        ({"policies": [], "on": ON}, PolicyError, "no policy is given"),
        ({"policies": "nowhere.yaml", "on": ON}, PolicyError, "cannot read"),
        ({"policies": Library({}, (PolicyError.of("x", "错", "a mistake"),)), "on": ON}, PolicyError, "a mistake"),
        ({"policies": money_policy("social_insurance_paid", "alive"), "on": ON, "frame": 3}, IntakeError, "not int"),
    ],
)
def test_a_wrong_call_is_told(arguments: dict, error: type[MianshenError], told: str) -> None:
    frame = arguments.pop("frame", people())
    with pytest.raises(error, match=told.replace("`", ".")):
        decide_frame(frame, **arguments)
