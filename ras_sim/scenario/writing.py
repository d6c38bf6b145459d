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
    style = None if isinstance(scalar_value(text), str) else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(data: Any) -> str:
    """Plain data (blocks, lists, texts, numbers) as YAML, keys in their order."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
