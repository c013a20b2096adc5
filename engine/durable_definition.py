"""A policy as a definition that durable-rules takes, with words for whoever reads it."""

from __future__ import annotations

import copy
from datetime import date

from engine.durable_lowering import DurablePolicy, applies, lower
from engine.durable_rulesets import CANARY, KIND, Definition, rulesets_of
from engine.durable_terms import Term, type_words
from policies.errors import Diagnostic, DurableError, Place
from policies.fixing import fix
from policies.policy import FixedPolicy, Policy
from policies.text import Bilingual
from policies.tree import Aggregate, Attribute, Compare, CompareRatio, In, Named, Node, Within, children
from policies.vocabulary import Vocabulary


def definition(policy: Policy | FixedPolicy, vocabulary: Vocabulary, on: date) -> dict[str, object]:
    """Return a policy as plain data for JSON.

    `rulesets` is what `durable.engine.Host` takes, once every rule has been given a `run`. A fact has the attributes
    of `facts`, each left out where it is unknown, and besides `id`, `sid` and the `kind` that guards every rule.
    The name of a rule is the policy, the question and a number; the policy holds if a `yes` fires, does not hold if
    a `no` fires, and is undetermined if neither does. `canary` fires for every fact.

    Args:
        policy: the policy; a fixed one is taken as it is.
        vocabulary: the names it was checked against.
        on: the reference date on which to settle what depends on it.

    Raises:
        DurableError: durable-rules cannot express the policy exactly.
    """
    fixed = policy if isinstance(policy, FixedPolicy) else fix(policy, vocabulary, on)
    lowered = lower(fixed, vocabulary)
    rulesets: Definition = {}
    for number, ruleset in enumerate(rulesets_of([lowered]), start=1):
        rulesets[f"{fixed.policy.id} {number}"] = copy.deepcopy(ruleset.definition())
    found: dict[str, object] = {
        "policy": fixed.policy.id,
        "version": fixed.policy.version,
        "on": fixed.on.isoformat(),
        "engine": "durable-rules",
        "guard": {"kind": KIND},
        "canary": CANARY,
        "facts": {term.name: described(term) for term in lowered.described_terms()},
        "questions": [question.name for question in lowered.questions],
        "rulesets": rulesets,
    }
    if fixed.policy.for_each is not None:
        found["for_each"] = fixed.policy.for_each
    if fixed.amount is not None:
        found["amounts"] = _amounts(lowered)
    return found


def not_decided_by_durable_rules(policy: Policy, vocabulary: Vocabulary, on: date) -> Diagnostic | None:
    """Return a warning that names what durable-rules cannot express of a policy on a day; None if it can all."""
    try:
        lower(fix(policy, vocabulary, on), vocabulary)
    except DurableError as error:
        return as_warning(error.diagnostics[0], policy)
    return None


def as_warning(refused: Diagnostic, policy: Policy) -> Diagnostic:
    """Return a refusal as what it means for operation: the other engines decide the policy without this one."""
    message = Bilingual(
        f"durable-rules 不参与判定此政策，事件与复核只由解释器和列式引擎完成：{refused.message.zh}",
        "this policy is not decided by durable-rules; the interpreter and the columnar engine decide it without: "
        + refused.message.en,
    )
    place = refused.place if refused.place != Place() else Place(policy.file)
    return Diagnostic(refused.code, message, refused.help, place, "warning")


def described(term: Term) -> dict[str, object]:
    """Return the type of a term, what it is, and the data it is computed from."""
    words = {
        "value": "the value of {}",
        "difference": "left - right of {}, held within 64 bits",
        "ratio": "numerator - right * denominator of {}, with the sign of the denominator, held within 64 bits",
        "same": "whether both sides are equal: {}",
        "prefix": "the first {length} characters of {}",
        "known": "true if it is known: {}",
    }[term.form]
    return {
        "type": type_words(term),
        "is": words.format(formula(term.node), length=term.length),
        "from": list(dict.fromkeys(_data(term.node))),
    }


def _amounts(policy: DurablePolicy) -> list[dict[str, object]]:
    fixed = policy.fixed
    if not fixed.tiers:
        assert fixed.amount is not None
        return [{"fen": formula(fixed.amount)}]
    return [
        {"if": applies(number), "when": tier.text, "fen": formula(tier.amount)}
        for number, tier in enumerate(fixed.tiers)
    ]


def formula(node: Node) -> str:
    """Return an expression in short words: names where people have given one, else its parts."""
    if isinstance(node, Named):
        return node.name
    if isinstance(node, Attribute):
        return ".".join(node.path)
    if isinstance(node, Aggregate):
        return node.text
    if isinstance(node, Compare):
        return f"{formula(node.left)} {node.operator} {formula(node.right)}"
    if isinstance(node, CompareRatio):
        return f"{formula(node.numerator)} / {formula(node.denominator)} compared with {formula(node.right)}"
    if isinstance(node, In):
        return f"{formula(node.child)} in a list of {len(node.values)}"
    if isinstance(node, Within):
        return f"{formula(node.child)} within one of {len(node.prefixes)} codes"
    value = getattr(node, "value", None)
    if not list(children(node)):
        return "unknown" if value is None else str(value)
    return f"{type(node).__name__}({', '.join(formula(one) for one in children(node))})"


def _data(node: Node) -> list[str]:
    if isinstance(node, Attribute):
        return [".".join(node.path)]
    if isinstance(node, Aggregate):
        return [node.text]
    return [name for child in children(node) for name in _data(child)]
