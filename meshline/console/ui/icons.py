"""Icons: lucide's shapes as inline SVG, the same markup everywhere."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from meshline.core import safejson

STROKE = {
    "viewBox": "0 0 24 24",
    "fill": "none",
    "stroke": "currentColor",
    "stroke-width": "1.9",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
}


@cache
def shapes() -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Return every vendored icon: name to its SVG elements (tag, attributes)."""
    vendor = Path(settings.SITE_DIR) / "static" / "vendor"
    (file,) = vendor.glob("lucide-*/icons.json")
    loaded: dict[str, list[tuple[str, dict[str, Any]]]] = safejson.loads(file.read_bytes())
    return loaded


@lru_cache(maxsize=512)
def icon(name: str, classes: str = "") -> SafeString:
    """Return the icon as inline SVG, hidden from screen readers, class `ic` and `classes`.

    Raises: KeyError naming an icon that tools/icons.txt does not list.
    """
    if name not in shapes():
        raise KeyError(f"No icon {name!r}: add it to tools/icons.txt and run `make vendor`.")
    inner = format_html_join(
        "", "<{}{}/>", ((tag, flatatt(attributes)) for tag, attributes in shapes()[name])
    )
    outer = flatatt({"class": f"ic {classes}".strip(), **STROKE})
    return format_html("<svg{}>{}</svg>", outer, inner)
