"""What a mail says: one urgent notice, or the notices of a day. Rendered once, kept as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise

from workflows.models import Notice
from workflows.notices import Wording
from workflows.words import Text

MOST_LINES = 200
"""Notices that one digest lists; of more it gives the number."""
LONGEST_SUBJECT = 200

URGENT_SUBJECT = Text("【督办】{subject}", "[Duban] {subject}")
DIGEST_SUBJECT = Text("【督办】{day} 通知 {count} 条", "[Duban] {day}: {count} notices")
ONE_IN_DIGEST = Text("【督办】{day} 通知 1 条", "[Duban] {day}: 1 notice")
DEAR = Text("{name}：", "{name},")
NEW_SINCE = Text("以下事项需要您知悉或办理。", "These need your attention.")
AND_MORE = Text("另有 {count} 条，请登录查看。", "And {count} more; sign in to read them.")
SEE = Text("查看：{url}", "See: {url}")
FOOT = Text(
    "站内通知为准，本邮件为副本，请勿回复。接收方式可登录后调整：{url}",
    "The notice in the application is the one that counts; this is a copy. Please do not reply. How you are told can be changed after signing in: {url}",
)


def message_id(key: str) -> str:
    """The Message-ID of a delivery: the same for every attempt, by which a reader's mail program folds a second copy."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{host}>"


def link_to(notice: Notice) -> str:
    """The page of what the notice is about; the front page where there is none."""
    return _site("document", notice.kind, notice.document_id) if "." in notice.kind else _site()


def _site(route: str = "", *args: str | int | Promise) -> str:
    try:
        return settings.SITE_URL + (reverse(route, args=args) if route else "/")
    except NoReverseMatch:
        return f"{settings.SITE_URL}/"


def of_notice(notice: Notice, wording: Wording, name: str, language: str) -> tuple[str, str]:
    """Subject and body of one urgent notice."""
    lines = [
        _in(DEAR, language, name=name), "", wording.subject, *([wording.body] if wording.body else []), "",
        _in(SEE, language, url=link_to(notice)), "", _foot(language),
    ]  # fmt: skip
    return _one_line(_in(URGENT_SUBJECT, language, subject=wording.subject)), "\n".join(lines)


def of_day(
    notices: Sequence[Notice], wordings: Sequence[Wording], name: str, day: str, language: str
) -> tuple[str, str]:
    """Subject and body of a digest; `day` is written out already."""
    subject = ONE_IN_DIGEST if len(notices) == 1 else DIGEST_SUBJECT
    lines = [_in(DEAR, language, name=name), "", _in(NEW_SINCE, language), ""]
    for notice, wording in list(zip(notices, wordings, strict=True))[:MOST_LINES]:
        lines += [f"· {wording.subject}", f"  {link_to(notice)}"]
    if len(notices) > MOST_LINES:
        lines.append(_in(AND_MORE, language, count=len(notices) - MOST_LINES))
    lines += ["", _foot(language)]
    return _one_line(_in(subject, language, day=day, count=len(notices))), "\n".join(lines)


def _foot(language: str) -> str:
    return _in(FOOT, language, url=_site("notices"))


def _in(text: Text, language: str, **params: object) -> str:
    return text.in_language(language).format(**params)


def _one_line(subject: str) -> str:
    """A title may hold anything; a header must not hold a line break."""
    subject = " ".join(subject.split())
    return subject if len(subject) <= LONGEST_SUBJECT else subject[: LONGEST_SUBJECT - 1] + "…"
