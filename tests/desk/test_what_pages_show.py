"""Every desk template, rendered with sample values in both languages: what a reader must be able to read is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from supervision.desk import pages
from supervision.desk.pages import Who
from tests.desk import samples
from workflows.words import Text


class Missing(str):
    """Shown for a name the context does not have: the context contracts in the templates are then wrong."""

    def __mod__(self, name: object) -> str:
        raise AssertionError(f"a template asks for {name}, which no page carries")

    def __contains__(self, key: object) -> bool:
        return key == "%s"


@pytest.fixture(autouse=True)
def nothing_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines["django"].engine, "string_if_invalid", Missing("%s"))  # type: ignore[attr-defined]


@pytest.fixture(params=["zh-hans", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def shown(template: str, **context: object) -> str:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    given = {"now": samples.NOW, "chrome": samples.chrome(), **context}
    return render_to_string(template, given, request)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def said(language: str, zh: str, en: str) -> str:
    return zh if language == "zh-hans" else en


PAGES = [
    ("desk/queue.html", {"queue": samples.queue()}),
    (
        "desk/queue.html",
        {
            "queue": samples.queue(
                tab="claimable",
                rows=(samples.row(claim_url="/claim/7/", forward=None, back=None),),
                bulk_url="",
            )
        },
    ),
    (
        "desk/queue.html",
        {
            "queue": samples.queue(
                tab="done",
                lamps=(),
                bulk_url="",
                rows=(
                    samples.row(decided=pages.Decided("同意", samples.NOW, "属实。", recall_url="/d/1/#act")),
                ),
            )
        },
    ),
    ("desk/document.html", {"document": samples.document()}),
    ("desk/document.html", {"document": samples.document(panel=None, due=None, states=(), round=None)}),
    ("desk/board.html", {"board": samples.board()}),
    ("desk/leader.html", {"desk": samples.desk()}),
    ("desk/notices.html", {"notices": samples.notices()}),
]


@pytest.mark.parametrize(("template", "context"), PAGES)
def test_every_page_says_its_language_and_carries_nothing_inline(
    language: str, template: str, context: dict[str, object]
) -> None:
    html = shown(template, **context)
    assert f'<html lang="{said(language, "zh-Hans", "en")}">' in html
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=\"", html) == []
    assert html.count("<h1") == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert sorted(ids) == sorted(set(ids))
    for name in re.findall(r'(?:aria-labelledby|aria-describedby|aria-controls|for)="([^"]+)"', html):
        assert name in ids, name
    for symbol in re.findall(r'<use href="#([^"]+)"', html):
        assert f'<symbol id="{symbol}"' in html, symbol
    if language == "en":
        assert '<span lang="zh-Hans">' in html


def test_the_bar_names_institution_roles_unread_and_every_capacity(language: str) -> None:
    html = shown("desk/queue.html", queue=samples.queue())
    text = text_of(html)
    assert said(language, "云州市目标督办平台", "Yunzhou Goal Supervision") in text
    assert said(language, "通知，5 条未读", "Notices, 5 unread") in html
    assert said(language, "代 王建国", "for 王建国") in text
    assert said(language, "，至 2026年4月20日", ", until 20 Apr 2026") in text
    assert 'action="/i18n/setlang/"' in html
    assert f'value="{said(language, "en", "zh-hans")}"' in html


def test_a_frozen_clock_is_said_on_every_page(language: str) -> None:
    html = shown("desk/queue.html", queue=samples.queue(), chrome=samples.chrome(frozen=True))
    assert said(language, "模拟：时钟停在 2026年4月10日 09:30", "stands at 10 Apr 2026 09:30") in text_of(
        html
    )


def test_a_row_says_lamp_due_date_why_and_what_can_be_done(language: str) -> None:
    html = shown("desk/queue.html", queue=samples.queue())
    text = text_of(html)
    for zh, en in (
        ("红灯", "Red"),
        ("超期3日", "3 days over"),
        ("4月7日 周二", "7 Apr Tue"),
        ("依据：《办法》第十二条", "Basis: 《办法》第十二条"),
        ("作出核查结论", "conclude the check"),
    ):
        assert said(language, zh, en) in text
    assert 'data-panel="/items/7/panel/?step=approve"' in html
    assert 'data-panel="/items/7/panel/?step=send_back"' in html
    assert "hx-post" not in html.split('id="row-7"')[1].split("</tr>")[0], "a row decides nothing"


def test_the_queue_says_which_kind_of_nothing_it_is(language: str) -> None:
    done = ("整改方案", samples.NOW)
    empty = text_of(shown("desk/queue.html", queue=samples.queue(rows=(), last_done=done)))
    assert said(language, "没有待办。", "Nothing waits for you.") in empty
    assert said(language, "最近办结：整改方案，", "Dealt with last: 整改方案,") in empty
    filtered = samples.queue(rows=(), filters=(pages.ActiveFilter("红灯", "/"),))
    assert said(language, "没有符合筛选条件的事项。", "Nothing matches these filters.") in text_of(
        shown("desk/queue.html", queue=filtered)
    )
    claimable = text_of(shown("desk/queue.html", queue=samples.queue(tab="claimable", rows=())))
    assert said(language, "没有可认领的事项。", "Nothing to claim.") in claimable


def test_the_panel_asks_shows_and_names_every_outcome(language: str) -> None:
    html = shown("desk/_panel.html", panel=samples.panel())
    text = text_of(html)
    for zh, en in (
        ("申请要点", "What is asked"),
        ("2026年4月30日", "30 Apr 2026"),
        ("已有意见", "Opinions so far"),
        ("情况属实。", "情况属实。"),
        ("下一步：", "Next:"),
        ("退回时必填", "required for: Return"),
        ("办理身份：督查室", "You act as: 督查室"),
    ):
        assert said(language, zh, en) in text, zh
    assert re.search(r'name="step" value="approve"[^>]*data-main', html)
    assert 'name="step" value="send_back"' in html
    assert 'name="seen_version" value="12"' in html
    assert 'name="request_id" value="0b8e2c1e"' in html
    assert 'data-reopen="/items/7/panel/?step=extend&amp;shape=row"' in html


def test_a_refused_step_is_grey_with_every_reason_beside_it(language: str) -> None:
    html = shown("desk/_panel.html", panel=samples.panel())
    grey = re.search(r'<button[^>]*disabled aria-describedby="([^"]+)">([^<]+)</button>', html)
    assert grey is not None
    assert grey[2] == said(language, "办结销号", "Close the order")
    assert f'id="{grey[1]}"' in html
    assert "尚有 2 条办结标准没有佐证。" in html
    assert "不得审定本人经手的事项。" in html
    assert 'value="close"' not in html


def test_enter_in_a_field_presses_a_button_that_decides_nothing() -> None:
    """Chromium presses a form's first enabled button on Enter, also when a disabled one stands before it."""
    for panel in (
        samples.panel(),
        samples.panel(chosen="extend"),
        samples.panel(steps=(samples.SIGN,), confirming="sign"),
    ):
        html = shown("desk/_decide.html", panel=panel)
        first = re.search(r"<button(?![^>]*type=\"button\")[^>]*>", html)
        assert first is not None
        assert 'name="step" value=""' in first[0]


def test_the_chosen_step_is_the_one_that_ctrl_enter_sends() -> None:
    for chosen, main in (
        ("", "approve"),
        ("send_back", "send_back"),
        ("extend", "extend"),
        ("close", "approve"),
    ):
        html = shown("desk/_decide.html", panel=samples.panel(chosen=chosen))
        assert re.findall(r'value="(\w+)" data-main', html) == [main], chosen


def test_the_inputs_of_a_step_are_labelled_and_their_errors_tied_to_them(language: str) -> None:
    html = shown("desk/_decide.html", panel=samples.panel(chosen="extend"))
    assert 'type="date" class="form-control" name="new_date" id="7-new_date"' in html
    assert 'aria-required="true"' in html
    assert re.search(r'<select[^>]*name="level"[^>]*aria-invalid="true" aria-describedby="7-level-e"', html)
    assert 'id="7-level-e">请选择层级。' in html
    assert '<option value="b" selected>' in html
    assert said(language, "新截止日期", "New due date") in html


def test_a_missing_opinion_comes_back_beside_the_field_with_what_was_typed() -> None:
    html = shown(
        "desk/_decide.html", panel=samples.panel(opinion="请补充", opinion_error="退回须写明要补正什么。")
    )
    assert 'aria-invalid="true" aria-describedby="op-7-e">请补充</textarea>' in html
    assert '<p class="err" id="op-7-e">退回须写明要补正什么。</p>' in html


def test_what_cannot_be_undone_is_confirmed_with_object_recipient_and_effect() -> None:
    panel = samples.panel(steps=(samples.SIGN, samples.RETURN), confirming="sign", opinion="同意签发")
    with translation.override("zh-hans"):
        html = shown("desk/_decide.html", panel=panel)
    assert 'name="confirmed" value="sign"' in html
    assert re.search(r'name="step" value="sign" data-main>签发督办通知书</button>', html)
    assert "自签收之日起算" in html
    assert "暂不办理" in html
    assert 'value="send_back"' not in html
    assert ">同意签发</textarea>" in html


def test_whoever_was_second_is_told_who_was_first_and_keeps_the_text(language: str) -> None:
    stale = pages.Stale(Who("周岚"), Text("同意", "Approve"), samples.NOW, Text("待审定", "For decision"))
    html = shown("desk/_decide.html", panel=samples.panel(stale=stale, opinion="我的意见全文"))
    text = text_of(html)
    assert said(
        language,
        "周岚 已于 4月10日 09:30 先行办理（同意），您本次没有提交。",
        "周岚 did this first, at 10 Apr 09:30 : Approve.",
    ) in (text.replace("周岚 已于 4月10日 09:30  先行", "周岚 已于 4月10日 09:30 先行"))
    assert said(language, "待审定", "For decision") in text
    assert ">我的意见全文</textarea>" in html
    assert 'value="approve"' not in html


def test_who_may_do_nothing_reads_why(language: str) -> None:
    refused = shown("desk/_decide.html", panel=samples.panel(steps=(samples.CLOSE,)))
    assert said(language, "您现在不能办理，理由如下。", "Nothing can be done by you now") in refused
    assert "尚有 2 条办结标准没有佐证。" in refused
    none = shown("desk/_decide.html", panel=samples.panel(steps=()))
    assert said(language, "这里没有需要您办理的事。", "Nothing waits for you here.") in none


def test_several_capacities_are_a_choice(language: str) -> None:
    choices = (pages.Choice("3", "督查室"), pages.Choice("9", "分管领导（代 王建国）"))
    html = shown("desk/_decide.html", panel=samples.panel(capacities=choices, capacity="9"))
    assert '<option value="9" selected>分管领导（代 王建国）</option>' in html
    assert said(language, "办理身份", "I act as") in html


def test_the_document_says_position_holder_reason_of_the_date_and_history(language: str) -> None:
    html = shown("desk/document.html", document=samples.document())
    text = text_of(html)
    assert re.search(
        r'<li class="st-now" aria-current="step"><span class="st-l">' + said(language, "承办中", "In hand"),
        html,
    )
    for zh, en in (
        ("现在由谁办理", "Who holds it now"),
        ("办结并报结", "finish and report"),
        ("为什么是这一天", "Why this date"),
        ("已延期；原截止日期为", "Extended; the original date was"),
        ("不同意延期", "Refuse the extension"),
        ("理由不充分。", "理由不充分。"),
        ("代 李建新", "for 李建新"),
        ("第2条", "Entry 2"),
        ("事实日期", "Day of the fact"),
        ("339 KB", "339 KB"),
        ("须3人同意", "须3人同意"),
        ("资金未落实。", "资金未落实。"),
    ):
        assert said(language, zh, en) in text, zh
    assert 'title="1c77aa019f2bffff">1c77aa019f2b</code>' in html


def test_a_closed_document_says_that_nothing_more_is_to_be_done(language: str) -> None:
    closed = samples.document(panel=None, holders=(), no_holder="已办结。", lamp="done")
    html = shown("desk/document.html", document=closed)
    assert said(language, "已经办结，无需再办。", "It is closed") in html
    assert "已办结。" in html


def test_the_board_counts_ages_climbs_and_lists(language: str) -> None:
    html = shown("desk/board.html", board=samples.board())
    text = text_of(html)
    for zh, en in (
        ("24 个单位，在办 222 件。", "24 units, 222 open items."),
        ("91.3 % 今年以来", "91.3 % this year"),
        ("目标95%", "goal 95%"),
        ("四级 约谈", "L4 Interview"),
        ("78.6%", "78.6%"),
        ("超期41日", "41 days over"),
        ("2月5日", "5 Feb"),
        ("4月14日", "14 Apr"),
    ):
        assert said(language, zh, en) in text, zh
    assert html.count('<svg class="trend') == 2
    assert said(language, "红灯由19件变为23件", "red from 19 to 23") in html
    assert '<td class="num">—</td>' in html


def test_the_leader_reads_the_facts_before_any_button(language: str) -> None:
    html = shown("desk/leader.html", desk=samples.desk())
    card = html.split('id="row-7"')[1].split("</article>")[0]
    facts, button = card.index("30个工作日"), card.index("data-panel=")
    assert facts < button
    assert "5人中已同意3人" in card
    assert said(language, "在待办中查看全部9件", "All 9 in the queue") in html
    assert "hx-post" not in card


def test_a_notice_is_urgent_unread_and_leads_somewhere(language: str) -> None:
    text = text_of(shown("desk/notices.html", notices=samples.notices()))
    assert said(language, "紧急", "urgent") in text
    assert said(language, "未读", "Unread") in text
    assert said(language, "邮件、短信", "邮件, 短信") in text


def test_bulk_confirms_titles_first_and_reports_each_afterwards(language: str) -> None:
    ask = pages.Bulk(samples.APPROVE, "/bulk/", "r-1", rows=(samples.row(), samples.row(id=8)))
    html = shown("desk/_bulk.html", bulk=ask)
    assert text_of(html).count(samples.TITLE) == 2
    assert 'name="confirmed" value="approve"' in html
    assert said(language, "同意，送分管领导审定：2 件", "Approve and send to leader: 2 items") in html
    results = (
        pages.BulkResult("甲", "/d/1/"),
        pages.BulkResult("乙", "/d/2/", "周岚 已先行办理。"),
    )
    done = shown("desk/_bulk.html", bulk=replace(ask, rows=(), results=results))
    assert said(language, "已办成 1 件，未办成 1 件。", "Done: 1. Not done: 1.") in done
    assert "周岚 已先行办理。" in done


def test_a_date_without_a_published_calendar_says_so(language: str) -> None:
    row = samples.row(due=samples.due(date(2027, 1, 11), 180, provisional=True))
    html = shown("desk/queue.html", queue=samples.queue(rows=(row,)))
    assert said(language, "（日历未公布，暂定）", "(calendar not yet published)") in html


@pytest.mark.parametrize("code", ["403", "404", "409", "500", "503", "403_csrf"])
def test_a_page_of_last_resort_needs_no_context_and_speaks_both_languages(code: str) -> None:
    html = render_to_string(f"{code}.html", {})
    assert re.search(r"<h1>[\u4e00-\u9fff]+</h1>", html)
    assert re.search(r"<h2>[A-Z][a-z ]+</h2>", html)
    assert "<script" not in html
