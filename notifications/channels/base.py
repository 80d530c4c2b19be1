"""What every channel offers, and the four ways in which a message can fail to leave."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Undeliverable(Exception):
    """This message will never be taken for this address (an SMTP answer 5xx)."""


class TryLater(Exception):
    """This message was not taken now, by a fault of its own or its recipient's (an SMTP answer 4xx that says so)."""


class Doubtful(Exception):
    """This message failed in a way that may be its own fault or the channel's (the line was cut or stayed silent while it
    was handed over, the server wants no mail from us or none at present): how the others of the same pass fare decides.

    `handed_over`: all of it had been sent, so that the other side may have it.
    """

    def __init__(self, told: str, *, handed_over: bool = False) -> None:
        super().__init__(told)
        self.handed_over = handed_over


class ChannelDown(Exception):
    """The channel itself does not work (refused, not signed in, no answer in time): no message is to blame."""


@dataclass(frozen=True)
class Message:
    """What is handed over. The same delivery gives an equal message at every attempt, `written_at` included."""

    message_id: str
    address: str
    subject: str
    body: str
    written_at: datetime


class Session(Protocol):
    """A line to the channel's server."""

    def open(self) -> None:
        """Have the line open; nothing is handed over yet, however long it takes. Raises ChannelDown."""
        ...

    def send(self, message: Message) -> None:
        """Hand one message over to one address on an open line, within half a lease whatever the server does.

        Raises Undeliverable, TryLater, Doubtful, ChannelDown; any other error is a fault of this message that may pass.
        """
        ...


class Channel(Protocol):
    """A way to reach people outside the application."""

    key: str

    def session(self) -> AbstractContextManager[Session]:
        """A line for some messages, closed at the end."""
        ...
