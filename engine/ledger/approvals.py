"""Who may run what: versions of rule files, and their approval by someone other than the author."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, insert, select

from engine.ledger import audit, tables
from engine.ledger.opening import Ledger, table
from engine.ledger.retirements import resume, retired_in
from policies.errors import Diagnostic, LedgerError
from policies.policy import Policy
from policies.proofs.report import ProofReport
from policies.text import Bilingual

# How several authors of one version stand in one column.
_TOGETHER = " + "
# And several people who approve: after NFKC, full-width signs are these, too.
_BETWEEN_PEOPLE = re.compile(r"[+,;/&、]")


@dataclass(frozen=True, slots=True)
class Approved:
    """A version that may run, from `effective_on` on."""

    policy: str
    version: str
    effective_on: date
    approved_by: str
    approved_at: str
    author: str


def add_version(ledger: Ledger, policy: Policy, author: str | None = None) -> bool:
    """Keep the text of a policy's version for ever; return False if it was kept already.

    `author` defaults to the file's `author`, and those of the overlays that the version holds.
    Raises LedgerError if neither names anybody.
    """
    writer = (author or _TOGETHER.join(policy.authors)).strip()
    if not writer:
        raise LedgerError.of(
            "author-missing",
            f"政策 `{policy.id}` 没有写明作者",
            f"the policy `{policy.id}` names no author",
            help_zh="在规则文件里写 author:",
            help_en="write author: in the rule file",
        )
    versions = table(tables.PolicyVersion)
    with ledger.writing() as connection:
        if _author(connection, policy.version) is not None:
            return False
        connection.execute(
            insert(versions).values(
                version=policy.version,
                policy=policy.id,
                text=policy.text,
                author=writer,
                added_at=ledger.now(),
            )
        )
        audit.append(
            connection,
            at=ledger.now(),
            actor=writer,
            action="version-added",
            detail={"policy": policy.id, "version": policy.version},
        )
    return True


def approve(
    ledger: Ledger, version: str, by: str, effective_on: date | None = None, proof: ProofReport | None = None
) -> bool:
    """Allow exactly this version to run from `effective_on` (default: today, in UTC).

    Returns False if it was approved before, unless the policy was retired since: then it decides again from that
    day. Raises LedgerError if the version is unknown, nobody is named, `by` is its author, or `proof` says that
    nobody or everybody can be eligible. What the proof answered, open questions included, is kept in the audit log.
    """
    approver = by.strip()
    if proof is not None:
        refuse_extremes(proof, version)
    approvals, versions = table(tables.Approval), table(tables.PolicyVersion)
    with ledger.writing() as connection:
        found = connection.execute(select(versions).where(versions.c.version == version)).first()
        if found is None:
            raise LedgerError.of(
                "unknown-version",
                f"账本里没有版本 `{version[:12]}`",
                f"the ledger has no version `{version[:12]}`",
                help_zh="先用 add_version 登记该版本的文本",
                help_en="add the version's text to the ledger first",
            )
        if not approver:
            raise LedgerError.of("approver-missing", "没有写明审批人", "the approver is not named")
        if _is_one_of(approver, found.author):
            raise LedgerError.of(
                "author-approves",
                f"`{by}` 是政策 `{found.policy}` 的作者，不能审批自己的版本",
                f"`{by}` wrote the policy `{found.policy}`, or an overlay of it, and cannot approve this version",
                help_zh="请另一个人审批",
                help_en="ask somebody else to approve it",
            )
        day = effective_on or ledger.clock().date()
        resumed = resume(connection, found.policy, version, approver, day)
        if connection.execute(select(approvals).where(approvals.c.version == version)).first():
            if resumed:
                detail = {"policy": found.policy, "version": version, "effective_on": day.isoformat()}
                audit.append(
                    connection,
                    at=ledger.now(),
                    actor=approver,
                    action="policy-resumed",
                    detail=detail | _answers(proof),
                )
            return resumed
        effective = day.isoformat()
        connection.execute(
            insert(approvals).values(
                version=version,
                policy=found.policy,
                approved_by=approver,
                approved_at=ledger.now(),
                effective_on=effective,
            )
        )
        audit.append(
            connection,
            at=ledger.now(),
            actor=approver,
            action="version-approved",
            detail={"policy": found.policy, "version": version, "effective_on": effective, **_answers(proof)},
        )
    return True


def _is_one_of(person: str, authors: str) -> bool:
    """Return whether a person, or one of several named together, is among the authors of a version.

    Nobody becomes someone else by upper case, full width, spaces, or letters that are not seen.
    """
    return bool(_names(person) & _names(authors))


def _names(people: str) -> set[str]:
    """Return a text of one or several names in the one spelling that stands for all spellings of each."""
    found = {people, *_BETWEEN_PEOPLE.split(unicodedata.normalize("NFKC", people))}
    spelled = {unicodedata.normalize("NFKC", one).casefold() for one in found}
    return {"".join(each for each in one if each.isalnum()) or one.strip() for one in spelled} - {""}


def refuse_extremes(proof: ProofReport, version: str) -> None:
    """Raise LedgerError if the version is proved to grant nobody or to exclude nobody, or is not the one proved."""
    if proof.version != version:
        raise LedgerError.of(
            "proof-of-another-version",
            f"证明针对的是版本 `{proof.version[:12]}`，不是 `{version[:12]}`",
            f"the proof is about the version `{proof.version[:12]}`, not `{version[:12]}`",
            help_zh="重新证明要审批的版本",
            help_en="prove the version that is to be approved",
        )
    extremes = [one for one in proof.findings if one.code in ("never", "always")]
    if not extremes:
        return
    raise LedgerError(
        [
            Diagnostic(
                f"{one.code}-eligible",
                Bilingual(
                    f"政策 `{proof.policy}` 不能审批：{one.message.zh}",
                    f"the policy `{proof.policy}` cannot be approved: {one.message.en}",
                ),
                Bilingual(
                    f"更正这些条件；`mianshen policies prove {proof.policy}` 给出全部结论",
                    f"correct these conditions; `mianshen policies prove {proof.policy}` tells everything",
                ),
                one.place,
            )
            for one in extremes
        ]
    )


def _answers(proof: ProofReport | None) -> dict[str, object]:
    if proof is None:
        return {}
    return {"proved_on": proof.on.isoformat(), "proof": {name: one.value for name, one in proof.verdicts.items()}}


def approved_policies(ledger: Ledger, on: date) -> dict[str, Approved]:
    """Return for each policy the approved version that decides on day `on`: the one effective last.

    A policy that is retired on that day is left out.
    """
    approvals, versions = table(tables.Approval), table(tables.PolicyVersion)
    query = (
        select(approvals, versions.c.author)
        .join(versions, versions.c.version == approvals.c.version)
        .where(approvals.c.effective_on <= on.isoformat())
        .order_by(approvals.c.effective_on, approvals.c.approved_at, approvals.c.version)
    )
    with ledger.reading() as connection:
        retired = retired_in(connection, on)
        rows = connection.execute(query)
        return {row.policy: _to_approved(row) for row in rows if row.policy not in retired}


def all_approvals(ledger: Ledger) -> list[Approved]:
    """Return every approval, also of versions effective later, in order of policy and effective date."""
    approvals, versions = table(tables.Approval), table(tables.PolicyVersion)
    query = (
        select(approvals, versions.c.author)
        .join(versions, versions.c.version == approvals.c.version)
        .order_by(approvals.c.policy, approvals.c.effective_on, approvals.c.approved_at)
    )
    with ledger.reading() as connection:
        return [_to_approved(row) for row in connection.execute(query)]


def version_text(ledger: Ledger, version: str) -> str:
    """Return the rule file's text of a version. Raises LedgerError if the ledger does not have it."""
    versions = table(tables.PolicyVersion)
    with ledger.reading() as connection:
        found = connection.execute(select(versions.c.text).where(versions.c.version == version)).scalar()
    if found is None:
        raise LedgerError.of(
            "unknown-version",
            f"账本里没有版本 `{version[:12]}`",
            f"the ledger has no version `{version[:12]}`",
        )
    return str(found)


def _author(connection: Connection, version: str) -> str | None:
    versions = table(tables.PolicyVersion)
    return connection.execute(select(versions.c.author).where(versions.c.version == version)).scalar()


def _to_approved(row: object) -> Approved:
    get = row.__getattribute__
    return Approved(
        policy=get("policy"),
        version=get("version"),
        effective_on=date.fromisoformat(get("effective_on")),
        approved_by=get("approved_by"),
        approved_at=get("approved_at"),
        author=get("author"),
    )
