"""Why an extract file is refused as a whole. Single rows go to quarantine instead (`quarantine.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from policies.errors import Diagnostic, IntakeError, Place
from policies.text import Bilingual


def refusal(
    code: str, file: Path, zh: str, en: str, help_zh: str | None = None, help_en: str | None = None
) -> IntakeError:
    """Return the error that refuses `file`."""
    remedy = Bilingual(help_zh or "", help_en or "") if help_zh or help_en else None
    return IntakeError(Diagnostic(code, Bilingual(zh, en), remedy, Place(file.name)))


def empty_file(file: Path) -> IntakeError:
    """Return the refusal of a file without a single byte (or only blanks)."""
    return refusal(
        "empty-file",
        file,
        "文件是空的",
        "the file is empty",
        "请向来源单位重新索取",
        "ask the source agency for it again",
    )


def header_only(file: Path) -> IntakeError:
    """Return the refusal of a file with a header and no rows."""
    return refusal(
        "header-only",
        file,
        "文件只有表头，没有数据行",
        "the file has a header and no rows",
        "如果确实没有数据，无需导入；否则请重新索取",
        "if there really is no data nothing need be taken in; otherwise ask for the file again",
    )


def unknown_format(file: Path, known: Iterable[str]) -> IntakeError:
    """Return the refusal of a file whose name ends in nothing known."""
    listed = " ".join(sorted(known))
    return refusal(
        "unknown-format",
        file,
        f"不认识的文件类型 `{file.suffix or file.name}`",
        f"unknown kind of file `{file.suffix or file.name}`",
        f"可用：{listed}",
        f"known are {listed}",
    )


def wrong_format(file: Path, promised: str, found: str) -> IntakeError:
    """Return the refusal of a file that is not what its name says."""
    return refusal(
        "wrong-format",
        file,
        f"文件名说是 {promised}，内容却像 {found}",
        f"the name says {promised} but the content looks like {found}",
        "请改正文件扩展名，或重新导出",
        "give the file its right ending, or export it again",
    )


def wrong_encoding(file: Path, line: int | None = None) -> IntakeError:
    """Return the refusal of a text file that is neither UTF-8 nor GB18030."""
    where_zh, where_en = (f"（第 {line} 行附近）", f" (near line {line})") if line else ("", "")
    return refusal(
        "wrong-encoding",
        file,
        f"文件既不是 UTF-8 也不是 GB18030 编码{where_zh}",
        f"the file is neither UTF-8 nor GB18030{where_en}",
        "请另存为 UTF-8",
        "save it as UTF-8",
    )


def damaged(file: Path, kind: str) -> IntakeError:
    """Return the refusal of a truncated or damaged file."""
    return refusal(
        "damaged-file",
        file,
        f"{kind} 文件不完整或已损坏",
        f"the {kind} file is truncated or damaged",
        "请核对文件大小或摘要后重新传输",
        "compare its size or digest with the sender's and transfer it again",
    )


def too_large(file: Path, what_zh: str, what_en: str) -> IntakeError:
    """Return the refusal of a file beyond the limits (or one that unpacks beyond them)."""
    return refusal(
        "too-large",
        file,
        f"文件超过上限：{what_zh}",
        f"the file is beyond the limits: {what_en}",
        "请拆分文件，或改用 CSV、Parquet",
        "split it, or use CSV or Parquet",
    )


def check_columns(
    file: Path, found: Sequence[str], expected: Sequence[str], must_be_there: Iterable[str] | None = None
) -> None:
    """Raise IntakeError with one diagnostic per missing, unexpected or repeated column.

    Args:
        file: for the place of the diagnostics.
        found: the header of the file.
        expected: all columns of the source.
        must_be_there: those that may not be missing; all of `expected` if not given.
    """
    findings: list[Diagnostic] = []
    place = Place(file.name, 1)
    present = set(found)
    missing = [name for name in (expected if must_be_there is None else must_be_there) if name not in present]
    unexpected = [name for name in dict.fromkeys(found) if name not in set(expected)]
    for name in missing:
        near = get_close_matches(name, unexpected, 1, 0.5)
        remedy = (
            Bilingual(f"是不是 `{near[0]}`？", f"is it the column `{near[0]}`?")
            if near
            else Bilingual("请来源部门补上这一列后重送", "ask the agency to send the file again with this column")
        )
        findings.append(
            Diagnostic(
                "missing-column",
                Bilingual(f"缺少列 `{name}`", f"the column `{name}` is missing"),
                remedy,
                place,
            )
        )
    for name in unexpected[:20]:
        near = get_close_matches(name, missing or expected, 1, 0.5)
        shown = name[:60]
        remedy = (
            Bilingual(f"是不是 `{near[0]}`？", f"did you mean `{near[0]}`?")
            if near
            else Bilingual("请删去该列，或在目录中登记它", "leave it out, or declare it in the catalog")
        )
        findings.append(
            Diagnostic(
                "unexpected-column",
                Bilingual(f"目录中没有列 `{shown}`", f"the catalog has no column `{shown}`"),
                remedy,
                place,
            )
        )
    for name in sorted({name for name in present if list(found).count(name) > 1} if len(found) < 5000 else ()):
        findings.append(
            Diagnostic(
                "repeated-column",
                Bilingual(f"列 `{name}` 重复", f"the column `{name}` occurs twice"),
                None,
                place,
            )
        )
    if findings:
        raise IntakeError(findings)
