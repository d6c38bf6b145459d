"""Scenarios: what a person may write (`model` and its parts), and how it is read (`load`)."""

from __future__ import annotations
