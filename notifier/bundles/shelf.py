"""The bundles of an installation: read from its library, checked against its catalog, kept by version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, insert, select

from engine.grant_terms import payee_space
from engine.installation import Installation
from engine.ledger import audit, tables
from engine.ledger.approvals import approved_policies
from engine.ledger.opening import Ledger, table
from engine.ledger.retirements import retired_policies
from engine.planning import is_in_force
from policies.bundles import Bundle, Bundles, EventReach, read_bundle, read_bundle_text, read_bundles
from policies.errors import LedgerError
from policies.policy import Policy
from policies.text import Bilingual
from profiles.catalog_event_model import SUBJECT, EventKind
from profiles.catalog_model import Catalog

_ALIVE = "alive"


@dataclass(frozen=True, slots=True)
class BundleLine:
    """How one policy of a bundle stands on a day: `ready`, `not-approved`, `retired` or `not-in-force`.

    `apart` names the space that is told of it if that is none of those that the events are about (a household, where
    the events happen to people): then its grants have a notice of their own. None: it is told with the others.
    """

    policy: str
    title: Bilingual
    because: Bilingual
    is_private: bool
    state: Literal["ready", "not-approved", "retired", "not-in-force"]
    apart: Bilingual | None = None


def bundles_of(installation: Installation) -> Bundles:
    """Return the checked bundles of the library; bad files are listed, not raised."""
    spaces = {name: policy.space for name, policy in installation.library.policies.items()}
    return read_bundles(installation.library_folder, reaches(installation.catalog), spaces)


def check_bundle(installation: Installation, path: Path, *, text: str | None = None) -> Bundle:
    """Return the bundle of one file, checked against the library and the catalog; `text` stands for its content if given.

    Raises PolicyError with every finding.
    """
    spaces = {name: policy.space for name, policy in installation.library.policies.items()}
    return read_bundle(path, reaches(installation.catalog), spaces, text=text)


def reaches(catalog: Catalog) -> dict[str, EventReach]:
    """Return for each kind of event the spaces that it changes, and whether a life ends by it."""
    return {
        name: EventReach(frozenset({kind.space, *(patch.space for patch in kind.patches)}), ends_life(kind))
        for name, kind in catalog.events.items()
    }


def ends_life(kind: EventKind) -> bool:
    """Return whether the subject is not alive any more after such an event."""
    values = (value for patch in kind.patches if patch.of == SUBJECT for value in patch.values)
    return any(value.name == _ALIVE and value.given is None and value.constant is False for value in values)


def standing_of(
    ledger: Ledger, catalog: Catalog, policies: Mapping[str, Policy], bundle: Bundle, on: date
) -> list[BundleLine]:
    """Return the policies of a bundle in its order, each with how it stands on the day `on`."""
    approved, retired = approved_policies(ledger, on), retired_policies(ledger, on)
    found = []
    for one in bundle.policies:
        policy = policies[one.policy]
        state: Literal["ready", "not-approved", "retired", "not-in-force"] = "ready"
        if one.policy in retired:
            state = "retired"
        elif one.policy not in approved:
            state = "not-approved"
        elif not is_in_force(policy, on):
            state = "not-in-force"
        found.append(
            BundleLine(
                one.policy, policy.title, one.because, one.is_private, state, _told_apart(catalog, policy, bundle)
            )
        )
    return found


def _told_apart(catalog: Catalog, policy: Policy, bundle: Bundle) -> Bilingual | None:
    """Return the title of the space that is told of a policy's grants, if no event of the bundle is about it."""
    told = payee_space(policy, catalog.vocabulary) or policy.space
    if any(catalog.events[name].space == told for name in bundle.events):
        return None
    return catalog.spaces[told].title


def keep_version(connection: Connection, ledger: Ledger, bundle: Bundle, actor: str) -> None:
    """Keep the text of a bundle's version for ever, and say so in the audit log; nothing if it is kept already."""
    versions = table(tables.BundleVersion)
    if connection.execute(select(versions.c.version).where(versions.c.version == bundle.version)).first():
        return
    at = ledger.now()
    values = {"version": bundle.version, "bundle": bundle.id, "text": bundle.text, "author": bundle.author}
    connection.execute(insert(versions).values(**values, added_at=at))
    detail = {"bundle": bundle.id, "version": bundle.version, "author": bundle.author}
    audit.append(connection, at=at, actor=actor, action="bundle-kept", detail=detail)


def bundle_by_version(ledger: Ledger) -> Callable[[str], Bundle]:
    """Return a function from a version to its bundle, read once. It raises LedgerError for an unknown version."""
    found: dict[str, Bundle] = {}

    def bundle_of(version: str) -> Bundle:
        if version not in found:
            versions = table(tables.BundleVersion)
            with ledger.reading() as connection:
                text = connection.execute(select(versions.c.text).where(versions.c.version == version)).scalar()
            if text is None:
                raise LedgerError.of(
                    "unknown-version", f"账本里没有组合版本 `{version[:12]}`",
                    f"the ledger keeps no bundle of version `{version[:12]}`",
                    help_zh="从备份恢复账本", help_en="restore the ledger from a backup",
                )  # fmt: skip
            found[version] = read_bundle_text(str(text), version[:12])
        return found[version]

    return bundle_of
