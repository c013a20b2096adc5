"""The language server: answers an editor over standard input and output.

Findings are those of `mianshen policies check`, worked out in a thread of their own once the typing has paused. A
mistake in the server is shown once and never ends it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from notifier.console.policies import findings_in_file
from notifier.console.speech import Speech
from notifier.language_server.knowing import Knowing
from notifier.language_server.naming import Naming
from notifier.language_server.wire import Wire
from policies.editing.completion import complete
from policies.editing.edited import EditedFile, is_of_policies
from policies.editing.hover import hover_at
from policies.editing.insertions import insertion_of
from policies.editing.knowledge import Knowledge
from policies.editing.outline import outline_of
from policies.editing.places import declared_at
from policies.editing.positions import lines_of
from policies.editing.repairs import repair_of
from policies.editing.signatures import signature_at
from policies.editing.symbols import symbols_of
from policies.errors import Diagnostic, MianshenError, Place
from policies.policy import Policy

# So long nothing has to be typed until the text is checked.
_PAUSE_SECONDS = 0.25


@dataclass
class _Opened:
    """What is known of an open file: its last findings, and what it meant when it last had no error."""

    findings: tuple[Diagnostic, ...] = ()
    shown: tuple[types.Diagnostic, ...] = ()
    policy: Policy | None = None
    checking: asyncio.Task[None] | None = None


@dataclass
class Answers:
    """Answers the questions of one editor."""

    server: LanguageServer
    knowing: Knowing
    say: Speech
    opened: dict[str, _Opened] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))

    # What an open file is

    def edited(self, uri: str) -> EditedFile:
        """Return the text of an open file, as it is in the editor."""
        text = self.server.workspace.get_text_document(uri).source
        known = self.opened.get(uri)
        return EditedFile(text, str(path_of(uri)), known.policy if known is not None else None)

    def wire(self, text: str) -> Wire:
        """Return the translation of points in a text."""
        agreed = types.PositionEncodingKind(self.server.workspace.position_encoding or "utf-16")
        asked = self.server.client_capabilities.text_document
        item = asked.completion.completion_item if asked is not None and asked.completion is not None else None
        has_holes = item is not None and bool(item.snippet_support)
        return Wire(lines_of(text), agreed.value, self.say, has_holes=has_holes)

    def is_ours(self, edited: EditedFile) -> bool:
        """Return whether a file is one of policies; others that an editor opens are left alone."""
        return is_of_policies(edited) and not self.knowing.is_catalog(Path(edited.file))

    # Findings

    def check_soon(self, uri: str, pause: float) -> None:
        """Check a file once nothing has been typed for `pause` seconds."""
        opened = self.opened.setdefault(uri, _Opened())
        if opened.checking is not None:
            opened.checking.cancel()
        opened.checking = asyncio.get_running_loop().create_task(self._check(uri, opened, pause))

    async def _check(self, uri: str, opened: _Opened, pause: float) -> None:
        try:
            await asyncio.sleep(pause)
            document = self.server.workspace.get_text_document(uri)
            version, text = document.version, document.source
            edited, catalog = EditedFile(text, str(path_of(uri))), self._open_catalog_files()
            loop = asyncio.get_running_loop()
            found, policy, trouble = await loop.run_in_executor(self.worker, self._findings, edited, catalog)
            if trouble is not None:
                self.tell(trouble)
            if self.opened.get(uri) is not opened or self.server.workspace.get_text_document(uri).source != text:
                return  # closed, or typed on: what was found is of a text that is no more
            opened.policy = policy or opened.policy
            opened.findings = found
            opened.shown = self._shown(found, text, str(path_of(uri)))
            self._publish(uri, version, opened.shown)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the server goes on, whatever happens to one check
            self.tell(error)

    def _open_catalog_files(self) -> dict[str, str]:
        """Return the texts of the catalog's files that are open, by name."""
        documents = self.server.workspace.text_documents
        return {
            path_of(uri).name: one.source for uri, one in documents.items() if self.knowing.is_catalog(path_of(uri))
        }

    def _findings(
        self, edited: EditedFile, catalog: dict[str, str]
    ) -> tuple[tuple[Diagnostic, ...], Policy | None, MianshenError | None]:
        """Return the findings of a file, its policy if it has no error, and what is wrong with the catalog on disk."""
        path, trouble = Path(edited.file), None
        if self.knowing.is_catalog(path):
            return self.knowing.catalog_findings(path, catalog), None, None
        if not is_of_policies(edited):
            return (), None, None
        try:
            self.knowing.refresh()
        except MianshenError as error:
            if self.knowing.is_empty:
                raise
            trouble = error  # the catalog as it was goes on counting
        found, policy = findings_in_file(self.knowing.installation, path, edited.text)
        self.knowing.settle()
        return tuple(dict.fromkeys(found)), policy, trouble

    def _shown(self, found: tuple[Diagnostic, ...], text: str, file: str) -> tuple[types.Diagnostic, ...]:
        entry = outline_of(text).by_path.get(("overlays",))
        elsewhere = Place(file, 1, 1)
        if entry is not None and entry.value is not None:
            elsewhere = Place(file, entry.value.start.line + 1, entry.value.start.column + 1)
        wire = self.wire(text)
        return tuple(wire.diagnostic(one, file, elsewhere) for one in found)

    def _publish(self, uri: str, version: int | None, shown: tuple[types.Diagnostic, ...]) -> None:
        self.server.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=list(shown), version=version)
        )

    def close(self, uri: str) -> None:
        """Forget a file, and take its findings away."""
        opened = self.opened.pop(uri, None)
        if opened is not None and opened.checking is not None:
            opened.checking.cancel()
        self._publish(uri, None, ())

    def tell(self, error: Exception) -> None:
        """Show a mistake of the server, or of the catalog, once."""
        message = self._message(error)
        if message not in self.told:
            self.told.add(message)
            self.show(error)

    def show(self, error: Exception) -> None:
        """Show what is wrong with what has been asked for."""
        self.server.window_show_message(types.ShowMessageParams(types.MessageType.Error, self._message(error)))

    def _message(self, error: Exception) -> str:
        if isinstance(error, MianshenError):
            return "\n".join(one.render(self.say.language) for one in error.diagnostics)
        return self.say("语言服务出错:", "the language server failed: ") + f"{type(error).__name__}: {error}"

    # Questions

    def completions(self, params: types.CompletionParams) -> types.CompletionList | None:
        """Return what may be written."""
        edited = self.edited(params.text_document.uri)
        if not self.is_ours(edited):
            return None
        wire = self.wire(edited.text)
        return wire.completions(complete(edited, wire.point(params.position), self.knowledge(edited)))

    def signature(self, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        """Return how the function around the cursor is written."""
        edited = self.edited(params.text_document.uri)
        if not self.is_ours(edited):
            return None
        wire = self.wire(edited.text)
        found = signature_at(edited, wire.point(params.position))
        return wire.signature(found) if found is not None else None

    def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Return what is known of what is pointed at."""
        edited = self.edited(params.text_document.uri)
        if not self.is_ours(edited):
            return None
        wire = self.wire(edited.text)
        found = hover_at(edited, wire.point(params.position), self.knowledge(edited))
        return wire.hover(found) if found is not None else None

    def definition(self, params: types.DefinitionParams) -> types.Location | None:
        """Return where what is pointed at has been declared."""
        uri = params.text_document.uri
        edited = self.edited(uri)
        if not self.is_ours(edited):
            return None
        wire = self.wire(edited.text)
        found = declared_at(edited, wire.point(params.position), self.knowledge(edited))
        if found is None:
            return None
        if found.file is None:
            return types.Location(uri, wire.range(found.span))
        path = Path(found.file).resolve()
        there = self.wire(path.read_text(encoding="utf-8"))
        return types.Location(from_fs_path(str(path)) or "", there.range(found.span))

    def symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """Return the outline of a file."""
        edited = self.edited(params.text_document.uri)
        if not self.is_ours(edited):
            return []
        wire = self.wire(edited.text)
        return [wire.symbol(one) for one in symbols_of(edited)]

    def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Return the corrections of the findings in a range."""
        uri = params.text_document.uri
        opened = self.opened.get(uri)
        if opened is None:
            return []
        edited = self.edited(uri)
        wire, found = self.wire(edited.text), []
        for finding, shown in zip(opened.findings, opened.shown, strict=True):
            if finding.place.file != str(path_of(uri)) or not _meet(shown.range, params.range):
                continue
            repair = repair_of(finding, wire.lines) or insertion_of(finding, edited)
            if repair is not None:
                found.append(wire.repair(repair, uri, shown))
        return found

    def knowledge(self, edited: EditedFile) -> Knowledge:
        """Return what is known for a file."""
        return self.knowing.knowledge(Path(edited.file))


def path_of(uri: str) -> Path:
    """Return the path of a file's address; a text that has not been saved gets the name of a rule file."""
    found = to_fs_path(uri)
    return Path(found) if found is not None else Path("untitled.yaml")


def _meet(one: types.Range, other: types.Range) -> bool:
    def key(position: types.Position) -> tuple[int, int]:
        return position.line, position.character

    return key(one.start) <= key(other.end) and key(other.start) <= key(one.end)


class _Server(LanguageServer):
    """Shows its own mistakes as the rest of it does: once, without a traceback."""

    tell: Callable[[Exception], None] | None = None

    def report_server_error(self, error: Exception, source: Any) -> None:
        if self.tell is not None:
            self.tell(error)


_QUESTIONS: tuple[tuple[str, str, Any], ...] = (
    (types.TEXT_DOCUMENT_COMPLETION, "completions",
     types.CompletionOptions(trigger_characters=[".", '"', "'", "[", "(", "{", " "])),
    (types.TEXT_DOCUMENT_SIGNATURE_HELP, "signature", types.SignatureHelpOptions(trigger_characters=["(", ","])),
    (types.TEXT_DOCUMENT_HOVER, "hover", None),
    (types.TEXT_DOCUMENT_DEFINITION, "definition", None),
    (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, "symbols", None),
    (types.TEXT_DOCUMENT_CODE_ACTION, "actions", types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])),
)  # fmt: skip
_NAMES: tuple[tuple[str, str, Any], ...] = (
    (types.TEXT_DOCUMENT_REFERENCES, "references", None),
    (types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, "highlights", None),
    (types.TEXT_DOCUMENT_PREPARE_RENAME, "prepare", None),
    (types.TEXT_DOCUMENT_RENAME, "rename", types.RenameOptions(prepare_provider=True)),
)


def language_server(knowing: Knowing, say: Speech, version: str = "1") -> LanguageServer:
    """Return the server, ready to be started on a pair of streams."""
    server = _Server("mianshen", version, text_document_sync_kind=types.TextDocumentSyncKind.Full)
    answers = Answers(server, knowing, say)
    server.tell = answers.tell
    # What goes wrong is shown in the editor; pygls would also write it to standard error, traceback and all.
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False
    asked = [(answers, one) for one in _QUESTIONS] + [(Naming(answers), one) for one in _NAMES]
    for owner, (name, method, options) in asked:
        server.feature(name, options)(_guarded(getattr(owner, method), answers.tell))

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        await _watch_files(server)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def did_open(params: types.DidOpenTextDocumentParams) -> None:
        answers.check_soon(params.text_document.uri, 0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def did_change(params: types.DidChangeTextDocumentParams) -> None:
        answers.check_soon(params.text_document.uri, _PAUSE_SECONDS)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def did_save(params: types.DidSaveTextDocumentParams) -> None:
        # A saved rule changes what is to be said of its overlays, of bundles, and of files that name it.
        for uri in list(answers.opened):
            answers.check_soon(uri, 0)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def did_change_files(params: types.DidChangeWatchedFilesParams) -> None:
        for uri in list(answers.opened):
            answers.check_soon(uri, _PAUSE_SECONDS)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def did_close(params: types.DidCloseTextDocumentParams) -> None:
        answers.close(params.text_document.uri)

    return server


async def _watch_files(server: LanguageServer) -> None:
    """Ask the editor to tell of rule files that change outside it, if it can."""
    workspace = server.client_capabilities.workspace
    able = workspace.did_change_watched_files if workspace is not None else None
    if able is None or not able.dynamic_registration:
        return
    watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*.yaml")])
    one = types.Registration("rule-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched)
    await server.client_register_capability_async(types.RegistrationParams([one]))


def _guarded(answer: Callable[[Any], Any], tell: Callable[[Exception], None]) -> Callable[[Any], Awaitable[Any]]:
    """Return an answer that shows a failure and then has nothing to say, instead of breaking off."""

    @wraps(answer)
    async def guarded(params: Any) -> Any:
        try:
            return answer(params)
        except Exception as error:  # one question that cannot be answered does not end the others
            tell(error)
            return None

    return guarded
