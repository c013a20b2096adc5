"""What the report of a backtest says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.simulation.backtesting import Backtest, PeriodTest
from notifier.reports.disclosure import shown_counts
from notifier.reports.pieces import Bar, Chart, Facts, Paragraph, Piece, Report, Section, Table, cell_in, yuan
from policies.policy import Policy
from policies.text import Bilingual

_KINDS = {
    "missed": Bilingual("会有而未兑现", "would be, but was not granted"),
    "unfounded": Bilingual("兑现了而不会有", "was granted, but would not be"),
    "amount": Bilingual("金额不同", "another amount"),
}
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


def backtest_report(policy: Policy, found: Backtest, samples: Sequence[ToldDifference], *, exact: bool) -> Report:
    """Return the report: all periods together, period by period, and some examples."""
    sections = [Section(Bilingual("结果", "Result"), (_facts(found), *_by_period(found, exact=exact)))]
    if samples:
        sections.append(Section(Bilingual("几个例子", "Some examples"), (_samples(samples),)))
    sections.append(Section(Bilingual("怎样读这些数字", "How to read these figures"), notes(found)))
    return Report(
        Bilingual(f"回测：{policy.title.zh}", f"Backtest: {policy.title.en}"),
        Bilingual(
            f"{found.policy}，版本 {found.version[:12]}，{found.since} 至 {found.until}",
            f"{found.policy}, version {found.version[:12]}, from {found.since} to {found.until}",
        ),
        tuple(sections),
        backtest_data(found),
    )


def _facts(found: Backtest) -> Facts:
    def total(name: str) -> int:
        return sum(getattr(one, name) for one in found.periods)

    counted = [
        (Bilingual("兑现了，也会有", "granted, and would be"), "both"),
        (_KINDS["amount"], "amount_differs"), (_KINDS["missed"], "missed"), (_KINDS["unfounded"], "unfounded"),
    ]  # fmt: skip
    pairs = [(name, Bilingual(f"{total(each):,}", f"{total(each):,}")) for name, each in counted]
    for name, each in (
        (Bilingual("实际兑现", "granted"), "granted_amount"), (Bilingual("本版本会兑现", "would be granted"), "would_amount")
    ):  # fmt: skip
        pairs.append((name, Bilingual(f"{yuan(total(each))} 元", f"{yuan(total(each))} yuan")))
    return Facts(tuple(pairs))


def _by_period(found: Backtest, *, exact: bool) -> tuple[Piece, ...]:
    columns = (
        Bilingual("期间", "period"), Bilingual("基准日", "day"), Bilingual("所读数据", "data read"),
        Bilingual("一致", "both"), _KINDS["amount"], _KINDS["missed"], Bilingual("其中待分配", "of these waiting"),
        _KINDS["unfounded"], Bilingual("其中无法判断", "of these cannot be told"),
        Bilingual("实际（元）", "granted (yuan)"), Bilingual("会有（元）", "would be (yuan)"),
    )  # fmt: skip
    names = ("both", "amount_differs", "missed", "waiting", "unfounded", "open")
    counts = {
        # Periods are no parts of one total, so that each cell is hidden for itself.
        name: [shown_counts([getattr(one, name)], exact=exact)[0] for one in found.periods]
        for name in names
    }
    rows = tuple(
        (one.period, str(one.on), _data_read(one), *(counts[name][number] for name in names),
         yuan(one.granted_amount), yuan(one.would_amount))
        for number, one in enumerate(found.periods)
    )  # fmt: skip
    bars = tuple(
        Bar(Bilingual(one.period, one.period), count if isinstance(count, int) else 0, cell_in(count, "en"))
        for one, count in zip(found.periods, counts["missed"], strict=True)
    )
    pieces: list[Piece] = [Table("periods", Bilingual("逐期", "Period by period"), columns, rows)]
    if any(one.missed for one in found.periods):
        pieces.insert(0, Chart("missed", _KINDS["missed"], Bilingual("对象数", "units"), bars))
    return tuple(pieces)


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


def notes(found: Backtest) -> tuple[Paragraph, ...]:
    """Return how to read a backtest, and what it could not look at."""
    told = [Bilingual(
        "“会有”是分配之前的资格；账本里已收回、放弃的兑现不算兑现。",
        '"Would be" is eligibility before allocation; grants that were reversed or waived do not count as granted.',
    )]  # fmt: skip
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


def backtest_data(found: Backtest) -> dict[str, object]:
    """Return everything as plain values for programs; money in fen."""
    return {
        "policy": found.policy, "version": found.version, "since": found.since.isoformat(),
        "until": found.until.isoformat(), "skipped": list(found.skipped),
        "periods": [
            {
                "period": one.period, "on": one.on.isoformat(), "run": one.run, "both": one.both,
                "amount_differs": one.amount_differs, "missed": one.missed, "waiting": one.waiting,
                "unfounded": one.unfounded, "open": one.open, "granted_amount": one.granted_amount,
                "would_amount": one.would_amount,
            }
            for one in found.periods
        ],
    }  # fmt: skip
