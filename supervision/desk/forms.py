"""The forms of the desk that are the same for every kind of document."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _


class SignInForm(AuthenticationForm):
    """User name and password. A refusal never says which of the two was wrong."""

    error_messages = {
        "invalid_login": _(
            "The user name or the password is wrong. Mind capital letters; after several failures the account is locked for a while."
        ),
        "inactive": _("This account is closed. The organisation department of your institution can say why."),
    }

    username = forms.CharField(
        max_length=150,
        error_messages={"required": _("Enter your user name.")},
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "username", "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        strip=False,
        error_messages={"required": _("Enter your password.")},
        widget=forms.PasswordInput(attrs={"class": "form-control", "autocomplete": "current-password"}),
    )

    def __init__(self, request: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        if not self.is_bound:
            self.fields["username"].widget.attrs["autofocus"] = True
            return
        for name in ("username", "password"):
            if self.errors.get(name):
                self.fields[name].widget.attrs |= {
                    "aria-invalid": "true",
                    "aria-describedby": f"e-{name}",
                    "class": "form-control is-bad",
                }
            elif self.non_field_errors():
                self.fields[name].widget.attrs |= {
                    "aria-invalid": "true",
                    "aria-describedby": "sign-in-error",
                }
