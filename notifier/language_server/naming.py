"""A file's own names in an editor: all their places, and another name for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from policies.editing.occurrences import Refusal, occurrences_at, refusal_of, renamable_at
from policies.errors import SettingsError

if TYPE_CHECKING:
    from notifier.language_server.server import Answers


@dataclass(frozen=True, slots=True)
class Naming:
    """Answers what is asked of parameters and definitions; their places are those of one file."""

    answers: Answers

    def references(self, params: types.ReferenceParams) -> list[types.Location]:
        """Return where the name at a place stands, with or without its declaration."""
        uri = params.text_document.uri
        found = self._ranges(uri, params.position)
        edited = self.answers.edited(uri)
        wire = self.answers.wire(edited.text)
        if not params.context.include_declaration:
            keys = [entry.key for entry in edited.outline.entries if entry.key is not None and len(entry.path) == 2]
            declared = [wire.range(key) for key in keys]
            found = [one for one in found if one not in declared]
        return [types.Location(uri, one) for one in found]

    def highlights(self, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        """Return where the name at a place stands."""
        return [types.DocumentHighlight(one) for one in self._ranges(params.text_document.uri, params.position)]

    def prepare(self, params: types.PrepareRenameParams) -> types.Range | None:
        """Return the name at a place if it may be changed."""
        edited = self.answers.edited(params.text_document.uri)
        if not self.answers.is_ours(edited):
            return None
        wire = self.answers.wire(edited.text)
        found = renamable_at(edited, wire.point(params.position), self.answers.knowledge(edited))
        return wire.range(found) if found is not None else None

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        """Return what is to be written for another name; a name that cannot be is refused with a message."""
        uri = params.text_document.uri
        edited = self.answers.edited(uri)
        if not self.answers.is_ours(edited):
            return None
        wire, knowledge = self.answers.wire(edited.text), self.answers.knowledge(edited)
        point = wire.point(params.position)
        if renamable_at(edited, point, knowledge) is None:
            return None
        refusal = refusal_of(params.new_name, edited, knowledge)
        if refusal is not None:
            self.answers.show(_refused(params.new_name, refusal))
            return None
        places = occurrences_at(edited, point, knowledge)
        return types.WorkspaceEdit(changes={uri: [types.TextEdit(wire.range(one), params.new_name) for one in places]})

    def _ranges(self, uri: str, position: types.Position) -> list[types.Range]:
        edited = self.answers.edited(uri)
        if not self.answers.is_ours(edited):
            return []
        wire = self.answers.wire(edited.text)
        found = occurrences_at(edited, wire.point(position), self.answers.knowledge(edited))
        return [wire.range(one) for one in found]


def _refused(name: str, refusal: Refusal) -> SettingsError:
    if refusal == "taken":
        return SettingsError.of(
            "name-taken",
            f"`{name}` 已有别的意思:数据项、函数、指标,或本文件里的另一个名称",
            f"`{name}` means something already: a datum, a function, a series, or another name of this file",
            help_zh="换一个名称",
            help_en="choose another name",
        )
    return SettingsError.of(
        "bad-name",
        f"`{name}` 不能用作名称",
        f"`{name}` cannot be a name",
        help_zh="用小写字母、数字和下划线,以字母开头,至多 64 个字符",
        help_en="use lower case letters, digits and underscores, a letter first, 64 characters at most",
    )
