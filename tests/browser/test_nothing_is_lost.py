"""What people typed is never lost, and nothing is decided that they did not decide: errors, races, keys, a session's end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from supervision.orders.models import SupervisionOrder
from tests.browser.people import Reader
from tests.supervision.county import County, act, again, order_of, walk
from workflows.models import Entry, WorkItem

Seat = Callable[..., Reader]
TITLE = "和什托洛盖镇供热管网漏损整治"
REASON = "退回须写明理由"


def decided(order: SupervisionOrder, step: str) -> int:
    """How often a step of this order stands in the ledger."""
    return Entry.objects.filter(kind=order.kind(), document_id=order.pk, step=step).count()


def focus_is_on(reader: Reader, selector: str) -> None:
    """Wait until the focus is there."""
    reader.page.locator(f"{selector}:focus").wait_for()


def test_a_return_without_a_reason_keeps_what_was_typed_and_points_at_the_field(
    place: County, open_as: Seat
) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    form = leader.open_step(TITLE, "退回修改")
    with leader.page.expect_response(re.compile("/act/")) as answered:
        form.get_by_role("button", name="退回修改", exact=True).click()
    assert answered.value.status == 422
    focus_is_on(leader, "[data-opinion][aria-invalid=true]")
    field = form.get_by_label("我的意见")
    assert leader.page.locator(f"#{field.get_attribute('aria-describedby')}").inner_text().strip()
    assert again(order).state == "for_signature"

    field.fill("办结标准不具体，请补充。")
    form.get_by_role("button", name="退回修改", exact=True).click()
    leader.told("退回修改")
    assert again(order).state == "draft"


def test_an_input_that_cannot_be_read_keeps_all_the_others(place: County, open_as: Seat) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff")
    head = open_as("head").take_up()
    head.go("/queue/")
    form = head.open_step(TITLE, "申请延期")
    form.get_by_label("我的意见").fill("管材供应推迟")
    form.get_by_label("进展情况").fill("完成六成")
    form.get_by_role("button", name="申请延期", exact=True).click()
    focus_is_on(head, "input[type=date][aria-invalid=true]")
    assert form.get_by_label("我的意见").input_value() == "管材供应推迟"
    assert form.get_by_label("进展情况").input_value() == "完成六成"
    form.get_by_label("拟延至").fill("2026-04-01")
    form.get_by_role("button", name="申请延期", exact=True).click()
    head.told("申请延期")
    assert again(order).asked_due_on == date(2026, 4, 1)


def test_somebody_was_first(place: County, open_as: Seat) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    form = leader.open_step(TITLE, "签发")
    form.get_by_label("我的意见").fill("同意签发，请抓紧")
    act(place, order, "sign", "second leader")
    with leader.page.expect_response(re.compile("/act/")) as answered:
        form.get_by_role("button", name="签发", exact=True).click()
    assert answered.value.status == 409
    said = leader.page.get_by_role("alert")
    said.wait_for()
    assert re.search("那木加甫.*09:00.*签发", said.inner_text())
    assert "已交办" in said.inner_text()
    kept = leader.page.get_by_label("您已写的意见")
    assert kept.input_value() == "同意签发，请抓紧"
    assert decided(order, "sign") == 1
    with leader.page.expect_navigation():
        leader.page.get_by_role("link", name="查看现状").click()
    assert leader.page.get_by_role("heading", level=1, name=TITLE).is_visible()


def test_a_draft_that_somebody_changed_meanwhile_comes_back_with_both(place: County, open_as: Seat) -> None:
    order = order_of(place)
    one, other = open_as("drafter").take_up(), open_as("checker").take_up()
    for reader in (one, other):
        reader.go(f"/d/{order.kind()}/{order.pk}/edit/")
    other.page.get_by_label("办理要求").fill("先到的要求")
    other.save()
    one.page.get_by_label("办理要求").fill("后到的要求")
    one.page.get_by_role("button", name="保存草稿").click()
    assert "他人修改过此草稿" in one.page.get_by_role("alert").inner_text()
    assert one.page.get_by_label("办理要求").input_value() == "后到的要求"
    assert again(order).demand == "先到的要求"
    one.save()
    assert again(order).demand == "后到的要求"


def test_a_double_click_decides_once(place: County, open_as: Seat) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    form = leader.open_step(TITLE, "签发")
    form.get_by_role("button", name="签发", exact=True).dblclick()
    leader.told("签发")
    assert decided(order, "sign") == 1

    head = open_as("head").take_up()
    head.go(f"/d/{order.kind()}/{order.pk}/")
    head.page.get_by_role("button", name="签收", exact=True).dblclick()
    head.told("签收")
    assert decided(order, "sign_for") == 1


def test_enter_in_a_date_field_decides_nothing(place: County, open_as: Seat) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff")
    head = open_as("head").take_up()
    head.go("/queue/")
    form = head.open_step(TITLE, "申请延期")
    form.get_by_label("我的意见").fill("管材供应推迟")
    form.get_by_label("进展情况").fill("完成六成")
    form.get_by_label("拟延至").fill("2026-04-01")
    form.get_by_label("拟延至").press("Enter")
    head.page.wait_for_load_state("networkidle")
    assert again(order).state == "in_hand"
    assert form.get_by_label("进展情况").input_value() == "完成六成"

    plain = open_as("head", java_script_enabled=False).take_up()
    plain.go(f"/d/{order.kind()}/{order.pk}/?step=ask_extension")
    plain.page.get_by_label("拟延至").fill("2026-04-01")
    plain.page.get_by_label("拟延至").press("Enter")
    assert "没有指明步骤" in plain.page.get_by_role("alert").first.inner_text()
    assert again(order).state == "in_hand"


def test_back_shows_the_queue_as_it_is_now(place: County, open_as: Seat) -> None:
    walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    assert leader.titles() == [TITLE]
    leader.open_from_queue(TITLE)
    leader.page.get_by_role("button", name="签发", exact=True).click()
    leader.told("签发")
    leader.go("/board/")
    leader.page.go_back()
    leader.page.go_back()
    leader.page.reload()
    leader.menu("我的待办")
    assert leader.titles() == []


def test_a_session_that_ended_keeps_the_text(place: County, open_as: Seat) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    form = leader.open_step(TITLE, "签发")
    form.get_by_label("我的意见").fill("同意，限期办结")
    leader.context.clear_cookies(name="duban_session")
    with leader.page.expect_response(re.compile("/act/")) as answered:
        form.get_by_role("button", name="签发", exact=True).click()
    assert answered.value.status == 401
    leader.told("登录已失效")
    assert form.get_by_label("我的意见").input_value() == "同意，限期办结"
    assert again(order).state == "for_signature"

    here, leader.page = leader.page, leader.context.new_page()
    leader.sign_in()  # in another tab; signing in changes the token that every form carries
    leader.page = here
    with leader.page.expect_response(re.compile("/act/")) as answered:
        form.get_by_role("button", name="签发", exact=True).click()
    assert answered.value.status == 403
    leader.told("请再按一次")
    form.get_by_role("button", name="签发", exact=True).click()
    leader.told("已办理：签发")
    assert "同意，限期办结" in _page_of(leader, order)


def _page_of(reader: Reader, order: SupervisionOrder) -> str:
    reader.go(f"/d/{order.kind()}/{order.pk}/")
    text: str = reader.section("办理经过").inner_text()
    return text


def test_two_claim_at_once_and_one_is_told_who_has_it(place: County, open_as: Seat) -> None:
    order = order_of(place)
    one, other = open_as("drafter").take_up(), open_as("checker").take_up()
    for reader in (one, other):
        reader.go("/queue/?tab=claimable")
    for reader in (one, other):
        reader.row(TITLE).get_by_role("button", name="认领").click(no_wait_after=True)
    for reader in (one, other):
        reader.page.locator("#toasts > *").first.wait_for()
    item = WorkItem.objects.get(kind=order.kind(), document_id=order.pk, closed_at=None)
    winner, loser = (one, other) if item.claimed_by == one.person else (other, one)
    assert item.claimed_by == winner.person
    winner.told("已认领")
    loser.told(winner.person.name)


def test_a_whole_queue_is_approved_from_the_keyboard(place: County, open_as: Seat) -> None:
    titles = ("冬季供暖保障", "农村道路养护", "校园食堂检查")
    orders = [walk(place, order_of(place, title=title), "submit:drafter") for title in titles]
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    keys = leader.page.keyboard
    leader.page.locator("#rows tr.r").first.focus()
    keys.press("j")
    keys.press("j")
    keys.press("k")
    focus_is_on(leader, "#rows tr.r:nth-of-type(2)")
    for _ in orders:
        keys.press("a")
        focus_is_on(leader, "[data-opinion]")
        keys.type("ajk ")
        keys.press("Enter")
        assert leader.page.locator("form[data-decide]").count() == 1, "Enter is a new line"
        keys.press("Control+Enter")
        leader.page.locator("form[data-decide]").wait_for(state="detached")
    assert leader.titles() == []
    assert [again(order).state for order in orders] == ["issued"] * 3
    focus_is_on(leader, "#main")


def test_what_was_typed_survives_closing_the_form(place: County, open_as: Seat) -> None:
    walk(place, order_of(place), "submit:drafter")
    leader = open_as("leader").take_up()
    leader.go("/queue/")
    leader.open_step(TITLE, "签发").get_by_label("我的意见").fill("请抓紧")
    leader.page.keyboard.press("Escape")
    assert not leader.page.locator("form[data-decide]").count()
    focus_is_on(leader, "#rows tr.r")
    leader.page.keyboard.press("a")
    focus_is_on(leader, "[data-opinion]")
    assert leader.page.get_by_label("我的意见").input_value() == "请抓紧"
