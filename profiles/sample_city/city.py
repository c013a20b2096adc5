"""The whole city in one call: people, firms, lives and records, written as extracts of every source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from policies.errors import SettingsError
from policies.types import Bool, Date, Number
from profiles.catalog_model import Catalog, Source, SourceField
from profiles.catalog_reading import read_catalog
from profiles.sample_city.chance import Numbers, days, drawn, gathered, happens, stream, where, words
from profiles.sample_city.dirt import soil
from profiles.sample_city.firm_records import FIRM_RECORDS
from profiles.sample_city.firms import Firms, found_firms
from profiles.sample_city.lives import Lives, live
from profiles.sample_city.numbers import account_numbers, phone_numbers
from profiles.sample_city.people import CHILD, GRANDPARENT, HEAD, SPOUSE, People, settle
from profiles.sample_city.records import keep
from profiles.sample_city.writing import path_of, to_written, write_file

Columns = Mapping[str, pl.Series]


@dataclass(frozen=True, slots=True)
class CityReport:
    """What was written.

    files  source id -> file (none for a source with nothing to say); rows  source id -> rows in it;
    dirty  source id -> reason, in intake's word -> rows that carry it
    """

    folder: Path
    citizens: int
    enterprises: int
    households: int
    files: Mapping[str, Path]
    rows: Mapping[str, int]
    dirty: Mapping[str, Mapping[str, int]]


def generate(
    folder: Path,
    citizens: int = 100_000,
    enterprises: int | None = None,
    seed: int = 1,
    *,
    on: date,
    dirty: float = 0.02,
) -> CityReport:
    """Write one extract per source into `folder`, as they would be on the day `on`; return what was written.

    `enterprises` is 8 % of `citizens` unless given; `dirty` is the share of spoilt rows. The same arguments
    give the same bytes. Raises SettingsError for numbers that make no city.
    """
    firms_wanted = max(1, citizens * 8 // 100) if enterprises is None else enterprises
    _check(citizens, firms_wanted, seed, on, dirty)
    catalog = read_catalog()
    folder.mkdir(parents=True, exist_ok=True)
    people = settle(citizens, seed, on)
    firms = found_firms(firms_wanted, seed, on)
    lives = live(people, firms, seed, on)
    frames = _frames(people, firms, lives, seed, on)
    files: dict[str, Path] = {}
    rows: dict[str, int] = {}
    spoilt: dict[str, dict[str, int]] = {}
    for source in _delivered(catalog, frames):
        # Each frame is let go once written, so that memory holds one extract beside the city.
        whole = _with_every_field(source, frames.pop(source.id))
        if whole.is_empty():
            # An agency with nothing to say sends no file; one of an earlier city must not stay behind.
            path_of(source, folder, on.isoformat()).unlink(missing_ok=True)
            continue
        frame = _with_gaps(source, whole, stream(seed, f"gaps:{source.id}"))
        soiled = soil(source, to_written(source, frame), stream(seed, f"dirt:{source.id}"), dirty, on)
        files[source.id] = write_file(source, soiled.rows, folder, on.isoformat())
        rows[source.id] = soiled.rows.height
        spoilt[source.id] = soiled.counts
    return CityReport(folder, citizens, firms_wanted, len(people.hardship), files, rows, spoilt)


def _check(citizens: int, enterprises: int, seed: int, on: date, dirty: float) -> None:
    wrong = (
        ("citizens", citizens, 1 <= citizens <= 10_000_000, "1–10000000"),
        ("enterprises", enterprises, 0 <= enterprises <= 999_999, "0–999999"),
        ("seed", seed, seed >= 0, "0, 1, 2 …"),
        ("on", on, 2000 <= on.year <= 2098, "2000-01-01–2098-12-31"),
        ("dirty", dirty, 0.0 <= dirty <= 0.5, "0–0.5"),
    )
    for name, value, fits, allowed in wrong:
        if not fits:
            raise SettingsError.of(
                "impossible-city",
                f"`{name}` 不能是 `{value}`",
                f"`{name}` cannot be `{value}`",
                help_zh=f"取 {allowed} 之内",
                help_en=f"choose it within {allowed}",
            )


def _delivered(catalog: Catalog, frames: Mapping[str, pl.DataFrame]) -> list[Source]:
    return [source for source in catalog.sources.values() if source.id in frames]


def _frames(people: People, firms: Firms, lives: Lives, seed: int, on: date) -> dict[str, pl.DataFrame]:
    frames = {source: _frame(people.numbers, columns) for source, columns in lives.tables.items()}
    frames["population"] = _frame(
        people.numbers,
        {
            "name": people.names,
            "birth_date": days(people.birth_days),
            "sex": words(("2", "1"), people.male.astype(np.int64)),
            "alive": pl.Series(people.alive),
            "hukou_region": people.hukou,
            "household": gathered(people.booklets, people.household),
            "guardian": gathered(people.numbers, people.guardian),
        },
    )
    frames["households"] = _frame(people.booklets, _households(people, lives, seed))
    frames["household_members"] = pl.DataFrame(
        {
            "key": gathered(people.booklets, people.household),
            "member": people.numbers,
            "relationship": _relationships(people),
        }
    )
    frames["citizen_contacts"] = _citizen_contacts(people, seed)
    frames |= {source: _frame(firms.codes, columns) for source, columns in firms.tables.items()}
    frames["enterprise_contacts"] = _frame(firms.codes, _contacts(firms.count, seed, "firm", people.count))
    for source, records in keep(people, firms, lives, seed, on).items():
        owners = firms.codes if source in FIRM_RECORDS else people.numbers
        frames[source] = _frame(gathered(owners, records.owner), {"item": records.item, **records.columns})
    return frames


def _frame(key: pl.Series, columns: Columns) -> pl.DataFrame:
    return pl.DataFrame([key.alias("key"), *(column.alias(name) for name, column in columns.items())])


def _households(people: People, lives: Lives, seed: int) -> Columns:
    chance = stream(seed, "households")
    count = len(people.hardship)
    income = np.zeros(count, dtype=np.int64)
    np.add.at(income, people.household, lives.income)
    # Who lives in a dormitory or a home is assessed with a family that lives elsewhere.
    heads = np.full(count, -1, dtype=np.int64)
    living = people.alive.nonzero()[0][::-1]  # the head stands first: of several places the last one set counts
    heads[people.household[living]] = living
    within = happens(chance, np.where(people.hardship, 0.93, np.where(people.collective, 0.0, 0.1)), count)
    return {
        "head": gathered(people.numbers, heads),
        "size": pl.Series(people.household_size),
        "income_per_head": pl.Series(income // np.maximum(people.household_size, 1)),
        "assets_acceptable": pl.Series(within),
        "region": people.household_region,
    }


def _relationships(people: People) -> pl.Series:
    sex = np.where(people.male, 0, 1)
    at = np.select(
        [people.role == HEAD, people.role == SPOUSE, people.role == CHILD, people.role == GRANDPARENT],
        [0 * sex, 1 + sex, 3 + sex, 5 + sex],
        7,
    )
    return words(("02", "11", "12", "20", "30", "51", "52", "99"), at)


def _citizen_contacts(people: People, seed: int) -> pl.DataFrame:
    """Contacts of everyone of 14 and older; children are reached through their guardians."""
    reached: Numbers = (people.age >= 14).nonzero()[0]
    return _frame(people.numbers.gather(pl.Series(reached)), _contacts(len(reached), seed, "citizen", 0))


def _contacts(count: int, seed: int, who: str, first: int) -> Columns:
    chance = stream(seed, f"contacts:{who}")
    numbered = pl.Series(np.arange(1, count + 1)).cast(pl.String).str.zfill(8)
    email = pl.DataFrame({"n": numbered}).select(pl.concat_str(pl.lit(who), "n", pl.lit("@example.invalid")))["literal"]
    channels = ("inbox,sms", "inbox,email", "inbox,sms,email", "inbox")
    return {
        "phone": where(happens(chance, 0.95, count), phone_numbers(count, first)),
        "email": where(happens(chance, 0.45, count), email),
        "account": where(happens(chance, 0.93, count), account_numbers(count, first)),
        "language": words(("zh", "en"), drawn(chance, (0.97, 0.03), count)),
        "channels": words(channels, drawn(chance, (0.5, 0.2, 0.2, 0.1), count)),
    }


def _with_every_field(source: Source, frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` with an empty column for every field of `source` that the city knows nothing of."""
    absent = [field for field in source.fields if field.name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=_kept_as(field)).alias(field.name) for field in absent)


def _kept_as(field: SourceField) -> pl.DataType:
    if isinstance(field.type, Bool):
        return pl.Boolean()
    if isinstance(field.type, Number):
        return pl.Int64()
    return pl.Date() if isinstance(field.type, Date) else pl.String()


def _with_gaps(source: Source, frame: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    """Return `frame` with one to three per cent of the values of every optional field missing."""
    gaps = []
    for field in source.fields:
        share = chance.uniform(0.01, 0.03)
        missing = happens(chance, share, frame.height)
        if not field.required:
            kept = pl.when(~pl.lit(pl.Series(missing))).then(pl.col(field.name))
            gaps.append(kept.alias(field.name))
    return frame.with_columns(gaps)
