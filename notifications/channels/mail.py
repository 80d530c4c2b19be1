"""E-mail through Django's mail: one recipient a message, our own Message-ID, and SMTP's answers read as ours."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import format_datetime
from threading import Timer
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.core.mail.message import sanitize_address

from notifications.channels.base import ChannelDown, Doubtful, Message, Session, TryLater, Undeliverable

CONVERSATION = 25.0
"""Seconds in which a message is handed over or given up: less than half a lease, although each of the server's answers may
take as long as settings.EMAIL_TIMEOUT."""
OK, FORWARDED, GO_ON = 250, 251, 354
NOT_AVAILABLE = 421
"""The server hangs up, because of this message or of all (RFC 5321 4.2.1)."""
TOO_LARGE = 552
NOT_SIGNED_IN = (530, 535, 538)
POLICY = re.compile(r"\b5\.7\.\d")
"""What a server says that relays nothing for us, and one that refuses this recipient by a rule (RFC 3463 3.8)."""
MAILBOX_BUSY = 450
STATUS = re.compile(r"^\d{3}[ -](4\.\d{1,3}\.\d{1,3})\b")
OF_MESSAGE = re.compile(r"4\.(1\.[^78]|[256]\.)")
"""Which of the statuses by which a message is put off tell of itself: of its recipient's address or mailbox, of its bytes (RFC
3463). All others tell of the server, or of us (4.1.7 and 4.1.8 of the sender)."""
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class MailSession:
    """Django's configured backend. With SMTP the message is handed over here, step by step: only so is it known whether
    the server may have it when the line is cut."""

    def __init__(self) -> None:
        self.backend: Any = get_connection(fail_silently=False)
        self.is_open = False

    def open(self) -> None:
        if self.is_open:
            return
        try:
            self.backend.open()
            if line := self._line():
                if line.sock is not None:
                    # Else the last line waits for the other side's delayed acknowledgement: 40 ms a message.
                    line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise ChannelDown(_told(error)) from error
        self.is_open = True

    def send(self, message: Message) -> None:
        self.open()
        mail = _as_mail(message)
        if line := self._line():
            self._converse(line, mail)
            return
        try:
            self.backend.send_messages([mail])
        except ValueError as error:
            raise Undeliverable(_told(error)) from error
        except OSError as error:
            raise ChannelDown(_told(error)) from error

    def close(self) -> None:
        with suppress(smtplib.SMTPException, OSError):
            self.backend.close()
        self.is_open = False

    def _line(self) -> smtplib.SMTP | None:
        line = getattr(self.backend, "connection", None)
        return line if isinstance(line, smtplib.SMTP) else None

    def _converse(self, line: smtplib.SMTP, mail: EmailMessage) -> None:
        try:
            sender, recipient = (
                sanitize_address(mail.from_email, "utf-8"),
                sanitize_address(mail.to[0], "utf-8"),
            )
            content = LEADING_DOT.sub(b"..", mail.message().as_bytes(linesep="\r\n"))
        except ValueError as error:
            # No address, or a line break in a header: it cannot even be written.
            raise Undeliverable(_told(error)) from error
        handed_over = False
        watchdog = Timer(CONVERSATION, _cut, [line])
        watchdog.daemon = True
        watchdog.start()
        try:
            size = [f"size={len(content)}"] if line.does_esmtp and line.has_extn("size") else []
            self._of_sender(*line.mail(sender, size))
            self._expect(line, (OK, FORWARDED), *line.rcpt(recipient), of_recipient=True)
            self._expect(line, (GO_ON,), *line.docmd("DATA"))
            line.send(content if content.endswith(b"\r\n") else content + b"\r\n")
            handed_over = True  # the last line may arrive although its sending fails
            line.send(b".\r\n")
            self._expect(line, (OK,), *line.getreply())
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise Doubtful(_told(error), handed_over=handed_over) from error
        finally:
            watchdog.cancel()

    def _of_sender(self, code: int, said: bytes) -> None:
        if code == OK:
            return
        self.close()
        # It would be the same with every message, except that this one may be too large.
        raise Undeliverable(_answer(code, said)) if code == TOO_LARGE else ChannelDown(_answer(code, said))

    def _expect(
        self,
        line: smtplib.SMTP,
        wanted: tuple[int, ...],
        code: int,
        said: bytes,
        *,
        of_recipient: bool = False,
    ) -> None:
        """Raises what an unwanted answer means for the message; the line is good for the next one, or closed."""
        if code in wanted:
            return
        told = _answer(code, said)
        if code == NOT_AVAILABLE:
            self.close()
            raise Doubtful(told)
        try:
            line.rset()
        except (smtplib.SMTPException, OSError):
            self.close()
        if of_recipient and 500 <= code < 600 and (code in NOT_SIGNED_IN or POLICY.search(told)):
            raise Doubtful(told)
        if 500 <= code < 600:
            raise Undeliverable(told)
        raise TryLater(told) if _puts_off_this_one(code, told) else Doubtful(told)


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


def _cut(line: smtplib.SMTP) -> None:
    """End a conversation from outside: whoever waits in it is told that the line is closed."""
    if line.sock is not None:
        with suppress(OSError):
            line.sock.shutdown(socket.SHUT_RDWR)


def _puts_off_this_one(code: int, told: str) -> bool:
    """Whether an answer 4xx is this message's own affair by its words: else it may be every message's (no room, a filter or a
    name server that is away)."""
    status = STATUS.match(told)
    return bool(OF_MESSAGE.match(status[1])) if status else code == MAILBOX_BUSY


def _answer(code: int, said: bytes) -> str:
    return f"{code} {said.decode(errors='replace')}"


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
