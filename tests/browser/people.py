"""A person at a browser: what they see on the page, and what they press. Chinese screens, as most of them have.

Everything is found by the words that a reader finds it by; nothing by a class or an address, except the list's rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore

from organisation.models import Person
from tests.supervision.county import County

PASSWORD = "督办的密码-2026"
NAMES = {
    "staff": "巴特尔", "colleague": "娜仁", "deputy": "其其格", "head": "马建军", "staff elsewhere": "高丽华", "head elsewhere": "罗晓燕",
    "office": "刘新梅", "drafter": "赵志远", "checker": "阿依古丽", "leader": "陈国栋", "second leader": "那木加甫", "former leader": "王建国",
    "discipline": "徐春花", "auditor": "李文", "delegate": "孟克", "stranger": "张三", "two hats": "朱玉梅", "outsider": "外县人",
}  # fmt: skip
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def name_everybody(place: County) -> None:
    """People as they would be called, and a password that all of them know."""
    # The web server is another process and has the real hashers; the cheapest settings of the real one will do.
    hasher = Argon2PasswordHasher()
    hasher.time_cost, hasher.memory_cost, hasher.parallelism = 1, 8, 1
    password = hasher.encode(PASSWORD, "saltsaltsalt")
    for key, person in place.people.items():
        person.name = NAMES.get(key, person.name)
        person.name_en = {"staff": "Batur", "head": "Ma Jianjun"}.get(key, "")
        person.password = password
        person.save(update_fields=["name", "name_en", "password"])


def signed_in(context: Any, site: str, person: Person) -> None:
    """The session that signing in would have begun."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "organisation.sign_in.PersonBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    context.add_cookies([{"name": "duban_session", "value": session.session_key, "url": site}])


class Reader:
    """One person's browser. `faults` collects what a browser complains about: errors, refusals of the policy, answers
    of 500 and more."""

    def __init__(
        self, browser: Any, site: str, person: Person, *, phone: bool = False, **context: Any
    ) -> None:
        self.site, self.person = site, person
        self.faults: list[str] = []
        self.context = browser.new_context(
            viewport=PHONE if phone else WIDE, has_touch=phone, is_mobile=phone, locale="zh-CN",
            timezone_id="Asia/Shanghai", **context,
        )  # fmt: skip
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("response", lambda r: r.status >= 500 and self.faults.append(f"{r.url}: {r.status}"))

    def _heard(self, message: Any) -> None:
        """Chromium reports each answer of 4xx as an error of its own: expected refusals are tested for what they say."""
        if message.type in ("error", "warning") and not re.search(
            r"(status of|Status Error Code) 4\d\d", message.text
        ):
            self.faults.append(f"{self.page.url}: {message.text}")

    # --- Coming and going ---

    def sign_in(self) -> Reader:
        """Through the form, as on any morning."""
        self.page.goto(f"{self.site}/")
        self.page.get_by_label("用户名").fill(self.person.username)
        self.page.get_by_label("密码").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.get_by_role("heading", level=1).wait_for()
        return self

    def take_up(self) -> Reader:
        """With the session of an earlier sign-in."""
        signed_in(self.context, self.site, self.person)
        return self

    def go(self, path: str) -> Any:
        """To an address of the site; returns the answer."""
        return self.page.goto(f"{self.site}{path}")

    def menu(self, name: str) -> None:
        """A link of the bar; on a phone the bar is unfolded first."""
        link = self.page.get_by_role("navigation", name="主导航").get_by_role(
            "link", name=re.compile(f"^{name}")
        )
        if not link.is_visible():
            self.page.get_by_role("button", name="导航").click()
        with self.page.expect_navigation():
            link.click()

    # --- The queue ---

    def row(self, title: str) -> Any:
        """The row of the queue, or the card of the leader's desk, that is about this matter."""
        places = self.page.locator("#rows tr.r, #cards [data-card]")
        return places.filter(has=self.page.get_by_role("link", name=title, exact=True)).first

    def titles(self) -> list[str]:
        """What waits, in order."""
        found: list[str] = self.page.locator("#rows .ttl, #cards h2").all_inner_texts()
        return found

    def open_step(self, title: str, step: str, *, where: str = "我的待办") -> Any:
        """Press a step's button in the queue; returns the form that opens under it."""
        self.menu(where)
        row = self.row(title)
        button = row.get_by_role("button", name=re.compile(f"^{step}"))
        if not button.count():
            row.locator("summary").click()
        button.first.click()
        form = self.page.locator("form[data-decide]").filter(has=self.page.get_by_label("我的意见"))
        form.wait_for()
        return form

    def decide(
        self, title: str, step: str, given: Mapping[str, str] | None = None, *, opinion: str = "", where: str = "我的待办",
        say: str = "",
    ) -> None:  # fmt: skip
        """Take a step from the queue: open, fill in, press the button of the outcome, and be told so (in the words of `say`)."""
        form = self.open_step(title, step, where=where)
        fill(form, given or {}, opinion)
        form.get_by_role("button", name=step, exact=True).click()
        self.told(say or f"已办理：{step}")

    def told(self, *words: str) -> None:
        """A message at the top says so."""
        box = self.page.get_by_role("region", name="消息")
        for word in words:
            box.get_by_text(word).first.wait_for()

    # --- Matters ---

    def open_matter(self, title: str, kind: str = "督办单") -> None:
        """Find a matter in the list of all of them, and open it."""
        self.menu("全部事项")
        self.page.get_by_role("navigation", name="事项类型").get_by_role(
            "link", name=kind, exact=True
        ).click()
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=title, exact=True).first.click()
        self.page.get_by_role("heading", level=1, name=title).wait_for()

    def open_from_queue(self, title: str) -> None:
        """Open the file behind a row of the queue."""
        self.menu("我的待办")
        with self.page.expect_navigation():
            self.row(title).get_by_role("link", name=title, exact=True).click()

    def edit(self) -> None:
        """From a matter's page to its content."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name="修改内容").click()

    def section(self, name: str) -> Any:
        """A part of the page by its heading."""
        return self.page.get_by_role("region", name=name)

    def part(self, name: str, number: int) -> Any:
        """The n-th row of a part on the edit page; rows are added until there are so many."""
        rows = self.section(name).get_by_role("listitem")
        while rows.count() < number:
            with self.page.expect_navigation():
                self.section(name).get_by_role("button", name="再加一行").click()
        return rows.nth(number - 1)

    def save(self) -> None:
        """Keep the draft."""
        self.page.get_by_role("button", name="保存草稿").click()
        self.told("已保存")

    def attach(self, name: str, content: bytes, fact_on: date) -> None:
        """Upload a file with the day of the fact."""
        files = self.section("附件")
        files.get_by_label("文件", exact=True).set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": content}
        )
        files.get_by_label("事实日期").fill(fact_on.isoformat())
        files.get_by_role("button", name="上传附件").click()
        self.told("已上传")

    def trail(self) -> list[str]:
        """What happened, earliest first: each act by its name."""
        acts: list[str] = self.page.locator(".trail .e-act").all_inner_texts()
        return acts[::-1]


def fill(form: Any, given: Mapping[str, str], opinion: str = "") -> None:
    """Fill a form's fields by their labels."""
    for label, value in given.items():
        field = form.get_by_label(re.compile(f"^{re.escape(label)}"))
        if field.first.evaluate("e => e.tagName") == "SELECT":
            field.first.select_option(label=value)
        else:
            field.first.fill(value)
    if opinion:
        form.get_by_label("我的意见").fill(opinion)


def set_clock(place: County, at: datetime) -> None:
    """The county's clock stands at this instant."""
    place.institution.frozen_at = at
    place.institution.save(update_fields=["frozen_at"])
