"""An editor shows all places of a name of the file and changes them at once, or says why it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.installation import LIBRARY
from tests.editing.editor import Editor

RULE = LIBRARY / "cn-31" / "elderly-allowance.yaml"


def _place(text: str, mark: str) -> tuple[int, int]:
    before = text[: text.index(mark)].split("\n")
    return len(before) - 1, len(before[-1])


def _changed(text: str, edits: list[dict[str, Any]]) -> str:
    lines = text.split("\n")
    for edit in sorted(edits, key=lambda one: -one["range"]["start"]["character"]):
        line = edit["range"]["start"]["line"]
        start, end = edit["range"]["start"]["character"], edit["range"]["end"]["character"]
        lines[line] = lines[line][:start] + edit["newText"] + lines[line][end:]
    return "\n".join(lines)


def test_a_name_is_shown_wherever_it_stands_and_changed_everywhere(tmp_path: Path) -> None:
    text = RULE.read_text(encoding="utf-8")
    with Editor("en", home=tmp_path) as editor:
        uri = editor.open(RULE)
        assert editor.findings(uri) == []
        line, character = _place(text, "minimum_age\n")
        places = editor.at("documentHighlight", uri, line, character)
        about = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        every = editor.ask("textDocument/references", {**about, "context": {"includeDeclaration": True}})
        others = editor.ask("textDocument/references", {**about, "context": {"includeDeclaration": False}})
        assert [one["range"] for one in every] == [one["range"] for one in places]
        assert len(others) == len(every) - 1 >= 1
        assert editor.at("prepareRename", uri, line, character) in [one["range"] for one in places]
        edit = editor.ask("textDocument/rename", {**about, "newName": "age_then"})
        changed = _changed(text, edit["changes"][uri])
        assert "minimum_age" not in changed and changed.count("age_then") == text.count("minimum_age")
        editor.change(uri, 2, changed)
        assert editor.findings(uri, 2) == []
        assert editor.shown == []


def test_a_name_that_cannot_be_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = RULE.read_text(encoding="utf-8")
    with Editor("zh", home=tmp_path) as editor:
        uri = editor.open(RULE)
        line, character = _place(text, "minimum_age\n")
        about = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        for name in ("alive", "Age", "alive"):
            assert editor.ask("textDocument/rename", {**about, "newName": name}) is None
        assert ["已有别的意思" in one for one in editor.shown] == [True, False, True]
        assert "不能用作名称" in editor.shown[1]
        line, character = _place(text, "alive")
        assert editor.at("prepareRename", uri, line, character) is None
