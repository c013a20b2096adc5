"""What the models allow at a path of a file: keys with their meaning, a choice of words, an expression."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from policies import model
from policies.bundle_model import BundleShape
from policies.choice_meanings import words_of
from policies.editing.entries import Path
from policies.key_meanings import meaning_of
from policies.model import OverlayShape, PolicyShape, Shape
from policies.text import Bilingual

FileKind = Literal["rule", "overlay", "bundle"]
_ROOTS: dict[FileKind, type[Shape]] = {"rule": PolicyShape, "overlay": OverlayShape, "bundle": BundleShape}
_EXPRESSION = "expression"
_MARK = get_args(model.Expression)[1]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping: what it means, whether it must be there, what stands under it, and what each word of a choice means."""

    name: str
    meaning: Bilingual | None
    is_required: bool
    opens: Literal["mapping", "list", "scalar"]
    words: Mapping[str, Bilingual] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may stand at one place; several may be allowed side by side.

    keys        the keys of the mappings that are allowed, in the order of the model
    choices     the words of a closed choice
    expression  whether an expression may stand here
    is_list     whether a list may stand here
    named       whether a mapping with names of the author's own may stand here
    is_date     whether a day may stand here
    """

    keys: tuple[Key, ...] = ()
    choices: tuple[str, ...] = ()
    expression: bool = False
    is_list: bool = False
    named: bool = False
    is_date: bool = False


def allowed_at(kind: FileKind, path: Path, present: frozenset[str] = frozenset()) -> Allowed:
    """Return what may stand at `path`; `present` are the keys that the mapping there already has.

    Where several mappings are allowed (`all`, `any`, `none`, `when`), the keys present choose among them.
    """
    forms: list[Any] = [_ROOTS[kind]]
    for part in path:
        forms = [inner for form in forms for inner in _step(form, part)]
    shapes = [one for one in forms if _is_shape(one)]
    fitting = [one for one in shapes if present <= {key.name for key in keys_of(one)}] or shapes
    keys: dict[str, Key] = {}
    for shape in fitting:
        for key in keys_of(shape):
            keys.setdefault(key.name, key)
    words = [word for one in forms if get_origin(one) is Literal for word in get_args(one)]
    words += [True, False] if any(one is bool for one in forms) else []
    return Allowed(
        tuple(keys.values()),
        tuple(str(word).lower() if isinstance(word, bool) else str(word) for word in words),
        _EXPRESSION in forms,
        any(get_origin(one) is list for one in forms),
        any(get_origin(one) is dict for one in forms),
        any(one is date for one in forms),
    )


def key_at(kind: FileKind, path: Path) -> Key | None:
    """Return what the last part of `path` is if it is a key of a model, else None."""
    if not path or not isinstance(path[-1], str):
        return None
    forms: list[Any] = [_ROOTS[kind]]
    for part in path[:-1]:
        forms = [inner for form in forms for inner in _step(form, part)]
    return next((key for one in forms if _is_shape(one) for key in keys_of(one) if key.name == path[-1]), None)


def choice_at(kind: FileKind, path: Path) -> Key | None:
    """Return the key that a value at `path` is a choice of: its own, or for names of the author's own the one above."""
    return key_at(kind, path) or key_at(kind, path[:-1])


@cache
def keys_of(shape: type[Shape]) -> tuple[Key, ...]:
    """Return the keys of a model."""
    hints = _hints(shape)
    found = []
    for name, info in shape.model_fields.items():
        key = info.alias or name
        forms = list(_alternatives(hints[name]))
        opens: Literal["mapping", "list", "scalar"] = "scalar"
        if any(get_origin(one) is list for one in forms):
            opens = "list"
        elif any(_is_shape(one) or get_origin(one) is dict for one in forms):
            opens = "mapping"
        meaning, words = meaning_of(shape.__name__, key), words_of(shape.__name__, key)
        found.append(Key(key, meaning, info.is_required(), opens, words))
    return tuple(found)


@cache
def _hints(shape: type[Shape]) -> dict[str, Any]:
    return get_type_hints(shape, include_extras=True)


def _is_shape(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, Shape)


def _step(form: Any, part: str | int) -> Iterator[Any]:
    """Yield what a form allows below a key or at a position."""
    origin = get_origin(form)
    if isinstance(part, int):
        if origin is list:
            yield from _alternatives(get_args(form)[0])
    elif origin is dict:
        yield from _alternatives(get_args(form)[1])
    elif _is_shape(form):
        for name, info in form.model_fields.items():
            if (info.alias or name) == part:
                yield from _alternatives(_hints(form)[name])


def _alternatives(form: Any) -> Iterator[Any]:
    """Yield the forms that an annotation allows, without what pydantic says beside them."""
    if get_origin(form) is Annotated:
        # An alternative of a union bears a tag beside the marks of an expression.
        is_expression = _MARK in form.__metadata__
        yield from (_EXPRESSION,) if is_expression else _alternatives(get_args(form)[0])
    elif get_origin(form) in (Union, types.UnionType):
        for one in get_args(form):
            yield from _alternatives(one)
    elif form is not type(None):
        yield form
