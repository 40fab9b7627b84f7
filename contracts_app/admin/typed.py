"""Django's admin and form classes with the parameters that only the type checker reads."""

from __future__ import annotations

from types import new_class
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator

if TYPE_CHECKING:
    TypedAdmin = admin.ModelAdmin
    TypedInline = admin.TabularInline
    TypedForm = forms.ModelForm
    TypedPaginator = Paginator
else:

    def _subscriptable(base: type) -> type:
        def body(namespace: dict[str, Any]) -> None:
            namespace["__class_getitem__"] = classmethod(lambda cls, _: cls)
            namespace["__module__"] = __name__

        return new_class(base.__name__, (base,), exec_body=body)

    TypedAdmin = _subscriptable(admin.ModelAdmin)
    TypedInline = _subscriptable(admin.TabularInline)
    TypedForm = _subscriptable(forms.ModelForm)
    TypedPaginator = _subscriptable(Paginator)

__all__ = ["TypedAdmin", "TypedForm", "TypedInline", "TypedPaginator"]
