"""The registry as deliveries see it: remembered while it stands, asked anew once it has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Event

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from contracts_app.models import ContractVersion, SlaPolicy, Source, WebhookSecret
from contracts_app.queries import clock
from contracts_app.queries.standing import Standing
from contracts_app.services import sources
from meshline.core.errors import NotFound
from orchestration.models import FlowVersion
from orchestration.queries.documents import triggered_flows
from tests.builders import given_pilot
from tests.services.hands import meanwhile

NAME = "support.refund.requested"


def given_signed_pilot() -> Source:
    """The pilot, whose desk signs; returns the desk's source."""
    given_pilot()
    source = Source.objects.get(name="helpdesk")
    sources.add_secret(source=source, now=clock.now())
    return source


def _touch(table: str) -> Callable[[], None]:
    """A change that goes past every service, as a repair by hand would."""

    def change() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET id = id WHERE id = (SELECT min(id) FROM {table})")  # noqa: S608

    return change


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Source, WebhookSecret, ContractVersion, SlaPolicy, FlowVersion])
def test_any_change_of_the_registry_changes_its_stamp(model: type[Source]) -> None:
    given_signed_pilot()
    before = Standing.read().stamp

    _touch(model._meta.db_table)()

    assert before is not None
    assert Standing.read().stamp not in {before, None}


@pytest.mark.django_db
def test_what_stands_is_asked_once(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    given_signed_pilot()

    def everything() -> None:
        standing = Standing.read()
        source = standing.source_named("helpdesk")
        assert sources.opened(standing.secrets_of(source), standing.now)
        assert standing.published_version(NAME).contract.name == NAME
        assert {policy.name for policy in standing.policies()}
        assert triggered_flows(NAME, standing)

    everything()
    with django_assert_num_queries(1):  # the clock with the stamp
        everything()


@pytest.mark.django_db
def test_source_that_is_not_there_yet_is_looked_for_again() -> None:
    given_pilot()
    with pytest.raises(NotFound, match="erp"):
        Standing.read().source_named("erp")

    helpdesk = Source.objects.get(name="helpdesk")
    Source.objects.create(name="erp", scheme="apikey", text=helpdesk.text, digest=helpdesk.digest)

    assert Standing.read().source_named("erp").scheme == "apikey"


@pytest.mark.django_db
def test_secret_that_ends_by_the_clock_is_refused_though_nothing_changes() -> None:
    source = given_signed_pilot()
    sources.roll_secret(source=source, overlap=timedelta(hours=1), now=clock.now())

    now = Standing.read()
    later = Standing(now.now + timedelta(hours=2), now.stamp)

    assert len(sources.opened(now.secrets_of(source), now.now)) == 2
    assert len(sources.opened(later.secrets_of(source), later.now)) == 1


@pytest.mark.django_db(transaction=True)
def test_change_counts_from_its_commit_on_and_not_before() -> None:
    given_pilot()
    assert Standing.read().source_named("helpdesk").enabled
    source = Source.objects.get(name="helpdesk")
    written, seen = Event(), Event()

    def close_slowly() -> None:
        with transaction.atomic():
            sources.switch_source(source=source, enabled=False, now=clock.now())
            written.set()
            seen.wait(10)

    with meanwhile(close_slowly):
        assert written.wait(10)
        assert Standing.read().source_named("helpdesk").enabled
        seen.set()

    assert not Standing.read().source_named("helpdesk").enabled


@pytest.mark.django_db(transaction=True)
def test_two_publications_at_once_do_not_wait_for_each_other_crosswise() -> None:
    given_pilot()
    first, second = Source.objects.order_by("pk")[:2]
    written, done = Event(), Event()

    def first_then_second() -> None:
        with transaction.atomic():
            Source.objects.filter(pk=first.pk).update(title="first")
            written.set()
            done.wait(10)
            Source.objects.filter(pk=second.pk).update(title="second")

    with meanwhile(first_then_second):
        assert written.wait(10)
        # With the stamp locked before the commit, this would wait for the other and it for this.
        with meanwhile(lambda: Source.objects.filter(pk=second.pk).update(title="other")) as other:
            other[0].join(5)
            waits = other[0].is_alive()
            done.set()
        assert not waits

    titles = Source.objects.filter(pk__in=[first.pk, second.pk]).order_by("pk")
    assert list(titles.values_list("title", flat=True)) == ["first", "second"]
