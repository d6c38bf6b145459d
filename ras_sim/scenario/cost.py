"""What things cost, in the words of a scenario. What has no price is not charged, and every output says so."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ras_sim.scenario.failures import Name
from ras_sim.scenario.fields import Price, PricePerHour, PricePerKwh, RatePerHour, Source, Strict, Watts


class PaySpec(Strict):
    """What technicians cost."""

    price: PricePerHour = Field(description="Of one hour of one technician.")
    paid: Literal["worked", "on_duty"] = Field(
        description="For the hours at work, travel included; or for every hour on duty, busy or not, and overtime "
        "(`repair.technicians` must then state a crew)."
    )
    source: Source


class EnergySpec(Strict):
    """What power costs. Leave it out where the price of a GPU-hour includes it."""

    price: PricePerKwh = Field(description="Of a kilowatt-hour at the meter.")
    running: Watts = Field(
        description="Drawn for each GPU of the job while it runs, its share of node and network included."
    )
    idle: Watts = Field(
        description="Drawn for each GPU of the job while it stands still, and of a spare node."
    )
    overhead: float = Field(
        ge=1.0, le=10.0, description="Energy at the meter / energy of the machines (PUE); 1 adds nothing."
    )
    source: Source


class CostSpec(Strict):
    """Prices, all in one currency. A price that is left out charges nothing."""

    currency: Name = Field(description="What amounts are called: EUR, USD, kEUR.")
    job_gpu: PricePerHour | None = Field(None, description="An hour of one GPU of the job, running or not.")
    spare_gpu: PricePerHour | None = Field(
        None, description="An hour of one GPU of a spare node, hot or warm (`job.spares`): capital and place, no load."
    )
    technicians: PaySpec | None = Field(None, description="What technicians are paid.")
    parts: dict[Name, Price] = Field(
        default_factory=dict,
        description="Price of a new replaceable unit by its class (`repair.units`), charged for each that a rung with "
        "`part` takes, from a shelf or not.",
    )
    carrying: RatePerHour | None = Field(
        None,
        description="What a unit on the shelf costs, as a share of its price per time (20 %/year): interest, room, "
        "ageing. For the classes that have both a shelf (`repair.parts`) and a price.",
    )
    energy: EnergySpec | None = Field(None, description="What power costs.")
    source: Source

    @model_validator(mode="after")
    def _prices_something(self) -> CostSpec:
        prices = (self.job_gpu, self.spare_gpu, self.technicians, self.energy)
        if not self.parts and all(price is None for price in prices):
            raise ValueError("got no price, want one: job_gpu, spare_gpu, technicians, parts or energy")
        return self
