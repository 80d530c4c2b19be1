"""How people are told outside the application: their wishes, every copy that is sent out, and the state of each channel.

The notice of record is `workflows.Notice`. A row here is a copy of it, or of a day's digest, on its way to one address.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Preference(models.Model):
    """How one person wants to be told; without a person, what the institution has laid down for everybody.

    An empty field means: as the institution, and there: as the product (`notifications.preferences`). Whatever stands here,
    every notice can be read in the application.
    """

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("person")
    )
    urgent_by_mail = models.BooleanField(_("urgent notices by e-mail, at once"), null=True)
    digest_by_mail = models.BooleanField(_("one e-mail a working day with all others"), null=True)
    digest_at = models.TimeField(_("time of the daily e-mail"), null=True)
    quiet_from = models.TimeField(_("no e-mail from"), null=True)
    quiet_until = models.TimeField(_("no e-mail until"), null=True)

    class Meta:
        verbose_name = _("preference")
        constraints = [
            models.UniqueConstraint(
                fields=["institution", "person"], nulls_distinct=False, name="one_preference_each"
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_have_two_ends",
            ),
        ]


class DigestRun(models.Model):
    """That a person's digest of one local day has been made, in one channel: at most once, whatever happens."""

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20)
    day = models.DateField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "channel", "day"], name="one_digest_a_day")]


class Status(models.TextChoices):
    """Where a copy stands. WAITING: for its person's digest; GATHERED: in one, whose own row says what became of it.
    DEAD and UNCERTAIN are given up: the other side has it not, or may have it."""

    WAITING = "waiting", _("waits for the daily e-mail")
    GATHERED = "gathered", _("in the daily e-mail")
    PENDING = "pending", _("to be sent")
    LEASED = "leased", _("being sent")
    SENT = "sent", _("sent")
    SUPPRESSED = "suppressed", _("not sent")
    DEAD = "dead", _("could not be sent")
    UNCERTAIN = "uncertain", _("perhaps sent")


GIVEN_UP = (Status.DEAD, Status.UNCERTAIN)


class Delivery(models.Model):
    """One copy of a notice, or of a digest, for one address of one channel. Address, subject and body are a snapshot and
    `message_id` follows from the key, so that every retry sends the same bytes and the reader's mail program can fold them.

    `attempts` is counted when the lease is taken: a row that kills its process is counted too.
    """

    key = models.CharField(max_length=300, unique=True)
    channel = models.CharField(max_length=20)
    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    notice = models.ForeignKey(
        "workflows.Notice", models.PROTECT, null=True, related_name="deliveries", db_index=False
    )
    digest = models.ForeignKey(DigestRun, models.PROTECT, null=True, related_name="deliveries")
    resend_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="resends")
    urgent = models.BooleanField(default=False)
    address = models.CharField(max_length=320, blank=True)
    subject = models.CharField(max_length=500, blank=True)
    body = models.TextField(blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices)
    why = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["notice", "channel"],
                condition=Q(notice__isnull=False, resend_of__isnull=True),
                name="one_delivery_per_notice",
            ),
            models.CheckConstraint(
                condition=Q(notice__isnull=False) | Q(digest__isnull=False), name="delivery_of_something"
            ),
            models.CheckConstraint(
                condition=Q(status="leased", lease_token__isnull=False, lease_until__isnull=False)
                | (~Q(status="leased") & Q(lease_token__isnull=True, lease_until__isnull=True)),
                name="leased_means_leased",
            ),
            models.CheckConstraint(
                condition=~Q(status="pending") | Q(next_attempt_at__isnull=False), name="pending_has_a_next"
            ),
        ]
        indexes = [
            models.Index(
                F("channel"), F("urgent").desc(), F("next_attempt_at"), F("id"),
                condition=Q(status="pending"), name="deliveries_to_send",
            ),
            models.Index(fields=["lease_until"], condition=Q(status="leased"), name="deliveries_leased"),
            models.Index(
                fields=["institution", "person"], condition=Q(status="waiting"), name="deliveries_for_digest"
            ),
            models.Index(
                fields=["institution", "-id"],
                condition=Q(status__in=("dead", "uncertain"), settled_at__isnull=True),
                name="deliveries_dead",
            ),
        ]  # fmt: skip


class Breaker(models.Model):
    """Whether a channel is given a rest: after a fault of its own it is tried again at `open_until`."""

    channel = models.CharField(max_length=20, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
