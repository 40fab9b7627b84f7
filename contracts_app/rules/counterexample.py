"""A document that one schema accepts and another refuses, searched where the two differ.

The search starts from documents that the first schema accepts (the contract's own examples, or
made ones), changes them in one place at a time, and asks the validator. What it returns is proved;
that it returns nothing proves nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import jsonschema_rs

from contracts_app.rules.samples import Sampler
from contracts_app.rules.schema_positions import Position, below, positions
from contracts_app.rules.splicing import ABSENT, Path, has, places, spliced
from contracts_app.rules.validate import Schema
from meshline.core import canonical
from meshline.core.safejson import Json

MAX_SEEDS = 60
MAX_SHRINKS = 600
MAX_CANDIDATES = 160  # for one place
MAX_ASKED = 9  # properties put in at once, for they are asked for by others


@dataclass
class Search:
    """What is searched: `accepts` must take the document, `refuses` must not.

    `budget_s` bounds the search in seconds; a document found is shrunk within the same budget.
    `tries` bounds the documents that are tried, None: only time does.
    """

    accepts: Schema
    refuses: Schema
    accepting: jsonschema_rs.Validator
    refusing: jsonschema_rs.Validator
    examples: Sequence[Json] = ()
    budget_s: float = 2.0
    tries: int | None = None
    _ends: float = field(init=False, default=0.0)

    def run(self) -> Json:
        """Return the smallest document found, or ABSENT."""
        self._ends = perf_counter() + self.budget_s
        tried = itertools.islice(self._tried(), self.tries)
        ready = (one if self._accepted(one) else self._completed(one) for one in tried)
        found = next((one for one in ready if one is not ABSENT and self.shows(one)), ABSENT)
        return found if found is ABSENT else self._shrunk(found)

    def shows(self, document: Json) -> bool:
        """Say whether a document is accepted by the one schema and refused by the other."""
        try:
            # What differs is mostly found by who refuses: few documents are asked about twice.
            return not self.refusing.is_valid(document) and self.accepting.is_valid(document)
        except (ValueError, TypeError):
            return False

    def _over(self) -> bool:
        return perf_counter() > self._ends

    def _tried(self) -> Iterator[Json]:
        """Yield documents to try, the likeliest first."""
        mine, theirs = Sampler(self.accepts), Sampler(self.refuses)
        seeds = [one for one in self.examples if self._accepted(one)]
        yield from seeds
        found = positions(mine, theirs)
        differing = [one for one in found if one.differs]
        values = _Values(mine, theirs)
        # With one ordinary document most differences show; more are made only if they do not.
        if seeds:
            yield from self._around(seeds[:2], differing, values)
        for made in self._seeds(mine, found):
            yield made
            seeds.append(made)
            yield from self._around([made], differing, values)
            if self._over():
                return
        yield from self._around(seeds, found, values)
        yield from self._twice(seeds, found, values)

    def _accepted(self, document: Json) -> bool:
        try:
            return self.accepting.is_valid(document)
        except (ValueError, TypeError):
            return False

    def _completed(self, document: Json) -> Json:
        """Put in what other properties ask for, where that alone keeps it from being accepted.

        ABSENT where nothing is asked for, or the document lacks something else as well.
        """
        try:
            if self.accepting.is_valid(document):
                return ABSENT
            missed = list(itertools.islice(self.accepting.iter_errors(document), MAX_ASKED))
        except (ValueError, TypeError):
            return ABSENT
        sampler = Sampler(self.accepts)
        for error in missed:
            name = getattr(error.kind, "property", None)
            if error.kind.name != "required" or not isinstance(name, str):
                return ABSENT
            at = (*error.instance_path, name)
            node = self.accepts
            for step in at:
                node = _child(sampler, node, step)
            document = spliced(document, at, sampler.plain(node))
        return document

    def _around(
        self,
        seeds: Sequence[Json],
        found: Sequence[Position],
        values: _Values,
    ) -> Iterator[Json]:
        """Yield the seeds, changed in one place."""
        for position in found:
            for seed in seeds:
                if self._over():
                    return
                ready = _made_room(seed, position.path, values.mine)
                if position.path and has(seed, position.path):
                    yield spliced(seed, position.path, ABSENT)
                for name in position.asked:
                    if has(seed, (*position.path, name)):
                        yield spliced(seed, (*position.path, name), ABSENT)
                for value in values.at(position):
                    changed = spliced(ready, position.path, value)
                    if changed is not ABSENT:
                        yield changed

    def _twice(
        self,
        seeds: Sequence[Json],
        found: Sequence[Position],
        values: _Values,
    ) -> Iterator[Json]:
        """Yield the seeds changed in two places: a choice elsewhere, then where they differ."""
        differing = [one for one in found if one.differs]
        for seed in seeds[:6]:
            for choice in found:
                for value in [ABSENT, *values.at(choice)][:12]:
                    if self._over():
                        return
                    changed = spliced(
                        _made_room(seed, choice.path, values.mine), choice.path, value
                    )
                    if changed is not ABSENT and choice.path:
                        yield from self._around([changed], differing, values)

    def _seeds(self, sampler: Sampler, found: Sequence[Position]) -> Iterator[Json]:
        """Yield documents that the first schema accepts, made from its forms."""
        given = 0
        known: set[str] = set()
        for form in sampler.forms(sampler.root):
            for full in (False, True):
                made = self._mended(sampler.of_form(form, full=full), sampler, found)
                if made is ABSENT or canonical.digest(made) in known:
                    continue
                known.add(canonical.digest(made))
                yield made
                given += 1
                if given >= MAX_SEEDS or self._over():
                    return
        for value in sampler.near(sampler.root):
            if self._accepted(value):
                yield value

    def _mended(self, document: Json, sampler: Sampler, found: Sequence[Position]) -> Json:
        """Change what the first schema refuses in a made document, place by place."""
        by_path = {one.path: one for one in found}
        for _ in range(12):
            if self._accepted(document):
                return document
            if self._over():
                return ABSENT
            completed = self._completed(document)
            if completed is not ABSENT:
                document = completed
                continue
            error = next(iter(self.accepting.iter_errors(document)))
            better = self._better(document, tuple(error.instance_path), by_path, sampler)
            if better is ABSENT:
                return ABSENT
            document = better
        return ABSENT

    def _better(
        self, document: Json, path: Path, by_path: dict[Path, Position], sampler: Sampler
    ) -> Json:
        before = _faults(self.accepting, document)
        for end in range(len(path), -1, -1):
            at = path[:end]
            position = by_path.get(tuple(0 if isinstance(step, int) else step for step in at))
            if position is None:
                continue
            near = itertools.chain.from_iterable(sampler.near(node) for node in position.mine)
            for value in itertools.islice(itertools.chain(near, [ABSENT]), MAX_CANDIDATES):
                changed = spliced(document, at, value)
                if changed is not ABSENT and _faults(self.accepting, changed) < before:
                    return changed
        return ABSENT

    def _shrunk(self, document: Json) -> Json:
        """Take out and shorten what the document does not need to show the difference."""
        tries, smaller = 0, True
        while smaller:
            smaller = False
            for path, value in sorted(places(document), key=lambda one: len(one[0])):
                for simpler in _simpler(path, value):
                    tries += 1
                    if tries > MAX_SHRINKS or self._over():
                        return document
                    changed = spliced(document, path, simpler)
                    if changed is not ABSENT and self.shows(changed):
                        document, smaller = changed, True
                        break
                if smaller:
                    break
        return document


class _Values:
    """What to put at each place: what the one schema has there, then the other's edges."""

    def __init__(self, mine: Sampler, theirs: Sampler) -> None:
        self.mine = mine
        self._theirs = theirs
        self._known: dict[Path, list[Json]] = {}

    def at(self, position: Position) -> list[Json]:
        """Return the values for a place, made once."""
        if position.path not in self._known:
            self._known[position.path] = self._made(position)
        return self._known[position.path]

    def _made(self, position: Position) -> list[Json]:
        near = itertools.chain(
            _by_turns([self.mine.near(node) for node in position.mine]),
            _by_turns([self._theirs.near(node) for node in position.theirs]),
        )
        found: dict[str, Json] = {}
        for value in near:
            found.setdefault(repr(value), value)
            if len(found) >= MAX_CANDIDATES:
                break
        return list(found.values())


def _by_turns(sources: list[Iterator[Json]]) -> Iterator[Json]:
    missing = object()
    for row in itertools.zip_longest(*sources, fillvalue=missing):
        yield from (value for value in row if value is not missing)


def _made_room(document: Json, path: Path, sampler: Sampler) -> Json:
    """Return the document with the objects and arrays that lead to a place put in."""
    node: Schema = sampler.root
    for depth, step in enumerate(path[:-1]):
        node = _child(sampler, node, step)
        at = path[: depth + 1]
        if not has(document, at):
            changed = spliced(document, at, sampler.plain(node))
            if changed is ABSENT:
                return document
            document = changed
    return document


def _child(sampler: Sampler, node: Schema, step: str | int) -> Schema:
    """Return what the first form that speaks of it says one step further."""
    for form in sampler.forms(node):
        for child in below(form, step):
            return child
    return True


def _faults(validator: jsonschema_rs.Validator, document: Json) -> int:
    try:
        return sum(1 for _ in itertools.islice(validator.iter_errors(document), 100))
    except (ValueError, TypeError):
        return 1_000


def _simpler(path: Path, value: Json) -> Iterator[Json]:
    if path:
        yield ABSENT
    if isinstance(value, str) and len(value) > 1:
        yield from ("", "x", value[: len(value) // 2])
    if isinstance(value, dict | list) and value:
        yield type(value)()
