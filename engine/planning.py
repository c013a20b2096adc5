"""Plan: which policies a run decides, in which version and for which period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from engine.allocating import Terms, terms_of
from engine.ledger.approvals import Approved, approved_policies, version_text
from engine.ledger.opening import Ledger
from engine.ledger.retirements import Retired, retired_policies, retirements
from policies.errors import MianshenError, RunError, SettingsError
from policies.periods import Period, period_of
from policies.policy import Policy
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Planned:
    """One policy of a run. `approved` is False only in a dry run: its decisions are a shadow."""

    policy: Policy
    period: Period
    approved: bool = True

    @property
    def id(self) -> str:
        """The policy's id."""
        return self.policy.id


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run decides. `terms` cover all known policies: earlier grants of others may rule out.

    `basis` names for each policy the finished run from which only what has changed is decided anew (see
    `engine.run_basis`); a policy without one, and with `full` every policy, is decided for everybody.
    """

    on: date
    policies: tuple[Planned, ...]
    terms: Mapping[str, Terms]
    release: tuple[str, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    full: bool = False

    def to_json(self) -> dict[str, object]:
        """Return what is pinned in the ledger, from which the plan can be made again."""
        return {
            "on": self.on.isoformat(),
            "policies": [[item.id, item.policy.version] for item in self.policies],
            "release": sorted(self.release),
            "basis": dict(sorted(self.basis.items())),
            "full": self.full,
        }

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Policy and period key of everything planned."""
        return [(item.id, item.period.key) for item in self.policies]


def make_plan(
    ledger: Ledger,
    policies: Mapping[str, Policy],
    vocabulary: Vocabulary,
    on: date,
    *,
    only: Sequence[str] | None = None,
    release: Sequence[str] = (),
    dry_run: bool = False,
) -> Plan:
    """Plan the approved policies that are in force on `on`; a dry run also takes those without approval.

    The approved version decides even if the library holds a newer text. Raises RunError if `only` or
    `release` names a policy that cannot be planned, or if nothing at all is approved; SettingsError if there is
    no policy of that name.
    """
    approved, retired = approved_policies(ledger, on), retired_policies(ledger, on)
    chosen: dict[str, Planned] = {}
    for name in sorted(set(approved) | (set(policies) - set(retired) if dry_run else set())):
        version = approved.get(name)
        policy = policies[name] if version is None else approved_text(ledger, policies, vocabulary, version)
        if is_in_force(policy, on):
            chosen[name] = Planned(policy, period_of(policy.period, on), version is not None)
    if only is None and not chosen and not approved:
        raise _nothing_approved(retired)
    for name in [*(only or ()), *release]:
        if name not in chosen or name in retired:
            raise cannot_plan(name, on, policies, approved, retired)
    wanted = [item for name, item in chosen.items() if only is None or name in only]
    return _plan(on, wanted, policies, release)


def pinned_plan(
    ledger: Ledger,
    policies: Mapping[str, Policy],
    vocabulary: Vocabulary,
    pinned: Mapping[str, object],
) -> Plan:
    """Make the plan of an unfinished run again, from what it had pinned."""
    on = date.fromisoformat(str(pinned["on"]))
    wanted = []
    for name, version in pinned["policies"]:  # type: ignore[attr-defined]
        policy = _in_version(ledger, policies, vocabulary, name, version)
        wanted.append(Planned(policy, period_of(policy.period, on)))
    plan = _plan(on, wanted, policies, tuple(pinned["release"]))  # type: ignore[arg-type]
    # Runs pinned before there were bases have none.
    return replace(plan, basis=pinned.get("basis", {}), full=bool(pinned.get("full")))  # type: ignore[arg-type]


def approved_text(ledger: Ledger, policies: Mapping[str, Policy], vocabulary: Vocabulary, approved: Approved) -> Policy:
    """Return the policy in its approved version: the library's if it is that version, else the ledger's."""
    return _in_version(ledger, policies, vocabulary, approved.policy, approved.version)


def is_in_force(policy: Policy, on: date) -> bool:
    """Return whether `on` lies within the policy's days of force."""
    start, end = policy.in_force
    return start <= on and (end is None or on <= end)


def ending_with_retirement(ledger: Ledger, policies: Sequence[Policy], on: date) -> list[Policy]:
    """Return the policies as whoever looks ahead from `on` must take them: out of force from their retirement on."""
    ends: dict[str, date] = {}
    for one in retirements(ledger):
        if one.since > on and one.resumed_on is None:
            ends[one.policy] = one.since - timedelta(days=1)
    return [
        replace(each, in_force=(each.in_force[0], min(ends[each.id], each.in_force[1] or ends[each.id])))
        if each.id in ends
        else each
        for each in policies
    ]


def _in_version(
    ledger: Ledger, policies: Mapping[str, Policy], vocabulary: Vocabulary, name: str, version: str
) -> Policy:
    current = policies.get(name)
    if current is not None and current.version == version:
        return current
    from policies.library import read_policy_text

    return read_policy_text(version_text(ledger, version), vocabulary, file=f"{name}@{version[:12]}")


def _plan(on: date, wanted: Sequence[Planned], policies: Mapping[str, Policy], release: Sequence[str]) -> Plan:
    terms = {name: terms_of(policy, on) for name, policy in policies.items()}
    terms.update({item.id: terms_of(item.policy, on, item.period) for item in wanted})
    return Plan(on, tuple(wanted), terms, tuple(release))


def _retired(one: Retired, on: date) -> MianshenError:
    return RunError.of(
        "policy-retired",
        f"政策 `{one.policy}` 在 {on} 已停用（{one.by}，自 {one.since} 起）：{one.reason}",
        f"the policy `{one.policy}` is retired on {on} (by {one.by}, since {one.since}): {one.reason}",
        help_zh=f"已兑现的照旧；{one.since} 之前的日期仍可运行（--on）；要恢复请重新审批",
        help_en=f"what was granted stays; days before {one.since} can still be run with --on; "
        "approve a version anew to take it up again",
    )


def _nothing_approved(retired: Mapping[str, Retired]) -> Exception:
    if retired:
        names, names_en = "、".join(sorted(retired)), ", ".join(sorted(retired))
        return RunError.of(
            "all-retired",
            f"已审批的政策都已停用：{names}",
            f"every policy that was approved is retired: {names_en}",
            help_zh="重新审批一个版本即可恢复：mianshen policies approve 政策 --by 审批人",
            help_en="approve a version anew to take it up again: mianshen policies approve POLICY --by NAME",
        )
    return RunError.of(
        "nothing-approved",
        "没有任何已审批的政策，运行无事可做",
        "no policy is approved, so there is nothing to run",
        help_zh="先审批：mianshen policies approve 政策 --by 审批人",
        help_en="approve one first: mianshen policies approve POLICY --by NAME",
    )


def cannot_plan(
    name: str,
    on: date,
    policies: Mapping[str, Policy],
    approved: Mapping[str, Approved],
    retired: Mapping[str, Retired],
) -> MianshenError:
    """Return the error that says why a policy takes part in nothing on the day: RunError, or SettingsError for a
    name that nothing has."""
    if name in retired:
        return _retired(retired[name], on)
    if name in approved:
        return RunError.of(
            "not-in-force",
            f"政策 `{name}` 在 {on} 不在有效期内",
            f"the policy `{name}` is not in force on {on}",
            help_zh="用 --on 另选日期，或查看规则文件的 in_force",
            help_en="choose another day with --on, or look at in_force in the rule file",
        )
    if name in policies:
        return RunError.of(
            "not-approved",
            f"政策 `{name}` 的现行版本在 {on} 尚未审批生效",
            f"no version of the policy `{name}` is approved for {on}",
            help_zh="请作者以外的人审批，或用 --dry-run 试运行",
            help_en="have somebody other than its author approve it, or try it with --dry-run",
        )
    return SettingsError.of(
        "unknown-policy",
        f"规则库里没有政策 `{name}`",
        f"the library has no policy `{name}`",
        help_zh="`mianshen policies check` 列出有错误的文件;编号见规则文件的 id",
        help_en="`mianshen policies check` lists files with errors; ids stand in the rule files",
    )
