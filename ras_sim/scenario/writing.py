"""A scenario's values as YAML that reads back to the same values."""

from __future__ import annotations

from typing import Any

import yaml

from ras_sim.scenario.positions import scalar_value

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Quotes every text that our rules of scalars would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Values that are equal are written twice: aliases are refused on reading."""
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _style(text: str) -> str | None:
    """How a text is quoted; None leaves it to the library."""
    if not text.isprintable():  # with escapes: rare line breaks would be folded
        return '"' if text.strip("\n") != text or not text.replace("\n", "").isprintable() else "|"
    return None if isinstance(scalar_value(text), str) else "'"


_Dumper.add_representer(str, _represent_text)


def to_yaml(data: Any) -> str:
    """Plain data (blocks, lists, texts, numbers) as YAML, keys in their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
