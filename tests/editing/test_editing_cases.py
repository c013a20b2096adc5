"""What is offered, shown and gone to at a cursor: texts with a mark, in `cases/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.installation import Installation
from notifier.language_server.knowing import Knowing
from policies.editing.completion import complete
from policies.editing.edited import EditedFile
from policies.editing.hover import hover_at
from policies.editing.outline import outline_of
from policies.editing.places import declared_at
from policies.editing.signatures import signature_at
from profiles.home import Home
from tests.editing.cases import Case, cases_in

HERE = Path(__file__).parent
CASES = list(cases_in(HERE / "cases"))
OFFERS = [
    case for case in CASES if any(case.all(key) for key in ("offers", "omits", "only", "inserts", "first", "past"))
]
SIGNATURES = [case for case in CASES if case.all("signature")]
POINTS = [case for case in CASES if case.all("hover") or case.all("goes")]


@pytest.fixture(scope="module")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Knowing:
    return Knowing(Installation(Home(tmp_path_factory.mktemp("home"))))


@pytest.mark.parametrize("case", OFFERS, ids=lambda case: case.name)
def test_what_may_be_written_is_offered(case: Case, knowing: Knowing, tmp_path: Path) -> None:
    edited = EditedFile(case.text, str(tmp_path / case.file))
    offer = complete(edited, case.point, knowing.knowledge(tmp_path / case.file))
    labels = [one.label for one in offer.completions]
    assert [one for one in case.listed("offers") if one not in labels] == [], labels
    assert [one for one in case.listed("omits") if one in labels] == []
    if case.all("only"):
        assert sorted(labels) == sorted(case.listed("only"))
    if case.all("first"):
        assert labels[:1] == case.all("first")
    for line in case.all("inserts"):
        label, _, insert = line.partition(" -> ")
        written = {one.insert.rstrip() for one in offer.completions if one.label == label}
        assert insert.rstrip() in written, (label, written)
    if case.all("past"):
        assert {one.label for one in offer.completions if one.is_past} == set(case.listed("past"))
    if case.all("replaces"):
        assert edited.outline.slice(offer.replaces) == case.all("replaces")[0]


@pytest.mark.parametrize("case", POINTS, ids=lambda case: case.name)
def test_what_is_pointed_at_is_explained_and_found(case: Case, knowing: Knowing, tmp_path: Path) -> None:
    edited = EditedFile(case.text, str(tmp_path / case.file))
    knowledge = knowing.knowledge(tmp_path / case.file)
    hover = hover_at(edited, case.point, knowledge)
    for wanted in case.all("hover"):
        shown = f"{hover.text.zh}\n{hover.text.en}" if hover is not None else ""
        assert bool(shown) == bool(wanted), shown
        assert [one for one in wanted.split("; ") if one not in shown] == [], shown
    for wanted in case.all("goes"):
        name, _, start = wanted.partition(" | ")
        found = declared_at(edited, case.point, knowledge)
        assert found is not None
        outline = edited.outline if found.file is None else outline_of(Path(found.file).read_text(encoding="utf-8"))
        assert ("here" if found.file is None else Path(found.file).name) == name
        assert outline.lines[found.span.start.line][found.span.start.column :].startswith(start)


@pytest.mark.parametrize("case", SIGNATURES, ids=lambda case: case.name)
def test_how_the_function_around_the_cursor_is_written_is_shown(case: Case, tmp_path: Path) -> None:
    found = signature_at(EditedFile(case.text, str(tmp_path / case.file)), case.point)
    shown = ""
    if found is not None:
        arguments = [form.arguments[found.argument : found.argument + 1] for form in found.forms]
        here = [form.text[span[0][0] : span[0][1]] for form, span in zip(found.forms, arguments, strict=True) if span]
        shown = f"{' or '.join(form.text for form in found.forms)} | {'; '.join(here)}"
        assert found.meaning.zh and found.meaning.en
    assert shown == case.all("signature")[0]


def test_there_are_cases_of_every_kind() -> None:
    assert len(OFFERS) >= 80
    assert len(POINTS) >= 30
    assert len({case.name for case in CASES}) == len(CASES)
