"""The channels there are, by key: one module each. A notice has one delivery row in every one of them."""

from __future__ import annotations

from notifications.channels.base import Channel
from notifications.channels.mail import Mail

CHANNELS: dict[str, Channel] = {channel.key: channel for channel in (Mail(),)}
