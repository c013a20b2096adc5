"""`mianshen profiles statistics`: who is in the store, beside the published figures, as a picture of text."""

from __future__ import annotations

from datetime import date
from typing import Any

from engine.installation import Installation
from notifier.console.speech import Speech
from notifier.console.tables import console, print_json, table
from policies.errors import StoreError
from profiles.population_count import AgeGroup, PopulationCount, count_population
from profiles.sample_city.statistics import CERTAINTIES, UNITS, published

_WIDTH = 30
_FULL, _HALF, _OTHER_HALF, _MARK = "█", "▌", "▐", "│"


def show_statistics(installation: Installation, on: date, say: Speech, *, figures: bool, as_json: bool) -> None:
    """Print the pyramid of the store beside the published one, and shares; with `figures`, the figures and sources.

    Raises:
        StoreError: nobody has been taken in yet (the figures themselves need no store).
    """
    if figures:
        _show_figures(say, as_json=as_json)
        return
    count = count_population(installation.snapshot(on))
    if count.people == 0:
        raise StoreError.of(
            "nobody-in-store", "画像库里还没有人", "there is nobody in the profile store yet",
            help_zh="先用 mianshen profiles import 收入人口登记,或运行 mianshen demo",
            help_en="take in the population register with mianshen profiles import, or run mianshen demo",
        )  # fmt: skip
    if as_json:
        print_json(count)
        return
    _print_pyramid(count, say)
    _print_shares(count, say)


def _print_pyramid(count: PopulationCount, say: Speech) -> None:
    placed = max(sum(group.men + group.women for group in count.groups), 1)
    shares = [(group, group.men / placed, group.women / placed) for group in count.groups]
    widest = max(
        [max(men, women) for _, men, women in shares]
        + [max(group.published_men, group.published_women) / 100_000 for group in count.groups]
    )
    console.print(
        say(
            f"{count.on} 库中在世居民 {count.people:,} 人,单位 {count.firms:,} 家。柱:库中占比;│:公布的占比(2020年普查)。",
            f"{count.on}: {count.people:,} living residents and {count.firms:,} organisations in the store."
            f" Bars: their share; │: the published share (census of 2020).",
        )
    )
    console.print(f"{'':>8}{say('男', 'men'):>{_WIDTH - (1 if say.language == 'zh' else 0)}}   {say('女', 'women')}")
    for group, men, women in reversed(shares):
        left = _bar(men, group.published_men / 100_000, widest)[::-1].replace(_HALF, _OTHER_HALF)
        right = _bar(women, group.published_women / 100_000, widest)
        console.print(f"{_name(group):>8}{left} ┃ {right} {(men + women) * 100:5.1f} %", markup=False)
    if count.unplaced:
        console.print(
            say(f"另有 {count.unplaced:,} 人年龄或性别未知。", f"Of {count.unplaced:,} more, age or sex is not known.")
        )


def _name(group: AgeGroup) -> str:
    low = group.group.partition("-")[0]
    return f"{low}+" if low == "100" else group.group


def _bar(share: float, expected: float, widest: float) -> str:
    """Return a bar of `share`, with a mark where `expected` would end; `widest` fills the whole width."""
    halves = round(share / widest * _WIDTH * 2)
    cells = list((_FULL * (halves // 2) + (_HALF if halves % 2 else "")).ljust(_WIDTH))
    cells[min(round(expected / widest * _WIDTH), _WIDTH - 1)] = _MARK
    return "".join(cells)


def _print_shares(count: PopulationCount, say: Speech) -> None:
    rows = [
        (
            say.of(share.title),
            f"{share.counted:,}",
            f"{share.counted / share.known * 100:.2f} %" if share.known else "-",
            f"{share.published / 100:.2f} %",
            say.of(CERTAINTIES[share.certainty]),
        )
        for share in count.shares
    ]
    heads = [
        say("指标", "figure"), say("库中人数", "in the store"), say("占比", "share"),
        say("公布", "published"), say("公布数的把握", "how sure that is"),
    ]  # fmt: skip
    console.print(table("", heads, rows, numbers=(1, 2, 3)))


def _show_figures(say: Speech, *, as_json: bool) -> None:
    statistics = published()
    if as_json:
        print_json(statistics.model_dump(mode="json"))
        return
    rows = [
        (
            say.of(figure.title.to_bilingual()),
            _value(figure.value, say),
            say.of(UNITS[figure.unit]),
            str(figure.year),
            say.of(statistics.sources[figure.source].title.to_bilingual()),
            say.of(CERTAINTIES[figure.certainty]),
        )
        for figure in statistics.figures.values()
    ]
    heads = [
        say("指标", "figure"), say("数值", "value"), say("单位", "unit"), say("年份", "year"),
        say("来源", "source"), say("把握", "how sure"),
    ]  # fmt: skip
    console.print(
        table(
            say("样例城市依据的公布数字", "the published figures behind the sample city"), heads, rows, numbers=(1, 3)
        )
    )
    devices = [
        (say.of(device.says.to_bilingual()), _value(device.value, say), say.of(UNITS[device.unit]))
        for device in statistics.devices.values()
    ]
    console.print(
        table(
            say("不是统计数字,只为让每项政策都有人可找", "no statistics: there so that every policy finds somebody"),
            [say("说明", "what"), say("数值", "value"), say("单位", "unit")], devices, numbers=(1,),
        )
    )  # fmt: skip


def _value(value: Any, say: Speech) -> str:
    """Return a number as it is, and of a table how many numbers it has (`--json` prints them all)."""
    if isinstance(value, dict):
        return say(f"{len(value)} 项", f"{len(value)} values")
    return f"{value:,}"
