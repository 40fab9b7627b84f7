"""Measurements that anyone can rerun; none of them is asserted by a test."""

from __future__ import annotations
