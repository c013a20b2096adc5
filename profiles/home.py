"""One folder that holds everything of an installation: store, vault, ledger and key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one installation. `MIANSHEN_HOME` names the folder, `MIANSHEN_LEDGER` another ledger."""

    path: Path

    @classmethod
    def from_environment(cls, given: str | Path | None = None) -> Home:
        """Return the home at `given`, else at MIANSHEN_HOME, else `.mianshen` in the working directory."""
        return cls(Path(given or os.environ.get("MIANSHEN_HOME") or ".mianshen"))

    @property
    def store(self) -> Path:
        """The profile store (Delta tables)."""
        return self.path / "store"

    @property
    def vault(self) -> Path:
        """The encrypted vault of identities, contacts and accounts (SQLite)."""
        return self.path / "vault.sqlite"

    @property
    def key(self) -> Path:
        """The secret key file: pseudonyms, vault and page logins are derived from it."""
        return self.path / "secret.key"

    @property
    def differences(self) -> Path:
        """The folder of cases on which the engines did not agree; made by the first of them."""
        return self.path / "differences"

    @property
    def ledger_url(self) -> str:
        """The SQLAlchemy URL of the ledger."""
        return os.environ.get("MIANSHEN_LEDGER") or f"sqlite:///{self.path / 'ledger.sqlite'}"
