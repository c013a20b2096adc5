"""What an approver is shown, and what binds the approval to the text that was read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from difflib import unified_diff

from engine.installation import Installation
from engine.ledger.approvals import approved_policies
from engine.planning import approved_text
from notifier.console.speech import Speech
from notifier.console.tables import console
from policies.errors import LedgerError, Place, PolicyError, SettingsError
from policies.plain_words import to_plain_words
from policies.policy import Policy

_SHORTEST = 12
_MOST_LINES = 20


def require_reviewed(policies: Sequence[Policy], expected: str) -> None:
    """Raise LedgerError if the one policy is not in the version that was reviewed, SettingsError for a bad hash."""
    wanted = expected.strip().lower()
    if not re.fullmatch(r"[0-9a-f]+", wanted) or not _SHORTEST <= len(wanted) <= 64:
        raise SettingsError.of(
            "not-a-hash", f"`{expected}` 不是版本哈希", f"`{expected}` is not the hash of a version",
            help_zh=f"抄下 `mianshen policies show 政策` 末行的哈希,至少前 {_SHORTEST} 位",
            help_en=f"copy the hash at the end of `mianshen policies show POLICY`, at least {_SHORTEST} digits",
        )  # fmt: skip
    if len(policies) != 1:
        raise SettingsError.of(
            "one-policy-needed", "--hash 只用于审批一项政策", "--hash goes with exactly one policy",
            help_zh="逐项审批", help_en="approve them one by one",
        )  # fmt: skip
    policy = policies[0]
    if not policy.version.startswith(wanted):
        raise LedgerError.of(
            "changed-since-review",
            f"`{policy.id}` 的文件在审阅之后改过:现在是 `{policy.version[:12]}`,审阅的是 `{wanted[:12]}`",
            f"the file of `{policy.id}` has changed since it was reviewed: it is `{policy.version[:12]}` now, "
            f"`{wanted[:12]}` was reviewed",
            help_zh=f"再看一遍 `mianshen policies show {policy.id}`,再用新的哈希审批",
            help_en=f"read `mianshen policies show {policy.id}` again, then approve with the new hash",
            place=Place(policy.file),
        )


def tell_changes(installation: Installation, policy: Policy, on: date, say: Speech) -> None:
    """Print in plain words how the text differs from the version approved for that day; nothing if it is the same."""
    standing = approved_policies(installation.ledger, on).get(policy.id)
    if standing is None or standing.version == policy.version:
        return
    try:
        before = approved_text(installation.ledger, {}, installation.catalog.vocabulary, standing)
    except PolicyError:
        told = say(
            "已审批的版本现在读不出来,无法比较", "the approved version can no longer be read, so it is not compared"
        )
        console.print(f"{policy.id}: {told}", markup=False)
        return
    old, new = (to_plain_words(one, say.language).splitlines() for one in (before, policy))
    lines = [line for line in unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]
    heading = say(
        f"{policy.id}:与已审批的 {standing.version[:12]} 相比",
        f"{policy.id}: compared with the approved {standing.version[:12]}",
    )
    if not lines:
        lines = [
            "  "
            + say("说明文字相同,只有例子、注释或写法不同", "the same in words; examples, comments or layout differ")
        ]
    console.print(heading, markup=False)
    for line in lines[:_MOST_LINES]:
        console.print(f"  {line}", style={"-": "red", "+": "green"}.get(line[:1], ""), markup=False)
    if len(lines) > _MOST_LINES:
        console.print("  " + say(f"……还有 {len(lines) - _MOST_LINES} 行", f"… {len(lines) - _MOST_LINES} more lines"))
