"""Loads whoever is signed in together with the institution, whose clock and zone every page needs: one query, not two."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend

from organisation.models import Person


class PersonBackend(ModelBackend):
    def get_user(self, user_id: int) -> Person | None:
        person = Person.objects.select_related("institution").filter(pk=user_id).first()
        return person if person is not None and self.user_can_authenticate(person) else None
