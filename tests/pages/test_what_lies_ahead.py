"""A person sees what is to come to them, and the one fact that something waits for; never anybody else's."""

from __future__ import annotations

from datetime import date

import pytest

from notifier.ahead import what_lies_ahead
from notifier.pages import create_app
from policies.errors import StoreError
from policies.library import read_policy_text
from tests.notifier.town import AGENCIES, ON, RULE, Town, person, vocabulary
from tests.pages.conftest import ANNA, BEN, KEY, application, client_of

POLICY = read_policy_text(RULE, vocabulary(), "rule.yaml")


def test_the_day_to_come_stands_on_the_page_with_its_reason_and_amount(town: Town) -> None:
    client = client_of(application(town), ANNA)
    assert 'href="/ahead"' in client.get("/").text
    chinese = client.get("/ahead").text
    for words in ("2027-03-01", "75 元", "已满65周岁", "65岁", "如果别的情况不变", "老年综合津贴"):
        assert words in chinese
    english = client.get("/ahead?lang=en").text
    for words in ("2027-03-01", "75 yuan", "65 or older", "Only one fact is missing", "Pension office"):
        assert words in english
    assert "<script" not in chinese + english


def test_the_one_fact_that_is_missing_is_named_with_its_agency(town: Town) -> None:
    page = client_of(application(town), ANNA).get("/ahead").text
    assert "养老金补差" in page and "每月养老金" in page and "社保中心" in page
    assert "独居" not in page  # it is known, and no help


def test_somebody_else_sees_nothing_of_it(town: Town) -> None:
    page = client_of(application(town), BEN).get("/ahead").text
    assert "2027-03-01" not in page and "每月养老金" not in page
    assert "未来一年没有新的待遇" in page


def test_without_profiles_the_page_says_so_and_the_grants_stay(town: Town) -> None:
    def unreadable(subject: str) -> list:  # type: ignore[type-arg]
        raise StoreError.of("store-empty", "空", "empty")

    app = create_app(
        ledger=town.ledger, vault=town.vault, policies=lambda version: town.policy, vocabulary=vocabulary(),
        catalog=None, key=KEY, ahead=unreadable,
    )  # fmt: skip
    client = client_of(app, ANNA)
    answer = client.get("/ahead")
    assert answer.status_code == 503 and "现在还看不了将来的待遇" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/").status_code == 200


def test_pages_without_profiles_have_no_such_page(town: Town) -> None:
    app = create_app(
        ledger=town.ledger, vault=town.vault, policies=lambda version: town.policy, vocabulary=vocabulary(),
        catalog=None, key=KEY,
    )  # fmt: skip
    client = client_of(app, ANNA)
    assert client.get("/ahead").status_code == 404 and 'href="/ahead"' not in client.get("/").text


@pytest.mark.parametrize(
    ("facts", "day", "missing"),
    [
        (person(born=date(1962, 3, 1)), date(2027, 3, 1), ()),
        (person(born=date(1963, 3, 1)), None, None),  # more than a year away
        (person(), None, None),  # granted today
        (person(pension=None, alone=False), None, ("pension",)),
        (person(pension=None, alone=None), None, ("alone", "pension")),
        (person(pension=None, alone=False, hukou_region=None), None, None),  # two facts are missing
        (person(hukou_region="330100"), None, None),
    ],
)
def test_only_what_time_or_one_fact_will_bring_is_told(
    facts: object, day: date | None, missing: tuple[str, ...] | None
) -> None:
    found = what_lies_ahead([POLICY], facts, vocabulary(), ON, AGENCIES)  # type: ignore[arg-type]
    if missing is None:
        assert found == []
        return
    (one,) = found
    assert (None if one.coming is None else one.coming.on) == day
    assert tuple(sorted(fact.name for fact in one.missing)) == missing
