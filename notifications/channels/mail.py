"""E-mail through Django's mail: one recipient a message, our own Message-ID, and SMTP's answers read as ours."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import format_datetime
from typing import Any

from django.core.mail import EmailMessage, get_connection

from notifications.channels.base import ChannelDown, Message, Session, TryLater, Undeliverable

NOT_AVAILABLE = 421
"""SMTP: the server is closing down, whatever the message (RFC 5321 4.2.1)."""


class MailSession:
    """Django's configured backend, opened when the first message comes."""

    def __init__(self) -> None:
        self.backend: Any = get_connection(fail_silently=False)
        self.is_open = False

    def send(self, message: Message) -> None:
        self._open()
        try:
            self.backend.send_messages([_as_mail(message)])
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            raise _refusal(code, said) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPServerDisconnected as error:
            # The line was good when it was opened, so this message may be the reason: it is charged with the attempt.
            # A server that is really gone shows at the next opening.
            self.close()
            raise TryLater(_told(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            # The sender refused, not signed in, no answer in time: it would be the same with every message.
            raise ChannelDown(_told(error)) from error
        except ValueError as error:
            # No address, or a line break in a header: Django will not even write such a message.
            raise Undeliverable(_told(error)) from error

    def _open(self) -> None:
        if self.is_open:
            return
        try:
            self.backend.open()
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelDown(_told(error)) from error
        self.is_open = True

    def close(self) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self.backend.close()
        self.is_open = False


class Mail:
    """The channel."""

    key = "mail"

    @contextmanager
    def session(self) -> Iterator[Session]:
        line = MailSession()
        try:
            yield line
        finally:
            line.close()


def _as_mail(message: Message) -> EmailMessage:
    headers = {
        "Message-ID": message.message_id,
        "Date": format_datetime(message.written_at),
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(message.subject, message.body, to=[message.address], headers=headers)


def _refusal(code: int, said: bytes | str) -> Exception:
    text = f"{code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if code == NOT_AVAILABLE:
        return ChannelDown(text)
    return Undeliverable(text) if 500 <= code < 600 else TryLater(text)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
