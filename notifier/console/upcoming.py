"""`mianshen upcoming`: how many will become eligible in the coming months, or cease to be, by policy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.installation import Installation
from engine.ledger.approvals import approved_policies
from engine.ledger.earlier import past_grants_of
from engine.ledger.retirements import retired_policies
from engine.planning import approved_text, cannot_plan, ending_with_retirement
from engine.upcoming_batch import ComingReport, upcoming_of
from notifier.console.failing import EXIT_NEEDS_A_PERSON
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, progress, table
from policies.errors import RunError
from policies.policy import Policy


def show_upcoming(
    installation: Installation, on: date, only: Sequence[str], days: int, say: Speech, *, as_json: bool
) -> int:
    """Print what changes by itself; return the exit code: a policy that could not be evaluated needs a person.

    Raises RunError if nothing is approved, or `only` names what is not approved, or retired; SettingsError for a
    name that no policy has.
    """
    policies = _chosen(installation, on, only)
    with progress() as bar, past_grants_of(installation.ledger, None) as past:
        task = bar.add_task(say("看前路", "looking ahead"), total=None)
        report = upcoming_of(
            installation.snapshot(on), policies, installation.catalog.vocabulary, on, days, past,
            lambda step, done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    if as_json:
        print_json(
            {
                "on": on,
                "days": list(report.days),
                "changes": [
                    {
                        "policy": one.policy,
                        "on": one.on,
                        "becoming": one.becoming,
                        "amount": one.amount,
                        "ceasing": one.ceasing,
                        "open": one.open,
                    }
                    for one in report.changes
                ],
                "errors": {id: [each.code for each in found] for id, found in report.errors.items()},
            }
        )
    else:
        _print(report, {each.id: each for each in policies}, on, say)
    for id, found in report.errors.items():
        for diagnostic in found:
            problems.print(f"{id}: {diagnostic.render(say.language)}", style="red", markup=False)
    return EXIT_NEEDS_A_PERSON if report.errors else 0


def _chosen(installation: Installation, on: date, only: Sequence[str]) -> list[Policy]:
    """Return the approved versions, also of policies that come into force only later."""
    vocabulary, library = installation.catalog.vocabulary, installation.library.policies
    approved = approved_policies(installation.ledger, on)
    for id in sorted(set(only) - set(approved)):
        raise cannot_plan(id, on, library, approved, retired_policies(installation.ledger, on))
    if not approved:
        raise RunError.of(
            "policy-not-approved", "没有已审批的政策", "no policy is approved",
            help_zh="先审批: mianshen policies approve", help_en="approve it first: mianshen policies approve",
        )  # fmt: skip
    policies = [
        approved_text(installation.ledger, library, vocabulary, one)
        for id, one in sorted(approved.items())
        if not only or id in only
    ]
    return ending_with_retirement(installation.ledger, policies, on)


def _print(report: ComingReport, policies: dict[str, Policy], on: date, say: Speech) -> None:
    rows = [
        (
            one.on.isoformat(),
            say.of(policies[one.policy].title),
            f"{one.becoming:,}",
            say.yuan(one.amount),
            f"{one.ceasing:,}",
            f"{one.open:,}",
        )
        for one in report.changes
    ]
    columns = [
        say("到这一天", "by this day"), say("政策", "policy"), say("将符合", "become eligible"),
        say("金额(元)", "yuan"), say("不再符合", "cease to be"),
        say("尚不能定", "not known yet"),
    ]  # fmt: skip
    title = say(f"{on} 之后,其他不变时的变化", f"what changes after {on} if nothing else does")
    console.print(table(title, columns, rows, numbers=(2, 3, 4, 5)))
    decided = ", ".join(day.isoformat() for day in report.days)
    console.print(say(f"逐日判定的日子: {decided}", f"everybody was decided on: {decided}"))
