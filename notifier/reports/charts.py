"""Charts as SVG and PNG, drawn by matplotlib without a screen.

In SVG letters stay text, so that the reader's fonts draw them. In PNG a font has to be there: without one that has
Chinese characters, the Chinese PNG is drawn with English labels rather than with boxes.
"""

from __future__ import annotations

import io
import re
from functools import cache
from typing import Any

from notifier.reports.pieces import Chart
from policies.errors import SettingsError
from policies.text import Language

# From the palette of Okabe and Ito, which colour-blind readers can tell apart; each bar also carries its figure.
_BLUE, _INK, _PALE = "#0072B2", "#222222", "#DDDDDD"
_CHINESE = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei",
            "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Serif CJK SC", "Arial Unicode MS")  # fmt: skip
_STACK = ", ".join([*(f"'{name}'" for name in _CHINESE), "sans-serif"])


def draw(chart: Chart, language: Language) -> tuple[str, bytes]:
    """Return the chart as SVG text and as PNG, the same for the same chart. Raises SettingsError without matplotlib."""
    _matplotlib()
    svg = re.sub(r"font-family: [^;\"]*", f"font-family: {_STACK}", _drawn(chart, language, "svg").decode("utf-8"))
    drawable = "en" if language == "zh" and _chinese_font() is None else language
    return svg, _drawn(chart, drawable, "png")


def inline(svg: str, name: str) -> str:
    """Return an SVG as it may stand inside a page: no prologue, its ids made the page's own."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError:
        raise SettingsError.of(
            "no-matplotlib", "未安装 matplotlib，无法画图", "matplotlib is not installed, so no chart can be drawn",
            help_zh="安装 matplotlib，或不用 --report", help_en="install matplotlib, or leave --report out",
        ) from None  # fmt: skip
    matplotlib.use("Agg")
    return matplotlib


@cache
def _chinese_font() -> str | None:
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)


def _drawn(chart: Chart, language: Language, form: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    fonts = [*filter(None, ["DejaVu Sans", _chinese_font()])]  # matplotlib complains of every font that is not there
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": chart.name, "font.family": fonts, "font.size": 10}
    with rc_context(settings):
        size = (7.2, 3.4) if chart.upright else (7.2, 0.9 + 0.32 * len(chart.bars))
        figure = Figure(figsize=size, layout="constrained")
        _bars(figure.add_subplot(), chart, language)
        stream = io.BytesIO()
        # Dates would make two equal charts different files.
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=150, metadata=metadata)
    return stream.getvalue()


def _bars(axes: Any, chart: Chart, language: Language) -> None:
    labels = [bar.label.in_language(language) for bar in chart.bars]
    values = [bar.value for bar in chart.bars]
    places = range(len(values))
    if chart.upright:
        axes.bar(places, values, color=_BLUE)
        axes.set_xticks(places, labels, rotation=45, ha="right")
        axes.set_ylabel(chart.unit.in_language(language), color=_INK)
        axes.yaxis.set_major_formatter(lambda value, _: f"{int(value):,}")
    else:
        drawn = axes.barh(places, values, color=_BLUE)
        axes.set_yticks(places, [label if len(label) < 40 else f"{label[:38]}…" for label in labels])
        axes.invert_yaxis()
        axes.bar_label(drawn, [bar.text for bar in chart.bars], padding=3, color=_INK)
        axes.margins(x=0.18, y=0.02)
        axes.set_xlabel(chart.unit.in_language(language), color=_INK)
        axes.xaxis.set_major_formatter(lambda value, _: f"{int(value):,}")
    axes.set_title(chart.title.in_language(language), loc="left", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y" if chart.upright else "x", color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
