"""Every sentence of the product is in the catalogue and translated; and the check would notice when not."""

from __future__ import annotations

from pathlib import Path

import polib
import pytest

from tools import catalogue


def test_the_catalogue_is_complete() -> None:
    wanted = catalogue.sentences()
    assert len(wanted) > 200
    assert [fault for path in catalogue.catalogues() for fault in catalogue.faults(path, wanted)] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A product of one template and one module, with an empty catalogue."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text(
        '{% load i18n %}<p title="{% translate "Close" context "a panel" %}">'
        "{% blocktranslate trimmed count n=n with who=who %}{{ who }}: {{ n }} item{% plural %}{{ who }}: {{ n }} items{% endblocktranslate %}"
        '</p>{% include "b.html" with label=_("Filter") %}'
    )
    (tmp_path / "organisation").mkdir()
    (tmp_path / "organisation" / "b.py").write_text(
        'x = gettext("Give a " "reason.")\ny = ngettext("%(n)d day", "%(n)d days", 2)\nz = pgettext("lamp", "Red")\nw = _("Close")\n'
    )
    path = tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    polib.POFile().save(str(path))
    return tmp_path


def test_sentences_are_found_in_templates_and_in_python(small: Path) -> None:
    found = catalogue.sentences(small)
    assert {key: (sentence.plural, sentence.places) for key, sentence in found.items()} == {
        ("a panel", "Close"): ("", ["templates/a.html:1"]),
        ("", "%(who)s: %(n)s item"): ("%(who)s: %(n)s items", ["templates/a.html:1"]),
        ("", "Filter"): ("", ["templates/a.html:1"]),
        ("", "Give a reason."): ("", ["organisation/b.py:1"]),
        ("", "%(n)d day"): ("%(n)d days", ["organisation/b.py:2"]),
        ("lamp", "Red"): ("", ["organisation/b.py:3"]),
        ("", "Close"): ("", ["organisation/b.py:4"]),
    }


def test_an_update_adds_and_removes_and_keeps_what_was_translated(small: Path) -> None:
    (path,) = catalogue.catalogues(small)
    old = polib.POFile()
    old.append(polib.POEntry(msgid="Filter", msgstr="筛选"))
    old.append(polib.POEntry(msgid="Gone", msgstr="没有了"))
    old.save(str(path))
    catalogue.update(path, catalogue.sentences(small))
    entries = {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(path))}
    assert entries[None, "Filter"].msgstr == "筛选"
    assert (None, "Gone") not in entries
    assert entries[None, "%(n)d day"].msgid_plural == "%(n)d days"
    assert len(entries) == 7


def test_each_fault_is_named(small: Path) -> None:
    (path,) = catalogue.catalogues(small)
    wanted = catalogue.sentences(small)
    catalogue.update(path, wanted)
    book = polib.pofile(str(path))
    for entry in book:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: entry.msgid_plural}
        else:
            entry.msgstr = "译"
    book.save(str(path))
    assert catalogue.faults(path, wanted, small) == []
    found = {entry.msgid: entry for entry in book if not entry.msgctxt}
    found["Filter"].flags = ["fuzzy"]
    found["Give a reason."].msgstr = ""
    found["%(n)d day"].msgstr_plural = {0: "%(m)d 日"}
    book.append(polib.POEntry(msgid="Gone", msgstr="没有了"))
    book.remove(found["Close"])
    book.save(str(path))
    said = "\n".join(catalogue.faults(path, wanted, small))
    for expected in (
        "marked fuzzy: 'Filter'",
        "not translated: 'Give a reason.'",
        "other placeholders than in '%(n)d day'",
        "said nowhere any more: 'Gone'",
        "organisation/b.py:4: not in locale/zh_Hans/LC_MESSAGES/django.po: 'Close'",
    ):
        assert expected in said
    assert len(said.splitlines()) == 5
