"""Change one plain value at the top of a document's text and leave the rest as it was written."""

from __future__ import annotations

import json
import re

from meshline.core import yaml12
from meshline.core.pointers import build
from meshline.core.yaml12 import Document


def with_value(document: Document, key: str, value: str | int) -> str:
    """Return the document's text with another value under a top-level `key`.

    Comments and layout stay. Where the place cannot be found, the text is written anew as JSON.
    """
    lines = document.text.splitlines(keepends=True)
    number = document.lines.get(build([key]))
    pattern = re.compile(
        rf"(?P<head>(?:^|[{{,\s])\"?{re.escape(key)}\"?:[ \t]*)(?P<old>[^\s,}}#]+)"
    )
    if number is not None and isinstance(document.value, dict):
        line = lines[number - 1]
        found = pattern.search(line)
        if found:
            quoted = json.dumps(value) if found["old"].startswith(('"', "'")) else str(value)
            lines[number - 1] = line[: found.start("old")] + quoted + line[found.end("old") :]
            changed = "".join(lines)
            if _says(changed, key, value):
                return changed
    return json.dumps({**document.value, key: str(value)}, indent=2, ensure_ascii=False) + "\n"


def _says(text: str, key: str, value: str | int) -> bool:
    found = yaml12.load(text).value
    return isinstance(found, dict) and str(found.get(key)) == str(value)
