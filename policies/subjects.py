"""Whom a policy is about, unit by unit, and who is paid."""

from __future__ import annotations

from policies.document import Document
from policies.document_errors import fail
from policies.model import PolicyShape
from policies.model_errors import did_you_mean
from policies.scopes import Reads, Scope
from policies.vocabulary import Link, Vocabulary


def scopes_of(document: Document, shape: PolicyShape, vocabulary: Vocabulary, reads: Reads) -> tuple[Scope, Scope]:
    """Return the scope of the subject and the one in which names are looked up: the unit's with `for_each`.

    Raises PolicyError if the catalog knows no such space or collection.
    """
    space = vocabulary.spaces.get(shape.space)
    if space is None:
        suggestion = did_you_mean(shape.space, vocabulary.spaces)
        listed = ", ".join(vocabulary.spaces)
        raise fail(
            document.place(("space",)),
            "unknown-space",
            f"目录中没有空间 `{shape.space}`",
            f"the catalog has no space `{shape.space}`",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用：{listed}",
            f"did you mean `{suggestion}`?" if suggestion else f"it has: {listed}",
        )
    reads.add(space.name)
    subject = Scope(0, space)
    if shape.for_each is None:
        return subject, subject
    collection = space.collections.get(shape.for_each)
    if collection is None:
        suggestion = did_you_mean(shape.for_each, space.collections)
        listed = ", ".join(space.collections)
        raise fail(
            document.place(("for_each",)),
            "unknown-name",
            f"空间 `{space.name}` 没有集合 `{shape.for_each}`",
            f"the space `{space.name}` has no collection `{shape.for_each}`",
            f"是否想写 `{suggestion}`？" if suggestion else f"可用：{listed}",
            f"did you mean `{suggestion}`?" if suggestion else f"it has: {listed or 'none'}",
        )
    unit = subject.item_of(collection, space.name, 1, vocabulary)
    reads.add(unit.collection_key)
    return subject, unit


def payee_of(
    document: Document, shape: PolicyShape, vocabulary: Vocabulary, scopes: tuple[Scope, Scope], reads: Reads
) -> tuple[str, ...]:
    """Return the links to whoever is paid; empty for the subject. Raises PolicyError for anything else."""
    if shape.payee is None:
        return ()
    subject, scope = scopes
    names = shape.payee.split(".")
    if names[0] == "subject":
        scope, names = subject, names[1:]
    for name in names:
        found = scope.find(name)
        if found is None or not isinstance(found.what, Link):
            known = [one for one in scope.names() if isinstance(getattr(scope.find(one), "what", None), Link)]
            suggestion = did_you_mean(name, known)
            raise fail(
                document.place(("payee",)),
                "unknown-name",
                f"`payee` 的 `{name}` 不是通向他人的连接",
                f"`{name}` in `payee` is no link to anybody",
                f"是否想写 `{suggestion}`？" if suggestion else f"可用：{', '.join(known) or '无'}",
                f"did you mean `{suggestion}`?" if suggestion else f"possible: {', '.join(known) or 'none'}",
            )
        reads.add(found.owner, name)
        scope = scope.follow(found.what, vocabulary)
    return tuple(shape.payee.split("."))
