"""The language server, started as an editor starts it: findings, completion, hover, going to definitions, corrections."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.installation import Installation
from notifier.console.policies import check
from notifier.console.speech import Speech
from policies.bundles import bundle_files
from policies.library import overlay_files, rule_files
from profiles.catalog_reading import CATALOG_FOLDER
from profiles.home import Home
from tests.editing.editor import Editor

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "policies"
FILES = [*rule_files(LIBRARY), *overlay_files(LIBRARY), *bundle_files(LIBRARY)]
BAD = sorted([*(ROOT / "tests/policies/bad").glob("*.yaml"), *(ROOT / "tests/overlays/bad").glob("*.yaml")])
# No editor would show these as texts, or nobody could tell that they are meant to be rules.
NOT_OPENED = {"not_utf8.yaml", "alias_bomb.yaml"}
SEVERITY = {"error": 1, "warning": 2, "note": 3}


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    with Editor("en", home=tmp_path_factory.mktemp("home")) as running:
        yield running
        assert running.shown == []


def _checked(path: Path, language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Return what `mianshen policies check FILE --json` tells."""
    say = Speech("zh" if language == "zh" else "en")
    check(Installation(Home(tmp_path / "home")), [path], say, as_json=True)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["findings"]
    return found


def test_no_file_of_the_library_is_objected_to(editor: Editor) -> None:
    assert len(FILES) >= 86
    for path in FILES:
        found = editor.findings(editor.open(path))
        assert [one for one in found if one["severity"] < 3] == [], path


@pytest.mark.parametrize("language", ["zh", "en"])
def test_findings_are_those_of_the_check(language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Same code, severity, line, column, message and help, in the language of the user."""
    label = {"zh": "办法", "en": "help"}[language]
    with Editor(language, encodings=("utf-32",), home=tmp_path) as editor:
        for path in BAD:
            if path.name in NOT_OPENED:
                continue
            lines = path.read_bytes().decode("utf-8").splitlines()
            expected = _checked(path, language, tmp_path, capsys)
            found = editor.findings(editor.open(path))
            assert len(found) == len(expected), path
            for shown, told in zip(found, expected, strict=True):
                assert (shown["code"], shown["severity"]) == (told["code"], SEVERITY[told["severity"]]), path
                assert shown["message"] == f"{told['message'][language]}\n{label}: {told['help'][language]}"
                if told["place"].get("line") is not None:
                    start = shown["range"]["start"]
                    column = min(told["place"]["column"] - 1, max(len(lines[start["line"]]) - 1, 0))
                    assert (start["line"] + 1, start["character"]) == (told["place"]["line"], column), path
        assert editor.shown == []


@pytest.mark.parametrize(
    ("encodings", "agreed"), [(None, "utf-16"), (("utf-8", "utf-16"), "utf-8"), (("utf-32",), "utf-32")]
)
def test_places_are_right_behind_rare_characters_in_every_encoding(
    encodings: tuple[str, ...] | None, agreed: str, tmp_path: Path
) -> None:
    codec = {"utf-16": "utf-16-le"}.get(agreed, agreed)
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[agreed]
    codec = "utf-32-le" if agreed == "utf-32" else codec
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    wrong = "    - {says: {zh: 𠮷林老人😀, en: a}, when: alife}"
    lines = text.replace("    - when: alive", wrong + "\n    - when: alive").split("\n")
    number = lines.index(wrong)
    with Editor("en", encodings=encodings, home=tmp_path) as editor:
        assert editor.capabilities["positionEncoding"] == agreed
        uri = editor.open(tmp_path / "rule.yaml", "\n".join(lines))
        (found,) = editor.findings(uri)
        start, end = (len(wrong[: wrong.index(mark)].encode(codec)) // size for mark in ("alife", "}"[-1:]))
        end = len(wrong[: wrong.index("alife") + 5].encode(codec)) // size
        assert found["range"] == {
            "start": {"line": number, "character": start},
            "end": {"line": number, "character": end},
        }
        offered = editor.at("completion", uri, number, end)["items"]
        (one,) = [each for each in offered if each["label"] == "alive"]
        assert one["textEdit"] == {"range": found["range"], "newText": "alive"}


def test_a_correction_is_offered_and_does_correct(editor: Editor, tmp_path: Path) -> None:
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    wrong = text.replace("when: alive", "when: alife").replace("delivery: automatic", "delivery: automatc")
    wrong = wrong.replace("fund: civil-affairs-allowance", "fund: civil-affair-allowance")
    uri = editor.open(tmp_path / "rule.yaml", wrong)
    version = 1
    while found := editor.findings(uri, version):
        context = {"diagnostics": found}
        params = {"textDocument": {"uri": uri}, "range": found[0]["range"], "context": context}
        (action,) = editor.ask("textDocument/codeAction", params)
        (edit,) = action["edit"]["changes"][uri]
        lines = wrong.split("\n")
        start, end = edit["range"]["start"], edit["range"]["end"]
        line = lines[start["line"]]
        lines[start["line"]] = line[: start["character"]] + edit["newText"] + line[end["character"] :]
        wrong = "\n".join(lines)
        version += 1
        editor.change(uri, version, wrong)
    assert wrong == text
    assert version == 4


def test_while_a_line_is_being_written_it_is_completed_and_nothing_breaks(editor: Editor, tmp_path: Path) -> None:
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    lines = text.split("\n")
    number = next(index for index, line in enumerate(lines) if "when: alive" in line)
    uri = editor.open(tmp_path / "rule.yaml", text)
    assert editor.findings(uri) == []
    written = '    - when: hukou_region in ["31'
    for version in range(1, len(written) + 1):
        now = [*lines[:number], written[:version], *lines[number:]]
        editor.change(uri, version + 1, "\n".join(now))
        editor.at("completion", uri, number, version)
    items = editor.at("completion", uri, number, len(written))["items"]
    assert "310115" in {one["label"] for one in items}
    assert editor.findings(uri, len(written) + 1) != []
    editor.change(uri, 99, text)
    assert editor.findings(uri, 99) == []


def test_definitions_lead_into_the_file_the_rule_and_the_catalog(editor: Editor) -> None:
    path = LIBRARY / "cn" / "key-group-hire-tax.yaml"
    uri = editor.open(path)
    lines = path.read_text(encoding="utf-8").split("\n")
    number = next(index for index, line in enumerate(lines) if "credit_months > 0" in line)
    found = editor.at("definition", uri, number, lines[number].index("credit_months"))
    assert found["uri"] == uri and lines[found["range"]["start"]["line"]].startswith("  credit_months:")
    number = next(index for index, line in enumerate(lines) if "deductible_taxes > 0" in line)
    found = editor.at("definition", uri, number, lines[number].index("deductible_taxes"))
    assert found["uri"].endswith("/profiles/catalog/enterprise.yaml")
    overlay = LIBRARY / "cn-31" / "unemployment-benefit.overlay.yaml"
    lines = overlay.read_text(encoding="utf-8").split("\n")
    number = next(index for index, line in enumerate(lines) if line.startswith("  standard:"))
    found = editor.at("definition", editor.open(overlay), number, 4)
    assert found["uri"].endswith("/policies/cn/unemployment-benefit.yaml")


def test_the_outline_names_conditions_by_their_words(editor: Editor) -> None:
    uri = editor.open(LIBRARY / "cn-31" / "elderly-allowance.yaml")
    symbols = editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    by_name = {one["name"]: one for one in symbols}
    (group,) = by_name["eligibility"]["children"]
    assert [one["name"] for one in group["children"]] == [
        "registered in Shanghai",
        "65 or older in this month",
        "alive",
    ]
    assert group["children"][1]["detail"] == "age_in_month >= minimum_age"
    assert by_name["examples"]["children"][0]["name"] == "turns 65 on the last day of the month"
    assert [one["name"] for one in by_name["parameters"]["children"]] == ["minimum_age"]

    def inside(one: dict[str, Any]) -> None:
        start, end = one["range"]["start"], one["range"]["end"]
        first, last = one["selectionRange"]["start"], one["selectionRange"]["end"]
        order = [(each["line"], each["character"]) for each in (start, first, last, end)]
        assert order == sorted(order)
        for child in one["children"]:
            inside(child)

    for one in symbols:
        inside(one)


def test_yaml_files_of_other_kinds_are_left_alone(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "compose.yaml", "services:\n  web:\n    image: x\n    ")
    assert editor.findings(uri) == []
    assert editor.at("completion", uri, 3, 4) is None
    assert editor.at("hover", uri, 0, 2) is None


def test_what_changes_on_disk_is_read_again(editor: Editor, tmp_path: Path) -> None:
    """The rule lies beside its overlay: once it has opened another parameter, the overlay may set it."""
    rule = (
        (LIBRARY / "cn" / "unemployment-benefit.yaml")
        .read_text(encoding="utf-8")
        .replace("cn-unemployment-benefit", "my-benefit")
    )
    overlay = (LIBRARY / "cn-31" / "unemployment-benefit.overlay.yaml").read_text(encoding="utf-8")
    overlay = overlay.replace("cn-unemployment-benefit", "my-benefit")
    (tmp_path / "mine.overlay.yaml").write_text(overlay, encoding="utf-8")
    uri = editor.open(tmp_path / "mine.overlay.yaml")
    (found,) = editor.findings(uri)
    assert found["code"] == "unknown-policy"
    (tmp_path / "mine.yaml").write_text(rule, encoding="utf-8")
    editor.tell("textDocument/didSave", {"textDocument": {"uri": uri}})
    assert editor.findings(uri) == []
    line = next(index for index, text in enumerate(overlay.split("\n")) if text.startswith("  standard:"))
    assert "local amount a month" in editor.at("hover", uri, line, 4)["contents"]["value"]


def test_what_another_program_changes_is_noticed_where_the_editor_can_watch(tmp_path: Path) -> None:
    overlay = (LIBRARY / "cn-31" / "unemployment-benefit.overlay.yaml").read_text(encoding="utf-8")
    rule = (LIBRARY / "cn" / "unemployment-benefit.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.overlay.yaml"
    with Editor("en", home=tmp_path, can_watch=True) as editor:
        uri = editor.open(path, overlay.replace("cn-unemployment-benefit", "my-benefit"))
        assert [one["code"] for one in editor.findings(uri)] == ["unknown-policy"]
        assert editor.watched == ["**/*.yaml"]
        (tmp_path / "mine.yaml").write_text(rule.replace("cn-unemployment-benefit", "my-benefit"), encoding="utf-8")
        changes = [{"uri": (tmp_path / "mine.yaml").as_uri(), "type": 1}]
        editor.tell("workspace/didChangeWatchedFiles", {"changes": changes})
        assert editor.findings(uri) == []
        assert editor.shown == []


def test_closing_a_file_takes_its_findings_away(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "rule.yaml", "id: x\neligibility: alive\n")
    assert editor.findings(uri) != []
    editor.tell("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert editor.findings(uri, None) == []  # type: ignore[arg-type]


def test_a_mistake_in_the_catalog_is_shown_while_it_is_written(editor: Editor) -> None:
    path = CATALOG_FOLDER / "citizen.yaml"
    text = path.read_text(encoding="utf-8")
    uri = editor.open(path)
    assert editor.findings(uri) == []
    editor.change(uri, 2, text.replace("type: date, freshness_days: never", "type: dote, freshness_days: never", 1))
    (found,) = editor.findings(uri, 2)
    line = text.split("\n")[found["range"]["start"]["line"]]
    assert line.lstrip().startswith("birth_date:")
    assert editor.at("completion", uri, 0, 0) is None
    editor.change(uri, 3, text)
    assert editor.findings(uri, 3) == []


def test_a_bundle_is_checked_against_the_library(editor: Editor, tmp_path: Path) -> None:
    text = (LIBRARY / "bundles" / "birth.bundle.yaml").read_text(encoding="utf-8")
    wrong = text.replace("policy: cn-childcare-subsidy-2025", "policy: cn-childcare-subsidy-2026")
    uri = editor.open(tmp_path / "mine.bundle.yaml", wrong)
    (found,) = editor.findings(uri)
    assert found["code"] == "unknown-policy"
    context = {"textDocument": {"uri": uri}, "range": found["range"], "context": {"diagnostics": [found]}}
    (action,) = editor.ask("textDocument/codeAction", context)
    assert action["edit"]["changes"][uri][0]["newText"] == "cn-childcare-subsidy-2025"


def test_when_the_editor_goes_away_the_server_ends(tmp_path: Path) -> None:
    running = Editor("en", home=tmp_path)
    assert running.process.stdin is not None
    running.process.stdin.close()
    assert running.process.wait(60) is not None
    running.__exit__(None, None, None)


def test_the_guide_shows_a_command_that_there_is() -> None:
    guide = (LIBRARY / "guide" / "editors.md").read_text(encoding="utf-8")
    fences = re.findall(r"```\w+\n(.*?)```", guide, re.DOTALL)
    assert len(fences) >= 6
    for fence in fences:
        assert re.search(r'"policies",? "language-server"', fence), fence
    for fence in re.findall(r"```json\n(.*?)```", guide, re.DOTALL):
        json.loads(fence)
    for fence in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL):
        tomllib.loads(fence)


def test_a_mistake_of_the_server_is_shown_once_and_ends_nothing(tmp_path: Path) -> None:
    with Editor("en", home=tmp_path) as editor:
        gone = (tmp_path / "never-saved.yaml").as_uri()  # asked about without having been opened
        for _ in range(3):
            assert editor.at("hover", gone, 0, 0) is None
        uri = editor.open(LIBRARY / "cn-31" / "elderly-allowance.yaml")
        assert editor.findings(uri) == []
        (message,) = editor.shown
        assert "the language server failed" in message and "Traceback" not in message


def test_places_that_are_not_in_the_text_are_answered_like_the_nearest(editor: Editor, tmp_path: Path) -> None:
    uri = editor.open(tmp_path / "rule.yaml", "space: citizen\neligibility: ali")
    for line, character in ((99, 0), (1, 999), (99, 999)):
        offered = editor.at("completion", uri, line, character)
        assert offered is not None
        editor.at("hover", uri, line, character)
        editor.at("definition", uri, line, character)
    labels = [one["label"] for one in editor.at("completion", uri, 1, 999)["items"]]
    assert "alive" in labels


def test_typing_faster_than_the_check_leaves_the_findings_of_the_last_text(editor: Editor, tmp_path: Path) -> None:
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    uri = editor.open(tmp_path / "rule.yaml", text)
    assert editor.findings(uri) == []
    for version in range(2, 30):
        editor.change(uri, version, text.replace("when: alive", f"when: alive{version}"))
    (found,) = editor.findings(uri, 29)
    assert "`alive29`" in found["message"]


def test_line_ends_of_other_systems_move_nothing(editor: Editor, tmp_path: Path) -> None:
    text = (LIBRARY / "cn-31" / "elderly-allowance.yaml").read_text(encoding="utf-8")
    wrong = text.replace("when: alive", "when: alife").replace("\n", "\r\n")
    uri = editor.open(tmp_path / "rule.yaml", wrong)
    (found,) = editor.findings(uri)
    start = found["range"]["start"]
    line = wrong.split("\r\n")[start["line"]]
    assert line[start["character"] : found["range"]["end"]["character"]] == "alife"
    offered = editor.at("completion", uri, start["line"], start["character"] + 3)["items"]
    assert "alive" in {one["label"] for one in offered}


def test_while_a_function_is_called_its_form_is_shown(editor: Editor, tmp_path: Path) -> None:
    line = 'eligibility: within(hukou_region, "𠮷") or years_between(birth_date, on'
    uri = editor.open(tmp_path / "rule.yaml", f"space: citizen\n{line}")
    shown = editor.at("signatureHelp", uri, 1, len(line) + 1)
    (form,) = shown["signatures"]
    first, last = form["parameters"][shown["activeParameter"]]["label"]
    assert (form["label"], form["label"][first:last]) == ("years_between(earlier, later)", "later")
    assert "full years" in form["documentation"]["value"]
    assert editor.at("signatureHelp", uri, 0, 3) is None


@pytest.mark.parametrize(("has_snippets", "written"), [(True, r"{to: $1, mode: $2\}"), (False, "{to: , mode: }")])
def test_a_whole_mapping_has_holes_where_the_editor_can_fill_them(
    has_snippets: bool, written: str, tmp_path: Path
) -> None:
    text = "space: citizen\nbenefit:\n  rounding: "
    with Editor("en", home=tmp_path, has_snippets=has_snippets) as editor:
        (one,) = editor.at("completion", editor.open(tmp_path / "rule.yaml", text), 2, 12)["items"]
        assert one["textEdit"]["newText"] == written
        assert one.get("insertTextFormat") == (2 if has_snippets else None)
        assert editor.shown == []
