"""What the library of real law promises: all of it is there, each clause has its source, and nothing is claimed that is not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from notifier.sms_conventions import is_sensitive
from notifier.templates import Notice, body_text, subject_line
from policies.instalments import GRANTED
from policies.library import read_library
from policies.plain_words import to_plain_words
from policies.policy import Condition, Policy
from policies.text import Language
from profiles.catalog_reading import read_catalog

FOLDER = Path(__file__).resolve().parents[2] / "policies"
CATALOG = read_catalog()
LIBRARY = read_library(FOLDER, CATALOG.vocabulary).policies
EVERY_POLICY = pytest.mark.parametrize("policy", LIBRARY.values(), ids=list(LIBRARY))
TODAY = date(2026, 11, 22)

# The 54 real policies that were collected, and the rule file of each.
CITIZENS = {
    "CN-SH-ELDER-ALLOWANCE": "cn-31-elderly-allowance",
    "CN-SZ-ELDER-ALLOWANCE": "cn-44-shenzhen-elderly-allowance",
    "CN-BJ-ADVANCED-AGE": "cn-11-advanced-age-allowance",
    "CN-BJ-ELDER-HARDSHIP": "cn-11-elder-hardship-subsidy",
    "CN-DISABLED-LIVING": "cn-disabled-living-allowance",
    "CN-DISABLED-CARE": "cn-disabled-care-allowance",
    "CN-CHILDCARE-2025": "cn-childcare-subsidy-2025",
    "CN-FJ-MATERNITY": "cn-35-maternity-allowance",
    "CN-UI-BENEFIT": "cn-unemployment-benefit",
    "CN-UI-SKILL-2025": "cn-skill-upgrade-2025",
    "CN-FP-SPECIAL-2022": "cn-special-family-support",
    "CN-PRICE-SUBSIDY": "cn-price-subsidy",
    "CN-FJ-JOBSEEK-2025": "cn-35-job-seeking-subsidy-2025",
    "CN-SD-JOBSEEK-2023": "cn-37-job-seeking-subsidy-2023",
    "CN-VET-STUDENT-GRANT": "cn-veteran-student-grant-2024",
    "CN-NATIONAL-SCHOLARSHIP": "cn-national-scholarship-2024",
    "CN-PRESCHOOL-FREE-2025": "cn-preschool-fee-waiver-2025",
    "CN-CONSUMER-LOAN": "cn-consumer-loan-interest",
    "CN-ELDER-CARE-COUPON-2025": "cn-elder-care-voucher-2025",
    "CN-DIBAO": "cn-minimum-living-allowance",
    "CN-HZ-GRAD-LIVING": "cn-33-graduate-living-subsidy",
    "CN-GRAD-FLEX-SS": "cn-graduate-flexible-insurance",
    "CN-SZ-TEMP-ASSIST": "cn-44-shenzhen-temporary-assistance",
    "CN-RESIDENT-PENSION": "cn-resident-pension",
}
ENTERPRISES = {
    "CN-UI-STABLE-2025": "cn-job-retention-refund-2025",
    "CN-UI-STABLE-UP-2025": "cn-job-retention-raised-2025",
    "CN-UI-EXPAND-2025": "cn-job-expansion-2025",
    "CN-SH-ABSORB-2024": "cn-31-hiring-subsidy-2024",
    "CN-SS-25PCT-2025": "cn-key-industry-insurance-subsidy-2025",
    "CN-DISABLED-LEVY-EXEMPT": "cn-disability-levy-exemption",
    "CN-DISABLED-LEVY-TIER": "cn-disability-levy-reduction",
    "CN-SIX-TAX-TWO-FEE": "cn-six-taxes-half",
    "CN-CIT-SMALL-PROFIT": "cn-small-profit-income-tax",
    "CN-IIT-INDIVIDUAL-HALF": "cn-individual-income-tax-half",
    "CN-VAT-SMALL": "cn-small-payer-vat-relief",
    "CN-SZLH-HNTE": "cn-44-longhua-hnte-award-2022",
    "CN-FJ-SRDI-GIANT": "cn-35-srdi-giant-award",
    "CN-UNION-FEE-REFUND": "cn-union-fee-refund",
    "CN-YA-ABSORB": "cn-35-yongan-hiring-subsidy",
    "CN-YA-SS-SUBSIDY": "cn-35-yongan-insurance-subsidy",
    "CN-RD-SUPER-DEDUCT": "cn-research-super-deduction",
    "CN-KEYGROUP-HIRE-TAX": "cn-key-group-hire-tax",
    "CN-KEYGROUP-SELF-TAX": "cn-key-group-business-tax",
    "CN-VETERAN-HIRE-TAX": "cn-veteran-hire-tax",
    "CN-TEDA-HNTE": "cn-12-teda-hnte-award",
    "CN-PXSL-HNTE": "cn-36-shangli-recognition-award",
    "CN-CD-SRDI-GIANT3": "cn-51-little-giant-batch-3-award",
    "CN-XA-ABOVE-SCALE": "cn-61-xian-above-scale-award",
    "CN-YANAN-FIVE-ABOVE": "cn-61-yanan-above-scale-award",
    "CN-ZS-DIGITAL": "cn-44-zhongshan-digital-pilot",
    "CN-SERVICE-LOAN": "cn-service-loan-interest",
    "CN-PRIVATE-INVEST-LOAN-2026": "cn-private-investment-loan-interest-2026",
    "CN-TRAVEL-DEPOSIT": "cn-travel-deposit-refund",
    "CN-IND-TO-ENT": "cn-51-converted-enterprise-award",
}
REAL_POLICIES = CITIZENS | ENTERPRISES
# What one document grants in two ways, each under conditions of its own, is two files: the second of them.
SECOND_FILES = {"cn-51-converted-above-scale-award": "CN-IND-TO-ENT"}
# Policies that nobody may decide by machine, each by its own reason.
DELIBERATE_NEGATIVES = {
    "cn-national-scholarship-2024": "competitive",
    "cn-44-shenzhen-temporary-assistance": "discretionary",
    "cn-44-zhongshan-digital-pilot": "assessment",
}
# What ran out before today says so with its last day; a run of today cannot grant it.
EXPIRED = {
    "cn-31-hiring-subsidy-2024": date(2024, 12, 31),
    "cn-35-job-seeking-subsidy-2025": date(2024, 11, 19),
    "cn-37-job-seeking-subsidy-2023": date(2023, 6, 30),
    "cn-44-longhua-hnte-award-2022": date(2022, 12, 31),
    "cn-51-little-giant-batch-3-award": date(2022, 8, 31),
    "cn-job-expansion-2025": date(2025, 12, 31),
    "cn-job-retention-raised-2025": date(2025, 12, 31),
    "cn-job-retention-refund-2025": date(2025, 12, 31),
    "cn-skill-upgrade-2025": date(2025, 12, 31),
}


def _leaves(node: Condition, basis: str | None = None) -> Iterator[tuple[Condition, str | None]]:
    """Yield each leaf that the file holds, with the clause that it, or the group around it, stands on."""
    found = node.basis or basis
    # Whether an instalment's turn has come is asked by the language, not by the law.
    if node.kind == "leaf" and not node.text.startswith(GRANTED):
        yield node, found
    for child in node.children:
        yield from _leaves(child, found)


# --- which policies


@pytest.mark.parametrize(("real", "id"), REAL_POLICIES.items(), ids=list(REAL_POLICIES))
def test_every_real_policy_that_was_collected_has_its_rule_file(real: str, id: str) -> None:
    assert id in LIBRARY
    spaces = {"citizen", "household"} if real in CITIZENS else {"enterprise"}
    assert LIBRARY[id].space in spaces


def test_no_rule_file_stands_for_two_policies_and_none_for_no_policy() -> None:
    assert len(REAL_POLICIES) == 54
    assert sorted([*REAL_POLICIES.values(), *SECOND_FILES]) == sorted(LIBRARY)
    assert set(SECOND_FILES.values()) <= set(REAL_POLICIES)


def test_policies_of_eight_regions_lie_in_folders_of_their_own() -> None:
    folders = {Path(policy.file).parent.name for policy in LIBRARY.values()}
    assert len(folders - {"cn"}) >= 8


# --- what each file says


@EVERY_POLICY
def test_every_condition_names_the_clause_it_stands_on(policy: Policy) -> None:
    assert [leaf.text for leaf, basis in _leaves(policy.eligibility) if not basis] == []


@EVERY_POLICY
def test_every_condition_is_said_in_both_languages(policy: Policy) -> None:
    silent = [leaf.text for leaf, _ in _leaves(policy.eligibility) if leaf.says is None]
    assert silent == []


@EVERY_POLICY
def test_every_file_says_how_sure_its_figures_are_and_what_is_open(policy: Policy) -> None:
    assert policy.confidence in ("high", "medium", "low")
    assert policy.unverified
    if policy.confidence == "low":
        assert any("未" in note for note in policy.unverified)


@EVERY_POLICY
def test_how_sure_the_figures_are_is_told_in_plain_words(policy: Policy) -> None:
    assert f"confidence: {policy.confidence}" in to_plain_words(policy, "en")
    assert "可信度：" in to_plain_words(policy, "zh")


@EVERY_POLICY
def test_a_document_without_a_verified_number_says_so(policy: Policy) -> None:
    """A title alone identifies no document: where the number is missing, the file names it as open."""
    for one in policy.basis:
        numbered = any(word in one.document for word in ("〔", "号", "法", "条例"))
        assert numbered or one.note or one.date or any("文号" in note for note in policy.unverified), one.document


@EVERY_POLICY
def test_at_least_six_examples_work_the_policy_through(policy: Policy) -> None:
    expected = []
    for example in policy.examples:
        units = example.expect.get("units")
        expected += list(units.values()) if isinstance(units, dict) else [dict(example.expect)]
    assert len(policy.examples) >= 6
    assert {True, False, "unknown"} <= {one.get("eligible") for one in expected}
    named = {(example.place.file, example.name) for example in policy.examples}
    assert len(named) == len(policy.examples)


# --- until when


@EVERY_POLICY
def test_a_policy_that_ran_out_carries_its_last_day_and_shows_the_day_after(policy: Policy) -> None:
    last = policy.in_force[1]
    assert (last is not None and last < TODAY) == (policy.id in EXPIRED)
    if last is not None and last < TODAY:
        assert last == EXPIRED[policy.id]
        assert any(example.on > last for example in policy.examples), "an example after the last day"
        assert any(example.on <= last for example in policy.examples)


@EVERY_POLICY
def test_no_document_is_younger_than_the_last_day_on_which_it_was_applied(policy: Policy) -> None:
    last = policy.in_force[1] or TODAY
    assert all(one.date is None or one.date <= last for one in policy.basis)


# --- what a machine must not decide


def test_what_people_must_judge_is_never_granted_by_a_machine() -> None:
    judged = {id: policy.judgement.kind for id, policy in LIBRARY.items() if policy.judgement is not None}
    assert judged == DELIBERATE_NEGATIVES
    for id in judged:
        policy = LIBRARY[id]
        assert policy.delivery == "notify"
        assert policy.benefit.amount is None
        assert policy.fund is None


# --- what is sensitive


@EVERY_POLICY
def test_sensitive_data_are_opened_for_a_stated_purpose_only(policy: Policy) -> None:
    sensitive = {
        attribute.name
        for space in CATALOG.vocabulary.spaces.values()
        for attribute in space.attributes.values()
        if attribute.sensitivity == "sensitive"
    }
    read = {name for names in policy.reads.values() for name in names}
    opened = {name.rpartition(".")[2] for name in policy.sensitive or {}}
    assert read & sensitive == opened
    assert all(purpose.strip() for purpose in (policy.sensitive or {}).values())


def test_the_notice_of_the_special_support_names_neither_the_policy_nor_the_reason() -> None:
    notice = LIBRARY["cn-special-family-support"].notices["granted"]
    for word in ("计划生育", "特别扶助", "独生", "子女", "失独", "伤残", "{title}"):
        assert word not in notice.zh
    for word in ("child", "family", "special", "{title}"):
        assert word not in notice.en.casefold()


@EVERY_POLICY
@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_e_mail_tells_of_a_hardship_in_its_subject_or_its_text(policy: Policy, language: Language) -> None:
    notice = Notice(policy.id, policy.version, None if policy.benefit.amount is None else 100_00, "2026-11")
    assert not is_sensitive(subject_line(policy, notice, language))
    assert not is_sensitive(body_text(policy, notice, language, None))
