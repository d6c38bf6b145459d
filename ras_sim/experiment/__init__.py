"""Many runs as one piece of work: replications, and the folders that keep them."""

from __future__ import annotations
