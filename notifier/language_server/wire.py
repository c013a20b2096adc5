"""From plain data to the protocol's: positions in the units agreed on, texts in the language of the user."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from notifier.console.speech import Speech
from policies.editing.completion import Offer
from policies.editing.hover import Hover
from policies.editing.offers import Completion
from policies.editing.offers import Kind as CompletionKind
from policies.editing.positions import Encoding, Point, Span, from_units, to_units
from policies.editing.repairs import Repair, span_of
from policies.editing.signatures import Signature
from policies.editing.symbols import Kind as SymbolKind
from policies.editing.symbols import Symbol
from policies.errors import Diagnostic, Place

SOURCE = "mianshen"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
_COMPLETIONS: dict[CompletionKind, types.CompletionItemKind] = {
    "key": types.CompletionItemKind.Property,
    "choice": types.CompletionItemKind.EnumMember,
    "attribute": types.CompletionItemKind.Field,
    "link": types.CompletionItemKind.Reference,
    "collection": types.CompletionItemKind.Struct,
    "parameter": types.CompletionItemKind.Constant,
    "definition": types.CompletionItemKind.Variable,
    "function": types.CompletionItemKind.Function,
    "word": types.CompletionItemKind.Keyword,
    "operator": types.CompletionItemKind.Operator,
    "code": types.CompletionItemKind.EnumMember,
    "group": types.CompletionItemKind.Enum,
    "policy": types.CompletionItemKind.File,
    "indicator": types.CompletionItemKind.Variable,
    "event": types.CompletionItemKind.Event,
    "fund": types.CompletionItemKind.Module,
    "space": types.CompletionItemKind.Class,
    "unit": types.CompletionItemKind.Unit,
    "date": types.CompletionItemKind.Value,
    "form": types.CompletionItemKind.Snippet,
}
_SYMBOLS: dict[SymbolKind, types.SymbolKind] = {
    "part": types.SymbolKind.Property,
    "condition": types.SymbolKind.Boolean,
    "parameter": types.SymbolKind.Constant,
    "definition": types.SymbolKind.Variable,
    "example": types.SymbolKind.Event,
    "tier": types.SymbolKind.Number,
    "ceiling": types.SymbolKind.Number,
    "policy": types.SymbolKind.File,
}


class Wire:
    """Turns data about one text into the protocol's, and points of the protocol into those of the text."""

    def __init__(self, lines: Sequence[str], encoding: Encoding, say: Speech, *, has_holes: bool = False) -> None:
        self.lines = lines
        self.encoding = encoding
        self.say = say
        self.has_holes = has_holes  # whether the editor goes from hole to hole of what it has written

    def point(self, position: types.Position) -> Point:
        """Return a position of the protocol as a point of the text."""
        line = min(position.line, len(self.lines) - 1)
        return Point(line, from_units(self.lines[line], position.character, self.encoding))

    def position(self, point: Point) -> types.Position:
        """Return a point of the text as a position of the protocol."""
        line = self.lines[point.line] if point.line < len(self.lines) else ""
        return types.Position(point.line, to_units(line, point.column, self.encoding))

    def range(self, span: Span) -> types.Range:
        """Return a span of the text as a range of the protocol."""
        return types.Range(self.position(span.start), self.position(span.end))

    def diagnostic(self, finding: Diagnostic, file: str, elsewhere: Place) -> types.Diagnostic:
        """Return a finding; one of another file stands at `elsewhere` and says where it belongs."""
        message = self.say.of(finding.message)
        place = finding.place
        if place.file != file:
            message = f"{place}: {message}"
            place = elsewhere
        if finding.help is not None:
            message += f"\n{self.say('办法', 'help')}: {self.say.of(finding.help)}"
        shown = Diagnostic(finding.code, finding.message, finding.help, place)
        return types.Diagnostic(
            range=self.range(span_of(shown, self.lines)),
            message=message,
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            source=SOURCE,
        )

    def completions(self, offer: Offer) -> types.CompletionList:
        """Return the completions, in their order."""
        start = offer.replaces.start
        if start.line != offer.replaces.end.line:
            start = offer.replaces.end  # what is replaced must lie on one line
        where = self.range(Span(start, offer.replaces.end))
        items = [self._completion(one, number, where) for number, one in enumerate(offer.completions)]
        return types.CompletionList(is_incomplete=False, items=items)

    def _completion(self, one: Completion, number: int, where: types.Range) -> types.CompletionItem:
        meaning = self.say.of(one.meaning) if one.meaning is not None else ""
        detail = self.say.of(one.detail)
        with_holes = self.has_holes and bool(one.holes)
        return types.CompletionItem(
            label=one.label,
            kind=_COMPLETIONS[one.kind],
            detail=detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, meaning) if meaning else None,
            text_edit=types.TextEdit(where, _with_holes(one) if with_holes else one.insert),
            insert_text_format=types.InsertTextFormat.Snippet if with_holes else None,
            # A code is also found by what it is called.
            filter_text=f"{one.label} {detail}" if one.kind == "code" else one.label,
            sort_text=f"{number:05}",
            tags=[types.CompletionItemTag.Deprecated] if one.is_past else None,
        )

    def signature(self, found: Signature) -> types.SignatureHelp:
        """Return how a function is written."""
        meaning = types.MarkupContent(types.MarkupKind.Markdown, self.say.of(found.meaning))
        forms = [
            types.SignatureInformation(
                label=form.text,
                documentation=meaning,
                # Forms are ASCII: offsets are the same in every encoding.
                parameters=[types.ParameterInformation(label=place) for place in form.arguments],
            )
            for form in found.forms
        ]
        long_enough = [number for number, form in enumerate(found.forms) if len(form.arguments) > found.argument]
        return types.SignatureHelp(forms, active_signature=(long_enough or [0])[0], active_parameter=found.argument)

    def hover(self, hover: Hover) -> types.Hover:
        """Return what is shown of a name."""
        text = types.MarkupContent(types.MarkupKind.Markdown, self.say.of(hover.text))
        return types.Hover(text, self.range(hover.span))

    def symbol(self, symbol: Symbol) -> types.DocumentSymbol:
        """Return one line of the outline with those below it."""
        return types.DocumentSymbol(
            name=self.say.of(symbol.name),
            kind=_SYMBOLS[symbol.kind],
            range=self.range(symbol.covers),
            selection_range=self.range(symbol.place),
            detail=symbol.detail or None,
            children=[self.symbol(one) for one in symbol.children],
        )

    def repair(self, repair: Repair, uri: str, finding: types.Diagnostic) -> types.CodeAction:
        """Return a correction as an action on the finding that it answers."""
        edit = types.TextEdit(self.range(repair.span), repair.text)
        return types.CodeAction(
            title=self.say.of(repair.title),
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[finding],
            edit=types.WorkspaceEdit(changes={uri: [edit]}),
            is_preferred=True,
        )


def _with_holes(one: Completion) -> str:
    """Return what is written as a snippet of the protocol."""
    parts, start = [], 0
    for number, hole in enumerate(one.holes, start=1):
        parts.append(_escaped(one.insert[start:hole]) + f"${number}")
        start = hole
    return "".join(parts) + _escaped(one.insert[start:])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")
