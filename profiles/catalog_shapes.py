"""What pydantic finds wrong with the shape of a catalog file, told in both languages and at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from policies.document import Document
from profiles.catalog_documents import known_keys
from profiles.catalog_findings import Findings, suggestion

_Texts = tuple[str, str]

# By the kind of error: what should have stood there.
_WANTED: Mapping[str, Callable[[Mapping[str, Any]], _Texts]] = {
    "string_type": lambda _: ("应为文本,请加引号", "it should be text; put it in quotes"),
    "string_too_short": lambda _: ("不能为空", "it may not be empty"),
    "int_type": lambda _: ("应为整数", "it should be a whole number"),
    "number_type": lambda _: ("应为数字,不加引号", "it should be a number, without quotes"),
    "constant_type": lambda _: ("应为单个值,不是列表或映射", "it should be a single value, no list or mapping"),
    "bool_type": lambda _: ("应为 true 或 false", "it should be true or false"),
    "date_type": lambda _: ("应为日期,如 2026-11-22", "it should be a day such as 2026-11-22"),
    "list_type": lambda _: ("应为列表 [...]", "it should be a list [...]"),
    "dict_type": lambda _: ("应为映射 {...}", "it should be a mapping {...}"),
    "model_type": lambda _: ("应为映射 {...}", "it should be a mapping {...}"),
    "too_short": lambda _: ("至少要有一项", "it needs at least one entry"),
    "greater_than_equal": lambda limits: (f"不得小于 {limits['ge']}", f"it may not be below {limits['ge']}"),
    "less_than_equal": lambda limits: (f"不得大于 {limits['le']}", f"it may not be above {limits['le']}"),
    "literal_error": lambda limits: (
        f"应为 {limits['expected']}".replace(" or ", " 或 "),
        f"it should be {limits['expected']}",
    ),
}


def note_shape(document: Document, error: ErrorDetails, findings: Findings) -> None:
    """Add one error of pydantic to `findings`, at the line and column of the value or key it is about."""
    path, kind = tuple(error["loc"]), error["type"]
    key = str(path[-1]) if path else document.file
    if kind == "extra_forbidden":
        findings.add(
            "unknown-key", document.key_place(path), f"未知的键 `{key}`", f"unknown key `{key}`",
            *suggestion(key, known_keys(path[:-1])),
        )  # fmt: skip
    elif kind == "missing":
        findings.add(
            "missing-key", document.place(path[:-1]), f"缺少键 `{key}`", f"the key `{key}` is missing",
            f"补上 `{key}`", f"add `{key}`",
        )  # fmt: skip
    elif key == "[key]":
        findings.add(
            "key-not-text", document.key_place(path[:-1]), f"键 `{path[-2]}` 不是文本",
            f"the key `{path[-2]}` is not text",
            f"加引号: \"{path[-2]}\"", f"put it in quotes: \"{path[-2]}\"",
        )  # fmt: skip
    else:
        wanted = _WANTED.get(kind)
        zh, en = wanted(error.get("ctx", {})) if wanted else (error["msg"], error["msg"])
        findings.add(
            "wrong-value",
            document.place(path),
            f"`{key}` 的值不合适",
            f"the value of `{key}` does not fit",
            zh,
            en,
        )
