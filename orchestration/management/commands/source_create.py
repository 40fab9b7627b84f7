"""Let a new system send events: print {"slug", "scheme", "secret", "address"}."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from contracts_app.management.output import JsonCommand
from contracts_app.queries import clock
from contracts_app.services import sources
from meshline import env
from meshline.core.errors import BadValue
from orchestration.rules.signature_schemes import SCHEMES
from orchestration.rules.source_checks import UNSIGNED
from orchestration.services.sources import default_text, judge


class Command(JsonCommand):
    """The whole body is the payload; its id is body.id, else the scheme's own delivery id."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the source's name, how it signs, and its contracts."""
        parser.add_argument("slug")
        parser.add_argument("--scheme", default="standardwebhooks", choices=[*SCHEMES, "apikey"])
        parser.add_argument(
            "--contract",
            dest="contracts",
            action="extend",
            nargs="+",
            required=True,
            metavar="NAME",
            help="with several, body.type names the one meant",
        )
        parser.add_argument("--on-violation", default="reject", choices=["reject", "hold"])
        parser.add_argument("--secret", help="the signing secret, if the sender has one already")

    def answer(self, **options: Any) -> Mapping[str, Any]:
        """Store the source."""
        if options["secret"] is not None and options["scheme"] in UNSIGNED:
            raise BadValue(
                f"The scheme {options['scheme']} takes no signing secret.",
                remedy="Leave --secret out and issue a key with `apikey_create --source`, "
                "or choose a scheme that signs.",
            )
        text = default_text(
            options["slug"],
            scheme=options["scheme"],
            contracts=options["contracts"],
            on_violation=options["on_violation"],
        )
        document, spec = judge(text)
        source, secret = sources.create_source(
            slug=spec.name,
            title=spec.title,
            scheme=spec.scheme,
            on_violation=spec.on_violation,
            document=document,
            secret=options["secret"],
            now=clock.now(),
        )
        return {
            "slug": source.name,
            "scheme": source.scheme,
            "secret": secret,
            "address": f"{settings.CONSOLE_URL or env.console_of_up()}/api/v1/ingest/{source.name}",
        }
