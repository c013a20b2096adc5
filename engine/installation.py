"""One installation, opened: its home, catalog, rule library and ledger, each read when first needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from policies.errors import StoreError
from policies.library import Library, read_library
from profiles.catalog_model import Catalog
from profiles.catalog_reading import read_catalog
from profiles.home import Home

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from engine.ledger import Ledger
    from profiles.snapshot import Snapshot

LIBRARY = Path(__file__).resolve().parent.parent / "policies"


@dataclass(frozen=True)
class Installation:
    """What every command works on. `library_folder` holds the rule files, by region."""

    home: Home
    library_folder: Path = LIBRARY

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of spaces, sources, attributes and code sets. Raises CatalogError."""
        return read_catalog()

    @cached_property
    def library(self) -> Library:
        """All rule files, checked against the catalog; bad files are listed, not raised."""
        return read_library(self.library_folder, self.catalog.vocabulary)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, created if it does not exist yet. Raises LedgerError, or StoreError for the home."""
        from engine.ledger import open_ledger

        try:
            self.home.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError.of(
                "home-unusable",
                f"`{self.home.path}` 不能用作数据目录:{error.strerror}",
                f"`{self.home.path}` cannot be the folder of the data: {error.strerror}",
                help_zh="用 --home 或 MIANSHEN_HOME 指定一个可写的目录",
                help_en="name a folder that can be written with --home or MIANSHEN_HOME",
            ) from None
        return open_ledger(self.home.ledger_url)

    def snapshot(self, on: date) -> Snapshot:
        """The profile store as it stands now, with the freshness limits of day `on`. Raises StoreError."""
        from profiles.snapshot import open_snapshot

        return open_snapshot(self.home, self.catalog, on)

    def reopen(self, on: date, versions: Mapping[str, int]) -> Snapshot:
        """The profile store in the versions that an unfinished run had pinned. Raises StoreError."""
        from profiles.snapshot import open_snapshot

        return open_snapshot(self.home, self.catalog, on, versions)
