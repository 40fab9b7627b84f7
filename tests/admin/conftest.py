"""Signed-in browsers of the administration, one for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.services.people import given_person

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Return a function that signs somebody in: an account, or a new one with these roles."""

    def enter(*roles: str, user: User | None = None, superuser: bool = False) -> Client:
        client = Client()
        client.force_login(user or given_person(*roles, superuser=superuser))
        return client

    return enter
