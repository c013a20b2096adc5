"""Signs that authors type and no parser takes: full-width punctuation, curly quotes, `≥`, units after numbers.

A Chinese keyboard writes them by itself. What is wrong is said with the sign, its place, and what to write instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.text import Bilingual

_PLAIN = {
    "：": ":", "，": ",", "、": ",", "；": ";", "。": ".", "（": "(", "）": ")", "［": "[", "］": "]", "【": "[", "】": "]",
    "｛": "{", "｝": "}", "“": '"', "”": '"', "„": '"', "＂": '"', "‘": "'", "’": "'", "＇": "'", "＃": "#",
    "≥": ">=", "≧": ">=", "≤": "<=", "≦": "<=", "≠": "!=", "＞": ">", "＜": "<", "＝": "==", "！": "!", "×": "*", "＊": "*",
    "÷": "/", "／": "/", "＋": "+", "－": "-", "−": "-", "–": "-", "—": "-", "％": "%", "＿": "_",
    "\u00a0": " ", "\u3000": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u202f": " ",
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{chr(0xFF21 + number): chr(65 + number) for number in range(26)},
    **{chr(0xFF41 + number): chr(97 + number) for number in range(26)},
}  # fmt: skip
_SPACES = {sign for sign, plain in _PLAIN.items() if plain == " "}
_NUMBER = r"(?<![\w.])([0-9]+(?:\.[0-9]+)?)"
_UNIT = re.compile(_NUMBER + r"\s*(百万|千万|亿|万|千|百)?(元|块|分|岁|周岁|人|天|日|个月|月|年)?")
_PERCENT = re.compile(_NUMBER + r"\s*[%％]")
_THOUSANDS = re.compile(r"(?<![\w.])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])")
_EXPONENT = re.compile(_NUMBER + r"[eE]([0-9]{1,2})(?!\w)")
# A colon after a key, a comma before a key, a quote after a colon or comma, a bracket after a colon, a tab.
_OF_YAML = re.compile(
    r"(?:^|[\s{\[,，-])[a-z_]+(：)|(，|、)\s*[a-z_]+\s*[:：]|[:：,，]\s*([“”‘’＂])|[:：]\s*([｛［【])|(\t)"
)
_TIMES = {"百": 100, "千": 1_000, "万": 10_000, "百万": 1_000_000, "千万": 10_000_000, "亿": 100_000_000}


@dataclass(frozen=True, slots=True)
class ForeignSign:
    """One sign that no parser takes: its position in the text, counted from 0, and what to write instead."""

    position: int
    remedy: Bilingual


def foreign_sign(text: str) -> ForeignSign | None:
    """Return the first such sign of a line that stands outside quotes and comments, or None.

    >>> foreign_sign("space：citizen").remedy.en
    'write `:` instead of `：` (typed with a Chinese keyboard)'
    """
    quote = ""
    for position, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign == "#" and (position == 0 or text[position - 1] == " "):
            return None
        elif sign == "\t":
            return ForeignSign(position, Bilingual("请用空格，不用制表符（Tab）", "write spaces instead of the tab"))
        elif sign in _SPACES:
            remedy = Bilingual(
                f"请用普通空格，不用 U+{ord(sign):04X}（看起来像空格）",
                f"write a plain space instead of U+{ord(sign):04X}, which only looks like one",
            )
            return ForeignSign(position, remedy)
        elif sign in _PLAIN:
            plain = _PLAIN[sign]
            remedy = Bilingual(
                f"请写 `{plain}`，不写 `{sign}`（中文输入法的符号）",
                f"write `{plain}` instead of `{sign}` (typed with a Chinese keyboard)",
            )
            return ForeignSign(position, remedy)
    return None


def foreign_sign_of_yaml(line: str) -> ForeignSign | None:
    """Return the first sign of a line that keeps YAML from seeing a key, a quote or a bracket, or None.

    Full-width signs inside a Chinese sentence are none of these.

    >>> foreign_sign_of_yaml("says: {zh: 本市户籍，在世}") is None
    True
    """
    found = _OF_YAML.search(line)
    if found is None:
        return None
    position = next(found.start(group) for group in range(1, _OF_YAML.groups + 1) if found[group] is not None)
    return foreign_sign(" " * position + line[position:])


def is_like_a_number(text: str) -> bool:
    """Return whether a text is nothing but a number in another spelling, such as `1e3`, `60,000` or `1万元`."""
    return any(one.fullmatch(text.strip()) for one in (_THOUSANDS, _EXPONENT, _PERCENT, _UNIT))


def number_remedy(text: str) -> Bilingual | None:
    """Return how to write the first number of a text that is not plain: `1e3`, `60,000`, `50%`, `1万`, `60元`.

    >>> number_remedy("1万").en
    'write the number alone: `10000`'
    """
    found = _THOUSANDS.search(text)
    if found:
        return _written(found[0].replace(",", ""))
    found = _EXPONENT.search(text)
    if found and "." not in found[1]:
        return _written(found[1] + "0" * int(found[2]))
    found = _PERCENT.search(text)
    if found:
        return _written(_scaled(found[1], 100))
    for found in _UNIT.finditer(text):
        if found[2]:
            return _written(_multiplied(found[1], _TIMES[found[2]]))
        if found[3]:
            return _written(found[1])
    return None


def _written(number: str) -> Bilingual:
    return Bilingual(f"只写数字：`{number}`", f"write the number alone: `{number}`")


def _scaled(number: str, divisor: int) -> str:
    """Return a decimal text divided by a power of ten, without a loss."""
    places = len(str(divisor)) - 1
    whole, _, part = number.partition(".")
    padded = whole.rjust(places + 1, "0")
    found = f"{padded[:-places]}.{padded[-places:]}{part}".rstrip("0")
    return found + "0" if found.endswith(".") else found


def _multiplied(number: str, factor: int) -> str:
    whole, _, part = number.partition(".")
    places = len(str(factor)) - 1
    if len(part) <= places:
        return str(int(whole + part.ljust(places, "0")))
    return f"{int(whole + part[:places])}.{part[places:]}"
