"""A report as one HTML page that needs nothing else: no network, no script, both languages, printable."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from notifier.reports.pieces import Cell, Chart, Facts, Paragraph, Piece, Report, Section, Table, cell_in
from policies.text import Bilingual, Language

_STYLE = """
:root{--ink:#1b1b1b;--pale:#595959;--line:#d0d0d0;--accent:#005a8d;--back:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#eee;--pale:#bbb;--line:#444;--accent:#7cc4ef;--back:#161616}
.chart{background:#fff;border-radius:.3rem}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:60rem;background:var(--back);color:var(--ink);
font:1rem/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
h1{font-size:1.5rem;line-height:1.3;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:2px solid var(--accent)}
p{margin:.5rem 0}.note,.subtitle{color:var(--pale);font-size:.9rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.75rem;margin:1rem 0}
.facts div{border:1px solid var(--line);border-left:4px solid var(--accent);padding:.5rem .75rem}
.facts dt{color:var(--pale);font-size:.85rem}.facts dd{margin:0;font-size:1.05rem;font-weight:600;overflow-wrap:anywhere}
.wide{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.25rem 0}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th:first-child,td:first-child,.words th,.words td{text-align:left}thead th{border-bottom:2px solid var(--ink)}
tbody th{font-weight:400}
th:first-child{min-width:5.5em}thead th{min-width:3.2em}.words td{min-width:6em}
.chart svg{width:100%;height:auto;max-width:44rem}figure{margin:1rem 0}
@media screen and (max-width:40rem){.chart{overflow-x:auto}.chart svg{width:34rem;max-width:none}}
.switch{float:right;font-size:.9rem}
.languages{position:absolute;opacity:0}
.languages:focus-visible~.switch{outline:2px solid var(--accent)}
#show-zh:checked~* [lang=en],#show-zh:checked~[lang=en],#show-en:checked~* [lang=zh],#show-en:checked~[lang=zh]{display:none}
#show-zh:checked~.switch [for=show-zh],#show-en:checked~.switch [for=show-en]{font-weight:700;text-decoration:underline}
label{cursor:pointer}.switch label{display:inline!important;padding:.25rem}
@media print{.switch,.languages{display:none}body{max-width:none}h2{break-after:avoid}figure,tr{break-inside:avoid}}
"""


def page_of(report: Report, charts: Mapping[tuple[str, Language], str], first: Language) -> str:
    """Return the page. `charts` holds the SVG to stand inside the page; `first` is the language shown at first."""
    title = report.title.in_language(first)
    checked = {language: " checked" if language == first else "" for language in ("zh", "en")}
    parts = [
        f'<!DOCTYPE html>\n<html lang="{"zh-CN" if first == "zh" else "en"}"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="robots" content="noindex"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f'<input class="languages" type="radio" name="language" id="show-zh"{checked["zh"]}>'
        f'<input class="languages" type="radio" name="language" id="show-en"{checked["en"]}>',
        '<nav class="switch"><label for="show-zh">中文</label> <label for="show-en">English</label></nav>',
        f"<header><h1>{_words(report.title)}</h1><p class='subtitle'>{_words(report.subtitle)}</p></header><main>",
        *(_section(section, charts) for section in report.sections),
        "</main></body></html>\n",
    ]
    return "\n".join(parts)


def _words(text: Bilingual) -> str:
    if text.zh == text.en:
        return escape(text.zh)
    return f'<span lang="zh">{escape(text.zh)}</span><span lang="en">{escape(text.en)}</span>'


def _cell(cell: Cell) -> str:
    return _words(cell) if isinstance(cell, Bilingual) else escape(cell_in(cell, "en"))


def _section(section: Section, charts: Mapping[tuple[str, Language], str]) -> str:
    body = "\n".join(_piece(piece, charts) for piece in section.pieces)
    return f"<section><h2>{_words(section.title)}</h2>\n{body}</section>"


def _piece(piece: Piece, charts: Mapping[tuple[str, Language], str]) -> str:
    if isinstance(piece, Paragraph):
        return f"<p{' class=note' if piece.note else ''}>{_words(piece.words)}</p>"
    if isinstance(piece, Facts):
        shown = "".join(f"<div><dt>{_words(name)}</dt><dd>{_words(value)}</dd></div>" for name, value in piece.pairs)
        return f'<dl class="facts">{shown}</dl>'
    if isinstance(piece, Table):
        return _table(piece)
    return _chart(piece, charts)


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_words(column)}</th>' for column in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{_cell(first)}</th>{"".join(f"<td>{_cell(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in table.rows
    )
    kind = ' class="words"' if table.words else ""
    return (
        f'<div class="wide" tabindex="0"><table{kind}><caption>{_words(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _chart(chart: Chart, charts: Mapping[tuple[str, Language], str]) -> str:
    languages: tuple[Language, ...] = ("zh", "en")
    drawn = "".join(
        f'<div lang="{language}" class="chart" role="img" aria-label="{escape(chart.title.in_language(language), quote=True)}">'
        f"{charts[chart.name, language]}</div>"
        for language in languages
        if (chart.name, language) in charts
    )
    return f"<figure>{drawn}</figure>" if drawn else ""
