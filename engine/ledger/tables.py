"""The tables of the ledger. One SQLModel class per table; times are ISO-8601 UTC texts, money is fen.

Table models do not validate (SQLModel): rows are built by the functions of this folder only.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class SchemaVersion(SQLModel, table=True):
    """Which layout of the tables this ledger has; one row."""

    __tablename__ = "schema_version"
    number: int = Field(primary_key=True)
    created_at: str


class PolicyVersion(SQLModel, table=True):
    """The text of one version of a rule file, kept for ever."""

    __tablename__ = "policy_version"
    version: str = Field(primary_key=True)  # SHA-256 of the text
    policy: str = Field(index=True)
    text: str
    author: str
    added_at: str


class Approval(SQLModel, table=True):
    """Someone other than the author allowed exactly this version to run from `effective_on` on."""

    __tablename__ = "approval"
    version: str = Field(primary_key=True, foreign_key="policy_version.version")
    policy: str = Field(index=True)
    approved_by: str
    approved_at: str
    effective_on: str


class Retirement(SQLModel, table=True):
    """A named person took a policy out of use from `retired_on` on; a later approval takes it up again."""

    __tablename__ = "retirement"
    number: int = Field(primary_key=True)
    policy: str = Field(index=True)
    retired_on: str
    retired_by: str
    retired_at: str
    reason: str
    resumed_on: str | None = None  # the first day on which the new approval decides
    resumed_by: str | None = None
    resumed_version: str | None = None


class BundleVersion(SQLModel, table=True):
    """The text of one version of a bundle file, kept for ever once somebody was told in its words."""

    __tablename__ = "bundle_version"
    version: str = Field(primary_key=True)  # SHA-256 of the text
    bundle: str = Field(index=True)
    text: str
    author: str
    added_at: str


class Run(SQLModel, table=True):
    """One run, from plan to report."""

    __tablename__ = "run"
    id: str = Field(primary_key=True)
    on: str
    started_at: str
    finished_at: str | None = None
    state: str = "matching"  # matching, recording, finished, abandoned
    store_version: str = "{}"  # JSON: table -> Delta version read
    plan: str = "{}"  # JSON: the policies and periods planned
    report: str = "{}"  # JSON


class EventDecision(SQLModel, table=True):
    """What one life event granted: written with its grants, so that it is decided once whatever happens."""

    __tablename__ = "event_decision"
    run: str = Field(primary_key=True)  # stands where a run's id does: grant, checkpoint, fund entry, audit
    event: int  # the number in the event log of the profile store
    on: str
    at: str
    store_version: str = "{}"  # JSON: table -> version read
    policies: str = "{}"  # JSON: policy -> version decided
    answer: str = "{}"  # JSON


class EventToken(SQLModel, table=True):
    """An agency that may post life events over the network; of its token only a keyed digest is kept."""

    __tablename__ = "event_token"
    agency: str = Field(primary_key=True)
    digest: str
    kinds: str  # JSON: the kinds it may post
    made_at: str
    made_by: str


class Slot(SQLModel, table=True):
    """Policy x period: whether the schedule has run it. The primary key makes two servers run it once.

    `period` is the period's key, `@` and the local minute at which the policy's calendar came due.
    """

    __tablename__ = "slot"
    policy: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    due_at: str
    state: str  # claimed, done, held
    claimed_by: str
    claimed_until: str
    made_up: bool = False
    run: str | None = None
    finished_at: str | None = None


class Checkpoint(SQLModel, table=True):
    """Bucket `bucket` of run `run` is recorded."""

    __tablename__ = "checkpoint"
    run: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    grants: int
    digest: str


class Grant(SQLModel, table=True):
    """One benefit for one subject (and unit) and period, with the evidence it rests on.

    `id` is 32 hexadecimal digits: the first 20 of the subject's pseudonym and 12 of the hash of policy,
    unit and period. `evidence` is JSON: {"values": {name: value}, "as_of": {source: date}}.
    """

    __tablename__ = "grant"
    __table_args__ = (
        UniqueConstraint("subject", "policy", "unit", "period", name="uq_grant_once"),
        CheckConstraint("amount >= 0", name="ck_grant_amount"),
        # What has been granted since some run: a run after a small intake must not read all grants for it.
        Index("ix_grant_run", "run"),
        {"sqlite_with_rowid": False},
    )
    id: str = Field(primary_key=True)
    subject: str
    space: str
    policy: str
    version: str
    unit: str = ""
    period: str
    amount: int | None = None
    kind: str  # cash, waiver, refund, voucher, service, qualification
    stage: str  # see engine.ledger.stages
    payee: str | None = None  # the pseudonym paid, if not the subject
    fund: str | None = None
    on: str
    run: str
    # Of the run: which transaction wrote the row, so that its digest can be checked again.
    bucket: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    evidence: str


class Claim(SQLModel, table=True):
    """`key` supports one grant of `group`, once."""

    __tablename__ = "claim"
    group: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    grant: str


class Waiting(SQLModel, table=True):
    """A candidate that allocation turned down for now, with the reason
    (see `engine.allocating.Reason`)."""

    __tablename__ = "waiting"
    subject: str = Field(primary_key=True)
    policy: str = Field(primary_key=True)
    unit: str = Field(primary_key=True, default="")
    period: str = Field(primary_key=True)
    reason: str
    detail: str
    amount: int | None
    run: str


class Fund(SQLModel, table=True):
    """A fund and what was appropriated to it."""

    __tablename__ = "fund"
    id: str = Field(primary_key=True)
    title_zh: str
    title_en: str
    appropriation: int


class FundEntry(SQLModel, table=True):
    """An append-only movement of a fund: what one bucket of a run reserved for one policy."""

    __tablename__ = "fund_entry"
    __table_args__ = (UniqueConstraint("run", "bucket", "policy", "fund", "kind", name="uq_fund_entry_once"),)
    id: int | None = Field(default=None, primary_key=True)
    fund: str = Field(index=True)
    policy: str
    run: str
    bucket: int
    kind: str  # reserved, committed, paid, reversed
    amount: int
    at: str


class Announcement(SQLModel, table=True):
    """Something to be told to somebody: written with the grant, in the same transaction."""

    __tablename__ = "announcement"
    __table_args__ = {"sqlite_with_rowid": False}
    id: str = Field(primary_key=True)  # the grant's id and the kind; of a combined notice see notifier.bundles
    subject: str  # the one who is told (the payee's pseudonym where a child is the subject)
    space: str
    grant: str | None = None
    policy: str
    version: str
    kind: str  # granted, combined (then policy and version are those of the bundle)
    data: str  # JSON: amount in fen, period; of a combined notice its parts
    on: str
    routed: bool = False  # the notifier has turned it into deliveries


class Delivery(SQLModel, table=True):
    """One message by one channel. `id` is the idempotency key: announcement and channel."""

    __tablename__ = "delivery"
    __table_args__ = (Index("ix_delivery_due", "state", "next_attempt_at"),)
    id: str = Field(primary_key=True)
    announcement: str = Field(index=True)
    subject: str
    channel: str  # page, email, sms
    state: str  # created, sending, sent, delivered, temporary-failure, permanent-failure
    attempts: int = 0
    next_attempt_at: str
    leased_until: str | None = None
    leased_by: str | None = None
    provider_id: str | None = None
    error: str | None = None
    language: str = "zh"
    finished_at: str | None = None


class AuditEntry(SQLModel, table=True):
    """One action; `hash` chains it to the entry before."""

    __tablename__ = "audit_entry"
    number: int = Field(primary_key=True)
    at: str
    actor: str
    action: str
    detail: str  # JSON
    previous: str
    hash: str
