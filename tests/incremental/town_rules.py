"""The rules of the changing town: every way in which a decision can come to depend on something."""

from __future__ import annotations

from collections.abc import Mapping

_HEAD = """
id: {id}
title: {{zh: {id}, en: {id}}}
space: {space}
authority: bureau
basis: [{{document: doc 1}}]
region: "310000"
in_force: {{from: 2020-01-01}}
delivery: automatic
period: {period}
schedule: "0 2 1 * *"
author: li
"""
_NOTICE = 'notice: {granted: {zh: "得{amount}元", en: "{amount} yuan"}}\n'


def _rule(id: str, body: str, *, space: str = "citizen", period: str = "month", edition: int = 0) -> str:
    edited = f"# edition {edition}\n" if edition else ""
    return _HEAD.format(id=id, space=space, period=period) + body + edited


# An edited rule has another limit in it, so that the edition matters.
def rules(versions: Mapping[str, int]) -> dict[str, str]:
    """Return the texts by id; `versions` counts how often each has been edited."""

    def edition(id: str) -> int:
        return versions.get(id, 0)

    made = [
        _rule("senior", _with(f"[years_between(birth_date, on) >= {60 - edition('senior')}]", "amount: 100")),
        _rule("senior-month", _with('[months_between(birth_date, period_end) >= 721, sex == "2"]', "amount: 50")),
        _rule(
            "welfare",
            "fund: welfare\norder_of_need: 0 - income\n"
            "parameters:\n  limit: {unit: yuan, values: {2020-01-01: 900, 2024-02-25: 1100}}\n"
            + _with(f"[dibao, income < limit + yuan({edition('welfare')})]", "amount: 300"),
            period="once",
        ),
        _rule(
            "child",
            "payee: guardian\n" + _with("[years_between(birth_date, on) < 18, guardian.dibao]", "amount: 80"),
        ),
        _rule(
            "family",
            _with("[count(members, years_between(birth_date, on) < 18) >= 1]", "amount: sum(members, income)"),
            space="household",
            period="year",
        ),
        _rule(
            "hire",
            "for_each: hires\nclaims: {group: hired, key: person}\nfund: jobs\n"
            + _with("[insured_months >= 5, years_between(person.birth_date, on) >= 18]", "amount: 1500"),
            space="enterprise",
            period="once",
        ),
        _rule("worker", _with('[employer.size_class == "S"]', "amount: 20")),
        _rule("loyal", _with('[count(grants, policy == "senior") < 2, birth_date < on]', "amount: 5")),
        _rule("often", _with("[count(grants, amount >= yuan(20)) < 6]", "amount: 3")),
        _rule("hopeful", _with('[any(grants, policy in ["worker", "skilled"] and amount > yuan(0))]', "amount: 4")),
        _rule("small", "exclusive: {group: one, choose: highest}\n" + _with("[income < yuan(1100)]", "amount: 10")),
        _rule("large", "exclusive: {group: one, choose: highest}\n" + _with("[dibao]", "amount: 15")),
        _rule("poor", _with("[income < poverty_line]", "amount: poverty_line - income\n  floor: 0"), period="once"),
        _rule("skilled", _with("[any(certificates, issued_on >= add_years(on, -1) and level <= 3)]", "amount: 30")),
        _rule("yielding", "excludes: [senior]\n" + _with('[care_level == "full"]', "amount: 40")),
        _rule(
            "trained",
            "for_each: hires\n"
            + _with(
                "[insured_months >= 1]",
                "amount: 100\n  ceilings:\n    firm: {amount: 450, within: year}\n"
                "    counted: {amount: 8, within: always, measure: yuan(3) if insured_months >= 6 else yuan(1)}\n"
                "    long: {amount: 150, within: period, for_each: [insured_months], when: insured_months >= 6}",
            ),
            space="enterprise",
        ),
        _rule(
            "mentored",
            "for_each: hires\n"
            + _with(
                '[count(subject.grants, policy == "trained") <= 3]',
                "amount: 70\n  ceilings:\n    months: {amount: 100, within: always, for_each: [insured_months]}",
            ),
            space="enterprise",
        ),
        _rule("topping", "net_of: [senior]\n" + _with("[not dibao]", "amount: 120"), period="once"),
    ]
    return {text.split("id: ", 1)[1].split("\n", 1)[0]: text for text in made}


def _with(conditions: str, amount: str) -> str:
    listed = "".join(f"    - {one.strip()}\n" for one in _split(conditions[1:-1]))
    return f"eligibility:\n  all:\n{listed}benefit:\n  kind: cash\n  {amount}\n{_NOTICE}"


def _split(text: str) -> list[str]:
    """Split at commas that stand outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]
