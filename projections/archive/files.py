"""One file of the archive: the records of a partition in a month as Parquet, with all their bytes, in the order of their offsets."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.codec import content_hash
from contracts.records import RawRecord
from infra.kafka.consumer import Partition
from projections.archive.cold import ColdFile, added
from projections.reconcile.compare import MODULUS, Digest

_SCHEMA: Final = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("recorded_ms", pa.int64(), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("header_names", pa.list_(pa.string()), nullable=False),
        pa.field("header_values", pa.list_(pa.binary()), nullable=False),
    ]
)
_CHUNK_BYTES: Final = 1 << 20


class FileUnproven(Exception):
    """A file of the archive is not there, or not what was written; the text names it."""


class Written(NamedTuple):
    """What a file holds: first and last offset, number and hash sum, and the sum over its bytes."""

    first_offset: int
    last_offset: int
    digest: Digest
    sha256: str
    bytes: int


def write_file(path: Path, groups: Iterable[Sequence[RawRecord]]) -> Written:
    """Write records group by group, flush them to the disk, read all of it again, and return what is in it.

    FileUnproven when offsets are missing, or when the file does not read as it was written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    total: Digest | None = None
    with pq.ParquetWriter(part, _SCHEMA, compression="zstd") as writer:
        for records in groups:
            writer.write_table(_table(records))
            total = added(total, digest_of(records))
    _flush(part)
    written = _read_again(part)
    if written.digest != total:
        raise FileUnproven(f"{part} does not hold what was written to it")
    part.replace(path)
    _flush(path.parent)
    return written


def check_file(root: Path, file: ColdFile) -> None:
    """Compare a file with what is known of it; FileUnproven where it is another one, or none."""
    path = root / file.file
    if not path.is_file():
        raise FileUnproven(f"{path} is not there")
    if _sha256(path) != file.sha256:
        raise FileUnproven(f"{path} is not what was written: its bytes have changed")


def check_content(root: Path, file: ColdFile) -> None:
    """Compare the records of a file with what is known of them, too."""
    check_file(root, file)
    written = _read_again(root / file.file)
    if (written.first_offset, written.last_offset, written.digest) != (file.first_offset, file.last_offset, file.digest):
        raise FileUnproven(f"{root / file.file} does not hold the records {file.first_offset} to {file.last_offset}")


def records_in(root: Path, file: ColdFile, first: int, until: int) -> list[RawRecord]:
    """Return the records `[first, until)` of a file as they came; only the groups that hold any are read."""
    filters = [("offset", ">=", first), ("offset", "<", until)]
    return _records(file.partition, pq.read_table(root / file.file, filters=filters).to_pylist())


def digest_of(records: Iterable[RawRecord]) -> Digest:
    """Return number and hash sum of records, from their bytes."""
    hashes = [content_hash(record.headers, record.value) for record in records]
    return Digest(len(hashes), sum(hashes) % MODULUS)


def _table(records: Sequence[RawRecord]) -> pa.Table:
    columns: list[list[Any]] = [
        [r.offset for r in records],
        [r.timestamp for r in records],
        [r.key for r in records],
        [r.value for r in records],
        [[name for name, _ in r.headers] for r in records],
        [[value for _, value in r.headers] for r in records],
    ]
    return pa.Table.from_arrays([pa.array(column, each.type) for column, each in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)


def _records(tp: Partition, rows: Iterable[dict[str, Any]]) -> list[RawRecord]:
    return [
        RawRecord(
            tp.topic,
            tp.partition,
            row["offset"],
            row["recorded_ms"],
            row["key"],
            row["value"],
            list(zip(row["header_names"], row["header_values"], strict=True)),
        )
        for row in rows
    ]


def _groups(path: Path) -> Iterator[list[RawRecord]]:
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield _records(Partition("", 0), file.read_row_group(number).to_pylist())


def _read_again(path: Path) -> Written:
    first, expected, total = -1, -1, Digest(0, 0)
    for records in _groups(path):
        for record in records:
            first, expected = (record.offset, record.offset) if first < 0 else (first, expected)
            if record.offset != expected:
                raise FileUnproven(f"offset {expected} is missing: records of two months lie between each other, and the month stays hot")
            expected += 1
        total = added(total, digest_of(records))
    if first < 0:
        raise FileUnproven(f"{path} holds no record")
    return Written(first, expected - 1, total, _sha256(path), path.stat().st_size)


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
