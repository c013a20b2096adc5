"""Checked rows between reading and merging, bucket by bucket, so that memory stays flat."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from profiles.store import bucket_expression

ROWS_IN_MEMORY = 400_000


class Spool:
    """Frames by bucket: in memory while they are few, in files of `folder` beyond that."""

    def __init__(self, folder: Path, name: str, buckets: int, rows_in_memory: int | None = None) -> None:
        self._folder = folder / name
        self._buckets = buckets
        self._rows_in_memory = ROWS_IN_MEMORY if rows_in_memory is None else rows_in_memory
        self._held: dict[int, list[pl.DataFrame]] = {}
        self._held_rows = 0
        self._files: dict[int, list[Path]] = {}
        self._schema: dict[str, pl.DataType] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows with a column `subject`."""
        self._schema = self._schema or dict(frame.schema)
        if frame.is_empty():
            return
        parts = frame.with_columns(bucket_expression(self._buckets)).partition_by(
            "bucket", as_dict=True, include_key=False, maintain_order=True
        )
        for (bucket,), part in parts.items():
            self._held.setdefault(int(bucket), []).append(part)
        self._held_rows += frame.height
        if self._held_rows > self._rows_in_memory:
            self._write_out()

    def bucket(self, number: int) -> pl.DataFrame:
        """Return all rows of a bucket, in the order in which they came."""
        frames = [pl.read_ipc(path) for path in self._files.get(number, [])]
        frames += self._held.pop(number, [])
        return pl.concat(frames) if frames else pl.DataFrame(schema=self._schema)

    def _write_out(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for bucket, frames in self._held.items():
            files = self._files.setdefault(bucket, [])
            path = self._folder / f"{bucket}.{len(files)}.arrow"
            pl.concat(frames).write_ipc(path)
            files.append(path)
        self._held, self._held_rows = {}, 0
