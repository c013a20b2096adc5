"""The second half of an intake: spooled rows are merged, bucket by bucket, and written unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import polars as pl

from profiles.events.intake_patches import intake_patches, sources_patched_by
from profiles.fault_points import fault_point
from profiles.home import Home
from profiles.identity import organisation_check_failures
from profiles.intake_checks import CONTACT_PREFIX, NUMBER, Checked, CheckPlan, stored_schema
from profiles.intake_merging import Merged, merge_items, merge_subjects, split_duplicates
from profiles.intake_spool import Spool
from profiles.intake_texts import ROW
from profiles.manifest import Manifest, TableState
from profiles.quarantine import QUARANTINE_SCHEMA, QUARANTINE_TABLE, to_quarantine_rows
from profiles.store import StoredTable, append_rows, open_current
from profiles.vault import NUMBER_FIELD, Secret, Vault


class IntakeWriting:
    """Collects the checked batches of one file, then writes what they change. Nothing it writes is visible.

    After `write`: `unchanged`, `removed` (rows and subjects) and `reasons()` tell what happened.
    """

    def __init__(
        self,
        home: Home,
        vault: Vault,
        manifest: Manifest,
        plan: CheckPlan,
        extract: str,
        file: str,
        scratch: Path,
        contact_key: bytes,
    ) -> None:
        self.plan, self.extract, self.file = plan, extract, file
        self.sequence = manifest.sequence + 1
        self.good_rows = self.unchanged = self.removed = 0
        self.warnings: Counter[str] = Counter()
        self._home, self._vault, self._manifest = home, vault, manifest
        self._contact_key = contact_key
        self._live = 0
        self._good = Spool(scratch, "good", manifest.buckets)
        self._blanked = Spool(scratch, "blanked", manifest.buckets)
        self._quarantine: list[pl.DataFrame] = []
        self._reasons: Counter[str] = Counter()
        source = plan.source
        self._contacts = [f"{CONTACT_PREFIX}{each.contact}" for each in source.vault_fields]
        self._schema = stored_schema(source)
        self._is_collection = source.kind == "collection"
        # What is compared: everything stored but the keys.
        self._data = [name for name in self._schema if name != "item"] + (["_sealed"] if self._contacts else [])
        freshness = _freshness(plan)
        # Where data grows stale, being told the same again is news: the day of the extract counts.
        # So it does where events may say otherwise, of an earlier day and yet arriving later.
        self._date_anew = extract == "partial" and (bool(freshness) or source.id in sources_patched_by(plan.catalog))
        self._patches = intake_patches(home, source.id, plan.as_of, manifest.buckets)

    def add(self, checked: Checked) -> None:
        """Take one checked batch."""
        good = checked.good
        if self.plan.source.space == "enterprise":
            failures = organisation_check_failures(good[NUMBER])
            if failures:
                self.warnings["wrong-inner-check"] += failures
        if self._contacts:
            good = good.with_columns(_sealed(good.select(self._contacts), self._contact_key))
        if self.plan.source.kind != "register":
            good = good.drop(NUMBER)
        self.good_rows += good.height
        self._good.add(good)
        self._blanked.add(checked.blanked)
        self._keep_faults(checked.faults)

    def reasons(self) -> dict[str, int]:
        """Return how many rows are in quarantine, by the first reason found in each."""
        return dict(self._reasons.most_common())

    def write(self) -> dict[str, TableState]:
        """Write table, vault and quarantine; return the states that the manifest is to name."""
        source, manifest = self.plan.source, self._manifest
        state = manifest.tables.get(source.id)
        current = open_current(self._home, manifest, source.id)
        own: dict[str, type[pl.DataType]] = {"_sequence": pl.Int64, "_as_of": pl.Date, "_removed": pl.Boolean}
        schema = {**self._table_schema(), **own}
        ordered = {name: schema[name] for name in _system_first(schema)}
        version = append_rows(self._home, source.id, state, self._merged_buckets(current), ordered)
        fault_point("intake-after-table")
        as_of = self.plan.as_of.isoformat()
        tables: dict[str, TableState] = {}
        if state is not None or version is not None:
            state = state or TableState(version=-1, layers=0)
            tables[source.id] = replace(
                state,
                version=state.version if version is None else version,
                as_of=as_of,
                full_as_of=as_of if self.extract == "full" else state.full_as_of,
                rows=state.rows + self._live,
                layers=state.layers + (version is not None),
            )
        tables |= self._write_quarantine()
        fault_point("intake-after-quarantine")
        return tables

    def _table_schema(self) -> dict[str, type[pl.DataType]]:
        return {"subject": pl.String, **self._schema, **({"_sealed": pl.String} if self._contacts else {})}

    def _merged_buckets(self, current: StoredTable | None) -> Iterator[pl.DataFrame]:
        for bucket in range(self._manifest.buckets):
            merged = self._merge(bucket, current)
            if merged is None:
                continue
            yield merged.rows.with_columns(
                pl.lit(self.sequence, dtype=pl.Int64).alias("_sequence"),
                pl.lit(self.plan.as_of).alias("_as_of"),
                pl.lit(bucket, dtype=pl.Int32).alias("bucket"),
            )
            fault_point("intake-between-buckets")

    def _merge(self, bucket: int, current: StoredTable | None) -> Merged | None:
        good, blanked = self._good.bucket(bucket), self._blanked.bucket(bucket)
        full = self.extract == "full"
        overruled = self._patches.of_bucket(bucket)
        if good.is_empty() and blanked.is_empty() and (not full or (current is None and overruled.is_empty())):
            return None
        keys = ["subject", "item"] if self._is_collection else ["subject"]
        good, clashing, copies = split_duplicates(good, keys, [*self._data, *self._contacts])
        if clashing.height:
            self._keep_faults(self._duplicates(clashing))
            blanked = pl.concat([blanked, clashing.select(blanked.columns)])
        good = good.sort(keys)
        known = {name: kind for name, kind in self._table_schema().items() if name not in keys}
        rows = current.read(bucket, known) if current is not None else good.select(*keys, *known).clear()
        merge = merge_items if self._is_collection else merge_subjects
        # Who is born is announced before the register knows: its silence overrules nobody.
        silence_counts = self.plan.source.kind != "register"
        merged = merge(good, blanked, rows, self._data, full, self._date_anew, overruled, silence_counts)
        self.unchanged += merged.unchanged + copies
        self.removed += merged.removed
        self._live += merged.live
        self._seal(merged, rows)
        return merged

    def _duplicates(self, clashing: pl.DataFrame) -> pl.DataFrame:
        source = self.plan.source
        reason = "duplicate-item" if self._is_collection else "duplicate-subject"
        column = (source.item or source.member or source.key) if self._is_collection else source.key
        return clashing.select(
            ROW, field=pl.lit(column), column=pl.lit(column), value=pl.lit(""), reason=pl.lit(reason)
        )

    def _seal(self, merged: Merged, known: pl.DataFrame) -> None:
        """Put the identity numbers of newcomers and the contacts that changed into the vault."""
        secrets: list[Secret] = []
        # Only where something may stand already need it be said that there is nothing.
        known_subjects = set(known["subject"])
        if self.plan.source.kind == "register" and merged.newcomers.len():
            arrived = merged.changed.join(merged.newcomers.to_frame("subject"), on="subject", how="semi")
            secrets += [
                Secret(subject, NUMBER_FIELD, number)
                for subject, number in arrived.select("subject", NUMBER).iter_rows()
            ]
        if self._contacts and merged.changed.height + merged.restated.height:
            told = merged.changed.join(known.select("subject", "_sealed"), on=["subject", "_sealed"], how="anti")
            told = pl.concat([told, merged.restated.select(told.columns)]).sort("subject")
            words = sorted(self._contacts)
            fields = [word.removeprefix(CONTACT_PREFIX) for word in words]
            # Row by row, as the vault's own order is: its tree then grows at one end.
            secrets += [
                Secret(subject, word, value)
                for subject, *values in told.select("subject", *words).iter_rows()
                for word, value in zip(fields, values, strict=True)
                if (value is not None or subject in known_subjects)
                and (subject, word) not in self._patches.newer_contacts
            ]
        if secrets:
            self._vault.put(secrets, self.sequence)
            fault_point("intake-after-vault")

    def _keep_faults(self, faults: pl.DataFrame) -> None:
        if faults.is_empty():
            return
        source = self.plan.source
        identities = {source.key, source.item or "", "member", "item"} | {
            each.name for each in source.fields if each.role != "attribute"
        }
        kept = to_quarantine_rows(faults, self.sequence, source.id, self.file, self.plan.as_of, identities)
        first = faults.unique("_row", keep="first", maintain_order=True)
        self._reasons.update(dict(first["reason"].value_counts().iter_rows()))
        self._quarantine.append(kept)

    def _write_quarantine(self) -> dict[str, TableState]:
        if not self._quarantine:
            return {}
        state = self._manifest.tables.get(QUARANTINE_TABLE)
        rows = pl.concat(self._quarantine)
        in_order = rows.sort("row", "field").with_columns(pl.lit(0, dtype=pl.Int32).alias("bucket"))
        version = append_rows(self._home, QUARANTINE_TABLE, state, iter([in_order]), QUARANTINE_SCHEMA)
        assert version is not None
        before = state or TableState(version=-1, layers=0)
        return {
            QUARANTINE_TABLE: replace(before, version=version, rows=before.rows + rows.height, layers=before.layers + 1)
        }


def _freshness(plan: CheckPlan) -> list[int]:
    """Return the freshness limits of what the source delivers."""
    space = plan.catalog.spaces[plan.source.space]
    collection = plan.source.collection
    attributes = space.collections[collection].attributes if collection is not None else space.attributes
    delivered = [attributes[each.name] for each in plan.source.stored_fields if each.name in attributes]
    return [each.freshness_days for each in delivered if each.freshness_days is not None]


def _system_first(schema: dict[str, type[pl.DataType]]) -> list[str]:
    """Return the columns, the store's own first: Delta keeps statistics of the first columns only."""
    own = ["subject", "_sequence", "_as_of", "_removed", "item"]
    return [name for name in own if name in schema] + [name for name in schema if name not in own]


def _sealed(contacts: pl.DataFrame, key: bytes) -> pl.Series:
    """Return a keyed digest of each row's contacts: it tells whether they changed, and nothing else."""
    joined = contacts.select(pl.concat_str([pl.all().fill_null("\x00")], separator="\x1f").alias("_sealed"))["_sealed"]
    digests = [blake2b(text.encode(), key=key, digest_size=12).hexdigest() for text in joined.to_list()]
    return pl.Series("_sealed", digests, dtype=pl.String)
