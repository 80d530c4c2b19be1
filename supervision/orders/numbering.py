"""文号: running numbers such as 和督〔2026〕1号, without gaps and never given twice.

The series' row is held to the end of the transaction that gives the number: of two who sign at once the second waits,
and what is rolled back gives its number back. The same lock protects the condition that a matter is not supervised twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from organisation.queries import local_day

FORM = "督〔{year}〕{number}号"
"""Where a scheme says nothing about its series."""

HOLD = """
INSERT INTO orders_series (institution_id, key, year, last) VALUES (%(institution)s, %(key)s, %(year)s, 0)
ON CONFLICT ON CONSTRAINT one_series_a_year DO UPDATE SET last = orders_series.last"""

GIVE = """
UPDATE orders_series SET last = last + %(many)s
 WHERE institution_id = %(institution)s AND key = %(key)s AND year = %(year)s RETURNING last"""


@dataclass(frozen=True)
class Numbers:
    """One series of an institution, begun anew each year; its form stands in the scheme under `series`."""

    key: str

    def hold(self, documents: Sequence[Any], at: datetime) -> None:
        """Lock the series of the documents' institution: one statement."""
        with connection.cursor() as cursor:
            cursor.execute(HOLD, self._series(documents[0].institution_id, at))

    def give(self, documents: Sequence[Any], at: datetime) -> Mapping[int, str]:
        """A number for each document that has none, in the order given: one statement. `hold` was called before."""
        given = {document.pk: document.number for document in documents}
        new = [document for document in documents if not document.number]
        if not new:
            return given
        series = self._series(new[0].institution_id, at)
        with connection.cursor() as cursor:
            cursor.execute(GIVE, {**series, "many": len(new)})
            last = cursor.fetchone()[0]
        for number, document in enumerate(new, start=last - len(new) + 1):
            form = form_of(connection.settings_dict["NAME"], document.cycle_id, self.key)
            given[document.pk] = form.format(year=series["year"], number=number)
        return given

    def _series(self, institution_id: int, at: datetime) -> dict[str, Any]:
        return {"institution": institution_id, "key": self.key, "year": local_day(institution_id, at).year}


@lru_cache(maxsize=1024)
def form_of(database: str, cycle_id: int, key: str) -> str:
    """How the scheme of an appraisal year writes the numbers of a series; a version never changes, so it is read once."""
    from supervision.schemes.models import Cycle

    series = Cycle.objects.values_list("scheme_version__content__series", flat=True).get(pk=cycle_id) or {}
    form: str = series.get(key, {}).get("form", FORM)
    return form


ORDER_NUMBER = Numbers("order")
