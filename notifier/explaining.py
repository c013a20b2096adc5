"""Why: a decision as lines that a person can read, condition by condition, with value, source and date.

The terminal and the web pages show the same tree. Nothing here formats for a medium.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine.allocating import Reason
from engine.ceiling_standing import Standing
from engine.ceilings import CeilingTold, ceilings_told
from engine.decision import Decision, Outcome, TraceStep, ValueUsed
from engine.evidence_facts import EvidenceFacts, decide_again, inputs_from_json
from engine.interpreter import amount_steps
from engine.ledger.ceiling_grants import ceilings_in
from engine.policy_inputs import types_by_name
from notifier.outlook import Outlook
from notifier.titles import Datum, datum_of
from policies.fixing import fix
from policies.plain_words import condition_in_words, value_in_words
from policies.policy import FixedPolicy, Policy
from policies.text import Bilingual
from policies.types import Number, Text, Type, Value
from policies.vocabulary import Vocabulary

_AMOUNT = Bilingual("金额", "amount")
_UNIT_WHERE = Bilingual("属于本政策计算的条目", "this item counts for the policy")


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value that was looked at.

    `name` is the name as the rule file writes it; `title` and `value` are words; `known` is False where the
    datum is missing. `source` is the agency that delivered it and `as_of` the day its data describes; both
    are None for what is computed or set by the policy. `event` names the life event that said so last, if one did.
    """

    name: str
    title: Bilingual
    value: Bilingual
    known: bool = True
    source: Bilingual | None = None
    as_of: date | None = None
    event: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A life event that has spoken about a datum since the last extract: which one, and on what day."""

    event: Bilingual
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Line:
    """One condition: its words, the clause it rests on, its result, what was looked at, the lines below.

    `result` is None if it could not be told. `kind` is `all`, `any`, `none` or `leaf`.
    """

    words: Bilingual
    clause: str | None
    result: bool | None
    values: tuple[ShownValue, ...] = ()
    children: tuple[Line, ...] = ()
    kind: str = "leaf"


@dataclass(frozen=True, slots=True)
class CeilingLine:
    """How one ceiling stands: its words, the clause it rests on, the amounts (`values`)."""

    words: Bilingual
    clause: str | None
    values: tuple[ShownValue, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """What the receiver must do later. `due` is None if no day can be told; `clause` is the clause it rests on."""

    words: Bilingual
    due: date | None
    clause: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision explained. `amount` is in fen; `settled_by` names the facts that would settle it.

    `outlook` says what lies ahead; it is None for a grant that is explained from its evidence, which is past.
    `judgement` says why nothing is granted by this alone; `duty` what whoever is granted must do later. `ceilings`
    are those it falls under, and `left` is what they leave of `amount`, in fen (None without ceilings); `waits` says
    why they leave nothing.
    """

    policy: str
    version: str
    title: Bilingual
    authority: str
    basis: tuple[str, ...]
    outcome: Outcome
    on: date
    period: str
    amount: int | None
    root: Line
    amount_steps: tuple[ShownValue, ...] = ()
    settled_by: tuple[Bilingual, ...] = ()
    outlook: Outlook | None = None
    judgement: Bilingual | None = None
    duty: Duty | None = None
    ceilings: tuple[CeilingLine, ...] = ()
    left: int | None = None
    waits: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class _Telling:
    """What all lines of one explanation share."""

    fixed: FixedPolicy
    vocabulary: Vocabulary
    as_of: Mapping[str, date]
    agencies: Mapping[str, Bilingual]
    types: Mapping[str, Type]
    told: Mapping[str, Told]

    def datum(self, name: str) -> Datum:
        return datum_of(name, self.fixed.policy, self.vocabulary)

    def value(self, name: str, value: Value) -> ShownValue:
        datum = self.datum(name)
        kind = self.types.get(name, Text())
        words = Bilingual(
            value_in_words(value, kind, "zh", self.vocabulary), value_in_words(value, kind, "en", self.vocabulary)
        )
        source = self.agencies.get(datum.source) if datum.source else None
        if source is None and datum.source:
            source = Bilingual(datum.source, datum.source)
        as_of = self.as_of.get(datum.source) if datum.source else None
        told = self.told.get(name)
        if told is not None:
            return ShownValue(name, datum.title, words, value is not None, source, told.as_of, told.event)
        return ShownValue(name, datum.title, words, value is not None, source, as_of)

    def used(self, used: tuple[ValueUsed, ...]) -> tuple[ShownValue, ...]:
        return tuple(self.value(one.name, one.value) for one in used)

    def line(self, step: TraceStep) -> Line:
        condition = step.condition
        if condition.kind == "leaf" and condition.text == "unit_where" and condition.says is None:
            words = _UNIT_WHERE
        else:
            words = Bilingual(condition_in_words(condition, "zh"), condition_in_words(condition, "en"))
        children = tuple(self.line(child) for child in step.children)
        return Line(words, condition.basis, step.result, self.used(step.used), children, condition.kind)

    def steps(self, decision: Decision) -> tuple[ShownValue, ...]:
        inputs = decision.inputs
        if decision.outcome is not Outcome.ELIGIBLE or self.fixed.amount is None or inputs is None:
            return ()
        if self.fixed.policy.for_each is None:
            steps = amount_steps(self.fixed, EvidenceFacts(inputs))
        else:
            steps = amount_steps(self.fixed, EvidenceFacts(inputs, "subject."), EvidenceFacts(inputs))
        *before, (_, amount) = steps
        shown = [self.value(name, value) for name, value in before]
        return (*shown, ShownValue("amount", _AMOUNT, _in_yuan(amount), amount is not None))


def explanation_of(
    policy: Policy,
    fixed: FixedPolicy,
    decision: Decision,
    vocabulary: Vocabulary,
    as_of: Mapping[str, date],
    agencies: Mapping[str, Bilingual] | None = None,
    outlook: Outlook | None = None,
    told: Mapping[str, Told] | None = None,
    standing: Standing | None = None,
) -> Explanation:
    """Return the decision as a tree of lines.

    Args:
        policy: the version that decided.
        fixed: it, settled for the reference date.
        decision: what was decided.
        vocabulary: titles of attributes, links, collections and codes.
        as_of: source id to the day that its data describes.
        agencies: source id to the agency's name; the id itself is shown where it is missing.
        outlook: what lies ahead of the decision (`notifier.outlook`).
        told: by name as the rule writes it, what a life event has said since the last extract.
        standing: what the ceilings leave of the amount, for policies with `ceilings`.
    """
    telling = _Telling(fixed, vocabulary, as_of, agencies or {}, types_by_name(fixed), told or {})
    return Explanation(
        policy=policy.id,
        version=policy.version,
        title=policy.title,
        authority=policy.authority,
        basis=tuple(each.document for each in policy.basis),
        outcome=decision.outcome,
        on=fixed.on,
        period=fixed.period.key,
        amount=decision.amount,
        root=telling.line(decision.trace),
        amount_steps=telling.steps(decision),
        settled_by=tuple(telling.datum(name).title for name in decision.settled_by),
        outlook=outlook,
        judgement=policy.judgement.reason if policy.judgement is not None else None,
        duty=_duty(fixed),
        ceilings=() if standing is None else tuple(_ceiling(fixed, one) for one in standing.ceilings),
        left=None if standing is None else standing.amount,
        waits=None if standing is None else _waits(fixed, standing),
    )


def _ceiling(fixed: FixedPolicy, told: CeilingTold) -> CeilingLine:
    ceiling = next((one for one in fixed.ceilings if one.name == told.name), None)
    words = ceiling.says if ceiling is not None else None
    group = ", ".join(told.group)
    plain = words or Bilingual(told.name, told.name)
    in_words = _in_yuan if ceiling is None or ceiling.is_money else _as_quota
    shown = [
        ("ceiling", Bilingual("上限", "at most"), told.limit),
        ("before", Bilingual("此前已计入", "counted before"), told.before),
    ]
    if told.measure is not None and told.counted is not None:
        shown.append(("measure", Bilingual("本项数额", "of this item"), told.measure))
        shown.append(("counted", Bilingual("其中计入", "of which counts"), told.counted))
    return CeilingLine(
        Bilingual(f"{plain.zh}（{group}）", f"{plain.en} ({group})") if group else plain,
        ceiling.basis if ceiling is not None else None,
        tuple(ShownValue(name, title, in_words(amount)) for name, title, amount in shown),
    )


def _waits(fixed: FixedPolicy, standing: Standing) -> Bilingual | None:
    if standing.waits_for is None:
        return None
    ceiling = next((one for one in fixed.ceilings if one.name == standing.waits_for), None)
    words = ceiling.says if ceiling is not None and ceiling.says is not None else None
    name = words or Bilingual(standing.waits_for, standing.waits_for)
    if standing.waits_because is Reason.CEILING_UNKNOWN:
        return Bilingual(
            f"缺少数据，不知道怎样计入：{name.zh}", f"waits: data are missing to tell how it counts under: {name.en}"
        )
    return Bilingual(f"已达上限，等候：{name.zh}", f"waits: nothing is left under: {name.en}")


def _as_quota(hundredths: int) -> Bilingual:
    number = f"{Decimal(hundredths).scaleb(-2).normalize():f}"
    return Bilingual(number, number)


def _in_yuan(amount: Value) -> Bilingual:
    yuan = Number(2, "yuan")
    return Bilingual(value_in_words(amount, yuan, "zh"), value_in_words(amount, yuan, "en"))


def _duty(fixed: FixedPolicy) -> Duty | None:
    obligation = fixed.policy.benefit.obligation
    return None if obligation is None else Duty(obligation.says, fixed.due, obligation.basis)


def explain_grant(
    grant: Mapping[str, object],
    policy: Policy,
    vocabulary: Vocabulary,
    agencies: Mapping[str, Bilingual] | None = None,
) -> Explanation:
    """Return why a grant was made, decided again from its evidence alone.

    Args:
        grant: a row of `engine.ledger.grants`.
        policy: the version that decided: `grant["version"]`.
        vocabulary: see `explanation_of`.
        agencies: see `explanation_of`.

    Raises:
        PolicyError: the evidence is incomplete or cannot be read.
    """
    fixed = fix(policy, vocabulary, date.fromisoformat(str(grant["on"])))
    values, days = evidence_of(grant)
    inputs = inputs_from_json(fixed, json.dumps(values, ensure_ascii=False))
    told = tuple(ceilings_told(ceilings_in(str(grant["evidence"]))))
    # Whoever reads this holds the grant: what it came to is what was left.
    standing = Standing(int(str(grant["amount"])), told) if told else None
    return explanation_of(policy, fixed, decide_again(fixed, inputs), vocabulary, days, agencies, standing=standing)


def evidence_of(grant: Mapping[str, object]) -> tuple[dict[str, object], dict[str, date]]:
    """Return the recorded values and the day of each source; both empty if there is nothing to read."""
    try:
        recorded = json.loads(str(grant["evidence"]))
        values = dict(recorded["values"])
        return values, {name: date.fromisoformat(day) for name, day in recorded["as_of"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}, {}
