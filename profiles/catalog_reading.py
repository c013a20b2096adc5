"""From the YAML files of a catalog folder to one `Catalog`, or to every mistake at once.

The road: bytes -> located YAML (1.2, strict) -> shape (`catalog_documents`) -> meaning
(`catalog_building`). The files of a folder are read in the order of their names and put together; a name
may be declared only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from policies.document import Document, read_bytes, read_document, to_plain
from policies.errors import CatalogError, Place, PolicyError
from profiles.catalog_building import build_catalog
from profiles.catalog_documents import SECTIONS, CatalogFile
from profiles.catalog_findings import Findings, Where
from profiles.catalog_model import Catalog
from profiles.catalog_shapes import note_shape

CATALOG_FOLDER = Path(__file__).parent / "catalog"


def read_catalog(folder: Path | None = None) -> Catalog:
    """Return the catalog declared by the `*.yaml` files of `folder` (default: the one that comes along).

    Raises CatalogError with every mistake found, each with its file, line and column.
    """
    place = folder if folder is not None else CATALOG_FOLDER
    files = _files_of(place)
    return _read_once(tuple((path.name, path.read_bytes()) for path in files))


def check_catalog(unsaved: Mapping[str, str], folder: Path | None = None) -> None:
    """Check the catalog as it would be with other texts in some files: what an editor has not saved yet, by file name.

    Raises CatalogError as `read_catalog` does.
    """
    files = _files_of(folder if folder is not None else CATALOG_FOLDER)
    texts = {name: text.encode("utf-8", "surrogatepass") for name, text in unsaved.items()}
    parts = tuple((path.name, texts[path.name] if path.name in texts else path.read_bytes()) for path in files)
    # Past the memory of what has been read: a text that is still being written will not be asked for again.
    _read_once.__wrapped__(parts)


def _files_of(folder: Path) -> list[Path]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    except OSError:
        files = []
    if not files:
        raise CatalogError.of(
            "no-catalog",
            f"`{folder}` 中没有目录文件",
            f"no catalog files in `{folder}`",
            help_zh="给出含有 *.yaml 目录文件的文件夹",
            help_en="name a folder that holds the catalog's *.yaml files",
            place=Place(str(folder)),
        )
    return files


# Parsing takes longer than anything else a short command does; the same bytes give the same catalog.
@lru_cache(maxsize=4)
def _read_once(files: tuple[tuple[str, bytes], ...]) -> Catalog:
    findings = Findings()
    digest = sha256()
    parts: dict[str, dict[str, tuple[Any, Where]]] = {section: {} for section in SECTIONS}
    for name, data in files:
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
        document = _document(name, data, findings)
        shaped = _shaped(document, findings) if document is not None else None
        if document is not None and shaped is not None:
            _put_together(parts, shaped, document, findings)
    findings.raise_if_any()
    catalog = build_catalog(parts, digest.hexdigest(), findings)
    findings.raise_if_any()
    assert catalog is not None
    return catalog


def _document(name: str, data: bytes, findings: Findings) -> Document | None:
    try:
        return read_document(read_bytes(data, name), name)
    except PolicyError as error:
        # The same strict YAML as rule files, but the mistake is in the catalog.
        findings.found.extend(error.diagnostics)
        return None


def _shaped(document: Document, findings: Findings) -> CatalogFile | None:
    try:
        return CatalogFile.model_validate(to_plain(document.root))
    except ValidationError as error:
        for one in error.errors(include_url=False):
            note_shape(document, one, findings)
        return None


def _put_together(
    parts: dict[str, dict[str, tuple[Any, Where]]],
    shaped: CatalogFile,
    document: Document,
    findings: Findings,
) -> None:
    for section in SECTIONS:
        for name, part in getattr(shaped, section).items():
            where = Where(document, (section, name))
            if name in parts[section]:
                first = parts[section][name][1].key_place
                findings.add(
                    "declared-twice", where.key_place, f"`{name}` 已在 {first} 声明",
                    f"`{name}` is already declared at {first}",
                    "删去其中一处", "remove one of the two",
                )  # fmt: skip
            else:
                parts[section][name] = (part, where)
