"""`mianshen gaps`: which missing data keep decisions open, how many, and how much money hangs on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from typing import Literal

from engine.data_gaps import Gap, GapsReport, MissingDatum, Weight, data_gaps
from engine.installation import Installation
from engine.ledger.earlier import past_grants_of
from engine.planning import make_plan
from notifier.console.failing import EXIT_NEEDS_A_PERSON
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, problems, progress, table
from policies.errors import SettingsError
from policies.fixing import fix
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

By = Literal["datum", "agency", "policy"]
_CHOICES = ("datum", "agency", "policy")
_OF_POLICY = Bilingual("政策本身(参数或指标)", "the policies (parameters, indicators)")


def show_gaps(
    installation: Installation,
    on: date,
    only: Sequence[str] | None,
    by: str,
    top: int,
    say: Speech,
    *,
    as_json: bool,
) -> int:
    """Print the gaps, heaviest first; return the exit code: a policy that could not be evaluated needs a person.

    Raises RunError if nothing is approved, or `only` names what cannot be run; SettingsError for another `by`.
    """
    if by not in _CHOICES:
        raise SettingsError.of(
            "unknown-choice", f"不能按 `{by}` 归类", f"gaps cannot be told by `{by}`",
            help_zh="可用: " + " ".join(_CHOICES), help_en="one of: " + " ".join(_CHOICES),
        )  # fmt: skip
    report = _report(installation, on, only, say)
    telling = _Telling(installation, report, say)
    if as_json:
        print_json(telling.to_json(on, top))
    else:
        telling.print(by, top)
    for one in report.policies:
        for diagnostic in one.error:
            problems.print(f"{one.policy}: {diagnostic.render(say.language)}", style="red", markup=False)
    return EXIT_NEEDS_A_PERSON if any(one.error for one in report.policies) else 0


def _report(installation: Installation, on: date, only: Sequence[str] | None, say: Speech) -> GapsReport:
    vocabulary = installation.catalog.vocabulary
    plan = make_plan(installation.ledger, installation.library.policies, vocabulary, on, only=only)
    fixed = [fix(item.policy, vocabulary, on, item.period) for item in plan.policies]
    with progress() as bar, past_grants_of(installation.ledger, None) as past:
        task = bar.add_task(say("查缺口", "gaps"), total=None)
        return data_gaps(
            installation.snapshot(on), fixed, vocabulary, past,
            lambda step, done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip


class _Telling:
    """Tells one report: by datum, agency or policy."""

    def __init__(self, installation: Installation, report: GapsReport, say: Speech) -> None:
        self.report, self.say = report, say
        self.vocabulary: Vocabulary = installation.catalog.vocabulary
        self.sources = installation.catalog.sources
        self.titles = {id: policy.title for id, policy in installation.library.policies.items()}

    def agency(self, source: str) -> Bilingual:
        if not source:
            return _OF_POLICY
        return self.sources[source].agency if source in self.sources else Bilingual(source, source)

    def title(self, datum: MissingDatum) -> Bilingual:
        """Return what people call a datum: whose it is, and its title in the catalog."""
        space_name, _, collection_name = datum.place.partition(".")
        space = self.vocabulary.spaces.get(space_name)
        if space is None:
            return Bilingual(datum.name, datum.name)
        collection = space.collections.get(collection_name)
        parts = [space.title] + ([collection.title] if collection is not None else [])
        owner = collection if collection is not None else space
        found = owner.attributes.get(datum.name) or owner.links.get(datum.name)
        if found is not None:
            parts.append(found.title)
        elif datum.name or collection is None:
            plain = datum.name or collection_name
            parts.append(Bilingual(plain, plain))
        return Bilingual("·".join(one.zh for one in parts), " / ".join(one.en for one in parts))

    def policy(self, id: str) -> Bilingual:
        return self.titles.get(id, Bilingual(id, id))

    # As tables

    def print(self, by: str, top: int) -> None:
        say = self.say
        total = _sum(one.weight for one in self.report.policies)
        undetermined = sum(one.undetermined for one in self.report.policies)
        barred = sum(one.barred for one in self.report.policies)
        rows, heads = {"datum": self._by_datum, "agency": self._by_agency, "policy": self._by_policy}[by]()
        columns = [
            *heads, say("悬而未决", "open decisions"), say("只差这项", "lack only this"),
            say("金额(元)", "yuan"), say("估计(元)", "estimated yuan"),
        ]  # fmt: skip
        shown = [
            (*names, f"{one.decisions:,}", f"{one.alone:,}", say.yuan(one.amount), say.yuan(one.estimated))
            for names, one in rows[:top]
        ]
        numbers = tuple(range(len(heads), len(columns)))
        console.print(table(say("数据缺口,重的在前", "data gaps, the heaviest first"), columns, shown, numbers=numbers))
        console.print(
            say(
                f"未定 {undetermined:,} 项;其中 {total.decisions:,} 项补齐数据后可能符合,"
                f"涉及 {say.yuan(total.amount)} 元,另估计 {say.yuan(total.estimated)} 元。",
                f"{undetermined:,} decisions are undetermined; {total.decisions:,} could become a yes once data are there: "
                f"{say.yuan(total.amount)} yuan, and an estimated {say.yuan(total.estimated)} yuan more.",
            )
        )
        if barred:
            console.print(
                say(f"{barred:,} 项补什么数据都不会符合。", f"{barred:,} can not become a yes whatever is known.")
            )
        if len(rows) > top:
            console.print(
                say(f"另有 {len(rows) - top} 行,用 --top 查看。", f"{len(rows) - top} more lines: see --top.")
            )

    def _by_datum(self) -> tuple[list[tuple[tuple[str, ...], Weight]], list[str]]:
        of: dict[MissingDatum, list[Gap]] = defaultdict(list)
        for gap in self.report.gaps:
            of[gap.datum].append(gap)
        rows = [
            (
                (
                    self.say.of(self.title(datum)),
                    self.say.of(self.agency(datum.source)),
                    self._policies(gap.policy for gap in gaps),
                ),
                _sum(gap.weight for gap in gaps),
            )
            for datum, gaps in of.items()
        ]
        return _heaviest(rows), [self.say("数据", "datum"), self.say("部门", "agency"), self.say("政策", "policies")]

    def _by_agency(self) -> tuple[list[tuple[tuple[str, ...], Weight]], list[str]]:
        # Within one source a decision counts once; an agency's sources are added up.
        of = _grouped(self.report.sources, lambda gap: self.say.of(self.agency(gap.source)))
        rows = [
            ((agency, self._policies(gap.policy for gap in gaps)), _sum(gap.weight for gap in gaps))
            for agency, gaps in of.items()
        ]
        return _heaviest(rows), [self.say("部门", "agency"), self.say("政策", "policies")]

    def _by_policy(self) -> tuple[list[tuple[tuple[str, ...], Weight]], list[str]]:
        rows = []
        for one in self.report.policies:
            if one.weight.decisions:
                lacking = [gap for gap in self.report.gaps if gap.policy == one.policy]
                most = self.say.of(self.title(max(lacking, key=lambda gap: gap.weight.decisions).datum))
                rows.append(((one.policy, most), one.weight))
        return _heaviest(rows), [self.say("政策", "policy"), self.say("最常缺", "most often missing")]

    def _policies(self, ids: Iterable[str]) -> str:
        # The heaviest comes first, as the gaps do.
        named = list(dict.fromkeys(ids))
        return named[0] + (f" +{len(named) - 1}" if len(named) > 1 else "")

    # As JSON

    def to_json(self, on: date, top: int) -> dict[str, object]:
        """Return everything for programs: money in fen; `top` cuts the list of gaps."""
        return {
            "on": on,
            "gaps": [
                {
                    "policy": gap.policy, "place": gap.datum.place, "name": gap.datum.name, "names": list(gap.names),
                    "title": self.title(gap.datum), "source": gap.datum.source, "agency": self.agency(gap.datum.source),
                    **_plain(gap.weight),
                }
                for gap in self.report.gaps[:top]
            ],
            "sources": [
                {"policy": gap.policy, "source": gap.source, "agency": self.agency(gap.source), **_plain(gap.weight)}
                for gap in self.report.sources
            ],
            "policies": [
                {
                    "policy": one.policy, "title": self.policy(one.policy), "subjects": one.subjects,
                    "undetermined": one.undetermined, "barred": one.barred, **_plain(one.weight),
                    "error": [each.code for each in one.error],
                }
                for one in self.report.policies
            ],
        }  # fmt: skip


def _plain(weight: Weight) -> dict[str, int]:
    return {
        "decisions": weight.decisions, "alone": weight.alone,
        "amount": weight.amount, "estimated": weight.estimated, "unpriced": weight.unpriced,
    }  # fmt: skip


def _sum(weights: Iterable[Weight]) -> Weight:
    return sum(weights, Weight(0, 0, 0, 0, 0))


def _heaviest(rows: list[tuple[tuple[str, ...], Weight]]) -> list[tuple[tuple[str, ...], Weight]]:
    return sorted(rows, key=lambda row: (-row[1].money, -row[1].decisions, row[0]))


def _grouped(gaps: Iterable, key: Callable[..., Hashable]) -> dict:  # type: ignore[type-arg]
    of = defaultdict(list)
    for gap in gaps:
        of[key(gap)].append(gap)
    return of
