"""A file as it is being edited, and where in it the cursor stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from policies.bundles import SUFFIX as BUNDLE_SUFFIX
from policies.document import SIZE_LIMIT
from policies.editing.entries import Path, Style
from policies.editing.outline import Outline, outline_of, outline_until
from policies.editing.positions import Point
from policies.editing.shapes import FileKind, allowed_at
from policies.overlays import SUFFIX as OVERLAY_SUFFIX
from policies.policy import Policy


@dataclass(frozen=True, slots=True)
class EditedFile:
    """A text with the name of its file; `policy` is what the text meant when it last had no mistake, if it ever had none."""

    text: str
    file: str
    policy: Policy | None = None

    @property
    def kind(self) -> FileKind:
        """What kind of file it is, by its name."""
        if self.file.endswith(OVERLAY_SUFFIX):
            return "overlay"
        return "bundle" if self.file.endswith(BUNDLE_SUFFIX) else "rule"

    @property
    def outline(self) -> Outline:
        """The keys and values of the whole text."""
        return outline_of(self.text)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the cursor stands.

    role     in a key, in a value that has begun or may begin here, or where nothing is known
    path     of the mapping for a key; of the value for a value
    start    where the key or value begins; `point` is the cursor
    typed    what stands between the two, as it stands in the file
    style    how the value is written so far; None if nothing has been written
    is_flow  whether it stands in brackets
    """

    role: Literal["key", "value", "nothing"]
    path: Path
    start: Point
    point: Point
    typed: str
    style: Style | None
    is_flow: bool


def cursor_at(edited: EditedFile, point: Point) -> Cursor:
    """Return where a point of the file stands, judged by the text before it."""
    lines = edited.outline.lines
    line = min(point.line, len(lines) - 1)
    point = Point(line, min(point.column, len(lines[line])))
    before = outline_until(lines, point)
    found = before.open
    typed = before.slice_from(found.start)
    return Cursor(found.role, found.path, found.start, point, typed, found.style, found.is_flow)


# Keys that no other kind of YAML file is likely to have at its top; one of them is enough.
_TELLING = frozenset({"eligibility", "benefit", "for_each", "in_force", "delivery"})

_LENGTH_LIMIT = 4 * SIZE_LIMIT


def is_of_policies(edited: EditedFile) -> bool:
    """Return whether a file seems to be a rule, an overlay or a bundle: editors open other YAML files too.

    Overlays and bundles have names of their own; a rule has a key that tells it, or no key yet that a rule cannot have.
    What is far larger than a rule may be is none.
    """
    if len(edited.text) > _LENGTH_LIMIT:
        return False
    if edited.kind != "rule":
        return True
    keys = edited.outline.keys(())
    known = {key.name for key in allowed_at("rule", ()).keys}
    return bool(_TELLING.intersection(keys)) or known.issuperset(keys)
