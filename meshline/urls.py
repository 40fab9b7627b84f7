"""The one table of routes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("meshline.api.urls")),
    path("", include("meshline.console.urls")),
]

# Below /api/ a malformed request gets a problem document, elsewhere the ordinary page.
handler400 = "meshline.api.problems.bad_request"
