"""Reading rule files: one, or a whole library with its references between policies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from policies.bundles import is_bundle
from policies.document import read_bytes, read_document
from policies.errors import Diagnostic, Place, PolicyError
from policies.judgement import references_to_hints
from policies.model_errors import did_you_mean
from policies.overlays import SUFFIX, OverlayFile, check_with_overlays, parted, read_overlay
from policies.policy import Policy
from policies.text import Bilingual
from policies.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Library:
    """Checked policies by id, in the order of their ids, and one error for each file that has mistakes."""

    policies: Mapping[str, Policy] = field(default_factory=dict)
    errors: tuple[PolicyError, ...] = ()


def read_policy(path: Path, vocabulary: Vocabulary, overlays: Sequence[OverlayFile] = ()) -> Policy:
    """Return the checked policy of a rule file, with the values of its places. Raises PolicyError with every finding."""
    return _policy(_text_of(path), vocabulary, str(path), overlays)


def read_policy_text(text: str, vocabulary: Vocabulary, file: str = "-") -> Policy:
    """Return the checked policy of a text, that of a policy with overlays included. Raises PolicyError."""
    return _policy(text, vocabulary, file, ())


def _policy(text: str, vocabulary: Vocabulary, file: str, overlays: Sequence[OverlayFile]) -> Policy:
    rule, inside = parted(text.removeprefix("\ufeff"))
    parts = [read_overlay(one, f"{file}#overlay-{number}") for number, one in enumerate(inside, start=1)]
    return check_with_overlays(read_document(rule, file), rule, [*parts, *overlays], vocabulary)


def _text_of(path: Path) -> str:
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
    return read_bytes(data, str(path))


def _as_read(text: str, path: Path) -> str:
    """Return the text as it would be read from the file, with the same limits. Raises PolicyError."""
    return read_bytes(text.encode("utf-8", "surrogatepass"), str(path))


def is_overlay(path: Path) -> bool:
    """Return whether a path is that of an overlay file."""
    return path.name.endswith(SUFFIX)


def rule_files(folder: Path) -> list[Path]:
    """Return the rule files below `folder`, in order; overlays and bundles are not among them."""
    found = (path for path in folder.rglob("*.yaml") if path.is_file())
    return sorted(path for path in found if not is_overlay(path) and not is_bundle(path))


def misnamed_files(folder: Path) -> list[PolicyError]:
    """Return one error for each file below `folder` that was meant to be read and is not, because of its name.

    An editor may add `.txt`, and other programs write `.yml`: a policy must not vanish by that.
    """
    found = sorted(path for path in folder.rglob("*") if _MISNAMED.search(path.name) and not path.is_dir())
    return [
        PolicyError.of(
            "misnamed-file",
            f"`{path.name}` 不会被读取：规则文件的名字以 `.yaml` 结尾",
            f"`{path.name}` is not read: the names of rule files end in `.yaml`",
            help_zh=f"改名为 `{_MISNAMED.sub('.yaml', path.name)}`，或移出此目录",
            help_en=f"rename it to `{_MISNAMED.sub('.yaml', path.name)}`, or move it out of this folder",
            place=Place(str(path)),
        )
        for path in found
    ]


def overlay_files(folder: Path) -> list[Path]:
    """Return the overlay files below `folder`, in order."""
    return sorted(path for path in folder.rglob(f"*{SUFFIX}") if path.is_file())


def read_overlay_file(path: Path) -> OverlayFile:
    """Return an overlay file of the right shape, not yet compared with its rule. Raises PolicyError."""
    return read_overlay(_text_of(path), str(path))


def read_with_places(path: Path, folder: Path, vocabulary: Vocabulary, *, text: str | None = None) -> Policy:
    """Return the policy of a rule file together with the overlays below `folder` that belong to it.

    `text` stands for the file's content if given: what an editor has not saved yet. Raises PolicyError with every
    finding.
    """
    text = _text_of(path) if text is None else _as_read(text, path)
    rule, inside = parted(text)
    id = _id_of(rule)
    found = [] if inside or id is None else [read_overlay_file(one) for one in _overlay_files_of(id, folder)]
    return _policy(text, vocabulary, str(path), found)


def check_overlay_file(path: Path, folder: Path, vocabulary: Vocabulary, *, text: str | None = None) -> Policy:
    """Return the policy with this overlay and the others that stand with its rule.

    The rule of an overlay outside the library is looked for beside the overlay first, then below `folder`. `text`
    stands for the overlay's content if given: what an editor has not saved yet.

    Raises PolicyError: what is wrong in this file, or, if its rule is not to be found or has mistakes, that.
    """
    overlay = read_overlay_file(path) if text is None else read_overlay(_as_read(text, path), str(path))
    rule, home = _rule_of(overlay, path, folder)
    others = []
    for other in _overlay_files_of(overlay.shape.overlays, home):
        if other.resolve() != path.resolve():
            with suppress(PolicyError):  # its own check tells what is wrong with it
                others.append(read_overlay_file(other))
    try:
        return read_policy(rule, vocabulary, [*others, overlay])
    except PolicyError as error:
        own = [each for each in error.diagnostics if each.place.file == str(path)]
        if not own and any(is_overlay(Path(each.place.file or "")) for each in error.diagnostics):
            return read_policy(rule, vocabulary, [overlay])
        raise PolicyError(own or error.diagnostics) from None


# Folders of regions, as those of the library: rules of `cn` and overlays of `cn-31` lie in neighbouring ones.
# `.yml`, `.YAML`, `.yaml.txt`: what was meant to be `.yaml`.
_MISNAMED = re.compile(r"(?!\.yaml$)\.[yY][aA]?[mM][lL](\.txt)?$")
_REGION_FOLDER = re.compile(r"[a-z]{2}(-[0-9]{2,6})?")


def _rule_of(overlay: OverlayFile, path: Path, folder: Path) -> tuple[Path, Path]:
    """Return the file of an overlay's rule, and the folder below which the rule's other overlays lie.

    Raises PolicyError if there is none, or more than one that is as near.
    """
    name = overlay.shape.overlays
    is_outside = not path.resolve().is_relative_to(folder.resolve())
    near = [{one: _id_in(one) for one in files} for files in _beside(path)] if is_outside else []
    for found in near:
        rules = [one for one, id in found.items() if id == name]
        if len(rules) > 1:
            raise PolicyError(_several_rules(overlay, rules))
        if rules:
            return rules[0], rules[0].parent
    library = {_id_in(one): one for one in rule_files(folder)}
    if name not in library:
        known = [id for ids in (library, *(one.values() for one in near)) for id in ids if id is not None]
        raise PolicyError(_no_rule(overlay, known, is_outside=is_outside))
    return library[name], folder


def rule_files_beside(path: Path) -> list[Path]:
    """Return the rule files near an overlay outside the library that may be the one it belongs to, nearest first."""
    return [one for files in _beside(path) for one in files]


def _beside(path: Path) -> Iterator[list[Path]]:
    """Yield the rule files near an overlay, nearest first: those of its folder, then of neighbouring region folders."""
    here = path.resolve().parent
    yield _rules_in([here])
    if _REGION_FOLDER.fullmatch(here.name):
        beside = (one for one in here.parent.iterdir() if one != here and _REGION_FOLDER.fullmatch(one.name))
        yield _rules_in(sorted(one for one in beside if one.is_dir()))


def _rules_in(folders: Iterable[Path]) -> list[Path]:
    files = (path for folder in folders for path in sorted(folder.glob("*.yaml")))
    return [one for one in files if one.is_file() and not is_overlay(one) and not is_bundle(one)]


def _overlay_files_of(id: str, folder: Path) -> list[Path]:
    """Return the overlay files that seem to belong to one policy; what else is wrong with them is told later."""
    found = []
    for path in overlay_files(folder):
        meant = _MEANT.search(_text_of(path))
        if meant is not None and meant[1] == id:
            found.append(path)
    return found


_MEANT = re.compile(r"^overlays:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)
_ID = re.compile(r"^id:\s*[\"']?([a-z0-9-]+)", re.MULTILINE)


def _id_of(text: str) -> str | None:
    """Return the id that a rule file's text seems to have: enough to find its overlays, before it is checked."""
    found = _ID.search(text)
    return found[1] if found else None


def _id_in(path: Path) -> str | None:
    try:
        return _id_of(_text_of(path))
    except PolicyError:
        return None


def read_library(folder: Path, vocabulary: Vocabulary) -> Library:
    """Return all policies below `folder`; a bad file is reported and does not hide the others.

    A policy with a bad overlay is left out as a whole: in that place the value of a wider region would count
    instead. What was approved before goes on deciding.
    """
    found: dict[str, Policy] = {}
    errors: list[PolicyError] = misnamed_files(folder)
    places, spoilt = _overlays_by_rule(folder, errors)
    named: set[str] = set()
    for path in rule_files(folder):
        id = _id_in(path)
        named.add(id or "")
        try:
            policy = read_policy(path, vocabulary, places.get(id or "", ()))
            if policy.id != id and policy.id in places:  # written in another way than `id: ...` on a line of its own
                policy = read_policy(path, vocabulary, places[policy.id])
        except PolicyError as error:
            errors.append(error)
            continue
        named.add(policy.id)
        if policy.id in spoilt:
            continue
        if policy.id in found:
            errors.append(_duplicate(policy, found[policy.id]))
        else:
            found[policy.id] = policy
    for overlays in (one for name, one in places.items() if name not in named):
        errors += [PolicyError(_no_rule(one, named)) for one in overlays]
    for name in sorted(found):
        unknown = [*_unknown_references(found[name], found), *references_to_hints(found[name], found)]
        if unknown:
            errors.append(PolicyError(unknown))
            del found[name]
    return Library({name: found[name] for name in sorted(found)}, tuple(errors))


def _overlays_by_rule(folder: Path, errors: list[PolicyError]) -> tuple[dict[str, list[OverlayFile]], set[str]]:
    """Return the overlays by the policy they belong to, and the policies that seem to be meant by unreadable ones."""
    places: dict[str, list[OverlayFile]] = {}
    spoilt: set[str] = set()
    for path in overlay_files(folder):
        try:
            one = read_overlay_file(path)
        except PolicyError as error:
            errors.append(error)
            with suppress(PolicyError):
                meant = _MEANT.search(_text_of(path))
                spoilt |= {meant[1]} if meant else set()
            continue
        places.setdefault(one.shape.overlays, []).append(one)
    return places, spoilt


def _no_rule(overlay: OverlayFile, known: Iterable[str], *, is_outside: bool = False) -> Diagnostic:
    name = overlay.shape.overlays
    suggestion = did_you_mean(name, known)
    remedy = Bilingual("写规则文件里的 id", "write the id that stands in the rule file")
    if is_outside:
        remedy = Bilingual(
            "把规则文件放在同一文件夹，或写规则库里的 id",
            "put the rule file into the same folder, or write an id of the library",
        )
    return Diagnostic(
        "unknown-policy",
        Bilingual(f"没有政策 `{name}` 可供套用地方值", f"there is no policy `{name}` to lay values over"),
        Bilingual(f"是否想写 `{suggestion}`？", f"did you mean `{suggestion}`?") if suggestion else remedy,
        overlay.document.place(("overlays",)),
    )


def _several_rules(overlay: OverlayFile, rules: Sequence[Path]) -> Diagnostic:
    name, files = overlay.shape.overlays, ", ".join(f"`{one}`" for one in rules)
    return Diagnostic(
        "several-rules",
        Bilingual(
            f"政策 `{name}` 在旁边有多个文件：{files}", f"the policy `{name}` stands in several files beside: {files}"
        ),
        Bilingual("只留一个，或换一个 id", "keep one of them, or give one another id"),
        overlay.document.place(("overlays",)),
    )


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
