"""What is shown of whatever is pointed at, in both languages, as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from policies.editing import describing
from policies.editing.describing import both, joined, stacked
from policies.editing.edited import EditedFile
from policies.editing.knowledge import Knowledge, OwnNames, own_names
from policies.editing.notice_texts import MEANINGS, placeholder_at
from policies.editing.pointing import Pointed, pointed_at
from policies.editing.positions import Point, Span
from policies.editing.shapes import choice_at, key_at
from policies.text import Bilingual


@dataclass(frozen=True, slots=True)
class Hover:
    """The text that is shown, and what it is about."""

    text: Bilingual
    span: Span


def hover_at(edited: EditedFile, point: Point, knowledge: Knowledge) -> Hover | None:
    """Return what is known of what stands at a point, or None."""
    filled = placeholder_at(edited, point)
    if filled is not None:
        return Hover(stacked(_bold(f"{{{filled[0]}}}"), MEANINGS[filled[0]]), filled[1])
    pointed = pointed_at(edited, point, knowledge)
    if pointed is None:
        return None
    text = _text(pointed, edited, own_names(edited, knowledge), knowledge)
    return Hover(text, pointed.span) if text is not None else None


def _text(pointed: Pointed, edited: EditedFile, own: OwnNames, knowledge: Knowledge) -> Bilingual | None:
    name = pointed.name
    match pointed.kind:
        case "key":
            key = key_at(edited.kind, pointed.path)
            return stacked(_bold(name), key.meaning) if key is not None else None
        case "choice":
            key = choice_at(edited.kind, pointed.path)
            word = key.words.get(name) if key is not None else None
            return stacked(_bold(name), word, key.meaning if key is not None else None)
        case "found":
            return describing.found_in_full(pointed.found.what, knowledge) if pointed.found is not None else None
        case "code":
            return _code(pointed, knowledge)
        case "parameter" if name in own.parameters:
            return describing.parameter_in_full(own.parameters[name])
        case "definition" if name in own.definitions:
            return describing.definition_in_full(own.definitions[name], knowledge)
        case "function":
            return describing.function_in_full(name)
        case "word":
            return stacked(_bold(name), describing.WORDS[name])
        case "indicator" if name in knowledge.vocabulary.indicators:
            return stacked(_bold(name), describing.of_indicator(knowledge.vocabulary.indicators[name]))
        case _:
            return _named(pointed, knowledge)


def _code(pointed: Pointed, knowledge: Knowledge) -> Bilingual | None:
    code_set = knowledge.vocabulary.code_sets.get(pointed.owner)
    title = describing.of_code(pointed.owner, pointed.name, knowledge)
    if code_set is None:
        return None
    if title == describing.EMPTY:
        # `within` takes the beginning of a code: the whole one is what it stands for.
        longer = [one for one in code_set.codes if code_set.hierarchical and one.rstrip("0") == pointed.name]
        title = both(code_set.codes[longer[0]]) if longer else describing.EMPTY
    belongs = Bilingual(f"代码集 `{code_set.name}`({code_set.title.zh})", f"of `{code_set.name}` ({code_set.title.en})")
    return stacked(joined(_bold(pointed.name), title), belongs)


def _named(pointed: Pointed, knowledge: Knowledge) -> Bilingual | None:
    """Return what something is called that has a title and nothing more."""
    name, vocabulary = pointed.name, knowledge.vocabulary
    title: Bilingual | None = None
    if pointed.kind == "group" and name in vocabulary.code_groups:
        belongs, members = vocabulary.code_groups[name]
        lines = [f"- `{code}` {describing.of_code(belongs, code, knowledge).zh}" for code in members]
        return stacked(_bold(name), Bilingual("\n".join(lines), "\n".join(lines)))
    if pointed.kind == "policy" and name in knowledge.policies:
        title = knowledge.policies[name].title
    elif pointed.kind == "fund":
        title = vocabulary.funds.get(name)
    elif pointed.kind == "event":
        title = vocabulary.events.get(name)
    elif pointed.kind == "space" and name in vocabulary.spaces:
        title = vocabulary.spaces[name].title
    elif pointed.kind == "code_set" and name in vocabulary.code_sets:
        title = vocabulary.code_sets[name].title
    return stacked(_bold(name), both(title)) if title is not None else None


def _bold(name: str) -> Bilingual:
    return Bilingual(f"**{name}**", f"**{name}**")
