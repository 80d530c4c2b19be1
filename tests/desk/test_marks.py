"""The template tags: what they write, in both languages, and that data cannot break out of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils import translation

from supervision.desk.pages import Due, Who
from tests.desk.samples import NOW
from workflows.words import Text


@pytest.fixture(params=["zh-hans", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def shown(source: str, **context: object) -> str:
    return Template("{% load desk %}" + source).render(Context({"now": NOW, **context})).strip()


def test_a_lamp_is_shape_word_and_colour(language: str) -> None:
    html = shown('{% lamp "red" %}')
    assert 'class="lamp lamp-red"' in html
    assert 'href="#lamp-red"' in html
    assert ("红灯" if language == "zh-hans" else "Red") in html
    assert 'aria-hidden="true"' in html
    assert "visually-hidden" in shown('{% lamp "red" label=False %}')
    assert "蓝灯" in shown('{% lamp "red" "蓝灯" %}')


def test_a_due_date_is_a_time_with_the_full_date_as_its_title(language: str) -> None:
    item = SimpleNamespace(due=Due(date(2026, 4, 7), -3))
    html = shown("{% due item now %}", item=item)
    assert 'datetime="2026-04-07"' in html
    if language == "zh-hans":
        assert 'title="2026年4月7日（周二）">4月7日 周二</time>' in html
    else:
        assert 'title="Tuesday 7 April 2026">7 Apr Tue</time>' in html
    assert shown("{% due item now %}", item=SimpleNamespace(due=None)) == "—"
    assert shown("{% due item now %}", item=item.due) == html


@pytest.mark.parametrize(
    ("due", "lamp", "zh", "en", "css"),
    [
        (Due(date(2026, 4, 7), -3), "red", "超期3日", "3 days over", "left-red"),
        (Due(date(2026, 4, 10), 0), "yellow", "今日到期", "Due today", "left-yellow"),
        (Due(date(2026, 4, 16), 4), "green", "剩4日", "4 days left", "left-green"),
        (Due(date(2026, 4, 16), 4, paused=True), "green", "暂停", "Paused", "left-none"),
        (None, "green", "—", "—", "left-none"),
    ],
)
def test_days_left_in_the_colour_of_the_lamp(
    language: str, due: Due | None, lamp: str, zh: str, en: str, css: str
) -> None:
    html = shown("{% left item %}", item=SimpleNamespace(due=due, lamp=lamp))
    assert f">{zh if language == 'zh-hans' else en}</span>" in html
    assert css in html


def test_data_is_marked_where_its_language_is_not_the_pages(language: str) -> None:
    chinese, english = shown('{% unit "市住建局" %}'), shown('{% unit "Housing Bureau" %}')
    marked = '<span lang="zh-Hans">市住建局</span>', "Housing Bureau"
    assert (chinese, english) == (
        marked if language == "en" else ("市住建局", '<span lang="en">Housing Bureau</span>')
    )


def test_a_person_is_named_family_name_first_with_me_and_the_post_stood_in_for(language: str) -> None:
    html = shown("{% person who %}", who=Who(Text("刘敏", "Liu Min"), me=True, on_behalf_of="王建国"))
    if language == "zh-hans":
        assert html.startswith("刘敏（我）")
        assert "代 王建国" in html
    else:
        assert html.startswith("Liu Min (me)")
        assert "for 王建国" in html
    assert shown("{% person who %}", who="") == ""


def test_what_people_typed_is_escaped_everywhere() -> None:
    evil = '<img src=x onerror="alert(1)">名'
    for source in (
        "{% said x %}",
        "{% person x %}",
        "{% unit x %}",
        '{% said x "css" %}',
        '{% lamp "red" x %}',
    ):
        html = shown(source, x=evil)
        assert "<img" not in html, source
        assert "&lt;img" in html, source


def test_an_instant_is_shown_in_the_time_zone_of_the_page() -> None:
    from datetime import UTC, datetime

    with translation.override("zh-hans"):
        html = shown("{% moment at now %}", at=datetime(2026, 4, 9, 16, 30, tzinfo=UTC))
    assert ">4月10日 00:30</time>" in html
    assert 'datetime="2026-04-10T00:30:00+08:00"' in html


def test_the_sprite_holds_every_lamp_and_no_style() -> None:
    html = shown("{% sprite %}")
    for kind in ("red", "yellow", "green", "done", "paused", "none"):
        assert html.count(f'id="lamp-{kind}"') == 1
    assert 'id="i-bell"' in html
    assert "style" not in html
    assert "<script" not in html


def test_sizes_of_drawings_are_attributes_never_styles() -> None:
    html = shown('{% bar 0.5 156 "age-1" %}{% mix 5 4 12 %}')
    assert 'width="78"' in html
    assert "style=" not in html
