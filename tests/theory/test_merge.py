"""Faults that strike a part under repair for the same failure: they join that repair, and the part ages on after it."""

from __future__ import annotations

import pytest

from tests.small import exponential, faults_of, fixed, ladder, mode, rung, runs, small


def test_a_life_that_ends_during_a_repair_ends_once() -> None:
    """A node wears out after 10 h and is mended in 100 h; every 13 h it is replaced for another reason, and begins anew.

    The lives that end at hours 23, 36 ... 101 end while the first incident, of hour 10, is open: they join it. It is closed
    at hour 110, when the life that began at hour 104 has four more hours, and so on, every 104 h.
    """
    scenario = small(
        330.0,
        failures={
            "node": {
                "wears": mode(lifetime=fixed(10.0), clears_at={"mend": 1.0}),
                "breaks": mode(lifetime=fixed(12.0), clears_at={"swap": 1.0}),
            }
        },
        repair=ladder(
            {"mend": rung("100 h", age_kept=0.0), "swap": rung("1 h", takes_down="unit", replaces=True)},
            policy={"start": {"node.wears": "mend", "default": "swap"}},
        ),
    )
    (ledger,) = runs(scenario, 1)
    assert [row.arrive_h for row in faults_of(ledger, "wears")] == pytest.approx([10.0, 114.0, 218.0, 322.0])
    assert [row.arrive_h for row in faults_of(ledger, "breaks")] == pytest.approx([13.0 * k - 1 for k in range(1, 26)])
    (faults,) = (row for row in ledger.faults if row.mode == "wears")
    assert faults.n_faults == 1 + 330 // 13 - 1  # one in each life that reached its tenth hour


def test_a_repair_renews_the_life_that_ended_last() -> None:
    """Replaced once at hour 13 only, mended at hour 110 as good as new: the next wear is at hour 120."""
    scenario = small(
        130.0,
        failures={
            "node": {
                "wears": mode(lifetime=fixed(10.0), clears_at={"mend": 1.0}),
                "breaks": mode(lifetime=fixed(1000.0), start_age="988 h", clears_at={"swap": 1.0}),
            }
        },
        repair=ladder(
            {"mend": rung("100 h", age_kept=0.0), "swap": rung("1 h", takes_down="unit", replaces=True)},
            policy={"start": {"node.wears": "mend", "default": "swap"}},
        ),
    )
    (ledger,) = runs(scenario, 1)
    assert [row.arrive_h for row in faults_of(ledger, "wears")] == pytest.approx([10.0, 120.0])


@pytest.mark.parametrize("unit", ["psu", "node"])
def test_a_supply_whose_node_was_replaced_for_another_counts_again(unit: str) -> None:
    """Of three supplies two are needed: a fault takes the node down if another supply of the node is down, as rows tell.

    Incidents of a node wait for the repair that is under way; if that replaces the node they are over with it.
    """
    scenario = small(
        30_000.0,
        machine={"kind": "hgx", "nodes": 2, "psus_per_node": 3, "psus_needed": 2, "nodes_per_rack": 2},
        job__gpus=8,
        failures={"psu": {"fails": mode(lifetime=exponential(100.0))}},
        repair=ladder(
            {"fix": rung("20 h", takes_down="unit", replaces=True)},
            policy={"merge": "node", "start": {"default": "fix"}},
            units={} if unit == "psu" else {"psu": "node"},
        ),
    )
    (ledger,) = runs(scenario, 1)
    rows = faults_of(ledger, "fails")
    down = 0
    for row in rows:
        others = [one for one in rows if one is not row and one.node == row.node and one.arrive_h <= row.arrive_h]
        n_down = sum(not one.closed_h <= row.arrive_h for one in others)
        assert (row.n_gpus_hit > 0) == (n_down >= 1)
        down += n_down >= 1
    assert len(rows) > 500
    assert down > 100
