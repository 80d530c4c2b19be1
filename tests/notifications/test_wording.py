"""Every notice that the engine writes, in both languages; and reading them."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from notifications.models import Delivery
from notifications.sending import deliver
from organisation import changes
from organisation.actors import clock_of
from tests.notifications.ground import AT, address, notice
from tests.supervision.county import TO_APPROVED, TO_HAND, County, moment, order_of, plan_of, walk
from workflows import notices
from workflows.clockwork import pass_time
from workflows.deadlines import sweep
from workflows.models import Notice, WorkItem
from workflows.notices import mark_read, notices_of, unread_count, wording, wordings
from workflows.worklist import hand_over

TITLE = "和什托洛盖镇供热管网漏损整治"


def of(code: str, **narrow: Any) -> Notice:
    row = Notice.objects.filter(code=code, **narrow).order_by("pk").first()
    assert row is not None, (
        f"{code} was not told; told were {set(Notice.objects.values_list('code', flat=True))}"
    )
    return row


def both(row: Notice) -> tuple[str, str]:
    return wording(row, "zh-hans").subject, wording(row, "en").subject


def test_a_step_is_told_in_the_lifecycles_words(place: County) -> None:
    walk(place, order_of(place), "submit:drafter")
    row = of("submit", person=place.people["leader"])
    assert both(row) == (f"提请签发：{TITLE}", f"Submit for signature: {TITLE}")


def test_a_ladders_step_is_told_in_the_schemes_words_with_duty_and_date(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    pass_time(moment(3, 17, 0, 1), institution_id=place.institution.pk)
    row = of("ladder:overdue", document_id=order.pk, params__duty="order.finish")
    assert both(row) == (f"已逾期：{TITLE}", f"Overdue: {TITLE}")
    assert "截止：2026年3月16日" in wording(row, "zh-hans").body
    assert "Due: 16 Mar 2026" in wording(row, "en").body
    assert wording(row, "zh-hans").body.startswith(str(type(order).lifecycle.title.zh))


def test_a_hand_over_names_who_and_why(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    item = WorkItem.objects.get(document_id=order.pk, kind=order.kind(), closed_at=None)
    hand_over(item.pk, place.people["second leader"], reason="出差", actor=place.actor("leader"), at=AT)
    row = of("hand_over")
    assert both(row) == (
        f"leader将一项待办转给您办理：{TITLE}", f"leader has handed an item over to you: {TITLE}",
    )  # fmt: skip
    assert "理由：出差" in wording(row, "zh-hans").body
    assert "Reason: 出差" in wording(row, "en").body


def test_a_seat_of_a_round_names_what_is_voted_on(place: County) -> None:
    walk(place, plan_of(place), TO_APPROVED)
    zh, en = both(of("round.open"))
    assert zh.startswith("请您表决：")
    assert en.startswith("Your vote is asked: ")
    assert "{" not in zh + en
    assert "：：" not in zh


def test_a_vacant_post_is_named_by_the_lifecycles_word(place: County) -> None:
    walk(place, order_of(place), "submit:drafter, sign:leader")
    changes.end_post(
        place.posts["head"], ends=AT.date(), by=clock_of(place.institution.pk), at=AT, reason="免职"
    )
    pass_time(AT + timedelta(days=1), institution_id=place.institution.pk)
    zh, en = both(of("rerouted"))
    assert "目前无人在任，待办转由您办理" in zh
    assert "Nobody holds" in en
    assert "{" not in zh + en


def test_an_outage_is_told_in_one_notice_with_a_line_for_each(place: County) -> None:
    walk(place, order_of(place), TO_HAND)
    back = AT + timedelta(days=21)
    sweep(back, institution_id=place.institution.pk, alive_at=AT)
    row = of("outage")
    count = row.params["count"]
    assert both(row) == (
        f"系统停运期间到期的事项（{count} 项）",
        f"What fell due while the system was down ({count})",
    )
    lines = wording(row, "zh-hans").body.splitlines()
    assert len(lines) == count
    assert all(TITLE in line and "截止 2026年" in line for line in lines)
    assert all("(due " in line for line in wording(row, "en").body.splitlines())


def test_every_notice_of_a_whole_journey_has_words(place: County, caplog: pytest.LogCaptureFixture) -> None:
    walk(place, plan_of(place), TO_APPROVED)
    pass_time(AT + timedelta(days=40), institution_id=place.institution.pk)
    rows = list(Notice.objects.all())
    assert len(rows) > 30
    caplog.clear()
    for language in ("zh-hans", "en"):
        for row, said in zip(rows, wordings(rows, [language] * len(rows)), strict=True):
            assert row.title in said.subject or row.code == "outage"
            assert "{" not in said.subject + said.body
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "gone.kind", "code": "submit"},
        {"kind": "orders.supervisionorder", "code": "no_such_step"},
        {"kind": "orders.supervisionorder", "code": "ladder:no_such_step"},
        {"kind": "orders.supervisionorder", "code": "rederived", "params": {"due_on": "never"}},
        {"code": "outage", "params": {}},
        {"code": "outage", "params": {"count": 1, "items": None}},
        {"code": "outage", "params": {"count": 1, "items": [{"title": "某事"}]}},
    ],
)
def test_what_cannot_be_worded_is_told_by_its_title_and_the_log_says_so(
    place: County, broken: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    row = notice(place, title="某事", **broken)
    assert both(row)[0].endswith("：某事")
    assert both(row)[1].endswith(": 某事")
    assert [r.name for r in caplog.records if r.levelno >= logging.ERROR]


def test_many_are_worded_with_one_statement_a_kind(place: County, django_assert_num_queries: Any) -> None:
    walk(place, order_of(place), TO_HAND)
    pass_time(AT + timedelta(days=21), institution_id=place.institution.pk)
    rows = list(Notice.objects.filter(code__startswith="ladder:"))
    assert len(rows) > 3
    wordings(rows, ["zh-hans"] * len(rows))
    with django_assert_num_queries(len({row.kind for row in rows})):
        wordings(rows * 20, ["en"] * len(rows) * 20)


def test_the_mail_is_in_the_readers_language_and_links_to_the_document(place: County, settings: Any) -> None:
    order = walk(place, order_of(place), TO_HAND)
    for who, language in (("deputy", "en"), ("head", "zh-hans")):
        address(place, who)
        type(place.people[who]).objects.filter(pk=place.people[who].pk).update(
            language=language, name_en="Ms Head"
        )
    later = AT + timedelta(days=21)
    pass_time(later, institution_id=place.institution.pk)
    Notice.objects.exclude(document_id=order.pk).delete()
    deliver(later)
    by_person = {m.to[0]: m for m in mail.outbox if "Urged" in m.subject or "催办" in m.subject}
    assert by_person["deputy@example.org"].subject == f"[Duban] Urged: {TITLE}"
    assert by_person["head@example.org"].subject == f"【督办】催办：{TITLE}"
    assert "Ms Head," in by_person["deputy@example.org"].body
    url = settings.SITE_URL + reverse("document", args=[order.kind(), order.pk])
    assert url in by_person["head@example.org"].body


def test_a_reminder_whose_item_is_closed_meanwhile_is_not_sent(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    address(place, "head")
    later = AT + timedelta(days=21)
    pass_time(later, institution_id=place.institution.pk)
    urged = of("ladder:urge", document_id=order.pk, person=place.people["head"])
    WorkItem.objects.filter(document_id=order.pk, kind=order.kind(), closed_at=None).update(
        closed_at=later, next_step_at=None, closed_how="close"
    )
    done = deliver(later)
    assert done.suppressed >= 1
    row = Delivery.objects.get(notice=urged)
    assert (row.status, row.why) == ("suppressed", "closed")
    assert not [m for m in mail.outbox if "催办" in m.subject]


def test_pages_of_notices_meet_without_gap_or_overlap(place: County, django_assert_num_queries: Any) -> None:
    rows = [notice(place, at=AT + timedelta(minutes=n // 3)) for n in range(10)]
    notice(place, "head")
    person = place.people["staff"].pk
    seen, after = [], None
    for _ in range(4):
        with django_assert_num_queries(1):
            page = notices_of(person, after=after, size=4)
        seen += [row.pk for row in page.rows]
        if (after := page.after) is None:
            break
    assert seen == [row.pk for row in reversed(rows)]


def test_marking_as_read_touches_only_ones_own(place: County) -> None:
    mine, other, his = notice(place), notice(place), notice(place, "head")
    person = place.people["staff"].pk
    assert unread_count(person) == 2
    assert mark_read(person, [mine.pk, his.pk], AT) == 1
    assert mark_read(person, [mine.pk], AT + timedelta(hours=1)) == 0
    assert Notice.objects.get(pk=mine.pk).read_at == AT, "the first reading stands"
    assert [row.pk for row in notices_of(person, unread=True).rows] == [other.pk]
    assert mark_read(person, None, AT) == 1
    assert (unread_count(person), unread_count(place.people["head"].pk)) == (0, 1)


def test_the_room_that_keeps_schemes_has_named_the_ladders(place: County) -> None:
    order = order_of(place)
    assert notices._ladder_names is not None
    assert str(notices._ladder_names(order.kind(), [order.pk])[order.pk]["urge"].zh) == "催办"
