"""The catalog and the library for an editor: read once, and again only where a file has changed."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from threading import Lock

from engine.installation import Installation
from notifier.file_states import FileState, FileStates, states_of
from policies.editing.entries import Path
from policies.editing.knowledge import Declared, Knowledge, KnownPolicy, known_policy
from policies.editing.outline import outline_of
from policies.editing.places import catalog_places
from policies.errors import CatalogError, Diagnostic
from policies.library import is_overlay, rule_files, rule_files_beside
from profiles.catalog_model import Catalog
from profiles.catalog_reading import CATALOG_FOLDER, check_catalog


@dataclass
class Knowing:
    """What an editor is told from, kept in step with the files.

    `refresh` may take a second and belongs into a thread of its own; `knowledge` answers at once with what was last
    read.
    """

    installation: Installation
    _stamps: FileStates = field(default_factory=dict)
    _policies: dict[FilePath, tuple[FileState, KnownPolicy | None]] = field(default_factory=dict)
    _knowledge: Knowledge | None = None
    _settled: tuple[int, int] = (0, 0)
    _lock: Lock = field(default_factory=Lock)

    def refresh(self) -> None:
        """Look whether a file of the catalog or the library has changed, and read those that have.

        Raises CatalogError if the catalog has a mistake; what was known before then stays.
        """
        with self._lock:
            folder = self.installation.library_folder
            stamps = states_of([*sorted(CATALOG_FOLDER.glob("*.yaml")), *sorted(folder.rglob("*.yaml"))])
            if stamps == self._stamps and self._knowledge is not None:
                return
            fresh = replace(self.installation)  # without anything that the old one has read
            catalog = fresh.catalog
            places = self._knowledge.declared if self._knowledge is not None else {}
            changed = {path for path in {*stamps, *self._stamps} if stamps.get(path) != self._stamps.get(path)}
            if self._knowledge is None or any(path.parent == CATALOG_FOLDER for path in changed):
                places = self._places(stamps)
            policies = self._known(rule_files(folder))
            self._knowledge = _knowledge_of(catalog, policies, places)
            self.installation = fresh
            self._stamps = stamps

    def knowledge(self, path: FilePath) -> Knowledge:
        """Return what is known for a file: for an overlay outside the library the rules beside it too.

        Raises CatalogError if the catalog has never been read without a mistake.
        """
        if self._knowledge is None:
            self.refresh()
        assert self._knowledge is not None
        in_library = path.resolve().is_relative_to(self.installation.library_folder.resolve())
        if in_library or not is_overlay(path) or not path.parent.is_dir():
            return self._knowledge
        beside = self._known(reversed(rule_files_beside(path)))
        return replace(self._knowledge, policies={**self._knowledge.policies, **beside}) if beside else self._knowledge

    def settle(self) -> None:
        """Take what has been read out of the garbage collector's sight: looking through it took longer than an answer."""
        read = (id(self.installation), len(vars(self.installation)))  # what is read later is kept there too
        if read != self._settled:
            gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._settled = read

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been read yet."""
        return self._knowledge is None

    def is_catalog(self, path: FilePath) -> bool:
        """Return whether a file is one of the catalog's."""
        return path.suffix == ".yaml" and path.resolve().parent == CATALOG_FOLDER.resolve()

    def catalog_findings(self, path: FilePath, unsaved: Mapping[str, str]) -> tuple[Diagnostic, ...]:
        """Return what would be wrong with the catalog; `unsaved` are texts by file name. Findings of `path` bear its path."""
        try:
            check_catalog(unsaved)
        except CatalogError as error:
            return tuple(
                replace(one, place=replace(one.place, file=str(path))) if one.place.file == path.name else one
                for one in error.diagnostics
            )
        return ()

    def _known(self, files: Iterable[FilePath]) -> dict[str, KnownPolicy]:
        """Return the policies of rule files by id, each file read again only if it has changed."""
        found: dict[str, KnownPolicy] = {}
        for path, stamp in states_of(files).items():
            kept = self._policies.get(path)
            if kept is None or kept[0] != stamp:
                text = _text_of(path)
                kept = (stamp, known_policy(outline_of(text), str(path)) if text is not None else None)
                self._policies[path] = kept
            if kept[1] is not None:
                found[kept[1].id] = kept[1]
        return found

    def _places(self, stamps: Iterable[FilePath]) -> dict[Path, Declared]:
        found: dict[Path, Declared] = {}
        for path in stamps:
            text = _text_of(path) if path.parent == CATALOG_FOLDER else None
            if text is not None:
                found |= catalog_places(str(path), outline_of(text))
        return found


def _text_of(path: FilePath) -> str | None:
    """Return a file's text; None if it cannot be read, which its own check tells."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _knowledge_of(catalog: Catalog, policies: dict[str, KnownPolicy], declared: Mapping[Path, Declared]) -> Knowledge:
    return Knowledge(
        catalog.vocabulary,
        {name: source.agency for name, source in catalog.sources.items()},
        {
            code_set: {code: (limits.valid_from, limits.valid_to) for code, limits in codes.items()}
            for code_set, codes in catalog.validity.items()
        },
        policies,
        declared,
    )
