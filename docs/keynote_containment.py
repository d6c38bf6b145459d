"""The keynote's points on containment (S5, S6, S7): what a fault takes with it."""

from __future__ import annotations

from docs.keynote_pairs import Pair, Point, Range, on_both

_TRAVEL = Range("repair.technicians.travel.median", ("2 h", "8 h", "24 h"))

CONTAINMENT: tuple[Point, ...] = (
    Point(
        "S5",
        "Ideally a failed write over the scale-up fabric is a catchable exception.",
        "a failed write is caught and retried, in place of killing its domain",
        on_both("s05_write"),
        "An exception stops the step, not the processes: what a retry cures costs seconds, and the rest is still looked "
        "into and climbs the ladder. A domain that dies has to be found, located and started again with all the work since "
        "the last checkpoint; and a rack of 72 that must be replaced takes 18 spare trays at once.",
        (
            Range("job.checkpoints.remote.interval", ("2 min", "5 min", "15 min")),
            Range(
                "failures.nvlink.error.clears_at",
                (
                    "{exception: 0.1, process_restart: 0.2, gpu_reset: 0.4, rma: 0.3}",
                    "{exception: 0.3, process_restart: 0, gpu_reset: 0.4, rma: 0.3}",
                ),
                set_in="with",
            ),
        ),
    ),
    Point(
        "S6",
        "Link flaps on one port should not affect neighbouring ports.",
        "a flap stays on its own port",
        on_both("s06_port", n_sign=(6, 8)),
        "Each NIC has a port on two leafs, so that a lost link only narrows it. That is worth nothing if the flap takes the "
        "other port of the same NIC too, or of a neighbour's: then ranks are lost, and the job stops. Worse is a flap that "
        "only narrows several nodes at once: they are not drained, and if the link must be cleaned, the job is slow until a "
        "technician comes. So a flap that always takes its NIC costs less than one that does so half of the time.",
        (
            Range("failures.link.flap.rate", ("0.06 per link-year", "0.18 per link-year", "0.54 per link-year")),
            Range("failures.link.flap.spreads.same_nic", ("0.17", "0.5", "1"), set_in="without"),
        ),
    ),
    Point(
        "S6",
        "Flap damping, and a rule that tolerates a flap and evicts on the second.",
        "the first flap of a port is sat out, a second one within a day is repaired",
        on_both("s06_tolerate", n_sign=(7, 5)),
        "A flap is over by itself. A job that waits half a minute for the link loses half a minute; one that crashes loses "
        "detection, diagnosis, start-up and the work since the last checkpoint. A port that flaps because its optic is "
        "dirty comes back, and is then repaired.",
        (
            Range("failures.link.flap.rate", ("0.06 per link-year", "0.18 per link-year", "0.54 per link-year")),
            Range(
                "failures.link.flap.clears_at",
                (
                    "{process_restart: 0.5, clean_optic: 0.5}",
                    "{process_restart: 0.9, clean_optic: 0.1}",
                    "{process_restart: 1}",
                ),
            ),
        ),
    ),
    Point(
        "S7",
        "An uncorrectable memory error should affect only its own GPU: where the coherent domain is a node.",
        "a memory error stays in its own GPU, in place of killing its coherent domain of 8",
        (Pair("16,384 H100, domains of 8", "s07_domain_hgx_without.yaml", "s07_domain_hgx.yaml", is_zero=True),),
        "No difference, by construction: one lost rank stops the job as surely as eight do, the eight GPUs of a node are "
        "reset together, and what is swapped out is the node either way. What containment saves there, seven GPUs of "
        "work in flight, a synchronous job has lost already.",
        no_ranges="the two designs repair the same nodes in every history, whatever the numbers are",
        one_machine="a domain of 8 is a node of that machine; wider domains are the next point",
    ),
    Point(
        "S7",
        "An uncorrectable memory error should affect only its own GPU, even with a coherent memory fabric.",
        "a memory error stays in its own GPU, in place of killing its coherent domain",
        (
            Pair(
                "16,384 GB200, domains of 72",
                "s07_domain_nvl72_without.yaml",
                "s07_domain_nvl72.yaml",
                "spares_taken",
                n_sign=8,
            ),
            Pair("16,384 GB200, domains of 576", "s07_domain_nvl576_without.yaml", "s07_domain_nvl576.yaml"),
        ),
        "One lost rank stops the job as surely as a lost domain does, so the interruptions are as many. What grows with the "
        "domain is the repair: if that is an RMA, 18 or 144 trays are out until the one part is replaced. There are "
        "spares for 18, which cost goodput nothing measurable; for 144 there are not, and the job waits for hours.",
        (
            Range("failures.hbm.due.spreads.fails_with", ("10 %", "30 %", "100 %"), 24, "without", pair=1),
            Range("repair.technicians.travel.median", ("2 h", "8 h", "24 h"), 24, pair=1),
        ),
        one_machine="the domain of the other machine is a node, the point before this one",
    ),
    Point(
        "S7",
        "Row-remap, page-offline and spare-row budgets before an RMA is due.",
        "eight spare rows in each memory stack",
        on_both("s07_rows"),
        "With a spare row the error is gone after a reset of minutes; without one its GPU is replaced, which takes a "
        "technician and a spare node, and more of each than there may be.",
        (_TRAVEL,),
    ),
    Point(
        "S7",
        "Poison that is consumed or not.",
        "half of the poisoned data is never consumed",
        on_both("s07_poison"),
        "An error in a page that nobody reads harms nobody. Each one that is not consumed spares the job a whole "
        "interruption.",
        (
            Range(
                "failures.hbm.due.symptoms",
                ("{crash: 0.85, benign: 0.15}", "{crash: 0.5, benign: 0.5}", "{crash: 0.2, benign: 0.8}"),
                set_in="with",
            ),
        ),
    ),
    Point(
        "S7",
        "NVSwitch loss degrades or kills its domain.",
        "a lost NVSwitch slows its domain, in place of killing it",
        on_both("s07_nvswitch", n_sign=(5, 20)),
        "The domain runs on with the share of its scale-up bandwidth that is left: k - 1 of k NVSwitches. Killed, it takes "
        "all its nodes out of the job until a technician has been there.",
        (
            Range("failures.nvswitch.fault.rate", ("AFR 0.7 %", "AFR 2 %", "AFR 6 %")),
            Range("job.parallel.exposed.tensor", ("2 %", "5 %", "15 %")),
        ),
    ),
)
"""In the order of the keynote."""
