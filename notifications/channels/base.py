"""What every channel offers, and the three ways in which a message can fail to leave."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Undeliverable(Exception):
    """This message will never be taken for this address (an SMTP answer 5xx)."""


class TryLater(Exception):
    """This message was not taken now (an SMTP answer 4xx, a connection cut while it was handed over)."""


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
    """An open line to the channel's server."""

    def send(self, message: Message) -> None:
        """Hand one message over to one address. Raises Undeliverable, TryLater, ChannelDown; any other error is a
        fault of this message that may pass."""
        ...


class Channel(Protocol):
    """A way to reach people outside the application."""

    key: str

    def session(self) -> AbstractContextManager[Session]:
        """A line for some messages, opened with the first and closed at the end."""
        ...
