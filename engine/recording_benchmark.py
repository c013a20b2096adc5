"""How fast grants are recorded: the real recorder, ledger and evidence, on a fresh SQLite file."""

from __future__ import annotations

import tempfile
import time
from datetime import date
from hashlib import blake2b
from pathlib import Path

import polars as pl

from engine.allocating import Terms
from engine.ledger import open_ledger
from engine.ledger.earlier import WAITING_COLUMNS, WAITING_KEY
from engine.ledger.funds import appropriate
from engine.recording import GrantTerms, Recorder, record_bucket
from engine.run_rows import begin_recording, finish, start_or_join
from policies.periods import period_of
from policies.text import Bilingual

_ON = date(2026, 11, 22)
_POLICIES = ("elderly-allowance", "living-allowance", "price-subsidy", "childcare")
_FUND = "civil-affairs"


def recording_benchmark(grants: int = 500_000, buckets: int = 16, folder: Path | None = None) -> dict[str, float]:
    """Record `grants` grants with evidence, announcements and fund entries; return what it took.

    The keys are `grants`, `seconds`, `grants_per_second` and `bytes_per_grant`. The file lies in `folder`
    (default: the system's temporary folder) and is removed.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "ledger.sqlite"
        ledger = open_ledger(f"sqlite:///{path}")
        title = Bilingual("民政资金", "civil affairs")
        appropriate(ledger, _FUND, grants * 100_000, title=title, actor="benchmark")
        parts = [_candidates(grants, buckets, bucket) for bucket in range(buckets)]
        pinned = {"on": _ON.isoformat(), "policies": [], "release": []}
        run, _ = start_or_join(ledger, pinned, {}, "benchmark")
        begin_recording(ledger, run, 0)
        recorder = _recorder(ledger, run)
        nobody = pl.DataFrame(schema=WAITING_COLUMNS)
        start = time.perf_counter()
        recorded = 0
        for bucket, rows in enumerate(parts):
            recorded += record_bucket(recorder, bucket, rows, nobody, nobody.select(WAITING_KEY)).grants
        report = {"new_grants": recorded, "new_hints": 0, "amount": 0, "policies": []}
        finish(ledger, run, report, nobody.select(WAITING_KEY), "benchmark")
        seconds = time.perf_counter() - start
        ledger.close()
        size = sum(file.stat().st_size for file in Path(place).iterdir())
    return {
        "grants": recorded,
        "seconds": seconds,
        "grants_per_second": recorded / seconds,
        "bytes_per_grant": size / max(recorded, 1),
    }


def _recorder(ledger: object, run: str) -> Recorder:
    period = period_of("month", _ON)
    grant_terms = {
        name: GrantTerms(
            policy=name,
            version=blake2b(name.encode(), digest_size=32).hexdigest(),
            space="citizen",
            period=period.key,
            kind="cash",
            stage="approved",
            fund=_FUND,
            as_of='{"disability":"2026-11-01","population":"2026-11-20"}',
        )
        for name in _POLICIES
    }
    terms = {name: Terms(name, period, _ON, _FUND) for name in _POLICIES}
    return Recorder(ledger, run, _ON, "benchmark", grant_terms, terms)  # type: ignore[arg-type]


def _candidates(grants: int, buckets: int, bucket: int) -> pl.DataFrame:
    """Return one bucket's share: subjects in a range of pseudonyms, each with all policies."""
    subjects = grants // len(_POLICIES)
    numbers = range(bucket, subjects, buckets)
    prefix = f"{bucket * 65_536 // buckets:04x}"
    names = [prefix + blake2b(str(n).encode(), digest_size=14).hexdigest() for n in numbers]
    people = pl.DataFrame({"subject": sorted(names)}).with_row_index("n")
    evidence = pl.struct(
        birth_date=pl.date(1940 + pl.col("n") % 50, pl.col("n") % 12 + 1, pl.col("n") % 28 + 1),
        hukou_region=pl.lit("3101") + (pl.col("n") % 20 + 10).cast(pl.String),
        alive=pl.lit(True),
        age_in_month=pl.col("n") % 50 + 60,
    ).struct.json_encode()
    return people.join(pl.DataFrame({"policy": _POLICIES}), how="cross").select(
        "policy",
        "subject",
        unit=pl.lit(""),
        amount=pl.lit(7_500, dtype=pl.Int64),
        payee=pl.lit(None, dtype=pl.String),
        claim_key=pl.lit(None, dtype=pl.String),
        need=pl.lit(None, dtype=pl.Int64),
        ceilings=pl.lit(None, dtype=pl.String),
        evidence=evidence,
    )
