"""Results of a session written into the registry, each once, or why they were not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts_app.rules.contract_shape import SERVING
from meshline.registry_client import Published, Registry, RegistryError
from meshline.testing.options import Options
from meshline.testing.tally import Result


@dataclass(frozen=True)
class Line:
    """One line of what was done; `done` is false for what is not registered."""

    told: str
    done: bool


def register(results: Sequence[Result], options: Options) -> list[Line]:
    """Register what may be registered; nothing is asked of a registry if nothing may."""
    held = [Line(f"{one.taken}: not registered. {one.why}", False) for one in results if one.why]
    ready = [one for one in results if one.state != "withheld"]
    if not ready:
        return held
    try:
        with Registry(options.registry, options.key) as registry:
            known = registry.published({one.taken.name for one in ready})
            return [*held, *_written(registry, ready, known, options)]
    except RegistryError as error:
        return [*held, *(Line(f"{one.taken}: not registered. {error}", False) for one in ready)]


def _written(
    registry: Registry,
    ready: Sequence[Result],
    known: dict[str, list[Published]],
    options: Options,
) -> Iterator[Line]:
    for one in ready:
        why = _differs(one, known.get(one.taken.name, ()), options)
        try:
            if not why:
                registry.verify(
                    one.taken.name,
                    one.taken.version,
                    system=options.system,
                    system_version=options.version,
                    result=one.state,
                    details=one.details,
                )
        except RegistryError as error:
            why = str(error)
        who = f"{options.system} {options.version} {one.state}"
        told = f"not registered. {why}" if why else f"registered: {who}. {one.details}"
        yield Line(f"{one.taken}: {told}", not why)


def _differs(result: Result, known: Sequence[Published], options: Options) -> str:
    """Why a result says nothing of the version that the registry has under this number."""
    found = next((one for one in known if one.version == result.taken.version), None)
    if found is None or found.state not in SERVING:
        return f"This version is not in service in the registry at {options.registry}."
    if found.digest != result.taken.digest:
        return (
            f"It was tested by another text than the one published at {options.registry}. Bring "
            "the folder up to date, or leave --meshline-contracts out."
        )
    return ""
