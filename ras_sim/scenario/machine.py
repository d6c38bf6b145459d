"""The machine of a scenario: which blueprint, and how many of what.

The keys of a machine are the arguments of its builder in `ras_sim.topology.FABRICS`, so a new kind of
machine is one function there and nothing here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import Field, create_model

from ras_sim.scenario.fields import Strict
from ras_sim.topology import FABRICS, Blueprint

Count = Annotated[int, Field(ge=0, le=100_000_000)]
Ratio = Annotated[float, Field(gt=0.0, le=1000.0)]


class Machine(Strict):
    """What is installed. `kind` names the builder, the other keys are its arguments."""

    kind: str

    def build(self) -> Blueprint:
        """The blueprint of the machine."""
        return FABRICS[self.kind](**self.model_dump(exclude={"kind"}))


def _field_type(hint: Any) -> Any:
    """The type of a builder's argument with the bounds that every machine needs."""
    if hint is int:
        return Count
    if hint is float:
        return Ratio
    if get_origin(hint) is UnionType and NoneType in get_args(hint):
        return _field_type(next(part for part in get_args(hint) if part is not NoneType)) | None
    return hint


def machine_model(kind: str, builder: Callable[..., Blueprint]) -> type[Machine]:
    """The model of one kind of machine, from the signature of its builder."""
    hints = get_type_hints(builder)
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for name, parameter in inspect.signature(builder).parameters.items():
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (_field_type(hints[name]), default)
    title = "".join(part.capitalize() for part in kind.split("_")) + "Machine"
    summary = (inspect.getdoc(builder) or "").partition("\nArgs:")[0].strip()
    return create_model(title, __base__=Machine, __doc__=summary, **fields)


MACHINES = {kind: machine_model(kind, builder) for kind, builder in FABRICS.items()}
"""Every kind of machine a scenario may name."""

# By their names in this module, where pickle looks for a class: a scenario is sent to other processes.
globals().update({model.__name__: model for model in MACHINES.values()})

if TYPE_CHECKING:
    MachineSpec = Machine
else:  # known only when the builders are
    MachineSpec = Annotated[reduce(or_, MACHINES.values()), Field(discriminator="kind")]
