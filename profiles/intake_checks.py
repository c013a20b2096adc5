"""Text cells to typed values, a whole batch at a time; whatever cannot be is a fault with a reason.

The first pass turns every column into its type with one vectorised expression, null where the text is not a
value of that type. Only the few cells that failed are then looked at again, to say why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from policies.types import Bool, Code, Date, Number, Text
from policies.vocabulary import CodeSet
from profiles.catalog_model import Catalog, Source, SourceField
from profiles.identity import ITEM_DIGITS, normalised_column, number_faults, pseudonyms
from profiles.intake_dates import date_expression, second_look
from profiles.intake_texts import MALFORMED, ROW
from profiles.quarantine import FAULT_SCHEMA, no_faults
from profiles.snapshot_types import polars_type

LONGEST_TEXT = 2_000
# A spreadsheet runs a cell that starts so; `-5` and `+86 138…` are no formulas, `-cmd()` and `+A1!B2` are.
FORMULA = r"^(?:[=@]|[+\-].*[(|!])"
# Control characters, and the marks that turn the direction of writing.
UNPRINTABLE = r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]"
CONTACT_SHAPES = {
    "phone": r"^\+?[0-9][0-9 ()\-]{4,24}$",
    "email": r"^[^@\s,;<>]+@[^@\s,;<>]+$",
    "account": r"^[0-9][0-9 \-]{5,38}$",
    "language": r"^(zh|en)$",
}
CONTACT_PREFIX = "contact:"
NUMBER = "_number"


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """What a batch is checked against: the source, the day of the extract, the key of pseudonyms."""

    source: Source
    catalog: Catalog
    as_of: date
    key: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked batch.

    good     `_row`, `subject`, `item` and `member` (collections), the stored fields by catalog name,
             `_number` (the subject's identity number) and `contact:<word>` for the vault
    faults   one row per faulty cell, see `quarantine.FAULT_SCHEMA`
    blanked  `subject` (and `item`) of faulty rows whose identity could be read: what was known about
             them is not what the agency says now
    """

    good: pl.DataFrame
    faults: pl.DataFrame
    blanked: pl.DataFrame
    rows: int


def stored_schema(source: Source) -> dict[str, type[pl.DataType]]:
    """Return the data columns (no system columns) of the table of `source`."""
    schema: dict[str, type[pl.DataType]] = {}
    if source.kind == "collection":
        schema["item"] = pl.String
        if source.member is not None:
            schema["member"] = pl.String
    return schema | {field.name: polars_type(field.type) for field in source.stored_fields}


def check_batch(frame: pl.DataFrame, plan: CheckPlan) -> Checked:
    """Check one batch of text cells; rows without any content are left out."""
    source = plan.source
    present = [name for name in source.columns if name in frame.columns]
    cleaned = frame.select(
        ROW,
        (pl.col(MALFORMED) if MALFORMED in frame.columns else pl.lit(None, dtype=pl.String)).alias(MALFORMED),
        *(_cleaned(name, source.missing) for name in present),
        *(pl.lit(None, dtype=pl.String).alias(name) for name in source.columns if name not in present),
    )
    blank = pl.all_horizontal(pl.col(source.columns).is_null()) & pl.col(MALFORMED).is_null()
    cleaned = cleaned.filter(~blank)
    faults: list[pl.DataFrame] = []
    malformed = cleaned.filter(pl.col(MALFORMED).is_not_null())
    if malformed.height:
        faults.append(
            malformed.select(ROW, field=pl.lit(""), column=pl.lit(""), value=pl.lit(""), reason=pl.col(MALFORMED))
        )
        cleaned_rows = cleaned.filter(pl.col(MALFORMED).is_null())
    else:
        cleaned_rows = cleaned
    identities, identity_faults = _identities(cleaned_rows, plan)
    values, value_faults = _values(cleaned_rows, plan)
    faults += identity_faults + value_faults
    together = pl.concat([cleaned_rows.select(ROW), identities, values], how="horizontal")
    if not faults:
        return Checked(together, no_faults(), together.select(_identity_columns(source)).clear(), cleaned.height)
    found = pl.concat([fault.select(list(FAULT_SCHEMA)) for fault in faults])
    faulty = found.select(ROW).unique()
    good = together.join(faulty, on=ROW, how="anti", maintain_order="left")
    names = _identity_columns(source)
    blanked = together.join(faulty, on=ROW, how="semi").select(names).drop_nulls()
    return Checked(good, found, blanked, cleaned.height)


def _identity_columns(source: Source) -> list[str]:
    return ["subject", "item"] if source.kind == "collection" else ["subject"]


def _cleaned(name: str, missing: tuple[str, ...]) -> pl.Expr:
    text = pl.col(name).str.strip_chars()
    return pl.when(~text.is_in(list({"", *missing}))).then(text).alias(name)


# --- identities ------------------------------------------------------------------------------------------


def _identities(cleaned: pl.DataFrame, plan: CheckPlan) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    source = plan.source
    faults: list[pl.DataFrame] = []
    numbers, subjects = _pseudonyms(cleaned, source.key, source.space, source.key, True, plan, faults)
    columns = [numbers.alias(NUMBER), subjects.alias("subject")]
    if source.kind == "collection":
        if source.member is not None:
            member_space = source.member_space or "citizen"
            _, members = _pseudonyms(cleaned, source.member, member_space, "member", True, plan, faults)
            columns.append(members.alias("member"))
        columns.append(_items(cleaned, columns, plan, faults))
    return pl.DataFrame(columns), faults


def _pseudonyms(
    cleaned: pl.DataFrame,
    column: str,
    space: str,
    field: str,
    required: bool,
    plan: CheckPlan,
    faults: list[pl.DataFrame],
) -> tuple[pl.Series, pl.Series]:
    """Return the normalised numbers and the pseudonyms of a column, null where missing or faulty."""
    numbers = normalised_column(space, cleaned[column])
    wrong = number_faults(space, numbers, plan.as_of)
    _add_faults(faults, cleaned, column, field, wrong)
    if required:
        _add_missing(faults, cleaned, column, field)
    if wrong.null_count() < wrong.len():
        numbers = pl.DataFrame({"n": numbers, "w": wrong}).select(pl.when(pl.col("w").is_null()).then("n"))["n"]
    return numbers, pseudonyms(plan.key, space, numbers)


def _items(cleaned: pl.DataFrame, columns: list[pl.Series], plan: CheckPlan, faults: list[pl.DataFrame]) -> pl.Series:
    """Return the ids of the items: 16 hexadecimal digits, the same in every extract."""
    source = plan.source
    if source.item is not None:
        _add_missing(faults, cleaned, source.item, source.item)
        _add_formulas(faults, cleaned, source.item, source.item)
        named = cleaned[source.item]
    elif source.member is not None:
        named = columns[-1]
    else:
        # Nothing numbers the items, so the content does; two rows alike are one item delivered twice.
        texts = [pl.col(field.column).fill_null("") for field in source.fields]
        named = cleaned.select(pl.concat_str(texts, separator="\x1f").alias("item"))["item"]
    # Numbers of contracts and certificates may hold identity numbers: the store keeps a keyed hash only.
    return pseudonyms(plan.key, f"item:{source.id}", named).str.head(ITEM_DIGITS).alias("item")


# --- values ----------------------------------------------------------------------------------------------


def _values(cleaned: pl.DataFrame, plan: CheckPlan) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    faults: list[pl.DataFrame] = []
    columns: dict[str, pl.Series] = {}
    direct = [field for field in plan.source.fields if field.role != "link"]
    first_pass = cleaned.select(_value_expression(field, plan).alias(_name(field)) for field in direct)
    for field in plan.source.fields:
        if field.role == "link":
            assert field.target is not None and field.link is not None
            _, column = _pseudonyms(cleaned, field.column, field.target, field.name, field.required, plan, faults)
            columns[field.link] = column
            continue
        column = first_pass[_name(field)]
        if field.required:
            _add_missing(faults, cleaned, field.column, field.name)
        if column.null_count() > cleaned[field.column].null_count():
            column = _explained(cleaned, column, field, plan, faults)
        columns[_name(field)] = column
    return pl.DataFrame([column.alias(name) for name, column in columns.items()]), faults


def _name(field: SourceField) -> str:
    return f"{CONTACT_PREFIX}{field.contact}" if field.contact is not None else field.name


def _value_expression(field: SourceField, plan: CheckPlan) -> pl.Expr:
    """Return the typed value of a cleaned cell, null where the text is no such value."""
    text = pl.col(field.column)
    if field.contact is not None:
        plain = _plain_text(text)
        shape = CONTACT_SHAPES.get(field.contact)
        return pl.when(plain & text.str.contains(shape)).then(text) if shape else pl.when(plain).then(text)
    if isinstance(field.type, Bool):
        yes, no = text.is_in(list(field.yes)), text.is_in(list(field.no))
        return pl.when(yes).then(pl.lit(True)).when(no).then(pl.lit(False))
    if isinstance(field.type, Number):
        value = _number_expression(text, field.type.scale + field.power)
        return pl.when(value.is_between(field.type.low, field.type.high)).then(value)
    if isinstance(field.type, Date):
        return _not_in_the_future(date_expression(text, field.date_formats[0]), field, plan)
    if isinstance(field.type, Code):
        return _code_expression(text, field, plan.catalog.vocabulary.code_sets[field.type.code_set])
    assert isinstance(field.type, Text)
    return pl.when(_plain_text(text)).then(text)


def _plain_text(text: pl.Expr) -> pl.Expr:
    return ~(text.str.contains(FORMULA) | text.str.contains(UNPRINTABLE) | (text.str.len_bytes() > LONGEST_TEXT))


def _number_expression(text: pl.Expr, places: int) -> pl.Expr:
    """Return the text times 10**places as an integer, null unless it is one exactly."""
    if places >= 0:
        shape = rf"^[+-]?[0-9]{{1,18}}(?:\.[0-9]{{0,{places}}}0*)?$"
        exact = pl.when(text.str.contains(shape)).then(text)
        return exact.cast(pl.Decimal(38, places), strict=False).to_physical().cast(pl.Int64, strict=False)
    whole = pl.when(text.str.contains(r"^[+-]?[0-9]{1,18}(?:\.0*)?$")).then(text)
    number = whole.cast(pl.Decimal(38, 0), strict=False).to_physical().cast(pl.Int64, strict=False)
    step = 10**-places
    return pl.when(number % step == 0).then(number // step)


def _code_expression(text: pl.Expr, field: SourceField, code_set: CodeSet) -> pl.Expr:
    code = text.replace(dict(field.codes)) if field.codes else text
    known = code.is_in(list(code_set.codes))
    if code_set.open and code_set.pattern:
        known = known | code.str.contains(f"^(?:{code_set.pattern})$")
    return pl.when(known).then(code)


def _not_in_the_future(value: pl.Expr, field: SourceField, plan: CheckPlan) -> pl.Expr:
    # A birth cannot lie after the day of the extract; other dates (an end of validity) may.
    return pl.when(value <= plan.as_of).then(value) if field.name == "birth_date" else value


# --- why a cell failed -----------------------------------------------------------------------------------


def _explained(
    cleaned: pl.DataFrame, column: pl.Series, field: SourceField, plan: CheckPlan, faults: list[pl.DataFrame]
) -> pl.Series:
    """Give failed cells a second look or a reason; return the completed column."""
    text = cleaned[field.column]
    failed = (text.is_not_null() & column.is_null()).arg_true()
    texts = text.gather(failed)
    if isinstance(field.type, Date) and field.contact is None:
        found = second_look(texts, field.date_formats)
        if found.null_count() < found.len():
            better = pl.DataFrame({"value": found}).select(_not_in_the_future(pl.col("value"), field, plan))
            column = column.scatter(failed, better["value"])
            failed = (text.is_not_null() & column.is_null()).arg_true()
            texts = text.gather(failed)
        if failed.len() == 0:
            return column
    reasons = pl.DataFrame({"text": texts}).select(_reason_expression(field).alias("reason"))["reason"]
    if field.name == "birth_date" and isinstance(field.type, Date):
        readable = second_look(texts, field.date_formats)
        reasons = pl.DataFrame({"r": reasons, "d": readable}).select(
            pl.when(pl.col("d").is_not_null()).then(pl.lit("future-birth")).otherwise("r").alias("r")
        )["r"]
    faults.append(
        pl.DataFrame({ROW: cleaned[ROW].gather(failed), "value": texts, "reason": reasons}).with_columns(
            field=pl.lit(field.name), column=pl.lit(field.column)
        )
    )
    return column


def _reason_expression(field: SourceField) -> pl.Expr:
    text = pl.col("text")
    formula = pl.when(text.str.contains(FORMULA)).then(pl.lit("formula-in-cell"))
    strange = formula.when(text.str.contains(UNPRINTABLE)).then(pl.lit("control-character"))
    if field.contact is not None or isinstance(field.type, Text):
        too_long = text.str.len_bytes() > LONGEST_TEXT
        return strange.when(too_long).then(pl.lit("too-long")).otherwise(pl.lit("malformed-contact"))
    if isinstance(field.type, Bool):
        return strange.otherwise(pl.lit("not-a-boolean"))
    if isinstance(field.type, Number):
        places = field.type.scale + field.power
        shape = rf"^[+-]?[0-9]+(?:\.[0-9]{{0,{max(places, 0)}}}0*)?$"
        return (
            strange.when(text.str.contains(shape))
            .then(pl.lit("out-of-range"))
            .when(text.str.contains(r"^[+-]?[0-9]+\.[0-9]+$"))
            .then(pl.lit("too-many-decimals"))
            .otherwise(pl.lit("not-a-number"))
        )
    if isinstance(field.type, Date):
        shape = r"^[0-9]{4}[^0-9]?[0-9]{1,2}[^0-9]?[0-9]{1,2}"
        return strange.when(text.str.contains(shape)).then(pl.lit("impossible-date")).otherwise(pl.lit("not-a-date"))
    return strange.otherwise(pl.lit("unknown-code"))


def _add_faults(faults: list[pl.DataFrame], cleaned: pl.DataFrame, column: str, field: str, reasons: pl.Series) -> None:
    if reasons.null_count() == reasons.len():
        return
    found = reasons.is_not_null().arg_true()
    texts = cleaned[column].gather(found)
    formula = pl.when(texts.str.contains(FORMULA)).then(pl.lit("formula-in-cell")).otherwise(reasons.gather(found))
    faults.append(
        pl.select(
            cleaned[ROW].gather(found).alias(ROW),
            field=pl.lit(field),
            column=pl.lit(column),
            value=texts,
            reason=formula,
        )
    )


def _add_missing(faults: list[pl.DataFrame], cleaned: pl.DataFrame, column: str, field: str) -> None:
    if cleaned[column].null_count():
        missing = cleaned.filter(pl.col(column).is_null()).select(ROW)
        faults.append(
            missing.with_columns(
                field=pl.lit(field),
                column=pl.lit(column),
                value=pl.lit(""),
                reason=pl.lit("missing-required"),
            )
        )


def _add_formulas(faults: list[pl.DataFrame], cleaned: pl.DataFrame, column: str, field: str) -> None:
    wrong = cleaned.filter(~_plain_text(pl.col(column)))
    if wrong.height:
        faults.append(
            wrong.select(
                ROW,
                field=pl.lit(field),
                column=pl.lit(column),
                value=pl.col(column),
                reason=pl.when(pl.col(column).str.contains(FORMULA))
                .then(pl.lit("formula-in-cell"))
                .otherwise(pl.lit("control-character")),
            )
        )
