"""Reading rule files: one, or a whole library with its references between policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policies.checking import check
from policies.document import read_bytes, read_document
from policies.errors import Diagnostic, Place, PolicyError
from policies.model_errors import did_you_mean
from policies.policy import Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Library:
    """Checked policies by id, in the order of their ids, and one error for each file that has mistakes."""

    policies: Mapping[str, Policy] = field(default_factory=dict)
    errors: tuple[PolicyError, ...] = ()


def read_policy(path: Path, vocabulary: Vocabulary) -> Policy:
    """Return the checked policy of a rule file. Raises PolicyError with every finding."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolicyError.of(
            "cannot-read",
            f"无法读取 `{path}`",
            f"cannot read `{path}` ({error.strerror or 'unreadable'})",
            help_zh="检查路径和权限",
            help_en="look at the path and its permissions",
            place=Place(str(path)),
        ) from None
    return read_policy_text(read_bytes(data, str(path)), vocabulary, str(path))


def read_policy_text(text: str, vocabulary: Vocabulary, file: str = "-") -> Policy:
    """Return the checked policy of a rule file's text. Raises PolicyError with every finding."""
    text = text.removeprefix("\ufeff")
    return check(read_document(text, file), text, vocabulary)


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files below `folder`, in order."""
    return sorted(path for path in folder.rglob("*.yaml") if path.is_file())


def read_library(folder: Path, vocabulary: Vocabulary) -> Library:
    """Return all policies below `folder`; a bad file is reported and does not hide the others."""
    found: dict[str, Policy] = {}
    errors: list[PolicyError] = []
    for path in rule_files(folder):
        try:
            policy = read_policy(path, vocabulary)
        except PolicyError as error:
            errors.append(error)
            continue
        if policy.id in found:
            errors.append(_duplicate(policy, found[policy.id]))
        else:
            found[policy.id] = policy
    for name in sorted(found):
        unknown = [*_unknown_references(found[name], found)]
        if unknown:
            errors.append(PolicyError(unknown))
            del found[name]
    return Library({name: found[name] for name in sorted(found)}, tuple(errors))


def _duplicate(policy: Policy, first: Policy) -> PolicyError:
    return PolicyError.of(
        "duplicate-policy",
        f"政策 `{policy.id}` 已在 `{first.file}` 中",
        f"the policy `{policy.id}` already stands in `{first.file}`",
        help_zh="给其中一个换 id，或删除一个文件",
        help_en="give one of them another id, or delete one file",
        place=Place(policy.file),
    )


def _unknown_references(policy: Policy, known: Mapping[str, Policy]) -> list[Diagnostic]:
    found = []
    for key, others in (("excludes", policy.excludes), ("net_of", policy.net_of)):
        for other in others:
            if other in known:
                continue
            suggestion = did_you_mean(other, known)
            found.append(
                Diagnostic(
                    "unknown-policy",
                    Bilingual(f"`{key}` 中的政策 `{other}` 不存在", f"`{key}` names `{other}`, which is no policy"),
                    Bilingual(f"是否想写 `{suggestion}`？", f"did you mean `{suggestion}`?")
                    if suggestion
                    else Bilingual("更正 id，或先修好那个文件", "correct the id, or repair that policy's file first"),
                    Place(policy.file),
                )
            )
    return found
