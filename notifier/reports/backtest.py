"""What the report of a backtest says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.ledger.retirements import Retired
from engine.simulation.backtesting import Backtest, PeriodTest
from notifier.reports.disclosure import ALSO_HIDDEN, Shown, shown_counts
from notifier.reports.pieces import Bar, Chart, Facts, Paragraph, Piece, Report, Section, Table, cell_in, yuan
from policies.policy import Policy
from policies.text import Bilingual

_KINDS = {
    "missed": Bilingual("会有而未兑现", "would be, but was not granted"),
    "unfounded": Bilingual("兑现了而不会有", "was granted, but would not be"),
    "amount": Bilingual("金额不同", "another amount"),
}
_COUNTS = ("both", "amount_differs", "missed", "waiting", "unfounded", "open")
_SUMS = ("granted_amount", "would_amount")
_REASONS = {
    "never-decided": Bilingual("该期没有运行，或当时没有判为符合", "the period was not run, or it was no yes then"),
    "not-in-the-store": Bilingual("所读的画像库里没有这个对象", "the store that was read does not have this subject"),
    "undetermined": Bilingual("缺数据，无法判断", "data are missing, so it cannot be told"),
    "ineligible": Bilingual("按本版本不符合", "not eligible under this version"),
    "fund-exhausted": Bilingual("当时资金不足", "the fund did not suffice then"),
}


@dataclass(frozen=True, slots=True)
class ToldDifference:
    """One unit on which ledger and rule differ, told: amounts in fen, and why in words."""

    period: str
    kind: str
    granted: int | None
    would: int | None
    why: Bilingual


def reason_words(reason: str) -> Bilingual:
    """Return why a unit was not granted, or would not be, in words."""
    return _REASONS.get(reason, Bilingual(f"分配时未得（{reason}）", f"turned down by allocation ({reason})"))


def backtest_report(
    policy: Policy,
    found: Backtest,
    samples: Sequence[ToldDifference],
    *,
    exact: bool,
    retired: Retired | None = None,
) -> Report:
    """Return the report: all periods together, period by period, and some examples."""
    sections = [Section(Bilingual("结果", "Result"), (_facts(found, exact=exact), *_by_period(found, exact=exact)))]
    if samples:
        sections.append(Section(Bilingual("几个例子", "Some examples"), (_samples(samples),)))
    sections.append(Section(Bilingual("怎样读这些数字", "How to read these figures"), notes(found, retired)))
    return Report(
        Bilingual(f"回测：{policy.title.zh}", f"Backtest: {policy.title.en}"),
        Bilingual(
            f"{found.policy}，版本 {found.version[:12]}，{found.since} 至 {found.until}",
            f"{found.policy}, version {found.version[:12]}, from {found.since} to {found.until}",
        ),
        tuple(sections),
        backtest_data(found, exact=exact),
    )


def _facts(found: Backtest, *, exact: bool) -> Facts:
    periods = [_shown(one, exact=exact) for one in found.periods]

    def total(name: str) -> Shown:
        """Return the sum over all periods, unless it is small or would give away the one period that is hidden."""
        number = sum(getattr(one, name) for one in found.periods)
        if sum(isinstance(cells[name], str) for cells in periods) == 1:
            return ALSO_HIDDEN
        return shown_counts([number], exact=exact)[0] if name in _COUNTS else number

    counted = [
        (Bilingual("兑现了，也会有", "granted, and would be"), "both"),
        (_KINDS["amount"], "amount_differs"), (_KINDS["missed"], "missed"), (_KINDS["unfounded"], "unfounded"),
    ]  # fmt: skip
    counts = {each: total(each) for _, each in counted}
    pairs = [(name, Bilingual(cell_in(counts[each], "zh"), cell_in(counts[each], "en"))) for name, each in counted]
    amounts = _amounts(counts, total("granted_amount"), total("would_amount"))
    names = (Bilingual("实际兑现", "granted"), Bilingual("本版本会兑现", "would be granted"))
    for name, amount in zip(names, amounts, strict=True):
        zh, en = (f"{yuan(amount)} 元", f"{yuan(amount)} yuan") if isinstance(amount, int) else (amount, amount)
        pairs.append((name, Bilingual(zh, en)))
    return Facts(tuple(pairs))


def _amounts(counts: Mapping[str, Shown], granted: Shown, would: Shown) -> tuple[Shown, Shown]:
    """Return both sums as they may be shown: their difference would tell of a few what they got, or would get."""
    if isinstance(counts["both"], str):
        return ALSO_HIDDEN, ALSO_HIDDEN
    hidden = any(isinstance(counts[name], str) for name in ("amount_differs", "missed", "unfounded"))
    return granted, ALSO_HIDDEN if hidden else would


def _by_period(found: Backtest, *, exact: bool) -> tuple[Piece, ...]:
    columns = (
        Bilingual("期间", "period"), Bilingual("基准日", "day"), Bilingual("所读数据", "data read"),
        Bilingual("一致", "both"), _KINDS["amount"], _KINDS["missed"], Bilingual("其中待分配", "of these waiting"),
        _KINDS["unfounded"], Bilingual("其中无法判断", "of these cannot be told"),
        Bilingual("实际（元）", "granted (yuan)"), Bilingual("会有（元）", "would be (yuan)"),
    )  # fmt: skip
    shown = [_shown(one, exact=exact) for one in found.periods]
    rows = tuple(
        (one.period, str(one.on), _data_read(one), *(cells[name] for name in _COUNTS),
         *(_in_yuan(cells[name]) for name in _SUMS))
        for one, cells in zip(found.periods, shown, strict=True)
    )  # fmt: skip
    bars = tuple(
        Bar(Bilingual(one.period, one.period), count if isinstance(count, int) else 0, cell_in(count, "en"))
        for one, count in ((one, cells["missed"]) for one, cells in zip(found.periods, shown, strict=True))
    )
    pieces: list[Piece] = [Table("periods", Bilingual("逐期", "Period by period"), columns, rows)]
    if any(one.missed for one in found.periods):
        pieces.insert(0, Chart("missed", _KINDS["missed"], Bilingual("对象数", "units"), bars))
    return tuple(pieces)


def _shown(one: PeriodTest, *, exact: bool) -> dict[str, Shown]:
    """Return the figures of one period as they may be shared; periods are no parts of one total, each is hidden alone."""
    counts: dict[str, Shown] = {name: shown_counts([getattr(one, name)], exact=exact)[0] for name in _COUNTS}
    granted, would = _amounts(counts, one.granted_amount, one.would_amount)
    return {**counts, "granted_amount": granted, "would_amount": would}


def _in_yuan(amount: Shown) -> str:
    return yuan(amount) if isinstance(amount, int) else amount


def _data_read(one: PeriodTest) -> Bilingual:
    if one.run is None:
        return Bilingual("现在的数据", "as it stands now")
    return Bilingual(f"运行 {one.run}", f"run {one.run}")


def _samples(samples: Sequence[ToldDifference]) -> Table:
    columns = (Bilingual("期间", "period"), Bilingual("差别", "difference"), Bilingual("实际（元）", "granted (yuan)"),
               Bilingual("会有（元）", "would be (yuan)"), Bilingual("原因", "why"))  # fmt: skip
    rows = tuple(
        (one.period, _KINDS[one.kind], "-" if one.granted is None else yuan(one.granted),
         "-" if one.would is None else yuan(one.would), one.why)
        for one in samples
    )  # fmt: skip
    return Table("samples", Bilingual("例子", "Examples"), columns, rows, words=True)


def notes(found: Backtest, retired: Retired | None = None) -> tuple[Paragraph, ...]:
    """Return how to read a backtest, and what it could not look at; `retired`: it is out of use on the last day."""
    told = [Bilingual(
        "“会有”是分配之前的资格；账本里已收回、放弃的兑现不算兑现。",
        '"Would be" is eligibility before allocation; grants that were reversed or waived do not count as granted.',
    )]  # fmt: skip
    if retired is not None:
        told.append(Bilingual(
            f"本政策自 {retired.since} 起停用（{retired.by}：{retired.reason}）：此后的期间没有兑现。",
            f"It is retired since {retired.since} (by {retired.by}: {retired.reason}): nothing was granted after that.",
        ))  # fmt: skip
    present = [one.period for one in found.periods if one.run is None]
    if present:
        listed = ", ".join(present)
        told.append(Bilingual(
            f"这些期间没有可重读的运行数据，用的是现在的数据、当时的日期：{listed}。",
            f"For these periods no run's data can be read again: present data were read, with the date of then: {listed}.",
        ))  # fmt: skip
    if found.skipped:
        listed = ", ".join(found.skipped)
        told.append(Bilingual(f"这些期间政策不在施行期内，未测：{listed}。",
                              f"Not in force, so not tested: {listed}."))  # fmt: skip
    return tuple(Paragraph(one, note=True) for one in told)


def backtest_data(found: Backtest, *, exact: bool) -> dict[str, object]:
    """Return everything as plain values for programs; money in fen. Small counts are hidden unless `exact`."""
    return {
        "policy": found.policy, "version": found.version, "since": found.since.isoformat(),
        "until": found.until.isoformat(), "skipped": list(found.skipped),
        "periods": [
            {"period": one.period, "on": one.on.isoformat(), "run": one.run, **_shown(one, exact=exact)}
            for one in found.periods
        ],
        "exact": exact,
    }  # fmt: skip
