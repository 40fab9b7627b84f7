"""The WSGI application that granian serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from meshline.bodies import ReadFirst
from meshline.core.safejson import MAX_BYTES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meshline.settings")

application = ReadFirst(get_wsgi_application(), max_bytes=MAX_BYTES)
