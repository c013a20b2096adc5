"""How two policies, or two versions of one, are related: equal, one within the other, disjoint, or who differs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from policies.errors import Place, PolicyError
from policies.examples import Decide
from policies.fixing import fix
from policies.policy import Policy
from policies.proofs.encoding import EncodedPolicy
from policies.proofs.proving import TIMEOUT_MS
from policies.proofs.report import Comparison, Difference, Relation, Sample, Undecided, Verdict
from policies.proofs.searching import TOO_LONG, Accepts, Claim, Search
from policies.proofs.terms import Formula, both, negated
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

_QUESTIONS = {
    "only-first": Bilingual("只有第一项覆盖的人", "whether the first grants somebody whom the second does not"),
    "only-second": Bilingual("只有第二项覆盖的人", "whether the second grants somebody whom the first does not"),
    "both": Bilingual("两项都覆盖的人", "whether both grant one and the same person"),
    "amounts": Bilingual("两项金额不同的人", "whether both grant somebody, with different amounts"),
}


def compare(
    first: Policy,
    second: Policy,
    vocabulary: Vocabulary,
    on: date,
    decide: Decide,
    *,
    timeout_ms: int = TIMEOUT_MS,
) -> Comparison:
    """Relate two policies on the day `on`, whether or not each is in force on it.

    Raises PolicyError `not-comparable` if they are not about the same subjects and units.
    """
    _refuse_strangers(first, second)
    search = Search(vocabulary, (fix(first, vocabulary, on), fix(second, vocabulary, on)), decide, timeout_ms)
    verdicts: dict[str, Verdict] = {}
    differences: list[Difference] = []
    undecided: list[Undecided] = []
    for code, claim, accepts in _questions(search):
        outcome = search.look(claim, accepts)
        verdicts[code] = outcome.verdict
        if outcome.verdict is Verdict.NOT_DECIDED:
            undecided.append(Undecided(code, _QUESTIONS[code], outcome.reason or TOO_LONG))
        if outcome.samples and code != "both":
            differences.append(Difference(code, outcome.samples[0], outcome.samples[1]))  # type: ignore[arg-type]
    same = verdicts.get("amounts", Verdict.PROVED)
    return Comparison(
        first.id, second.id, first.version, second.version, on,
        _relation(verdicts), same, verdicts, tuple(differences), tuple(undecided),
    )  # fmt: skip


def _questions(search: Search) -> list[tuple[str, Claim, Accepts]]:
    def only(one: int, other: int) -> Claim:
        return lambda policies: both((policies[one].eligible, negated(policies[other].eligible)))

    def granted(samples: Sequence[Sample], number: int) -> bool:
        return samples[number].outcome == "eligible"

    def joint(policies: Sequence[EncodedPolicy]) -> Formula:
        return both((policies[0].eligible, policies[1].eligible))

    def differ(policies: Sequence[EncodedPolicy]) -> Formula:
        less, more = policies[0].amount, policies[1].amount
        assert less is not None and more is not None
        return both((joint(policies), less.value != more.value))

    found: list[tuple[str, Claim, Accepts]] = [
        ("only-first", only(0, 1), lambda samples: granted(samples, 0) and not granted(samples, 1)),
        ("only-second", only(1, 0), lambda samples: granted(samples, 1) and not granted(samples, 0)),
        ("both", joint, lambda samples: granted(samples, 0) and granted(samples, 1)),
    ]
    if all(one.amount is not None for one in search.fixed):
        found.append(
            (
                "amounts",
                differ,
                lambda samples: granted(samples, 0) and granted(samples, 1) and samples[0].amount != samples[1].amount,
            )
        )
    return found


def _relation(verdicts: dict[str, Verdict]) -> Relation:
    # PROVED: there is nobody like that.
    first_within, second_within = (verdicts[code] is Verdict.PROVED for code in ("only-first", "only-second"))
    if first_within and second_within:
        return "equal"
    if verdicts["both"] is Verdict.PROVED:
        return "disjoint"
    if first_within and verdicts["only-second"] is Verdict.REFUTED:
        return "first-implies-second"
    if second_within and verdicts["only-first"] is Verdict.REFUTED:
        return "second-implies-first"
    if Verdict.REFUTED is verdicts["only-first"] is verdicts["only-second"] is verdicts["both"]:
        return "different"
    return "not-decided"


def _refuse_strangers(first: Policy, second: Policy) -> None:
    if (first.space, first.for_each) == (second.space, second.for_each):
        return
    one, other = (
        f"{policy.space}.{policy.for_each}" if policy.for_each else policy.space for policy in (first, second)
    )
    raise PolicyError.of(
        "not-comparable",
        f"`{first.id}` 针对 `{one}`，`{second.id}` 针对 `{other}`，无法比较",
        f"`{first.id}` is about `{one}` and `{second.id}` about `{other}`; they cannot be compared",
        help_zh="比较同一空间、同一 `for_each` 的政策",
        help_en="compare policies of one space and one `for_each`",
        place=Place(second.file),
    )
