"""What the report of a simulation says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.ledger.retirements import Retired
from engine.simulation.figures import CHANGES, Against, Decided, Simulation
from engine.simulation.figures import Cell as Counted
from engine.simulation.grouping import UNKNOWN, Grouping
from notifier.reports.disclosure import SMALLEST_SHOWN, Shown, shown_amounts, shown_counts
from notifier.reports.pieces import Bar, Cell, Chart, Facts, Paragraph, Piece, Report, Section, Table, yuan
from notifier.reports.wording import CHANGE_WORDS, PERIOD_WORDS, Reasoned
from notifier.titles import datum_of
from policies.plain_words import condition_in_words
from policies.policy import Condition, Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary

_MOST_BARS = 24


@dataclass(frozen=True, slots=True)
class Told:
    """A simulation with all that is needed to tell it."""

    policy: Policy
    simulation: Simulation
    grouping: Grouping
    vocabulary: Vocabulary
    against: Policy | None = None
    reasons: Sequence[Reasoned] = ()
    exact: bool = False
    store: Mapping[str, int] = field(default_factory=dict)
    retired: Retired | None = None


def simulation_report(told: Told) -> Report:
    """Return the report: figures of the version, of the comparison, of the fund, and how to read them."""
    decided = told.simulation.decided
    sections = [Section(Bilingual("结果", "Result"), _result(told))]
    if told.simulation.against is not None:
        sections.append(Section(Bilingual("与另一版本相比", "Against the other version"), _against(told)))
    sections.append(Section(Bilingual("谁符合", "Who is eligible"), _groups(told)))
    sections.append(Section(Bilingual("什么把人挡在外面", "What turns people away"), _barriers(told)))
    if told.simulation.months or told.simulation.fund is not None:
        sections.append(Section(Bilingual("资金与今后", "The fund, and what lies ahead"), _ahead(told)))
    sections.append(Section(Bilingual("怎样读这些数字", "How to read these figures"), _notes(told)))
    title = told.policy.title
    return Report(
        Bilingual(f"模拟：{title.zh}", f"Simulation: {title.en}"),
        Bilingual(
            f"{decided.policy}，版本 {decided.version[:12]}，基准日 {decided.on}，期间 {decided.period}",
            f"{decided.policy}, version {decided.version[:12]}, on {decided.on}, period {decided.period}",
        ),
        tuple(sections),
        simulation_data(told),
    )


def _money(fen: int | None) -> Bilingual:
    return Bilingual("-", "-") if fen is None else Bilingual(f"{yuan(fen)} 元", f"{yuan(fen)} yuan")


def _number(count: int) -> Bilingual:
    return Bilingual(f"{count:,}", f"{count:,}")


def _result(told: Told) -> tuple[Piece, ...]:
    decided, period = told.simulation.decided, PERIOD_WORDS[told.policy.period]
    total = decided.total
    facts = [
        (Bilingual("符合", "eligible"), _number(total.yes)),
        (Bilingual("不符合", "not eligible"), _number(total.no)),
        (Bilingual("未定", "undetermined"), _number(total.undetermined)),
    ]
    if told.policy.benefit.amount is not None:
        facts += [
            (Bilingual(f"金额（{period.zh}）", f"amount ({period.en})"), _money(total.amount)),
            (Bilingual("平均", "mean"), _money(decided.mean)),
            (Bilingual("中位数", "median"), _money(decided.median)),
        ]
        if told.policy.period not in ("once", "event"):
            facts.insert(4, (Bilingual("按年计", "a year"), _money(decided.yearly)))
    return (Facts(tuple(facts)), *_tiers(told))


def _tiers(told: Told) -> tuple[Piece, ...]:
    tiers = told.policy.benefit.tiers
    found = told.simulation.decided.tiers
    if not tiers:
        return ()
    rows: list[tuple[Cell, ...]] = []
    shown = masked({str(number): found.get(number, Counted()) for number in range(len(tiers))}, exact=told.exact)
    for number, tier in enumerate(tiers):
        cell = shown[str(number)]
        words = Bilingual(tier.text or "其余", tier.text or "otherwise")
        rows.append(
            (Bilingual(f"{number + 1}. {words.zh}", f"{number + 1}. {words.en}"), cell["yes"], _fen(cell["amount"]))
        )
    columns = (Bilingual("档次", "tier"), Bilingual("对象数", "units"), Bilingual("金额（元）", "amount (yuan)"))
    return (Table("tiers", Bilingual("各档", "By tier"), columns, tuple(rows)),)


def _groups(told: Told) -> tuple[Piece, ...]:
    grouping, decided = told.grouping, told.simulation.decided
    pieces: list[Piece] = []
    if grouping.band is not None:
        names = {band: grouping.band_name(band) for band in decided.bands}
        pieces += _grouped(told, "bands", grouping.band_title, decided.bands, names)
    if grouping.district is not None:
        names = {code: grouping.district_name(code) for code in decided.districts}
        title = Bilingual("地区", "district")
        pieces += _grouped(told, "districts", title, decided.districts, names)
    if not pieces:
        pieces.append(
            Paragraph(Bilingual("此类对象没有可分组的数据。", "Nothing is known to group these subjects by."))
        )
    return tuple(pieces)


def _grouped(
    told: Told, name: str, title: Bilingual, cells: Mapping[str, Counted], names: Mapping[str, Bilingual]
) -> list[Piece]:
    shown = masked(cells, exact=told.exact)
    columns = (
        title, Bilingual("符合", "eligible"), Bilingual("不符合", "not eligible"), Bilingual("未定", "undetermined"),
        Bilingual("金额（元）", "amount (yuan)"),
    )  # fmt: skip
    rows = tuple(
        (names[group], row["yes"], row["no"], row["undetermined"], _fen(row["amount"])) for group, row in shown.items()
    )
    if name == "districts":
        chosen = sorted((one for one in cells if cells[one].yes), key=lambda one: -cells[one].yes)[:_MOST_BARS]
    else:
        chosen = [one for one in cells if one != UNKNOWN or cells[one].yes]
    bars = tuple(Bar(names[one], _length(shown[one]["yes"]), _text(shown[one]["yes"])) for one in chosen)
    heading = Bilingual(f"按{title.zh}：符合的对象数", f"Eligible by {title.en}")
    return [
        Chart(name, heading, Bilingual("对象数", "units"), bars),
        Table(name, Bilingual(f"按{title.zh}", f"By {title.en}"), columns, rows),
    ]


def masked(cells: Mapping[str, Counted], *, exact: bool) -> dict[str, dict[str, Shown]]:
    """Return the figures of all groups as they may be shared (see `notifier.reports.disclosure`)."""
    listed = list(cells.values())
    columns = {
        name: shown_counts([getattr(cell, name) for cell in listed], exact=exact)
        for name in ("yes", "no", "undetermined")
    }
    columns["amount"] = shown_amounts(columns["yes"], [cell.amount for cell in listed])
    return {group: {name: column[number] for name, column in columns.items()} for number, group in enumerate(cells)}


def _length(shown: Shown) -> int:
    return shown if isinstance(shown, int) else 0


def _text(shown: Shown) -> str:
    return f"{shown:,}" if isinstance(shown, int) else shown


def _fen(shown: Shown) -> Cell:
    return yuan(shown) if isinstance(shown, int) else shown


def words_of(condition: Condition) -> Bilingual:
    """Return one condition in words; a group with what stands in it."""
    if condition.says is not None or not condition.children:
        return Bilingual(condition_in_words(condition, "zh"), condition_in_words(condition, "en"))
    inner = [words_of(child) for child in condition.children]
    head = Bilingual(condition_in_words(condition, "zh"), condition_in_words(condition, "en"))
    return Bilingual(
        f"{head.zh}{'；'.join(one.zh for one in inner)}", f"{head.en} {'; '.join(one.en for one in inner)}"
    )


def _barriers(told: Told) -> tuple[Piece, ...]:
    decided = told.simulation.decided
    ordered = sorted(decided.barriers, key=lambda one: (-one.fails, -one.alone))
    columns = (
        Bilingual("条件", "condition"), Bilingual("依据", "clause"), Bilingual("不成立", "fails"),
        Bilingual("只差这一条", "this one alone"), Bilingual("无法判断", "cannot be told"),
    )  # fmt: skip
    rows = tuple(
        (words_of(one.condition), one.condition.basis or "-", one.fails, one.alone, one.unknown) for one in ordered
    )
    bars = tuple(Bar(words_of(one.condition), one.fails, f"{one.fails:,}") for one in ordered[:_MOST_BARS] if one.fails)
    pieces: list[Piece] = [
        Chart(
            "conditions",
            Bilingual("各条件挡住的对象数", "Whom each condition turns away"),
            Bilingual("对象数", "units"),
            bars,
        ),
        Table("conditions", Bilingual("各条件", "By condition"), columns, rows),
    ]
    if decided.missing:
        titles = {name: datum_of(name, told.policy, told.vocabulary).title for name in decided.missing}
        missing = tuple((titles[name], name, count) for name, count in decided.missing.items())
        heads = (Bilingual("缺少的数据", "missing datum"), Bilingual("规则中的名称", "name in the rule"),
                 Bilingual("未定的对象数", "undetermined units"))  # fmt: skip
        pieces.append(Table("missing", Bilingual("因缺数据而未定", "Undetermined for want of data"), heads, missing))
    return tuple(pieces)


def _against(told: Told) -> tuple[Piece, ...]:
    against = told.simulation.against
    assert against is not None and told.against is not None
    other, mine = against.decided, told.simulation.decided
    difference = mine.total.amount - other.total.amount
    facts = Facts((
        *((CHANGE_WORDS[one], _number(against.moved[one].units)) for one in CHANGES[:4]),
        (Bilingual("金额之差", "difference in cost"), _money(difference)),
        (Bilingual("一年之差", "difference a year"), _money(mine.yearly - other.yearly)),
    ))  # fmt: skip
    columns = (Bilingual("变化", "change"), Bilingual("对象数", "units"), Bilingual("差额（元）", "difference (yuan)"))
    rows = tuple((CHANGE_WORDS[one], against.moved[one].units, yuan(against.moved[one].difference)) for one in CHANGES)
    bars = tuple(
        Bar(CHANGE_WORDS[one], against.moved[one].units, f"{against.moved[one].units:,}") for one in CHANGES[:5]
    )
    intro = Paragraph(Bilingual(
        f"另一版本：{told.against.title.zh}，{other.policy}，版本 {other.version[:12]}。",
        f"The other version: {told.against.title.en}, {other.policy}, version {other.version[:12]}.",
    ))  # fmt: skip
    pieces: list[Piece] = [
        intro, facts,
        Chart("changes", Bilingual("换成本版本后", "With this version in its place"), Bilingual("对象数", "units"), bars),
        Table("changes", Bilingual("变化", "Changes"), columns, rows),
        *_moved_groups(told, against),
    ]  # fmt: skip
    if told.reasons:
        pieces.append(_samples(told.reasons))
    return tuple(pieces)


def _moved_groups(told: Told, against: Against) -> list[Piece]:
    grouping = told.grouping
    found: list[Piece] = []
    for name, title, groups, named in (
        ("changes-bands", grouping.band_title, against.bands, grouping.band_name),
        ("changes-districts", Bilingual("地区", "district"), against.districts, grouping.district_name),
    ):
        touched = {group: one for group, one in groups.items() if any(one.get(change) for change in CHANGES[:4])}
        if not touched or set(touched) == {UNKNOWN}:
            continue
        shown = masked_moves(touched, exact=told.exact)
        rows = tuple((named(group), *(row[change] for change in CHANGES[:4])) for group, row in shown.items())
        columns = (title, *(CHANGE_WORDS[change] for change in CHANGES[:4]))
        found.append(Table(name, Bilingual(f"变化，按{title.zh}", f"Changes by {title.en}"), columns, rows))
    return found


def masked_moves(groups: Mapping[str, Mapping[str, int]], *, exact: bool) -> dict[str, dict[str, Shown]]:
    """Return the changes of all groups as they may be shared."""
    columns = {
        change: shown_counts([one.get(change, 0) for one in groups.values()], exact=exact) for change in CHANGES[:4]
    }
    return {group: {name: column[number] for name, column in columns.items()} for number, group in enumerate(groups)}


def _samples(reasons: Sequence[Reasoned]) -> Table:
    columns = (Bilingual("变化", "change"), Bilingual("原版本", "other version"), Bilingual("本版本", "this version"),
               Bilingual("原因", "why"))  # fmt: skip
    rows = tuple((CHANGE_WORDS[one.change], one.before, one.after, one.why) for one in reasons)
    return Table("samples", Bilingual("几个例子", "Some examples"), columns, rows, words=True)


def _ahead(told: Told) -> tuple[Piece, ...]:
    months, fund = told.simulation.months, told.simulation.fund
    pieces: list[Piece] = []
    if fund is not None:
        years = "-" if fund.years is None else f"{fund.years // 100}.{fund.years % 100:02d}"
        facts = [
            (Bilingual("资金", "fund"), _fund_title(told, fund.fund)),
            (Bilingual("拨款", "appropriation"), _money(fund.appropriation)),
            (Bilingual("可用", "available"), _money(fund.available)),
            (Bilingual("够几年", "fund years"), Bilingual(years, years)),
        ]
        if months and fund.available is not None:
            until = Bilingual(f"{months[-1].on} 前够用", f"enough until {months[-1].on}")
            empty = until if fund.exhausted is None else Bilingual(str(fund.exhausted), str(fund.exhausted))
            facts.append((Bilingual("从何时起不够", "falls short on"), empty))
        pieces.append(Facts(tuple(facts)))
    if months:
        bars = tuple(
            Bar(Bilingual(f"{one.on:%Y-%m}", f"{one.on:%Y-%m}"), one.amount // 100, yuan(one.amount)) for one in months
        )
        columns = (Bilingual("日期", "day"), Bilingual("对象数", "units"), Bilingual("金额（元）", "amount (yuan)"),
                   Bilingual("累计（元）", "so far (yuan)"))  # fmt: skip
        rows = tuple((str(one.on), one.units, yuan(one.amount), yuan(one.total)) for one in months)
        pieces += [
            Chart("months", Bilingual("每期金额", "Amount due by period"), Bilingual("元", "yuan"), bars, upright=True),
            Table("months", Bilingual("逐期推算", "Projection"), columns, rows),
        ]
    return tuple(pieces)


def _fund_title(told: Told, fund: str) -> Bilingual:
    return told.vocabulary.funds.get(fund, Bilingual(fund, fund))


def notes_of(policy: Policy, retired: Retired | None = None) -> tuple[Bilingual, ...]:
    """Return what a simulation of this policy leaves out, in words; `retired`: it is out of use on that day."""
    found = []
    if retired is not None:
        found.append(Bilingual(
            f"本政策自 {retired.since} 起停用（{retired.by}：{retired.reason}）：跑批不会执行，这里只是试算。",
            f"It is retired since {retired.since} (by {retired.by}: {retired.reason}): no run takes it, this is a trial only.",
        ))  # fmt: skip
    found.append(Bilingual(
        "数字是分配之前的资格与金额；资金不足、名额与同一凭据只用一次，只有跑批时才见分晓。",
        "These are eligibility and amounts before allocation: a fund that runs dry, or a receipt used twice, "
        "shows only in a run.",
    ))  # fmt: skip
    if policy.exclusive is not None or policy.excludes or policy.net_of:
        others = ", ".join(
            dict.fromkeys([*policy.excludes, *policy.net_of, *([policy.exclusive.group] if policy.exclusive else [])])
        )
        found.append(Bilingual(
            f"本政策与其他待遇互斥或抵扣（{others}）；这里没有扣除，实际会更少。",
            f"It excludes other benefits, or they are taken off it ({others}); that is not done here, so that less "
            "will be granted.",
        ))  # fmt: skip
    if policy.judgement is not None:
        found.append(Bilingual(
            "本政策须人工裁定：这里数的是可能有资格的人。", "People decide this one: those counted here only may be eligible."
        ))  # fmt: skip
    if policy.period in ("once", "event"):
        found.append(Bilingual(
            "待遇不按期重复；已经领过的人也计算在内，除非规则自己排除。",
            "The benefit does not come again by the calendar; who has had it already is counted, unless the rule says no.",
        ))  # fmt: skip
    return tuple(found)


def _notes(told: Told) -> tuple[Piece, ...]:
    notes = list(notes_of(told.policy, told.retired))
    if told.simulation.months:
        notes.append(Bilingual(
            "推算只移动日期：人会长大变老，数据（收入、户籍、企业用工）不变，也没有人出生或迁入。",
            "The projection moves only the date: people grow older, their data (income, residence, staff) stay, and "
            "nobody is born or moves in.",
        ))  # fmt: skip
    if not told.exact:
        notes.append(Bilingual(
            f"少于 {SMALLEST_SHOWN} 人的格子写作 <{SMALLEST_SHOWN}；其金额写作 *；为免由合计反推，有时另隐去一格，也写作 *。",
            f"Groups of fewer than {SMALLEST_SHOWN} are shown as <{SMALLEST_SHOWN}, their amounts as *; where the total would give one "
            "away, another is hidden, too, and shown as *.",
        ))  # fmt: skip
    return tuple(Paragraph(note, note=True) for note in notes)


def simulation_data(told: Told) -> dict[str, object]:
    """Return everything as plain values for programs; money in fen. Small groups are hidden unless `exact`."""
    simulation = told.simulation
    against = simulation.against
    return {
        **decided_data(simulation.decided, exact=told.exact),
        "grouped_by": {"district": told.grouping.district, "band": told.grouping.band},
        "against": None if against is None else {
            **decided_data(against.decided, exact=told.exact),
            "moved": {name: {"units": one.units, "difference": one.difference} for name, one in against.moved.items()},
            "moved_by_district": masked_moves(against.districts, exact=told.exact),
            "moved_by_band": masked_moves(against.bands, exact=told.exact),
        },
        "months": [{"on": one.on.isoformat(), "units": one.units, "amount": one.amount, "total": one.total}
                   for one in simulation.months],
        "fund": None if simulation.fund is None else {
            "fund": simulation.fund.fund, "appropriation": simulation.fund.appropriation,
            "available": simulation.fund.available, "hundredths_of_years": simulation.fund.years,
            "exhausted": None if simulation.fund.exhausted is None else simulation.fund.exhausted.isoformat(),
        },
        "exact": told.exact,
        "store": dict(told.store),
        "notes": [{"zh": one.zh, "en": one.en} for one in notes_of(told.policy, told.retired)],
    }  # fmt: skip


def decided_data(decided: Decided, *, exact: bool) -> dict[str, object]:
    """Return the figures of one version as plain values."""
    tiers = masked({str(number): one for number, one in decided.tiers.items()}, exact=exact)
    return {
        "policy": decided.policy, "version": decided.version, "on": decided.on.isoformat(), "period": decided.period,
        "subjects": decided.subjects, "yes": decided.total.yes, "no": decided.total.no,
        "undetermined": decided.total.undetermined, "amount": decided.total.amount, "yearly": decided.yearly,
        "mean": decided.mean, "median": decided.median, "smallest": decided.smallest, "largest": decided.largest,
        "districts": masked(decided.districts, exact=exact), "bands": masked(decided.bands, exact=exact),
        "tiers": {number: {"units": one["yes"], "amount": one["amount"]} for number, one in tiers.items()},
        "conditions": [
            {"text": one.condition.text or one.condition.kind, "basis": one.condition.basis, "fails": one.fails,
             "alone": one.alone, "unknown": one.unknown}
            for one in decided.barriers
        ],
        "missing": dict(decided.missing),
    }  # fmt: skip
