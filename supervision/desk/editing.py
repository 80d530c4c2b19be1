"""Forms over a document's own content: its fields that may be edited now, and the rows of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext as _

from organisation.models import Unit
from organisation.roles import UnitKind
from supervision.desk.queries.reader import Reader
from workflows.documents import Document

REPORTING = (UnitKind.DEPARTMENT, UnitKind.TOWNSHIP, UnitKind.SUBORDINATE, UnitKind.SECTION)
SPARE_ROWS = 1


@dataclass
class Editor:
    """The form and its formsets; `changes()` and `rows()` are what the engine's door takes."""

    form: Any
    parts: dict[str, Any] = field(default_factory=dict)

    def is_valid(self) -> bool:
        valid = [self.form.is_valid(), *(formset.is_valid() for formset in self.parts.values())]
        return all(valid)

    def changes(self) -> dict[str, Any]:
        return dict(self.form.cleaned_data)

    def rows(self) -> dict[str, list[Mapping[str, Any]]]:
        return {name: _rows(formset) for name, formset in self.parts.items()}

    def errors_of(self, codes: Mapping[str, str]) -> None:
        """Put the engine's refusals beside the fields that they name."""
        for name, text in codes.items():
            self.form.add_error(name if name in self.form.fields else None, text)


def fields_now(document: Any) -> tuple[list[str], list[str]]:
    """(content fields, parts) that the document's state lets its editor change."""
    state = document.lifecycle.states[document.state]
    only = getattr(state, "only", ()) or (*document.content, *document.parts)
    return [n for n in document.content if n in only], [n for n in document.parts if n in only]


def editor_for(document: Any, reader: Reader, data: QueryDict | None = None, *, more: str = "") -> Editor:
    """The forms for a document as it stands; `more` names the part that gets another empty row."""
    content, parts = fields_now(document)
    form = (
        _form_of(type(document), content, reader)(data, instance=document, prefix="f")
        if content
        else forms.Form(data, prefix="f")
    )
    return Editor(form, {name: _formset(document, name, reader, data, more == name) for name in parts})


def birth_form(
    model: type[Document], reader: Reader, data: QueryDict | None = None, blank: Any = None
) -> Any:
    """The form that opens a document by hand; `blank` is the document to be, where something is known of it already."""
    return _form_of(model, list(model.content), reader)(data, instance=blank, prefix="f")


def _form_of(
    model: type[models.Model], names: Sequence[str], reader: Reader, document: Any = None, owner: str = ""
) -> Any:
    """The form over these fields; of a part also the document whose rows they are, and the part's foreign key to it."""

    class ContentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            # First what may be chosen: to dress a bound form is to judge it.
            _offer(self, reader, document, owner)
            _dress(self)

        def _get_validation_exclusions(self) -> set[str]:
            """The document is written by the engine: what the form does not hold is not this form's affair."""
            return {f.name for f in model._meta.fields if f.name not in names}

        def _post_clean(self) -> None:
            """Values only: the instance stays as it was read, because it is never saved from here."""

        class Meta:
            pass

    meta = type("Meta", (), {"model": model, "fields": list(names), "widgets": _widgets(model, names)})
    return type("ContentForm", (ContentForm,), {"Meta": meta, "__module__": __name__})


def _widgets(model: type[models.Model], names: Sequence[str]) -> dict[str, Any]:
    widgets: dict[str, Any] = {}
    for name in names:
        found = model._meta.get_field(name)
        if isinstance(found, models.DateField) and not isinstance(found, models.DateTimeField):
            widgets[name] = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        elif isinstance(found, models.TextField):
            widgets[name] = forms.Textarea(attrs={"rows": 3})
    return widgets


def _offer(form: Any, reader: Reader, document: Any, owner: str) -> None:
    """What may be chosen: units of the reader's institution, goals of the document's own unit and year, rows of the same
    document; and the values that the scheme names."""
    if isinstance(form.instance, Document):
        _offer_choices(form)
    fields: dict[str, Any] = form.fields
    for entry in fields.values():
        rows: Any = getattr(entry, "queryset", None)
        if rows is None:
            continue
        if issubclass(rows.model, Unit):
            units = Unit.objects.on(reader.today).filter(
                institution_id=reader.actor.institution_id, kind__in=REPORTING
            )
            entry.queryset = units.order_by("path")
        elif issubclass(rows.model, Document):
            entry.queryset = rows.filter(unit=document.unit_id, cycle=document.cycle_id).order_by("pk")
        else:
            entry.queryset = rows.filter(**{owner: document.pk})


def _dress(form: Any) -> None:
    """Classes for the look, and errors tied to their fields."""
    fields: dict[str, Any] = form.fields
    for name, entry in fields.items():
        css = (
            "form-select"
            if isinstance(entry.widget, forms.Select)
            else "form-check-input"
            if isinstance(entry.widget, forms.CheckboxInput)
            else "form-control"
        )
        entry.widget.attrs["class"] = css
        if isinstance(entry, forms.ModelChoiceField):
            entry.empty_label = _("Choose…")
        elif isinstance(entry, forms.TypedChoiceField):
            choices: Any = entry.choices
            entry.choices = [(value, label if value else _("Choose…")) for value, label in choices]
        if form.is_bound and form.errors.get(name):
            entry.widget.attrs |= {
                "aria-invalid": "true",
                "aria-describedby": f"e-{form.prefix}-{name}",
                "class": f"{css} is-bad",
            }


def _offer_choices(form: Any) -> None:
    """Fields whose values the document's scheme names become choices; one that is named no longer still stands."""
    for name, named in form.instance.choices().items():
        if name in form.fields:
            before, standing = form.fields[name], getattr(form.instance, name)
            known = [("", ""), *((value, text) for value, text in named)]
            if standing and standing not in dict(named):
                known.append((standing, standing))
            form.fields[name] = forms.TypedChoiceField(
                choices=known, required=False, label=before.label, help_text=before.help_text, empty_value=""
            )


def _formset(document: Any, name: str, reader: Reader, data: QueryDict | None, more: bool) -> Any:
    manager, owner = getattr(document, name), document.parts[name]
    model = manager.model
    names = [f.name for f in model._meta.concrete_fields if not f.primary_key and f.name != owner]

    form = _form_of(model, names, reader, document, owner)
    rows = list(manager.order_by("pk"))
    extra = 0 if data is not None else SPARE_ROWS if rows else SPARE_ROWS + 1
    made = forms.modelformset_factory(model, form=form, extra=extra, can_delete=True)
    if data is not None and more:
        data = data.copy()
        count = f"{name}-TOTAL_FORMS"
        data[count] = str(int(data.get(count) or 0) + 1)
    return made(data, queryset=manager.order_by("pk"), prefix=name)


def _rows(formset: Any) -> list[Mapping[str, Any]]:
    """The rows as the engine takes them: related rows by id, deleted and empty ones left out."""
    rows: list[Mapping[str, Any]] = []
    for form in formset.forms:
        cleaned = dict(form.cleaned_data)
        if cleaned.pop("DELETE", False) or (not form.has_changed() and not form.instance.pk):
            continue
        kept = cleaned.pop("id", None)
        row: dict[str, Any] = {}
        for key, value in cleaned.items():
            column = formset.model._meta.get_field(key).attname
            row[column] = value.pk if isinstance(value, models.Model) else value
        rows.append({"id": kept.pk, **row} if kept is not None else row)
    return rows
