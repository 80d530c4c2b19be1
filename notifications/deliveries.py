"""What an operator sees of deliveries, and what can be done about those that could not be sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from notifications.channels import CHANNELS
from notifications.letters import message_id
from notifications.models import GIVEN_UP, Breaker, Delivery, Status
from organisation.actors import Actor
from workflows.documents import Refused
from workflows.ledger import record_institution
from workflows.words import Reason, Text

SUBJECT_OF_LEDGER = "notifications"

CHANNEL_WORDS = {"mail": Text("电子邮件", "e-mail")}
WHY_WORDS = {
    "simulation": Text("模拟机构不外发", "a simulated institution sends nothing"),
    "inactive": Text("账号已停用", "the account is not active"),
    "no_address": Text("未登记邮箱", "no e-mail address is known"),
    "switched_off": Text("本人未选择邮件接收", "the person does not want it by e-mail"),
    "read": Text("已在站内阅读", "it was read in the application"),
    "closed": Text("待办已办结或时限已变，提醒不再发送", "the item is closed or has another date; the reminder is not needed"),
    "perhaps": Text("对方可能已收到", "the other side may have it"),
    "nothing_left": Text("当日通知均已阅读或失效", "everything in it was read or overtaken"),
}  # fmt: skip
"""Why something was not sent, or why that is uncertain, by the code kept with it."""

REASON_NEEDED = Text("请说明理由。", "Say why.")
NOT_YOURS = Text("该外发记录不属于本机构。", "This delivery is not your institution's.")
NEVER_WRITTEN = Text(
    "该通知未生成外发内容，无法重发。", "Nothing was ever written for this delivery; it cannot be sent again."
)
NOT_ENDED = Text("该外发尚未结束，不能重发。", "This delivery has not ended yet; it cannot be sent again.")
SETTLED = Text("该外发已处理。", "This delivery has been dealt with already.")
NOT_DEAD = Text("该外发并未失败。", "This delivery has not failed.")
NO_ADDRESS = Text("收件人没有登记邮箱。", "The person has no e-mail address.")


@dataclass(frozen=True)
class DeliveryLine:
    """One delivery on the operator's page. `why` is None unless it was suppressed, or is uncertain."""

    id: int
    channel: Text
    person: str
    address: str
    subject: str
    status: str
    status_label: str
    why: Text | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    dead_at: datetime | None
    error: str
    message_id: str
    can_resend: bool
    can_settle: bool


@dataclass(frozen=True)
class DeliveryPage:
    """Newest first; `after` is the id to ask on from (None: the end)."""

    rows: tuple[DeliveryLine, ...]
    after: int | None


@dataclass(frozen=True)
class ChannelState:
    """A channel as an operator sees it: how many deliveries stand where, and whether it rests (and until when)."""

    key: str
    name: Text
    counts: Mapping[str, int]
    dead: int
    failures: int
    resting_until: datetime | None
    error: str


@dataclass(frozen=True)
class Receipt:
    """What became of a notice in one channel: the status of its own row, or of the digest that it went out with."""

    channel: Text
    status: str
    at: datetime | None


def page_of_deliveries(
    institution_id: int, *, status: str = "", after: int | None = None, size: int = 50
) -> DeliveryPage:
    """Deliveries of one institution, newest first: one statement. `status` is one of Status; "dead" is all that was given up
    and that no operator has dealt with yet, what is uncertain too."""
    rows = Delivery.objects.filter(institution_id=institution_id).select_related("person")
    if status == Status.DEAD:
        rows = rows.filter(status__in=GIVEN_UP, settled_at__isnull=True)
    elif status:
        rows = rows.filter(status=status)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: size + 1])
    page = found[:size]
    return DeliveryPage(tuple(_line(row) for row in page), page[-1].pk if len(found) > size else None)


def is_of(delivery_id: int, institution_id: int) -> bool:
    """Whether the delivery exists and is this institution's."""
    return Delivery.objects.filter(pk=delivery_id, institution_id=institution_id).exists()


def _line(row: Delivery) -> DeliveryLine:
    return DeliveryLine(
        row.pk, CHANNEL_WORDS.get(row.channel, Text(row.channel, row.channel)), str(row.person), row.address, row.subject,
        row.status, str(Status(row.status).label), WHY_WORDS.get(row.why) if row.why else None, row.attempts, row.created_at,
        row.next_attempt_at if row.status == Status.PENDING else None, row.sent_at, row.dead_at, row.last_error, row.message_id,
        can_resend=bool(row.body) and row.settled_at is None and row.status in (*GIVEN_UP, Status.SENT),
        can_settle=row.status in GIVEN_UP and row.settled_at is None,
    )  # fmt: skip


def channels(institution_id: int, at: datetime) -> tuple[ChannelState, ...]:
    """Every channel: two statements."""
    breakers = {row.channel: row for row in Breaker.objects.all()}
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    dead: dict[str, int] = {}
    grouped = (
        Delivery.objects.filter(institution_id=institution_id)
        .values_list("channel", "status")
        .annotate(count=Count("pk"), open=Count("pk", filter=Q(settled_at__isnull=True)))
    )
    for channel, status, count, unsettled in grouped:
        counts[channel][status] = count
        if status in GIVEN_UP:
            dead[channel] = dead.get(channel, 0) + unsettled
    states = []
    for key in CHANNELS:
        breaker = breakers.get(key)
        until = breaker.open_until if breaker and breaker.open_until and breaker.open_until > at else None
        states.append(
            ChannelState(
                key, CHANNEL_WORDS[key], counts.get(key, {}), dead.get(key, 0), breaker.failures if breaker else 0, until,
                breaker.last_error if breaker and breaker.failures else "",
            )
        )  # fmt: skip
    return tuple(states)


def receipts_of(notice_ids: Collection[int]) -> dict[int, tuple[Receipt, ...]]:
    """What became of these notices outside the application, by notice: two statements, however many."""
    rows = list(
        Delivery.objects.filter(notice_id__in=list(notice_ids), resend_of__isnull=True).order_by("channel")
    )
    runs = {row.digest_id for row in rows if row.status == Status.GATHERED}
    digests = {
        (row.digest_id, row.channel): row
        for row in Delivery.objects.filter(digest_id__in=runs, notice__isnull=True, resend_of__isnull=True)
    }
    found: dict[int, list[Receipt]] = defaultdict(list)
    for row in rows:
        told = digests.get((row.digest_id, row.channel), row) if row.status == Status.GATHERED else row
        found[row.notice_id or 0].append(Receipt(CHANNEL_WORDS[row.channel], told.status, told.sent_at))
    return {pk: tuple(receipts) for pk, receipts in found.items()}


def resend(delivery_id: int, *, by: Actor, at: datetime, reason: str) -> Delivery:
    """Send a copy that failed (or was lost on the other side) again: a new row with the same words, to the address the
    person has now, and an entry in the institution's ledger. The old row is dealt with.

    Raises Refused: no reason, another institution's, not ended, dealt with already, or nobody to send to.
    """
    with transaction.atomic():
        old = _taken(delivery_id, by, reason)
        if old.status not in (*GIVEN_UP, Status.SENT):
            raise Refused(Reason("not_ended", NOT_ENDED))
        if not old.body:
            raise Refused(Reason("never_written", NEVER_WRITTEN))
        if not old.person.email:
            raise Refused(Reason("no_address", NO_ADDRESS))
        first = old.resend_of or old
        number = first.resends.count() + 1
        key = f"{first.key}:resend:{number}"
        new = Delivery.objects.create(
            key=key, channel=old.channel, institution_id=old.institution_id, person_id=old.person_id, notice_id=old.notice_id,
            digest_id=old.digest_id, resend_of=first, urgent=old.urgent, address=old.person.email, subject=old.subject, body=old.body,
            message_id=message_id(key), status=Status.PENDING, created_at=at, next_attempt_at=at,
        )  # fmt: skip
        old.settled_at = at
        old.save(update_fields=["settled_at"])
        _enter("resend", old, by, at, reason, new=key, address=new.address)
    return new


def settle(delivery_id: int, *, by: Actor, at: datetime, reason: str) -> Delivery:
    """Let a dead letter rest: the person was told in another way. Ledgered. Raises Refused."""
    with transaction.atomic():
        old = _taken(delivery_id, by, reason)
        if old.status not in GIVEN_UP:
            raise Refused(Reason("not_dead", NOT_DEAD))
        old.settled_at = at
        old.save(update_fields=["settled_at"])
        _enter("settle", old, by, at, reason)
    return old


def _taken(delivery_id: int, by: Actor, reason: str) -> Delivery:
    # The first row of a chain of resends is locked too, so that two operators do not give out one number.
    old = Delivery.objects.select_for_update(of=("self",)).select_related("person").get(pk=delivery_id)
    if old.resend_of_id:
        Delivery.objects.select_for_update().get(pk=old.resend_of_id)
    if by.institution_id != old.institution_id:
        raise Refused(Reason("not_yours", NOT_YOURS))
    if not reason.strip():
        raise Refused(Reason("given.reason", REASON_NEEDED))
    if old.settled_at is not None:
        raise Refused(Reason("settled", SETTLED))
    return old


def _enter(step: str, old: Delivery, by: Actor, at: datetime, reason: str, **more: str) -> None:
    content = {"delivery": old.pk, "key": old.key, "person": old.person_id, "reason": reason, **more}
    record_institution(old.institution_id, SUBJECT_OF_LEDGER, step, content, by=by, at=at)


STATUS_TABS = (
    (Status.DEAD, _("Could not be sent")),
    (Status.PENDING, _("To be sent")),
    (Status.SENT, _("Sent")),
    (Status.SUPPRESSED, _("Not sent")),
)
"""The operator page's tabs: status and label."""
