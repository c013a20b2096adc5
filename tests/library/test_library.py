"""What the rule library promises: to those who are granted by it, and to those who read and write it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from engine.allocating import Reason, Settled, settle_claims, settle_net_of, settle_within_subjects, terms_of
from engine.ceiling_standing import after_ceilings
from engine.decision import Outcome
from engine.interpreter import decide, decide_units
from notifier.sms_conventions import has_link, violations
from notifier.templates import Notice, notice_text, sms_text
from policies.examples import facts_from_example, run_examples
from policies.fixing import fix
from policies.library import read_library, rule_files
from policies.periods import period_of
from policies.plain_words import to_plain_words
from policies.policy import Condition, Policy
from profiles.catalog_reading import read_catalog

FOLDER = Path(__file__).resolve().parents[2] / "policies"
CATALOG = read_catalog()
VOCABULARY = CATALOG.vocabulary
READ = read_library(FOLDER, VOCABULARY)
LIBRARY = READ.policies
EVERY_POLICY = pytest.mark.parametrize("policy", LIBRARY.values(), ids=list(LIBRARY))
ON = date(2026, 11, 22)
SIGNATURE = "某市民政局"
CANDIDATES = {
    "policy": pl.String, "subject": pl.String, "unit": pl.String,
    "amount": pl.Int64, "claim_key": pl.String, "need": pl.Int64,
}  # fmt: skip
GRANTED = {
    "policy": pl.String, "subject": pl.String, "unit": pl.String,
    "period": pl.String, "amount": pl.Int64, "on": pl.String,
}  # fmt: skip
NOTHING_GRANTED = pl.DataFrame(schema=GRANTED)
NOTHING_TAKEN = pl.DataFrame(schema={"group": pl.String, "key": pl.String})


def _leaves(node: Condition) -> Iterator[Condition]:
    if node.kind == "leaf":
        yield node
    for child in node.children:
        yield from _leaves(child)


def _candidates(*rows: tuple[str, str, str, int, str | None]) -> pl.DataFrame:
    """policy, subject, unit, amount in yuan, claim key"""
    filled = [(policy, subject, unit, yuan * 100, key, None) for policy, subject, unit, yuan, key in sorted(rows)]
    return pl.DataFrame(filled, schema=CANDIDATES, orient="row")


def _terms(on: date, *names: str) -> dict:
    return {name: terms_of(LIBRARY[name], on) for name in names}


def _kept(settled: Settled) -> list[tuple[str, str, int]]:
    columns = settled.kept.select("policy", "unit", pl.col("amount") // 100)
    return sorted(columns.iter_rows())


def _waiting(settled: Settled) -> list[tuple[str, str, str]]:
    return sorted(settled.waiting.select("policy", "unit", "reason").iter_rows())


def _in_force(policy: Policy, on: date) -> bool:
    start, end = policy.in_force
    return start <= on and (end is None or on <= end)


# --- the files


def test_every_rule_file_is_read_without_error_or_warning() -> None:
    assert [error.diagnostics for error in READ.errors] == []
    assert {name: policy.warnings for name, policy in LIBRARY.items() if policy.warnings} == {}
    assert len(LIBRARY) == len(rule_files(FOLDER)) >= 16


def test_the_library_serves_citizens_enterprises_and_households() -> None:
    assert {policy.space for policy in LIBRARY.values()} == {"citizen", "enterprise", "household"}


@EVERY_POLICY
def test_a_file_lies_in_the_folder_of_its_region_under_its_own_name(policy: Policy) -> None:
    path = Path(policy.file).relative_to(FOLDER)
    folder = path.parts[0]
    assert policy.id == f"{folder}-{path.stem}"
    assert folder == ("cn" if policy.region == "000000" else f"cn-{policy.region[:2]}")


@EVERY_POLICY
def test_every_policy_names_its_documents_and_what_is_not_verified(policy: Policy) -> None:
    assert policy.author == "policy desk"
    assert policy.basis and all(basis.document for basis in policy.basis)
    # Nothing here was checked with the issuing body: every file must say what is open.
    assert policy.unverified


@EVERY_POLICY
def test_every_condition_says_in_both_languages_what_it_asks(policy: Policy) -> None:
    assert [leaf.text for leaf in _leaves(policy.eligibility) if leaf.says is None] == []
    assert any(leaf.basis for leaf in _leaves(policy.eligibility))
    assert all(parameter.title for parameter in policy.parameters.values())
    assert policy.definition_titles.keys() == policy.definition_texts.keys()
    assert to_plain_words(policy, "zh") and to_plain_words(policy, "en")


@EVERY_POLICY
def test_every_policy_opens_with_a_remark_that_teaches_an_author(policy: Policy) -> None:
    assert policy.text.startswith("# ")


@pytest.mark.parametrize("name", [name for name in LIBRARY if name.startswith("cn-job-")])
def test_the_job_measures_of_2025_end_with_their_year(name: str) -> None:
    assert LIBRARY[name].in_force[1] == date(2025, 12, 31)


# --- the examples


@EVERY_POLICY
def test_every_example_comes_out_as_it_says(policy: Policy) -> None:
    failed = [result for result in run_examples(policy, VOCABULARY, decide, after_ceilings) if not result.passed]
    assert failed == []


@EVERY_POLICY
def test_a_yes_with_its_amount_a_no_and_a_missing_datum_are_shown(policy: Policy) -> None:
    expected = []
    for example in policy.examples:
        units = example.expect.get("units")
        expected += list(units.values()) if isinstance(units, dict) else [dict(example.expect)]
    yes = [one for one in expected if one.get("eligible") is True]
    no = [one for one in expected if one.get("eligible") is False]
    unknown = [one for one in expected if one.get("eligible") == "unknown"]
    assert len(policy.examples) >= 6
    assert yes and no and unknown
    # A hint has no amount: what a person decides, no example can state.
    assert all("amount" in one for one in yes) or policy.judgement is not None
    assert any("settled_by" in one for one in unknown)


@EVERY_POLICY
def test_no_unit_of_an_example_is_granted_unnoticed(policy: Policy) -> None:
    for example in policy.examples:
        named = example.expect.get("units")
        if not isinstance(named, dict) or not _in_force(policy, example.on):
            continue
        facts = facts_from_example(policy, VOCABULARY, example.profile)
        decided = decide_units(fix(policy, VOCABULARY, example.on, given=example.given), facts)
        eligible = {unit for unit, decision in decided if decision.outcome is Outcome.ELIGIBLE}
        assert eligible <= set(named), example.name


# --- the words


@EVERY_POLICY
def test_the_notice_is_one_short_text_message_in_the_policys_own_words(policy: Policy) -> None:
    amounts = [700_000_00] + [
        decision.amount or 0
        for example in policy.examples
        for _, decision in decide_units(
            fix(policy, VOCABULARY, example.on, given=example.given),
            facts_from_example(policy, VOCABULARY, example.profile),
        )
        if decision.outcome is Outcome.ELIGIBLE
    ]
    for amount in amounts:
        notice = Notice(policy.id, policy.version, amount, period_of(policy.period, ON).key)
        own = " ".join(notice_text(policy, notice, "zh").split()).replace(",", "")
        assert violations(f"【{SIGNATURE}】{own}", SIGNATURE) == []
        sent = sms_text(policy, notice, SIGNATURE, None, "zh")
        assert sent.replace(",", "") == f"【{SIGNATURE}】{own}"


@EVERY_POLICY
def test_titles_notices_and_conditions_stand_in_both_languages_and_hold_no_link(policy: Policy) -> None:
    says = [leaf.says for leaf in _leaves(policy.eligibility) if leaf.says is not None]
    for text in (policy.title, *policy.notices.values(), *says):
        assert any("一" <= sign <= "鿿" for sign in text.zh), text
        assert any(sign.isalpha() for sign in text.en) and not any("一" <= sign <= "鿿" for sign in text.en), text
        assert not has_link(text.zh) and not has_link(text.en), text


@EVERY_POLICY
def test_who_is_only_told_or_asked_is_not_promised_a_payment(policy: Policy) -> None:
    words = policy.notices["granted"]
    if policy.delivery in ("confirm", "notify"):
        assert "无需申请" not in words.zh and "need not apply" not in words.en.casefold()
    if policy.delivery == "automatic":
        assert policy.benefit.kind in ("cash", "waiver", "refund")


# --- what the law asks of the language, each used by a real policy


@pytest.mark.parametrize("delivery", ["automatic", "confirm", "notify", "declare", "channel"])
def test_every_way_of_delivery_is_used(delivery: str) -> None:
    assert any(policy.delivery == delivery for policy in LIBRARY.values())


@pytest.mark.parametrize("period", ["once", "month", "quarter", "year", "event"])
def test_every_kind_of_period_is_used(period: str) -> None:
    assert any(policy.period == period for policy in LIBRARY.values())


@pytest.mark.parametrize("form", ["scalar", "table", "regional", "scale"])
def test_every_form_of_parameter_is_used(form: str) -> None:
    assert any(one.form == form for policy in LIBRARY.values() for one in policy.parameters.values())


@pytest.mark.parametrize(
    "text",
    ["any(members", "members.incomes", "grants, policy", "subject.", "employer.kind", "value_on(",
     "progressive(", "calendar_months(", "age_in_month", "cpi_yoy", "each_further", "net_of:", "excludes:",
     "claims:", "ceilings:", "measure:", "unit_where:", "payee:", "choose: first", "choose: highest", "sensitive:", "guard:"],
)  # fmt: skip
def test_every_means_of_the_language_is_used(text: str) -> None:
    assert any(text in policy.text for policy in LIBRARY.values())


def test_on_the_day_of_the_demo_enough_policies_are_in_force() -> None:
    now = {name for name, policy in LIBRARY.items() if _in_force(policy, ON)}
    assert len(now) >= 16
    assert {LIBRARY[name].space for name in now} == {"citizen", "enterprise", "household"}


def test_every_fund_that_a_policy_draws_on_is_known() -> None:
    funds = {policy.fund for policy in LIBRARY.values() if policy.fund is not None}
    assert funds <= set(VOCABULARY.funds)


# --- what a person or a firm gets in the end


@pytest.mark.parametrize(
    ("born", "total"),
    [(date(2022, 1, 15), 300), (date(2023, 12, 10), 7_200), (date(2024, 12, 31), 10_800),
     (date(2025, 1, 1), 10_800), (date(2026, 6, 30), 10_800)],
)  # fmt: skip
def test_a_child_gets_the_published_total_over_the_years(born: date, total: int) -> None:
    policy = LIBRARY["cn-childcare-subsidy-2025"]
    profile = {"birth_date": born, "lawful_birth": True, "alive": True}
    facts = facts_from_example(policy, VOCABULARY, profile)
    years = [date(year, 12, 31) for year in range(2025, 2031)]
    decided = [decide(fix(policy, VOCABULARY, on), facts) for on in years]
    assert sum(decision.amount or 0 for decision in decided) == total * 100


def test_the_raised_refund_adds_only_the_difference() -> None:
    base, raised = "cn-job-retention-refund-2025", "cn-job-retention-raised-2025"
    on = date(2025, 8, 20)
    granted = pl.DataFrame([(base, "firm", "", "2025", 600_000, "2025-05-20")], schema=GRANTED, orient="row")
    settled = settle_net_of(_candidates((raised, "firm", "", 9_000, None)), _terms(on, base, raised), granted)
    assert _kept(settled) == [(raised, "", 3_000)]


def test_one_graduate_supports_one_firm_once() -> None:
    name = "cn-job-expansion-2025"
    rows = _candidates((name, "firm-a", "1", 1_500, "graduate"), (name, "firm-b", "7", 1_500, "graduate"))
    settled = settle_claims(rows, _terms(date(2025, 10, 15), name), NOTHING_TAKEN)
    assert _kept(settled) == [(name, "1", 1_500)]
    assert _waiting(settled) == [(name, "7", Reason.CLAIMED.value)]


def test_a_hire_that_got_the_job_expansion_grant_gets_no_hiring_subsidy() -> None:
    national, local = "cn-job-expansion-2025", "cn-31-hiring-subsidy-2024"
    rows = _candidates((local, "firm", "1", 2_000, "graduate"), (local, "firm", "2", 2_000, "other"))
    granted = pl.DataFrame([(national, "firm", "1", "once", 150_000, "2024-06-15")], schema=GRANTED, orient="row")
    settled = settle_within_subjects(rows, _terms(date(2024, 11, 16), national, local), granted)
    assert _kept(settled) == [(local, "2", 2_000)]
    assert _waiting(settled) == [(local, "1", Reason.EXCLUDED.value)]


def test_a_person_who_supported_one_of_the_two_hiring_grants_cannot_support_the_other() -> None:
    national, local = LIBRARY["cn-job-expansion-2025"], LIBRARY["cn-31-hiring-subsidy-2024"]
    assert national.claims is not None and local.claims is not None
    assert national.claims.group == local.claims.group


def test_of_exemption_and_reduction_of_one_levy_a_small_firm_gets_the_exemption() -> None:
    exemption, reduction = "cn-disability-levy-exemption", "cn-disability-levy-reduction"
    rows = _candidates((exemption, "small", "", 800, None), (reduction, "small", "", 900, None),
                       (reduction, "large", "", 900, None))  # fmt: skip
    settled = settle_within_subjects(rows, _terms(ON, exemption, reduction), NOTHING_GRANTED)
    assert _kept(settled) == [(exemption, "", 800), (reduction, "", 900)]
    assert _waiting(settled) == [(reduction, "", Reason.EXCLUSIVE.value)]


def test_of_nursing_subsidy_and_voucher_the_higher_is_granted() -> None:
    subsidy, voucher = "cn-disabled-care-allowance", "cn-elder-care-voucher-2025"
    rows = _candidates((subsidy, "elder", "", 500, None), (voucher, "elder", "", 800, None))
    settled = settle_within_subjects(rows, _terms(ON, subsidy, voucher), NOTHING_GRANTED)
    assert _kept(settled) == [(voucher, "", 800)]
    assert _waiting(settled) == [(subsidy, "", Reason.EXCLUSIVE.value)]
