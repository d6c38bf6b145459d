"""The design reviews: questions, the designs that answer them, and their pages in reports/ (`make reviews`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docs import review_html, review_page
from ras_sim.experiment.compare import Comparison, compare
from ras_sim.experiment.designs import Design
from ras_sim.report.html import write_page
from ras_sim.scenario.load import load

ROOT = Path(__file__).parents[1]
SCENARIOS = ROOT / "scenarios"
REPORTS = ROOT / "reports"
SEED = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One design of a review.

    Args:
        name: what the tables call it.
        sets: `key.path=value` on top of its file.
        file: in scenarios/; "" is the file of the review.
    """

    name: str
    sets: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A question and the designs that answer it.

    Args:
        name: a word for it.
        question: as a reviewer asks it.
        file: in scenarios/, of every design that names no other.
        designs: the base first.
        replications: pairs of histories.
        common: `key.path=value` that holds for every design.
        note: what the answer rests on, or leaves out.
    """

    name: str
    question: str
    file: str
    designs: tuple[Variant, ...]
    replications: int = 40
    common: tuple[str, ...] = ()
    note: str = ""

    def sets(self, variant: Variant) -> tuple[str, ...]:
        """Everything that is set on top of the variant's file."""
        return (*self.common, *variant.sets)


def _spares(n_nodes: int) -> Variant:
    return Variant(f"{n_nodes} spare nodes", (f"job.spares.nodes={n_nodes}",))


def _day_shift(n_people: int) -> tuple[str, ...]:
    """Nobody at night and at weekends."""
    shift = f"{{days: mon-fri, begins: 08:00, ends: 18:00, count: {n_people}}}"
    where = "repair.technicians."
    return (
        f"{where}count=0",
        f"{where}shifts={{day: {shift}}}",
        f"{where}run_begins=mon 00:00",
        f"{where}at_shift_end=finish",
    )


def _asynchronous(interval: str) -> Variant:
    tier = "job.checkpoints.remote."
    sets = (f"{tier}interval={interval}", f"{tier}blocking=0.59 s", f"{tier}valid_after=50.47 s")
    return Variant(f"every {interval}, asynchronous", sets)


def _caught(percent: int, clears_at: str) -> Variant:
    """NVLink errors as exceptions; what is not cured by catching keeps the catalogue's 4:3 of reset and RMA."""
    sets = (
        "failures.nvlink.error.symptoms={exception: 1}",
        f"failures.nvlink.error.clears_at={clears_at}",
        "repair.policy.start.nvlink=exception",
    )
    return Variant(f"caught, which cures {percent}%", sets)


_UNCONTAINED = (
    "failures.nvlink.error.spreads={shares_memory: 1}",
    "failures.hbm.due.spreads={shares_memory: 1}",
)
_DOMAIN_OF_8 = (
    "machine.racks=522",
    "machine.trays_per_rack=2",
    "machine.nvswitch_trays_per_rack=1",
    "machine.shelves_per_rack=1",
    "machine.shelves_needed=1",
    "failures.rack.backplane.rate=MTBF 895.5 years",
)
"""As many GPUs and switch trays as in 58 racks of 72, and about as many power supplies; a ninth of a backplane fails a ninth
as often as AFR 1 %: its MTBF is 9 / -ln(0.99) years."""

_WAIT_OR_SWAP = (Variant("wait"), Variant("swap at once", ("repair.ladder.gpu_reset.meanwhile=swap",)))

REVIEWS: tuple[Review, ...] = (
    Review(
        "start_rung",
        "Start at a reboot, or climb from a restart?",
        "review_start_rung.yaml",
        (
            Variant("climb from process restart"),
            Variant(
                "start at GPU reset",
                ("repair.policy.start.gpu=gpu_reset", "repair.policy.start.hbm=gpu_reset"),
            ),
            Variant(
                "start at node reboot",
                ("repair.policy.start.gpu=node_reboot", "repair.policy.start.hbm=node_reboot"),
            ),
        ),
        note="Crashes of GPUs and of their memory; software still begins with a restart. How often each rung is the "
        "one that helps is mostly assumed, and the job swaps in a spare during a reboot but waits for a restart or a "
        "reset.",
    ),
    Review(
        "swap",
        "Swap in a spare at once, or wait for the GPU reset (2 min)?",
        "review_swap.yaml",
        _WAIT_OR_SWAP,
        note="A swap takes a minute; both numbers are assumed.",
    ),
    Review(
        "swap_slow_reset",
        "And if a reset took 10 min?",
        "review_swap.yaml",
        _WAIT_OR_SWAP,
        common=("repair.ladder.gpu_reset.duration=10 min",),
        note="Otherwise as before.",
    ),
    Review(
        "spares",
        "How many hot spares: 0, 8, 16, 64?",
        "review_spares.yaml",
        (Variant("8 spare nodes"), *map(_spares, (0, 16, 64))),
        note="Without spares the job waits for every repair that takes a node away. The hall has the same nodes in all "
        "designs, so the same parts fail; those that are neither job nor spares are not charged.",
    ),
    Review(
        "checkpoint",
        "Checkpoint every 5, 15 or 60 min, synchronous or asynchronous, one tier or three?",
        "review_checkpoint.yaml",
        (
            Variant("every 60 min, synchronous"),
            Variant("every 15 min, synchronous", ("job.checkpoints.remote.interval=15 min",)),
            Variant("every 5 min, synchronous", ("job.checkpoints.remote.interval=5 min",)),
            *map(_asynchronous, ("60 min", "15 min", "5 min")),
            Variant("three tiers: 5, 15, 60 min", file="review_checkpoint_tiers.yaml"),
            Variant(
                "three tiers: 5, 15, 15 min",
                ("job.checkpoints.remote.interval=15 min",),
                "review_checkpoint_tiers.yaml",
            ),
            Variant("three tiers, a copy at a peer", file="review_checkpoint_peers.yaml"),
        ),
        note="One tier is remote storage. The local tiers go with the node: whenever a spare is swapped in, the job goes "
        "back to the remote one, unless its peer in another rack holds a copy (5, 15, 60 min). Their times are assumed.",
    ),
    Review(
        "technicians",
        "How many technicians, and how near?",
        "review_technicians.yaml",
        (
            Variant("6 technicians, 8 h away"),
            Variant("2 technicians, 8 h away", ("repair.technicians.count=2",)),
            Variant("24 technicians, 8 h away", ("repair.technicians.count=24",)),
            Variant("6 technicians, 2 h away", ("repair.technicians.travel.median=2 h",)),
            Variant("6 technicians, 24 h away", ("repair.technicians.travel.median=24 h",)),
            Variant("24 h away, 8 spares", ("repair.technicians.travel.median=24 h", "job.spares.nodes=8")),
            Variant("6 technicians, day shift", _day_shift(6)),
            Variant("20 technicians, day shift", _day_shift(20)),
            Variant("day shift, 8 spares", (*_day_shift(6), "job.spares.nodes=8")),
            Variant("2 technicians, by value", ("repair.technicians.count=2", "repair.technicians.queue=by_value")),
        ),
        replications=80,
        note="Round the clock, first come, first served, unless said. The day shift is Monday to Friday, 08:00 to 18:00; "
        "whoever is at work then finishes: 20 people in it work as many hours a week as 6 round the clock. Hours away are "
        "medians until somebody stands at the machine. People are paid for every hour on duty, busy or not, and overtime.",
    ),
    Review(
        "queue",
        "Too few technicians: first come, first served, or by value?",
        "review_queue.yaml",
        (
            Variant("36 technicians"),
            *(
                Variant(f"{n}, {words}", (f"repair.technicians.count={n}", f"repair.technicians.queue={queue}"))
                for n in (8, 5)
                for words, queue in (("first come", "first_come"), ("by value", "by_value"))
            ),
        ),
        replications=12,
        note="All there is to do takes about 11 technicians, so work piles up with 8 and with 5. By value: the repair with "
        "the most goodput gained per technician-hour first, what the job can do without last. What is still to do after "
        "90 days is not charged.",
    ),
    Review(
        "blast_radius",
        "Domains of 8 or of 72 GPUs, and what if memory and NVLink errors are not contained?",
        "review_blast_radius.yaml",
        (
            Variant("72, contained"),
            Variant("72, not contained", _UNCONTAINED),
            Variant("8, contained", _DOMAIN_OF_8),
            Variant("8, not contained", (*_DOMAIN_OF_8, *_UNCONTAINED)),
        ),
        note="The same trays and rates, cut into domains of two trays or of 18; other generations of GPU would differ "
        "in rates too. Contained: the error stays in its own GPU; not contained: it hits every GPU of the domain. "
        "The speed that a wide domain buys is not in it.",
    ),
    Review(
        "exception",
        "What is a catchable exception on the scale-up fabric worth?",
        "review_exception.yaml",
        (
            Variant("crash, as in the catalogue"),
            _caught(30, "{exception: 0.3, gpu_reset: 0.4, rma: 0.3}"),
            _caught(65, "{exception: 0.65, gpu_reset: 0.2, rma: 0.15}"),
            _caught(100, "{exception: 1}"),
        ),
        note="How many errors are gone once caught is not published: at 30% catching cures what a restart would have "
        "cured, and the rest climbs on. The job is the catalogue's on 4,096 GPUs of NVL72.",
    ),
)


def designs_of(review: Review) -> tuple[Design, ...]:
    """The designs of a review, the base first.

    Raises: InputError for a scenario that is wrong.
    """
    return tuple(
        Design(one.name, load(SCENARIOS / (one.file or review.file), review.sets(one)))
        for one in review.designs
    )


def run(review: Review, workers: int | None = None) -> Comparison:
    """The designs of a review on the same failures."""
    return compare(*designs_of(review), seed=SEED, replications=review.replications, workers=workers)


PAGES: dict[str, Callable[[Sequence[tuple[Review, Comparison]]], str]] = {
    "reviews.md": review_page.page,
    "reviews.html": review_html.page,
}
"""File in reports/ -> what makes its text."""


def write(answered: Sequence[tuple[Review, Comparison]], folder: Path) -> list[Path]:
    """Write the pages of reviews that were run; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write_page(make(answered), folder / name) for name, make in PAGES.items()]


if __name__ == "__main__":
    for path in write([(review, run(review)) for review in REVIEWS], REPORTS):
        print(path.relative_to(ROOT))
