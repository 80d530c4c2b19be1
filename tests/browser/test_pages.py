"""Every page as each role finds it, in both languages and at three widths: it stands, says its language, complains about
nothing, fits, leads nowhere dead, and is accessible (axe-core, WCAG 2.2 AA and best practice)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from supervision.goals.models import Goal
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from tests.browser.conftest import AXE
from tests.browser.people import PHONE, WIDE, Reader, set_clock
from tests.supervision.county import (
    TO_APPROVED,
    TO_HAND,
    County,
    add_evidence,
    moment,
    order_of,
    report_of,
    sheet_of,
    walk,
    write_goal,
)
from workflows.clockwork import pass_time
from workflows.models import WorkItem

Seat = Callable[..., Reader]
ROLES = ("staff", "head", "office", "drafter", "leader", "auditor")
NARROWEST = {"width": 320, "height": 640}
NOW = moment(4, 13, 10)

KNOWN_LATIN = {
    "Duban",
    "EN",
    "glish",
    "Excel",
    "Esc",
    "Ctrl",
    "Enter",
    "PDF",
    "hoboksar",
    "county",
    "txt",
    "KB",
}
"""Latin words that stand in a Chinese page on purpose: keys, names of formats, the scheme's key, endings of files."""

FOREIGN = """() => {
  const english = document.documentElement.lang === "en", found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), here = walker.currentNode.parentElement;
    if (!text || here.closest("script,style,code,kbd,option,textarea,[aria-hidden=true]")) continue;
    const own = (here.closest("[lang]") || {}).lang, han = /[\\u3400-\\u9fff]/.test(text), latin = /[A-Za-z]{2,}/.test(text);
    if (english ? han && !latin && own === "en" : latin && !han && own === "zh-Hans") found.push(text);
  }
  return found;
}"""
"""Texts wholly in a language that the page does not say they are in."""

WIDER = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return "";
  const over = Array.from(document.querySelectorAll("main *, header *")).filter((e) => e.getBoundingClientRect().right > wide + 1);
  return document.documentElement.scrollWidth + ": " + over.slice(0, 2).map((e) => e.outerHTML.slice(0, 90)).join(" | ");
}"""

AXE_RUN = """() => axe.run(document, {runOnly: {type: "tag",
  values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}).then((result) =>
  result.violations.map((v) => v.id + ": " + v.nodes.slice(0, 2).map((n) => n.html.slice(0, 120)).join(" | ")))"""

LINKS = """() => Array.from(document.querySelectorAll("a[href], [data-panel]")).map((e) => e.dataset.panel || e.getAttribute("href"))"""


@pytest.fixture
def matters(place: County) -> dict[str, Any]:
    """A matter in every kind of state that has a page of its own look; the clock stands on an overdue Monday."""
    at = moment(3, 4)
    found: dict[str, Any] = {
        "draft": order_of(place, at=at, title="农村道路冬季养护"),
        "to_sign": walk(place, order_of(place, at=at, title="校园食堂安全检查"), "submit:drafter", at),
        "in_hand": walk(place, order_of(place, at=at, demands_rectification=True), TO_HAND, at),
    }
    walk(place, Rectification.objects.get(), TO_APPROVED, at)
    found["measure"] = Measure.objects.get(place=1)
    add_evidence(place, found["measure"], "staff", at)
    found["plan"] = walk(
        place, order_of(place, at=at, title="便民服务窗口脱岗", demands_rectification=True), TO_HAND, at
    )
    second = order_of(place, at=at, title="垃圾清运不及时", demands_rectification=True)
    walk(place, second, TO_HAND, at)
    found["round"] = walk(
        place, Rectification.objects.get(order=second), TO_APPROVED.partition(", agree:leader,")[0], at
    )
    found["plan"] = Rectification.objects.get(order=found["plan"])
    found["closed"] = walk(place, order_of(place, at=at, title="不予立项的事项"), "set_aside:drafter", at)
    found["report"] = report_of(place, at=moment(4, 1))
    found["sheet"] = walk(place, sheet_of(place, at), "goal_is_ready:staff, explain_fields:staff", at)
    found["goal"] = write_goal(place, found["sheet"], "staff", at, title="农村道路硬化率")
    walk(place, found["goal"], "plan_goal:staff", at)
    reviewed = "goal_is_ready:staff elsewhere, explain_fields:staff elsewhere, hand_in:staff elsewhere, sign:head elsewhere"
    found["goal_reviewed"] = Goal.objects.get(
        sheet=walk(place, sheet_of(place, at, unit="bureau"), reviewed, at)
    )
    set_clock(place, NOW)
    pass_time(NOW, institution_id=place.institution.pk)
    return found


def pages_of(role: str, matters: dict[str, Any]) -> dict[str, str]:
    """Name -> address of what this role is to look at."""
    item = WorkItem.objects.filter(post_role="supervisor", closed_at=None, seat=None).earliest("pk")
    own = {
        "staff": ["report", "report/edit", "plan/edit", "in_hand/edit", "measure", "sheet", "goal", "goal/edit", "sheet/new/goals.goal/write_goal"],
        "head": ["in_hand", "report"],
        "office": ["round", "/goals/", "goal_reviewed"],
        "drafter": ["draft", "draft/edit", "closed", f"/items/{item.pk}/hand-over/", "/d/orders.supervisionorder/new/draft_order/"],
        "leader": ["/desk/", "to_sign", "round"],
        "auditor": ["to_sign"],
    }[role]  # fmt: skip
    common = ["/queue/", "/queue/?tab=claimable", "/queue/?tab=done", "/files/", "/notices/"]
    if role != "staff":
        common.append("/board/")
    if role in ("office", "auditor"):
        common.append("/operation/")
    return {path: path if path.startswith("/") else address(path, matters) for path in (*common, *own)}


def address(path: str, matters: dict[str, Any]) -> str:
    name, _, rest = path.partition("/")
    return f"/d/{matters[name].kind()}/{matters[name].pk}/{rest + '/' if rest else ''}"


@pytest.mark.timeout(300)
def test_every_page_of_every_role_stands_fits_and_is_accessible(
    matters: dict[str, Any], open_as: Seat
) -> None:
    wrong: dict[str, str] = {}
    for role in ROLES:
        reader = open_as(role).take_up()
        reader.context.add_init_script(path=AXE)
        for language in ("zh-hans", "en"):
            reader.context.add_cookies([{"name": "django_language", "value": language, "url": reader.site}])
            for name, path in pages_of(role, matters).items():
                for what in look(reader, path, language):
                    wrong.setdefault(what, f"{role} {name} {language}")
    assert SupervisionOrder.objects.filter(state="for_signature").exists(), "looking decides nothing"
    assert not wrong, "\n".join(f"{where}: {what}" for what, where in wrong.items())


def look(reader: Reader, path: str, language: str) -> list[str]:
    """What is wrong with a page."""
    page = reader.page
    page.set_viewport_size(WIDE)
    answer = reader.go(path)
    wrong = [] if answer.status == 200 else [f"answered {answer.status}"]
    if page.locator("html").get_attribute("lang") != {"zh-hans": "zh-Hans", "en": "en"}[language]:
        wrong.append("does not say its language")
    if (headings := page.locator("h1").count()) != 1:
        wrong.append(f"{headings} main headings")
    foreign = [
        text
        for text in page.evaluate(FOREIGN)
        if language == "en" or not all(word in KNOWN_LATIN for word in latin(text))
    ]
    wrong += [f"says in the other language: {text}" for text in foreign]
    for size in (WIDE, PHONE, NARROWEST):
        page.set_viewport_size(size)
        if wider := page.evaluate(WIDER):
            wrong.append(f"wider than {size['width']}: {wider}")
        if language == "zh-hans" and size is not NARROWEST:
            wrong += [f"at {size['width']}: {fault}" for fault in page.evaluate(AXE_RUN)]
    return wrong


def latin(text: str) -> list[str]:
    """The words of Latin letters in a text."""
    words, word = [], ""
    for letter in f"{text} ":
        if letter.isascii() and letter.isalpha():
            word += letter
        else:
            words += [word] if len(word) > 1 else []
            word = ""
    return words


@pytest.mark.timeout(240)
def test_no_link_and_no_button_is_dead(matters: dict[str, Any], open_as: Seat) -> None:
    dead: list[str] = []
    for role in ROLES:
        reader = open_as(role).take_up()
        asked: set[str] = set()
        for path in pages_of(role, matters).values():
            reader.go(path)
            found = {urljoin(reader.page.url, link) for link in reader.page.evaluate(LINKS)}
            for link in sorted(found):
                target = urlsplit(link)._replace(fragment="").geturl()
                if not target.startswith(reader.site) or target in asked:
                    continue
                asked.add(target)
                headers = {"HX-Request": "true"} if "/panel/" in target else {}
                status = reader.context.request.get(target, headers=headers).status
                if status >= 400:
                    dead.append(f"{role} {path}: {target} answers {status}")
        assert len(asked) > 10
    assert dead == []


def test_the_pages_before_signing_in(open_as: Seat) -> None:
    nobody = open_as("stranger")
    nobody.context.add_init_script(path=AXE)
    for language in ("zh-hans", "en"):
        nobody.context.add_cookies([{"name": "django_language", "value": language, "url": nobody.site}])
        assert look(nobody, "/sign-in/", language) == []
    assert nobody.page.evaluate("axe.version") == "4.14.1"
    answer = nobody.go("/nowhere/")
    assert answer.status == 404
    assert nobody.page.evaluate(AXE_RUN) == []
    assert nobody.page.evaluate(WIDER) == ""
