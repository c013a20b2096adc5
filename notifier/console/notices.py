"""`mianshen notices …`: send what is due, show what somebody was told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from engine.installation import Installation
from notifier.bundles.combined import COMBINED
from notifier.bundles.combining import Combiner, combiner_of, has_events
from notifier.bundles.shelf import bundle_by_version
from notifier.bundles.texts import CombinedTexts
from notifier.console.speech import Speech
from notifier.console.subjects import subject_of
from notifier.console.tables import console, print_json, progress, table
from notifier.deliveries import NoticeRow, counts, notices_of, unrouted
from notifier.routing import route
from notifier.sending import SendingReport, send_due
from notifier.settings import SETTING_OF, channels_from_environment, signature_from_environment
from notifier.templates import period_in_words, renderer
from notifier.versions import policy_by_version
from policies.policy import Policy
from profiles.events.log import EventLog
from profiles.vault import open_vault


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one round of delivery did: new deliveries by channel, what was sent, which channels are missing.

    `waiting` grants are told later, together with others of the same event; the pages show them already.
    """

    routed: Mapping[str, int]
    sent: SendingReport
    not_configured: tuple[str, ...]
    waiting: int = 0


def deliver(installation: Installation, say: Speech) -> Delivered:
    """Turn announcements into deliveries and send what is due.

    Raises SettingsError for a malformed channel setting, DeliveryError if something is due for a channel
    that is no longer configured.
    """
    ledger = installation.ledger
    channels = channels_from_environment()
    policies = installation.library.policies.values()
    with open_vault(installation.home) as vault, _combiner(installation) as combining, progress() as bar:
        routing = bar.add_task(say("生成投递", "deliveries"), total=None)
        routed = route(
            ledger,
            lambda subjects: vault.contacts(subjects, "notifier", "routing"),
            tuple(channels),
            on_progress=lambda done, total: bar.update(routing, completed=done, total=total),
            combining=combining,
        )
        sending = bar.add_task(say("发送", "sending"), total=None)
        policy_of = policy_by_version(ledger, installation.catalog.vocabulary, policies)
        signature = signature_from_environment()
        combined = CombinedTexts(bundle_by_version(ledger), policy_of, signature)
        sent = send_due(
            ledger,
            vault,
            channels,
            renderer(policy_of, signature, combined.message),
            on_progress=lambda done, total: bar.update(sending, completed=done, total=total),
        )
    missing = tuple(name for name in SETTING_OF if name not in channels)
    return Delivered(routed, sent, missing, unrouted(ledger))


@contextmanager
def _combiner(installation: Installation) -> Iterator[Combiner | None]:
    """Without a single event there is nothing to combine, and no event log is made."""
    if not has_events(installation):
        yield None
        return
    with EventLog(installation.home, installation.catalog) as log:
        yield combiner_of(installation, log)


def print_delivery_report(delivered: Delivered, say: Speech) -> None:
    """Print what was delivered by channel, and which channels are not configured."""
    names = {"page": say("网页收件箱", "page inbox"), "email": say("邮件", "e-mail"), "sms": say("短信", "SMS")}
    new = ", ".join(f"{names.get(name, name)} {count:,}" for name, count in delivered.routed.items())
    console.print(f"{say('新投递', 'new deliveries')}: {new or 0}")
    if delivered.waiting:
        console.print(
            say(
                f"{delivered.waiting:,} 项等待合并告知(网页上已可查看)",
                f"{delivered.waiting:,} grants wait for their combined notice (the pages show them already)",
            ),
            style="dim",
        )
    sent = delivered.sent
    if sent.sent or sent.temporary or sent.permanent:
        console.print(
            say(
                f"已发送 {sent.sent:,},稍后重试 {sent.temporary:,},失败 {sent.permanent:,}",
                f"sent {sent.sent:,}, to be tried again {sent.temporary:,}, failed for good {sent.permanent:,}",
            )
        )
    for name in delivered.not_configured:
        console.print(
            say(
                f"{names[name]}未配置,没有使用(设置 {SETTING_OF[name]})",
                f"{names[name]} is not configured and was not used (set {SETTING_OF[name]})",
            ),
            style="dim",
        )


def send(installation: Installation, say: Speech, *, as_json: bool) -> int:
    """Deliver and print; return 0, or 9 if a delivery failed for good."""
    delivered = deliver(installation, say)
    if as_json:
        print_json(delivered)
    else:
        print_delivery_report(delivered, say)
    return 9 if delivered.sent.permanent else 0


def show(installation: Installation, text: str | None, say: Speech, *, as_json: bool) -> None:
    """Print the notices of one subject, or the counts of all deliveries."""
    ledger = installation.ledger
    if text is None:
        found = counts(ledger)
        if as_json:
            print_json(found)
            return
        rows = [(channel, state, f"{count:,}") for channel, states in found.items() for state, count in states.items()]
        console.print(
            table(
                say("投递", "deliveries"),
                [say("渠道", "channel"), say("状态", "state"), say("条数", "count")],
                rows,
                numbers=(2,),
            )
        )
        return
    notices = notices_of(ledger, subject_of(installation.home, text))
    if as_json:
        print_json(notices)
        return
    policies = installation.library.policies
    rows = [
        (
            each.on, _title(each, policies, say),
            period_in_words(each.period, say.language) if each.period else "", say.yuan(each.amount),
            "; ".join(f"{one.channel} {one.state}" for one in each.deliveries),
        )
        for each in notices
    ]  # fmt: skip
    heads = [
        say("日期", "on"),
        say("政策", "policy"),
        say("期间", "period"),
        say("金额(元)", "amount (yuan)"),
        say("投递", "deliveries"),
    ]
    console.print(table(say("通知", "notices"), heads, rows, numbers=(3,)))


def _title(notice: NoticeRow, policies: Mapping[str, Policy], say: Speech) -> str:
    if notice.kind == COMBINED:
        count = len(notice.parts)
        return say(f"合并通知({notice.policy},{count} 项)", f"one notice ({notice.policy}, {count} grants)")
    return say.of(policies[notice.policy].title) if notice.policy in policies else notice.policy
