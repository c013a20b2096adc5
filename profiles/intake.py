"""Taking in an extract file: good rows to the store, bad ones to quarantine, all of it or nothing.

The road: the file is read as text in batches, checked column by column, spooled by bucket, and merged with
what the store holds. Delta versions, vault rows and quarantine rows are written first; the manifest makes
them count, in one step. The same file for the same day again changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Literal

import polars as pl

from policies.errors import IntakeError
from profiles import intake_refusals as refusals
from profiles.catalog_model import Catalog, Source
from profiles.home import Home
from profiles.identity import pseudonyms as _unused  # noqa: F401
from profiles.intake_checks import (
    CONTACT_PREFIX,
    NUMBER,
    CheckPlan,
    check_batch,
    column_type,
    stored_schema,
)
from profiles.intake_merging import Merged, merge_items, merge_subjects, split_duplicates
from profiles.intake_reading import Extract, Limits, digest_of, open_extract
from profiles.intake_spool import Spool
from profiles.intake_texts import MALFORMED, ROW
from profiles.manifest import (
    IntakeRecord,
    Manifest,
    TableState,
    commit_manifest,
    intake_records,
    read_manifest,
    remove_unfinished_records,
    require_key,
    write_record,
    writing,
)
