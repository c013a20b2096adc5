"""Tables and code prefixes as column expressions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw

from policies.tree import Lookup, PrefixLookup
from policies.types import Value

_CHAIN_AT_MOST = 6  # up to here comparing one by one is faster than a hash table


def lookup(key: nw.Expr, node: Lookup, type_: Any) -> nw.Expr:
    """Return the value filed under `key`, the continuation of the table above it, or the default."""
    nothing = nw.lit(None, type_)
    default = nothing if node.default is None else nw.lit(node.default, type_)
    further = default
    if node.each_further is not None:
        last, increment = node.each_further
        base = dict(node.cases).get(last)
        if isinstance(base, int):
            grown = (key - last) * increment + base
            further = nw.when(key > last).then(grown).otherwise(default)
    found = nw.when(key.is_null()).then(nothing)
    by_value: dict[Value, list[int | str]] = defaultdict(list)
    for case, value in node.cases:
        by_value[value].append(case)
    if len(by_value) <= _CHAIN_AT_MOST:
        for value, filed_under in by_value.items():
            matches = key == filed_under[0] if len(filed_under) == 1 else key.is_in(filed_under)
            found = found.when(matches).then(nw.lit(value, type_))
        return found.otherwise(further)
    keys = [case for case, _ in node.cases]
    values = [value for _, value in node.cases]
    filed = key.replace_strict(keys, values, default=None, return_dtype=type_)
    if node.default is None and node.each_further is None:
        return filed
    return found.when(key.is_in(keys)).then(filed).otherwise(further)


def prefix_lookup(key: nw.Expr, node: PrefixLookup, type_: Any) -> nw.Expr:
    """Return the value under the longest prefix of `key`."""
    nothing = nw.lit(None, type_)
    found = nw.when(key.is_null()).then(nothing)
    by_length: dict[int, dict[str, Any]] = defaultdict(dict)
    for prefix, value in node.cases:
        by_length[len(prefix)][prefix] = value
    otherwise = nothing
    for length in sorted(by_length, reverse=True):
        table = by_length[length]
        if length == 0:
            otherwise = nw.lit(table[""], type_)
        elif len(table) <= _CHAIN_AT_MOST:
            for prefix, value in table.items():
                found = found.when(key.str.starts_with(prefix)).then(nw.lit(value, type_))
        else:
            head = key.str.slice(0, length)
            values = head.replace_strict(list(table), list(table.values()), default=None, return_dtype=type_)
            found = found.when(head.is_in(list(table))).then(values)
    return found.otherwise(otherwise)


def starts_with_any(code: nw.Expr, prefixes: Sequence[str]) -> nw.Expr:
    """Return whether a code lies under one of `prefixes`; null for an unknown code."""
    by_length: dict[int, list[str]] = defaultdict(list)
    for prefix in prefixes:
        by_length[len(prefix)].append(prefix)
    tests: list[nw.Expr] = []
    for length, same in sorted(by_length.items()):
        if len(same) <= _CHAIN_AT_MOST:
            tests += [code.str.starts_with(prefix) for prefix in same]
        else:
            tests.append(code.str.slice(0, length).is_in(same))
    return reduce(or_, tests)
