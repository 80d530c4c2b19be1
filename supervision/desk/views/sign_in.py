"""Signing in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView

from supervision.desk.demo import PASSWORD
from supervision.desk.demonstration.accounts import demo_institutions
from supervision.desk.forms import SignInForm


class SignIn(LoginView):
    """Sign in, and go on to the page that was asked for, else to where one begins.

    The context adds `demo` (pages.DemoInstitution, empty outside the demonstration) and `demo_password`.
    """

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        demo = demo_institutions()
        return super().get_context_data(**kwargs) | {"demo": demo, "demo_password": PASSWORD if demo else ""}
