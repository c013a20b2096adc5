"""Could this policy run by itself? What stands in the way, how much it weighs, and what to change first.

The score starts at 100; every obstacle takes points off, each kind at most so many (`WEIGHTS`). It compares policies
of one library with each other and with themselves later; it is not a probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.coverage import Coverage
from engine.coverage_sites import leaves_of
from engine.policy_reads import ReadDatum, reads_of
from engine.qualitative_words import Qualitative, words_in
from policies.errors import MianshenError, Place
from policies.fixing import fix
from policies.judgement import KINDS
from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.tree import Literal, Node, walk
from profiles.catalog_model import Catalog

# The most points that each kind of obstacle can take off.
WEIGHTS = {
    "judgement": 60,
    "data": 30,
    "consent": 25,
    "values": 20,
    "payee": 15,
    "words": 15,
    "examples": 15,
    "clauses": 10,
    "unverified": 10,
    "freshness": 5,
}
_PAID = ("cash", "refund")
_EACH_WORD, _EACH_VALUE, _EACH_UNVERIFIED = 5, 10, 2
_CONFIDENCE = {"high": 0, "medium": 2, "low": 6, None: 4}
_CONSENT = {"automatic": 0, "channel": 0, "confirm": 8, "notify": 25, "declare": 25}


@dataclass(frozen=True, slots=True)
class StoreState:
    """What the present profile store says about one datum of a policy.

    `known` is the share of subjects (0 to 1,000, per mille) whose value is known and fresh on the day; None where it
    cannot be told. `quarantined` counts the cells of its source in quarantine.
    """

    taken_in: bool
    known: int | None = None
    as_of: date | None = None
    quarantined: int = 0


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing in the way: points it takes off, what it is, and what to change."""

    kind: str
    points: int
    message: Bilingual
    change: Bilingual
    place: Place = Place()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Readiness:
    """The score (0 to 100) of one policy and what takes points off, the heaviest first."""

    policy: str
    version: str
    on: date
    score: int
    obstacles: tuple[Obstacle, ...]
    taken_off: Mapping[str, int] = field(default_factory=dict)

    @property
    def formula(self) -> str:
        """The score as it was worked out: `100 - 30 data - 5 words = 65`."""
        parts = "".join(f" - {points} {kind}" for kind, points in self.taken_off.items() if points)
        return f"100{parts} = {self.score}"


def readiness_of(
    policy: Policy,
    catalog: Catalog,
    on: date,
    *,
    coverage: Coverage,
    failing: int,
    words: Sequence[Qualitative],
    store: Mapping[tuple[str, str], StoreState] | None = None,
) -> Readiness:
    """Return how ready a policy is to run by itself on the day `on`.

    Args:
        policy: the checked policy.
        catalog: says who delivers what.
        on: the reference date.
        coverage: what its examples show.
        failing: how many of them fail.
        words: the qualitative words to look for.
        store: the state of the profile store for each datum, by place and name; None if there is no store.
    """
    obstacles = [
        *_judgement(policy),
        *_consent(policy),
        *_data(policy, catalog, store),
        *_values(policy, catalog, on),
        *_payee(policy, catalog),
        *_words(policy, words),
        *_clauses(policy),
        *_unverified(policy),
        *_examples(policy, coverage, failing),
    ]
    taken = {
        kind: min(most, sum(one.points for one in obstacles if one.kind == kind)) for kind, most in WEIGHTS.items()
    }
    ranked = sorted(obstacles, key=lambda one: (-one.points, list(WEIGHTS).index(one.kind), str(one.place)))
    return Readiness(
        policy.id, policy.version, on, max(0, 100 - sum(taken.values())), tuple(ranked),
        {kind: points for kind, points in taken.items() if points},
    )  # fmt: skip


def _judgement(policy: Policy) -> Iterator[Obstacle]:
    if policy.judgement is None:
        return
    kind, reason = KINDS[policy.judgement.kind], policy.judgement.reason
    yield Obstacle(
        "judgement", WEIGHTS["judgement"],
        Bilingual(f"须由人裁定：{kind.zh}（{reason.zh}）", f"for people to judge: {kind.en} ({reason.en})"),
        Bilingual("请机关把裁量换成标准，否则只能作线索", "ask the authority for criteria; without them it stays a hint"),
        policy.judgement.place,
    )  # fmt: skip


def _consent(policy: Policy) -> Iterator[Obstacle]:
    points = _CONSENT[policy.delivery]
    if not points:
        return
    if policy.delivery == "confirm":
        yield Obstacle(
            "consent", points,
            Bilingual("须本人确认后才兑现", "granted only once the person has confirmed"),
            Bilingual("确认法规是否要求本人同意；不要求则改为 automatic", "if the law does not ask for consent, make it automatic"),
        )  # fmt: skip
        return
    yield Obstacle(
        "consent", points,
        Bilingual("只提示，仍须本人申请或申报", "people are only told and still have to apply or declare"),
        Bilingual(
            "补齐申请表里机关没有的数据，再改为 confirm 或 automatic",
            "find out which data of the form no agency has; with these it can be confirm or automatic",
        ),
    )  # fmt: skip


def _data(policy: Policy, catalog: Catalog, store: Mapping[tuple[str, str], StoreState] | None) -> Iterator[Obstacle]:
    data = reads_of(policy, catalog).data
    share = max(1, WEIGHTS["data"] // max(1, len(data)))
    for one in data:
        name, zh, en = f"{one.place}.{one.name}", one.title.zh, one.title.en
        if one.source is None:
            yield Obstacle(
                "data", max(share, 10),
                Bilingual(f"`{name}`（{zh}）没有来源", f"no source delivers `{name}` ({en})"),
                Bilingual("请在目录里登记由哪个部门归集", "declare in the catalog which agency delivers it"),
            )  # fmt: skip
            continue
        if one.sensitive and one.purpose is None:
            yield Obstacle(
                "data", share,
                Bilingual(f"敏感数据 `{name}` 没有写明用途", f"no purpose is declared for the sensitive `{name}`"),
                Bilingual("在 sensitive 里写明用途", "declare it under sensitive"),
            )  # fmt: skip
        limited = one.freshness_days is not None or one.lasting
        if one.kind == "attribute" and not limited and one.source.refresh not in ("daily", "weekly"):
            yield Obstacle(
                "freshness", 1,
                Bilingual(f"`{name}` 没有保鲜期，旧数据会一直算数", f"`{name}` has no freshness limit: old data count for ever"),
                Bilingual("在目录里给它写 freshness_days，不会过时的写 never", "give it a freshness limit in the catalog, or `never`"),
            )  # fmt: skip
        if store is not None:
            yield from _stored(one, name, store.get((one.place, one.name)), share)


def _stored(one: ReadDatum, name: str, state: StoreState | None, share: int) -> Iterator[Obstacle]:
    assert one.source is not None
    agency = one.source.agency
    if state is None or not state.taken_in:
        yield Obstacle(
            "data", share,
            Bilingual(f"`{name}` 在库里还没有：从未收过 {one.source.id}", f"`{name}` is not in the store: {one.source.id} was never taken in"),
            Bilingual(f"向{agency.zh}要一份 {one.source.id}", f"ask {agency.en} for {one.source.id}"),
        )  # fmt: skip
        return
    if state.known is not None and state.known < 950:
        lacking = 1000 - state.known
        yield Obstacle(
            "data", max(1, share * lacking // 1000),
            Bilingual(
                f"`{name}` 有 {lacking // 10}% 的对象缺数据或已过期",
                f"`{name}` is missing or stale for {lacking // 10} % of the subjects",
            ),
            Bilingual(
                f"请{agency.zh}补齐；隔离区有 {state.quarantined} 处",
                f"ask {agency.en} to complete it; {state.quarantined} cells are in quarantine",
            ),
        )  # fmt: skip


def _values(policy: Policy, catalog: Catalog, on: date) -> Iterator[Obstacle]:
    first, last = policy.in_force
    if last is not None and last < on:
        yield Obstacle(
            "values", WEIGHTS["values"],
            Bilingual(f"已于 {last} 到期", f"it ended on {last}"),
            Bilingual("核对有没有延续的文件", "look whether a later document continues it"),
        )  # fmt: skip
        return
    try:
        fixed = fix(policy, catalog.vocabulary, max(on, first))
    except MianshenError:
        return
    silent = {
        node.missing
        for root in _roots(fixed.eligibility, fixed.amount)
        for node in walk(root)
        if isinstance(node, Literal) and node.value is None and node.missing is not None
    }
    for name in sorted(silent):
        yield Obstacle(
            "values", _EACH_VALUE,
            Bilingual(f"`{name}` 在 {on} 没有值", f"`{name}` has no value on {on}"),
            Bilingual("补上这一天起的值或当月指标", "give the value from that day, or the series of the month"),
        )  # fmt: skip


def _roots(condition: Condition, amount: Node | None) -> Iterator[Node]:
    for leaf in leaves_of(condition):
        if leaf.expression is not None:
            yield leaf.expression
    if amount is not None:
        yield amount


def _payee(policy: Policy, catalog: Catalog) -> Iterator[Obstacle]:
    if policy.benefit.kind not in _PAID:
        return
    space = policy.space
    for link in policy.payee:
        holder = catalog.spaces[space]
        links = dict(holder.links)
        if policy.for_each in holder.collections:
            links |= holder.collections[str(policy.for_each)].links
        space = links[link].target if link in links else space
    delivered = any(
        one.contact == "account"
        for source in catalog.sources.values()
        if source.space == space
        for one in source.fields
    )
    if not delivered:
        yield Obstacle(
            "payee", WEIGHTS["payee"],
            Bilingual(f"没有来源提供 `{space}` 的收款账户", f"no source delivers bank accounts of the space `{space}`"),
            Bilingual("请人社（社保卡）或银行提供账户，或用 payee 指明付给谁", "have accounts delivered, or say with payee who is paid"),
        )  # fmt: skip


def _words(policy: Policy, words: Sequence[Qualitative]) -> Iterator[Obstacle]:
    texts = [(leaf.says, leaf.place) for leaf in leaves_of(policy.eligibility) if leaf.says is not None]
    if policy.benefit.says is not None:
        texts.append((policy.benefit.says, policy.benefit.place))
    for text, place in texts:
        assert text is not None
        for found in words_in(text, words):
            yield Obstacle(
                "words", _EACH_WORD,
                Bilingual(
                    f"“{text.zh}”里的“{found.word.zh}”由人判断", f"`{found.word.en}` in `{text.en}` is a matter of judgement"
                ),
                found.ask,
                place,
            )  # fmt: skip


def _clauses(policy: Policy) -> Iterator[Obstacle]:
    leaves = list(leaves_of(policy.eligibility))
    without = [leaf for leaf in leaves if not leaf.basis]
    share = max(1, (WEIGHTS["clauses"] - 2) // max(1, len(leaves)))
    for leaf in without:
        shown = leaf.says or Bilingual(leaf.text, leaf.text)
        yield Obstacle(
            "clauses", share,
            Bilingual(f"条件“{shown.zh}”没有条款号", f"the condition `{shown.en}` names no clause"),
            Bilingual("写 basis:，不予兑现时要引用它", "give its basis: a refusal has to quote it"),
            leaf.place,
        )  # fmt: skip
    if not any(one.date is not None for one in policy.basis):
        yield Obstacle(
            "clauses", 2,
            Bilingual("依据的文件没有日期", "no document of the basis has a date"),
            Bilingual("在 basis 里写 date:", "give a date in basis"),
        )  # fmt: skip


def _unverified(policy: Policy) -> Iterator[Obstacle]:
    for note in policy.unverified:
        yield Obstacle(
            "unverified", _EACH_UNVERIFIED,
            Bilingual(f"未核实：{note}", f"not verified: {note}"),
            Bilingual("对照官方文本核实后删去这一条", "verify it against the official text, then delete the note"),
        )  # fmt: skip
    points = _CONFIDENCE[policy.confidence]
    if points:
        shown = policy.confidence or "-"
        yield Obstacle(
            "unverified", points,
            Bilingual(f"作者的把握：{shown}", f"confidence of the author: {shown}"),
            Bilingual("核对官方文本后改为 high", "make it high once the official text has been read"),
        )  # fmt: skip


def _examples(policy: Policy, coverage: Coverage, failing: int) -> Iterator[Obstacle]:
    if failing:
        yield Obstacle(
            "examples", WEIGHTS["examples"],
            Bilingual(f"{failing} 个例子不符", f"{failing} examples fail"),
            Bilingual(f"运行 mianshen policies test {policy.id}", f"run mianshen policies test {policy.id}"),
        )  # fmt: skip
    lacking = len(coverage.unseen)
    points = (100 - coverage.percent) // 10
    if points:
        yield Obstacle(
            "examples", points,
            Bilingual(f"例子只覆盖 {coverage.percent}%，缺 {lacking} 处", f"the examples show {coverage.percent} % of it; {lacking} points are open"),
            Bilingual(
                f"运行 mianshen policies test {policy.id} --coverage，粘贴它给出的例子",
                f"run mianshen policies test {policy.id} --coverage and paste the cases it gives",
            ),
        )  # fmt: skip
