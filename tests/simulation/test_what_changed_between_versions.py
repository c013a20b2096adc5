"""Differences between versions are told clause by clause; what means the same is no difference."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from engine.installation import Installation
from policies.policy import Policy
from policies.version_changes import SECTIONS, changes_between

POLICY = "cn-31-elderly-allowance"


@pytest.mark.parametrize(
    ("old", "new", "section", "kind"),
    [
        ("values: {2016-05-01: 65}", "values: {2016-05-01: 65, 2027-01-01: 64}", "parameter", "changed"),
        ("age_in_month < 80, amount: 150", "age_in_month < 80, amount: 160", "tier", "changed"),
        ("    - when: alive\n      says: {zh: 在世, en: alive}\n      basis: 沪府发〔2016〕24号·停发\n", "", "condition", "removed"),
        ("from: 2016-05-01}", "from: 2016-05-01, to: 2027-12-31}", "dates", "changed"),
        ("delivery: automatic", "delivery: notify", "delivery", "changed"),
        ("fund: civil-affairs-allowance\n", "", "relations", "removed"),
        ("无需申请。", "不需要申请。", "notice", "changed"),
        ("zh: 上海市老年综合津贴", "zh: 上海老年津贴", "formalities", "changed"),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_told(
    installation: Installation, changed: Callable[..., Policy], old: str, new: str, section: str, kind: str
) -> None:
    policy = installation.library.policies[POLICY]
    found = [one for one in changes_between(policy, changed((old, new))) if one.section == section]
    assert [one.kind for one in found] == [kind]
    assert found[0].before is not None and (found[0].after is None) == (kind == "removed")
    back = [one for one in changes_between(changed((old, new)), policy) if one.section == section]
    assert [(one.before, one.after) for one in back] == [(found[0].after, found[0].before)]


def test_comments_and_layout_are_no_change(changed: Callable[..., Policy], installation: Installation) -> None:
    same = changed(("eligibility:\n", "\n# a remark\neligibility:\n"))
    assert same.version != installation.library.policies[POLICY].version
    assert changes_between(installation.library.policies[POLICY], same) == ()


def test_every_policy_of_the_library_is_equal_to_itself_and_told_against_another(installation: Installation) -> None:
    policies = list(installation.library.policies.values())
    for policy, other in itertools.pairwise(policies):
        assert changes_between(policy, policy) == ()
        found = changes_between(policy, other)
        assert found and {one.section for one in found} <= set(SECTIONS)
