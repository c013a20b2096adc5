"""Charts as SVG and PNG, drawn by matplotlib without a screen.

In SVG letters stay text, so that the reader's fonts draw them. In PNG a font has to be there: without one that has
Chinese characters, the Chinese PNG is drawn with English labels rather than with boxes, what has no letters there is
drawn as question marks, and `missing_font` says so.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

from notifier.reports.pieces import Chart
from policies.text import Bilingual, Language

# From the palette of Okabe and Ito, which colour-blind readers can tell apart; each bar also carries its figure.
_BLUE, _INK, _PALE = "#0072B2", "#222222", "#DDDDDD"
_CHINESE = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei",
            "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Serif CJK SC", "Arial Unicode MS")  # fmt: skip
_STACK = ", ".join([*(f"'{name}'" for name in _CHINESE), "sans-serif"])


def draw(chart: Chart, language: Language) -> tuple[str, bytes]:
    """Return the chart as SVG text and as PNG, the same for the same chart."""
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


def missing_font() -> Bilingual | None:
    """Return what is wrong with the PNG files on this machine in words, or None: a font with Chinese characters is there."""
    if _chinese_font() is not None:
        return None
    return Bilingual(
        "这台机器没有中文字体：PNG 图用英文标注；SVG 与网页不受影响。安装 Noto Sans CJK 后重新生成即可",
        "this machine has no font with Chinese characters: the PNG charts are labelled in English, SVG and page are not "
        "touched by it; install Noto Sans CJK and make the report again",
    )


@cache
def _chinese_font() -> str | None:
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _CHINESE if name in known), None)


def _drawn(chart: Chart, language: Language, form: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    fonts = [*filter(None, ["DejaVu Sans", _chinese_font()])]  # matplotlib complains of every font that is not there
    words = _Words(language, None if form == "svg" else _letters(tuple(fonts)))
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": chart.name, "font.family": fonts, "font.size": 10}
    with rc_context(settings), warnings.catch_warnings():
        if form == "svg":  # its letters are drawn by whoever looks at it; here only their widths are guessed
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
        size = (7.2, 3.4) if chart.upright else (7.2, 0.9 + 0.32 * len(chart.bars))
        figure = Figure(figsize=size, layout="constrained")
        _bars(figure.add_subplot(), chart, words)
        stream = io.BytesIO()
        # Dates would make two equal charts different files.
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(stream, format=form, dpi=150, metadata=metadata)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class _Words:
    """Texts in one language, in letters that can be drawn; None: in any."""

    language: Language
    letters: frozenset[int] | None

    def of(self, text: Bilingual) -> str:
        return self.plain(text.in_language(self.language))

    def plain(self, text: str) -> str:
        if self.letters is None:
            return text
        return "".join(each if ord(each) in self.letters else "?" for each in text)


@cache
def _letters(fonts: tuple[str, ...]) -> frozenset[int]:
    """Return the code points that these fonts can draw."""
    from matplotlib import font_manager

    files = [font_manager.findfont(name) for name in fonts]
    return frozenset().union(*(font_manager.get_font(file).get_charmap() for file in files))


def _bars(axes: Any, chart: Chart, words: _Words) -> None:
    labels = [words.of(bar.label) for bar in chart.bars]
    values = [bar.value for bar in chart.bars]
    places = range(len(values))
    if chart.upright:
        axes.bar(places, values, color=_BLUE)
        axes.set_xticks(places, labels, rotation=45, ha="right")
        axes.set_ylabel(words.of(chart.unit), color=_INK)
        axes.yaxis.set_major_formatter(lambda value, _: f"{int(value):,}")
    else:
        drawn = axes.barh(places, values, color=_BLUE)
        axes.set_yticks(places, [label if len(label) < 40 else f"{label[:38]}…" for label in labels])
        axes.invert_yaxis()
        axes.bar_label(drawn, [words.plain(bar.text) for bar in chart.bars], padding=3, color=_INK)
        axes.margins(x=0.18, y=0.02)
        axes.set_xlabel(words.of(chart.unit), color=_INK)
        axes.xaxis.set_major_formatter(lambda value, _: f"{int(value):,}")
    axes.set_title(words.of(chart.title), loc="left", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y" if chart.upright else "x", color=_PALE, linewidth=0.6)
    axes.set_axisbelow(True)
