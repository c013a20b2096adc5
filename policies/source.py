"""The text of one expression: parsed by Python's own parser, never run, and always able to say where."""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

from policies.document import DEPTH_LIMIT, Scalar
from policies.document_errors import shortened
from policies.errors import Diagnostic, Place, PolicyError
from policies.foreign_signs import foreign_sign, number_remedy
from policies.text import Bilingual

LENGTH_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class Source:
    """One expression's text; `exact` if character n of it stands at `place.column + n` of the file.

    `derived` names the derived attribute of the catalog that the text belongs to; its place is then the
    place in the rule file where it is used.
    """

    text: str
    place: Place
    exact: bool = True
    derived: str | None = None

    @classmethod
    def of(cls, scalar: Scalar) -> Source:
        """Return the source of a scalar of a rule file."""
        return cls(scalar.text, scalar.text_place, scalar.exact)

    def at(self, node: ast.AST) -> Spot:
        """Return where `node` of this expression stands."""
        return Spot(self, node)


@dataclass(frozen=True, slots=True)
class Spot:
    """One part of an expression, for messages."""

    source: Source
    node: ast.AST

    @property
    def text(self) -> str:
        """The author's text of this part."""
        start, end = getattr(self.node, "col_offset", None), getattr(self.node, "end_col_offset", None)
        if start is None or end is None:
            return self.source.text.strip()
        return self.source.text.encode()[start:end].decode()

    @property
    def place(self) -> Place:
        """Line and column of this part."""
        offset = getattr(self.node, "col_offset", 0)
        characters = len(self.source.text.encode()[:offset].decode("utf-8", "ignore"))
        return _moved(self.source, characters)

    def error(self, code: str, zh: str, en: str, help_zh: str, help_en: str) -> PolicyError:
        """Return the error of this part."""
        if self.source.derived is not None:
            zh = f"目录派生属性 `{self.source.derived}`：{zh}"
            en = f"derived attribute `{self.source.derived}` of the catalog: {en}"
        return PolicyError(Diagnostic(code, Bilingual(zh, en), Bilingual(help_zh, help_en), self.place))


def _moved(source: Source, characters: int) -> Place:
    place = source.place
    if not source.exact or place.column is None:
        return place
    return Place(place.file, place.line, place.column + characters)


def parse(source: Source) -> tuple[ast.expr, Source]:
    """Return the syntax tree, and the source its offsets count in (line breaks and margins removed).

    Raises PolicyError if the text is too long, too deep or not an expression.
    """
    text = source.text.replace("\n", " ").replace("\t", " ")
    margin = len(text) - len(text.lstrip(" "))
    moved = Source(text.strip(), _moved(source, margin), source.exact, source.derived)
    whole = Spot(moved, ast.Pass())
    if not moved.text:
        raise whole.error("bad-expression", "表达式是空的", "the expression is empty", "填写表达式", "write one")
    if len(moved.text) > LENGTH_LIMIT:
        raise whole.error(
            "expression-too-long",
            f"表达式有 {len(moved.text):,} 个字符，上限为 {LENGTH_LIMIT:,}",
            f"the expression has {len(moved.text):,} characters; at most {LENGTH_LIMIT:,} are read",
            "把部分内容移到 `definitions`",
            "move parts of it to `definitions`",
        )
    _refuse_deep_brackets(moved, whole)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(moved.text, mode="eval").body
    except SyntaxError as error:
        raise _not_an_expression(moved, error) from None
    except (ValueError, MemoryError, RecursionError):
        raise too_deep(whole) from None
    return tree, moved


def too_deep(spot: Spot) -> PolicyError:
    """Return the error of an expression that nests too deeply."""
    return spot.error(
        "too-deep",
        f"表达式嵌套超过 {DEPTH_LIMIT} 层",
        f"the expression nests more than {DEPTH_LIMIT} levels deep",
        "把内层移到 `definitions`",
        "move inner parts to `definitions`",
    )


def _refuse_deep_brackets(source: Source, whole: Spot) -> None:
    depth, quote = 0, ""
    for character in source.text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
            if depth > DEPTH_LIMIT:
                raise too_deep(whole)
        elif character in ")]}":
            depth -= 1


def _not_an_expression(source: Source, error: SyntaxError) -> PolicyError:
    offset = max((error.offset or 1) - 1, 0)
    place = _moved(source, min(offset, len(source.text)))
    rest = shortened(source.text[offset:] or source.text)
    sign = foreign_sign(source.text)
    unusual = number_remedy(source.text)
    if sign is not None:
        place, rest = _moved(source, sign.position), shortened(source.text[sign.position :])
    remedy = Bilingual("例：`age >= 65 and alive`", "an expression looks like `age >= 65 and alive`")
    for wrong, right in (("&&", "and"), ("||", "or"), ("!", "not"), ("=", "==")):
        if wrong in source.text.replace("==", "").replace("!=", "").replace(">=", "").replace("<=", ""):
            remedy = Bilingual(f"请写 `{right}`，不写 `{wrong}`", f"write `{right}` instead of `{wrong}`")
            break
    else:
        remedy = unusual or remedy
    if sign is not None:
        remedy = sign.remedy
    message = Bilingual(f"不是表达式，问题在 `{rest}` 附近", f"this is not an expression; look near `{rest}`")
    return PolicyError(Diagnostic("bad-expression", message, remedy, place))
