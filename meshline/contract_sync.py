"""A folder and a registry kept in step: neither silently wins, one entry never stops the others."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from contracts_app.rules.contract_sync import Standing, standing
from contracts_app.rules.versions import bump
from meshline.registry_client import DraftRefused, Kept, Registry
from meshline.sync_folder import Folder, FolderError, Key, digest_of

_MOST_DIFF_LINES = 200
_SAID = {
    Standing.ONLY_HERE: "only here; push makes a draft of it",
    Standing.ONLY_THERE: "only in the registry; pull writes it",
    Standing.CHANGED_HERE: "changed here; push sends it",
    Standing.CHANGED_THERE: "changed in the registry; pull writes it",
    Standing.BOTH_CHANGED: "conflict: here and the registry differ, and neither wins by itself",
    Standing.GONE_HERE: "gone here; it stays in the registry. Discard a draft in the console, or "
    "bring the file back with pull --take registry",
    Standing.GONE_THERE: "gone in the registry, or a draft that this key may not read (scope "
    "contracts:draft); the file stays. Remove it yourself, or send it again with push --take "
    "folder",
}

_MOVED = {
    "pull": (Standing.ONLY_THERE, Standing.CHANGED_THERE),
    "push": (Standing.ONLY_HERE, Standing.CHANGED_HERE),
}


@dataclass(frozen=True)
class Entry:
    """One version that differs: how it stands, what was done, and whether somebody must settle."""

    key: Key
    file: str
    standing: Standing
    sentence: str
    done: str = ""
    open: bool = False
    diff: tuple[str, ...] = ()


@dataclass
class Sync:
    """One command's work. `verb` is diff, pull or push; `takes` are settled for its side."""

    folder: Folder
    registry: Registry
    verb: str
    takes: frozenset[Key] = frozenset()
    dry_run: bool = False
    reason: str = ""
    ticket: str = ""
    in_step: int = 0
    there: dict[Key, Kept] = field(default_factory=dict)

    def entries(self) -> Iterator[Entry]:
        """Do the work and tell each version that differed. Raises: RegistryError, FolderError."""
        self.there = {(one.name, one.version): one for one in self.registry.kept()}
        keys = sorted({*self.there, *self.folder.files, *self.folder.base})
        if strange := self.takes - set(keys):
            raise FolderError(f"There is no {'/'.join(min(strange))} on either side.")
        try:
            for key in keys:
                entry = self._one(key)
                if entry is not None:
                    yield entry
        finally:
            if self.verb != "diff" and not self.dry_run:
                self.folder.save_base()

    def _one(self, key: Key) -> Entry | None:
        kept = self.there.get(key)
        there = kept.text_sha256 if kept else ""
        try:
            raw = self.folder.read(key)
            path = self.folder.place_of(key, kept.domain if kept else "")
        except FolderError as error:
            return Entry(key, "", Standing.BOTH_CHANGED, str(error), open=True)
        here = digest_of(raw) if raw else ""
        stands = standing(self.folder.base.get(key, ""), here, there)
        if stands is Standing.IN_STEP:
            self.in_step += bool(here)
            self._agree(key, here)
            return None
        entry = Entry(key, str(path), stands, _SAID[stands])
        entry = self._judged(entry, raw, kept)
        try:
            return self._acted(entry, raw, kept, here)
        except FolderError as error:
            return replace(entry, sentence=str(error), open=True)
        except DraftRefused as error:
            return replace(entry, sentence=f"not taken: {error}", open=True)

    def _judged(self, entry: Entry, raw: bytes, kept: Kept | None) -> Entry:
        """Add the difference of a conflict, and say what is frozen."""
        frozen = kept is not None and kept.state != "draft"
        both = entry.standing is Standing.BOTH_CHANGED
        if not both and not (frozen and entry.standing is Standing.CHANGED_HERE):
            return entry
        said = entry.sentence
        if kept is None:
            said = "conflict: changed here, gone in the registry; push --take folder sends it again"
        elif not raw:
            said = "conflict: gone here, changed in the registry; pull --take registry brings it"
        elif frozen:
            if kept.state == "in_review":
                said = f"conflict: {kept.version} is in review and cannot change; withdraw it first"
            else:
                least = bump(kept.version, "patch")
                said = f"conflict: {kept.version} is published and cannot change; make {least}"
        diff = self._diff(entry.key, raw) if kept is not None and raw else ()
        return replace(entry, sentence=said, open=True, diff=diff)

    def _acted(self, entry: Entry, raw: bytes, kept: Kept | None, here: str) -> Entry:
        taken = entry.key in self.takes
        wanted = _MOVED.get(self.verb, ())
        if not taken and (entry.open or entry.standing not in wanted):
            return entry
        if self.verb == "pull":
            if kept is None:
                return replace(entry, sentence="not in the registry; nothing to take", open=True)
            return self._pulled(entry, kept, here)
        if not raw:
            return replace(entry, sentence="not in the folder; nothing to take", open=True)
        return self._pushed(entry, raw, kept, taken=taken)

    def _pulled(self, entry: Entry, kept: Kept, here: str) -> Entry:
        if not self.dry_run:
            text = self.registry.text(*entry.key).encode()
            if digest_of(text) != kept.text_sha256:
                raise FolderError("The registry changed while it was read. Run the command again.")
            self.folder.write(entry.key, kept.domain, text, over=here)
            self._agree(entry.key, kept.text_sha256)
        done = "would be written" if self.dry_run else "written"
        return replace(entry, done=done, open=False, sentence=done, diff=())

    def _pushed(self, entry: Entry, raw: bytes, kept: Kept | None, *, taken: bool) -> Entry:
        if kept is not None and kept.state != "draft":
            return replace(entry, open=True)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            raise FolderError("The file is not UTF-8. Save it as UTF-8.") from None
        base = self.folder.base.get(entry.key, "")
        expected = (kept.text_sha256 if kept else "") if taken else base
        if not self.dry_run:
            body = {"text": text, "reason": self.reason, "ticket": self.ticket}
            self.registry.put_draft(*entry.key, body, expected=expected)
            self._agree(entry.key, digest_of(raw))
        done = "would be sent as a draft" if self.dry_run else "sent as a draft"
        return replace(entry, done=done, open=False, sentence=done, diff=())

    def _agree(self, key: Key, digest: str) -> None:
        if digest:
            self.folder.base[key] = digest
        else:
            self.folder.base.pop(key, None)

    def _diff(self, key: Key, raw: bytes) -> tuple[str, ...]:
        theirs = self.registry.text(*key).splitlines()
        mine = raw.decode(errors="replace").splitlines()
        lines = difflib.unified_diff(theirs, mine, "registry", "folder", lineterm="")
        shown = [plain(line) for line, _ in zip(lines, range(_MOST_DIFF_LINES), strict=False)]
        return tuple(shown)


def plain(line: str) -> str:
    """Leave out what would move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\t" else "�" for c in line)
