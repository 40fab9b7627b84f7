"""The one table of routes."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from meshline.console import signin

urlpatterns = [
    # One door for everybody: its lock-out and its audit entries count for the administration too.
    path("admin/login/", signin.admin_door),
    path("admin/logout/", signin.SignOut.as_view()),
    path("admin/password_change/", signin.admin_password),
    path("admin/", admin.site.urls),
    path("api/v1/", include("meshline.api.urls")),
    path("", include("meshline.console.urls")),
]

# Below /api/ a malformed request gets a problem document, elsewhere the ordinary page.
handler400 = "meshline.api.problems.bad_request"
