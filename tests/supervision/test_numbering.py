"""文号: numbers without gaps, never given twice, whoever signs at once and whatever is rolled back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction

from supervision.orders.models import Series, SupervisionOrder
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.pack_reading import PackError
from tests.conftest import Clone
from tests.supervision.county import AT, County, act, again, county, moment, order_of, walk
from workflows.documents import Refused
from workflows.fire import fire_many


def numbers() -> list[str]:
    return sorted(SupervisionOrder.objects.exclude(number="").values_list("number", flat=True))


def for_signature(place: County, count: int, title: str = "第{n}件") -> list[SupervisionOrder]:
    return [walk(place, order_of(place, title=title.format(n=n)), "submit:drafter") for n in range(count)]


def test_what_is_rolled_back_leaves_no_gap(place: County) -> None:
    first, second = for_signature(place, 2)
    point = transaction.savepoint()
    act(place, first, "sign", "leader")
    assert again(first).number == "和督〔2026〕1号"
    transaction.savepoint_rollback(point)
    act(place, second, "sign", "leader")
    act(place, first, "sign", "leader")
    assert (again(second).number, again(first).number) == ("和督〔2026〕1号", "和督〔2026〕2号")


def test_an_order_that_is_refused_takes_no_number(place: County) -> None:
    first, second, third = for_signature(place, 2, title="同一事项") + for_signature(place, 1)
    act(place, first, "sign", "leader")
    with pytest.raises(Refused):
        act(place, second, "sign", "leader")
    act(place, third, "sign", "leader")
    assert again(third).number == "和督〔2026〕2号"


def test_whoever_is_refused_begins_no_series(place: County) -> None:
    (order,) = for_signature(place, 1)
    with pytest.raises(Refused):
        act(place, order, "sign", "staff")
    assert not Series.objects.exists()


def test_the_series_begins_anew_with_the_county_s_year(place: County) -> None:
    last, first = for_signature(place, 2)
    act(place, last, "sign", "leader", moment(12, 31, 23, 59))
    act(place, first, "sign", "leader", moment(1, 1, 0, 0, year=2027))
    assert numbers() == ["和督〔2026〕1号", "和督〔2027〕1号"]


def test_many_are_signed_in_one_go_with_two_statements_for_their_numbers(place: County) -> None:
    orders = for_signature(place, 5)
    written: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        written.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        fire_many(
            SupervisionOrder, {order.pk: order.version for order in orders}, "sign", actor=place.actor("leader"), at=AT,
            request_id=uuid4(),
        )  # fmt: skip
    assert sum("orders_series" in sql for sql in written) == 2
    assert numbers() == [f"和督〔2026〕{n}号" for n in range(1, 6)]


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(0)` to `work(count - 1)` in threads that begin together; what each returned or raised."""
    ready = Barrier(count)

    def one(n: int) -> Any:
        try:
            connection.ensure_connection()
            ready.wait(10)
            return work(n)
        except Refused as refused:
            return refused
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def committed(committed_db: Clone, django_db_blocker: Any) -> County:
    with django_db_blocker.unblock():
        return county()


def test_eight_who_sign_at_once_give_eight_numbers_in_a_row(
    committed: County, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        orders = for_signature(committed, 8)
        at_once(8, lambda n: act(committed, orders[n], "sign", "leader" if n % 2 else "second leader"))
        assert sorted(numbers()) == sorted(f"和督〔2026〕{n}号" for n in range(1, 9))
        assert Series.objects.get().last == 8


def test_of_two_who_sign_the_same_matter_at_once_one_is_told_of_the_other(
    committed: County, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        for n in range(5):
            orders = for_signature(committed, 2, title=f"同一事项{n}")
            answers = at_once(2, lambda n, orders=orders: act(committed, orders[n], "sign", "leader"))
            refused = [answer for answer in answers if isinstance(answer, Refused)]
            assert [reason.code for answer in refused for reason in answer.reasons] == ["is_not_repeated"]
        assert Series.objects.get().last == 5


def test_a_form_without_its_year_or_number_is_refused(tmp_path: Path) -> None:
    text = (SHIPPED / "hoboksar-county.yaml").read_text(encoding="utf-8")
    pack = tmp_path / "county.yaml"
    pack.write_text(text.replace("和督〔{year}〕{number}号", "和督{number}号"), encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(pack)
    assert "series.order.form" in str(refused.value)
