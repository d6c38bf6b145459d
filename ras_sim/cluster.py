"""Which node is in which state, and why: the only writer of that state.

A node serves the job, waits as a spare, belongs to others, or is out (not in the job and held by at least one incident,
or yet to come).
A node of the job that is held still has its place there until it is swapped out.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from ras_sim.errors import ModelError
from ras_sim.ledger import ResourceRow, new_row

NodeState = Literal["in_job", "spare", "out", "other"]


class Cluster:
    """The nodes of one replication.

    Args:
        n_nodes: of the machine.
        n_job_nodes: the first so many serve the job at the start.
        n_spares: the next so many are its spares; nodes after them belong to others.
        rows: the resources table of the ledger.
        clock: returns the present hour.
        n_warm: nodes behind the hot spares.
        group: node -> the group within which a spare may take its place, with the number of groups; None: anywhere.
        absent: nodes that cannot serve until they are admitted; the job does not begin before those of its own are.
    """

    __slots__ = (
        "_absent", "_clock", "_coming", "_first", "_group", "_holds", "_job", "_limit", "_n_hot",
        "_n_places", "_open_places", "_places", "_probation", "_rows", "_sorted", "_spares", "_warm",
        "idle", "joined", "members",
    )  # fmt: skip

    def __init__(
        self,
        n_nodes: int,
        n_job_nodes: int,
        n_spares: int,
        rows: list[ResourceRow],
        clock: Callable[[], float],
        *,
        n_warm: int = 0,
        group: Callable[[int], int] | None = None,
        absent: Iterable[int] = (),
    ) -> None:
        if n_job_nodes + n_spares + n_warm > n_nodes:
            raise ModelError(
                f"{n_job_nodes} job nodes and {n_spares} + {n_warm} spares in {n_nodes} nodes", 0.0, "node"
            )
        job, spares, warm = _assigned(n_job_nodes, n_spares, n_warm, n_nodes, group)
        self._limit = set(job).union(spares, warm) if group is not None else range(len(job) + n_spares + n_warm)
        limit = self._limit
        self.members: Sequence[int] = limit if isinstance(limit, range) else sorted(limit)  # serve the job, or may
        self._first = job  # who has each place at the start
        self._job = set(job)
        self._sorted: list[int] | None = None  # the same in order, once somebody has asked for that
        self._n_places = len(job)
        self.idle: Sequence[int] = (
            range(n_job_nodes, n_nodes) if group is None else sorted(set(range(n_nodes)) - self._job)
        )
        """Nodes that do not serve the job at the start."""
        self._absent = set(absent)
        self._places: dict[int, int] = {} if group is None else {node: n for n, node in enumerate(job)}
        self._open_places: set[int] = set()  # of the job, that nobody has
        # In the order in which they came.
        self._spares: dict[int, None] = dict.fromkeys(node for node in spares if node not in self._absent)
        self._warm: dict[int, None] = dict.fromkeys(node for node in warm if node not in self._absent)
        self._n_hot = n_spares
        self._coming: set[int] = set()  # warm nodes that are made ready
        self._group = group
        self._holds: dict[int, int] = {}
        self._probation: dict[int, float] = {}  # node -> until when
        self._rows = rows
        self._clock = clock
        self.joined: list[int] = []  # every node that took a place in the job, in order
        rows.append(ResourceRow(0.0, "spare_nodes", len(self._spares)))
        if n_warm:
            rows.append(ResourceRow(0.0, "warm_nodes", len(self._warm)))

    @property
    def n_spares(self) -> int:
        """Spares that could serve now."""
        return len(self._spares)

    @property
    def n_could_join(self) -> int:
        """Spares that fit places of the job without a sound node: those that nobody has, or that an incident holds."""
        if self._group is None:
            return min(len(self._spares), self._n_places - self.n_sound)
        held = {self.place(node) for node in self._job.intersection(self._holds)}
        return sum(1 for _ in self._seats(self._open_places | held))

    @property
    def n_in_job(self) -> int:
        """Nodes that serve the job."""
        return len(self._job)

    @property
    def n_sound(self) -> int:
        """Nodes that serve the job and that no incident holds."""
        return len(self._job) - len(self._job.intersection(self._holds))

    def place(self, node: int) -> int:
        """The place of a node among the ranks of the job: its own number until it has taken that of another."""
        return self._places.get(node, node)

    def ranks(self, nodes: Iterable[int]) -> list[int]:
        """The numbers of nodes of the job among all nodes of it, from 0 on, in the order of their places."""
        if len(self._job) == self._n_places:
            return [self.place(node) for node in nodes]
        order = {node: n for n, node in enumerate(sorted(self._job, key=self.place))}
        return [order[node] for node in nodes]

    def in_job(self, node: int) -> bool:
        """Whether the node serves the job."""
        return node in self._job

    def serves(self, node: int) -> bool:
        """Whether the node serves the job, or could, and nobody keeps it out of service."""
        return node not in self._holds and (node in self._job or node in self._spares)

    def some(self, within: Callable[[int], bool], share: float) -> int | None:
        """The first of the members that `within` holds of, from that share of them on, 0 <= share < 1; None if none is.

        One after a gap is a little more likely than the others: gaps are few.
        """
        members = self.members
        first = int(share * len(members))
        nodes = (members[(first + step) % len(members)] for step in range(len(members)))
        return next((node for node in nodes if within(node)), None)

    def one_of_job(self, share: float, but: int | None = None) -> int | None:
        """The node at that share of those of the job that nobody keeps out of service; None if there is none.

        Args:
            share: which, in the order of their numbers, 0 <= share < 1.
            but: a node that is not meant.
        """
        job, left_out = self._in_order_of_number(), self._job.intersection(self._holds)
        if but in self._job:
            left_out.add(but)
        n = len(job) - len(left_out)
        if n <= 0:
            return None
        place = int(share * n)  # among those that are meant: behind each that is not, one further
        for node in sorted(left_out):
            place += bisect_left(job, node) <= place
        return job[place]

    def block(self, node: int, n: int) -> list[int]:
        """The nodes of the job whose places are in the same block of n places as that of a node of the job, in order."""
        block = self.place(node) // n
        return [one for one in self._in_order_of_number() if self.place(one) // n == block]

    def _in_order_of_number(self) -> list[int]:
        """The nodes of the job, ascending: sorted when they are first asked for, and kept in order from then on."""
        if self._sorted is None:
            self._sorted = sorted(self._job)
        return self._sorted

    def _exchange(self, leavers: Iterable[int], newcomers: Iterable[int]) -> None:
        """Nodes leave the job, others join it."""
        self._job.difference_update(leavers)
        self._job.update(newcomers)
        if self._sorted is not None:
            for node in leavers:
                del self._sorted[bisect_left(self._sorted, node)]
            for node in newcomers:
                insort(self._sorted, node)

    def of_job(self, nodes: Iterable[int]) -> list[int]:
        """Those of the nodes that serve the job."""
        return [node for node in nodes if node in self._job]

    def touches_job(self, nodes: Iterable[int]) -> bool:
        """Whether any of the nodes serves the job."""
        return not self._job.isdisjoint(nodes)

    def state(self, node: int) -> NodeState:
        """The one state of a node."""
        if node in self._job:
            return "in_job"
        if node in self._spares:
            return "spare"
        return "out" if (node in self._holds or node in self._absent) and node in self._limit else "other"

    def admit(self, nodes: Iterable[int]) -> int:
        """Nodes that were absent can serve from now on; returns how many became spares by it."""
        new = [node for node in nodes if node in self._absent]
        self._absent.difference_update(new)
        return self._set_free(new)

    def hold(self, nodes: Iterable[int]) -> None:
        """An incident makes the nodes unusable; each needs as many releases as holds."""
        for node in nodes:
            self._holds[node] = self._holds.get(node, 0) + 1
            if node in self._spares:
                del self._spares[node]
                self._note(-1)
            elif node in self._warm:
                del self._warm[node]
                self._note(-1, "warm_nodes")
            elif node in self._coming:
                self._coming.discard(node)  # it will be a spare when it is mended

    def release(self, nodes: Iterable[int]) -> int:
        """An incident gives the nodes back; returns how many became spares by it."""
        n_new = 0
        for node in nodes:
            left = self._holds[node] - 1
            if left:
                self._holds[node] = left
                continue
            del self._holds[node]
            if node not in self._job and self._may_serve(node):
                self._spares[node] = None
                self._note(1)
                n_new += 1
        return n_new

    # ------------------------------------------------------------------ warm nodes

    def call_warm(self, n_wanted: int = 0) -> int | None:
        """A warm node that is to become a hot spare, if one is lacking, beside those wanted now, and there is one."""
        if not self._warm or len(self._spares) + len(self._coming) >= self._n_hot + n_wanted:
            return None
        node = next(iter(self._warm))
        del self._warm[node]
        self._coming.add(node)
        self._note(-1, "warm_nodes")
        return node

    def warmed(self, node: int) -> bool:
        """A warm node is ready; returns whether it became a hot spare: it may have failed meanwhile."""
        if node not in self._coming:
            return False
        self._coming.discard(node)
        self._spares[node] = None
        self._note(1)
        return True

    def put_on_probation(self, nodes: Iterable[int], until_h: float) -> None:
        """Nodes serve only where no other spare is left, until that hour."""
        self._probation.update(dict.fromkeys(nodes, until_h))

    def _in_order(self) -> Iterable[int]:
        """The spares in the order in which they serve: those on probation last."""
        if not self._probation:
            return self._spares
        now_h = self._clock()
        return sorted(self._spares, key=lambda node: self._probation.get(node, 0.0) > now_h)

    def replacements(self, nodes: list[int]) -> list[int] | None:
        """Spares for these nodes, in their order; None if there are too few that may take their places."""
        if len(nodes) > len(self._spares):
            return None
        if self._group is None:
            in_order = self._in_order() if self._probation else self._spares
            return [next(iter(in_order))] if len(nodes) == 1 else list(islice(in_order, len(nodes)))
        group, free, found = self._group, dict.fromkeys(self._in_order()), []
        for node in nodes:
            wanted = group(node)
            one = next((spare for spare in free if group(spare) == wanted), None)
            if one is None:
                return None
            del free[one]
            found.append(one)
        return found

    def leave(self, nodes: list[int]) -> None:
        """Nodes leave the job and nobody takes their places; those that are held are out, the others become spares."""
        self._open_places.update(map(self.place, nodes))
        self._exchange(nodes, ())
        self._set_free(nodes)

    def _set_free(self, nodes: Iterable[int]) -> int:
        """Those of the nodes that could be spares are spares from now on; returns how many."""
        out = (node for node in nodes if node not in self._holds and node not in self._job)
        free = [node for node in out if self._may_serve(node)]
        if free:
            self._spares.update(dict.fromkeys(free))
            self._note(len(free))
        return len(free)

    def resize(self, n_nodes: int) -> tuple[list[int], list[int]]:
        """Form the job anew of so many sound nodes; returns who left and who joined.

        Nodes that an incident holds are not moved: it has not been decided yet what becomes of them.
        """
        surplus = self.n_sound - n_nodes
        if surplus > 0:
            free = sorted((node for node in self._job if node not in self._holds), reverse=True)
            leavers = free[:surplus]
            self.leave(leavers)
            return leavers, []
        seats = dict(islice(self._seats(self._open_places), -surplus))
        newcomers = list(seats)
        for node in newcomers:
            del self._spares[node]
        self._places.update(seats)
        self._open_places.difference_update(seats.values())
        self._exchange((), newcomers)
        self.joined.extend(newcomers)
        if newcomers:
            self._note(-len(newcomers))
        return [], newcomers

    def _seats(self, places: set[int]) -> Iterator[tuple[int, int]]:
        """The spares that fit these places of the job, in the order in which they serve, and the place of each."""
        if self._group is None:
            yield from zip(self._in_order(), sorted(places), strict=False)
            return
        group, free = self._group, dict[int, list[int]]()
        for place in sorted(places, reverse=True):
            free.setdefault(group(self._first[place]), []).append(place)
        for node in self._in_order():
            fitting = free.get(group(node))
            if fitting:
                yield node, fitting.pop()

    def n_coming_back(self, nodes: Iterable[int]) -> int:
        """How many of the nodes would become spares if an incident gave them back: nobody else holds them."""
        return sum(
            self._holds.get(node) == 1 and node in self._limit and node not in self._job for node in nodes
        )

    def swap_out(self, nodes: list[int], newcomers: list[int] | None = None) -> list[int]:
        """Put spares in the places of nodes of the job; returns the newcomers.

        Args:
            nodes: of the job.
            newcomers: what `replacements` has just found for them; None asks it.

        Raises:
            ModelError: a node is not in the job, or there are too few spares.
        """
        if newcomers is None:
            newcomers = self.replacements(nodes)
        if newcomers is None or len(newcomers) != len(nodes) or not self._job.issuperset(nodes):
            raise ModelError(f"swap with {len(self._spares)} spares", self._clock(), f"node:{nodes[:8]}")
        places, some_sound = self._places, False
        for n, node in enumerate(nodes):
            newcomer = newcomers[n]
            del self._spares[newcomer]
            places[newcomer] = places.get(node, node)
            some_sound = some_sound or node not in self._holds
        self._exchange(nodes, newcomers)
        self.joined.extend(newcomers)
        self._note(-len(nodes))
        if some_sound:
            self._set_free(nodes)
        return newcomers

    def _may_serve(self, node: int) -> bool:
        """Whether a node is one of those that serve the job or could, and is there."""
        return node in self._limit and node not in self._absent

    def _note(self, change: int, resource: str = "spare_nodes") -> None:
        self._rows.append(new_row(ResourceRow, (self._clock(), resource, change)))


def _assigned(
    n_job: int, n_spares: int, n_warm: int, n_nodes: int, group: Callable[[int], int] | None
) -> tuple[list[int], list[int], list[int]]:
    """The nodes that serve the job, its hot spares and its warm ones, at the start.

    Without groups they follow one another. With groups the spares are spread over them: one in each, then a second ...,
    from the last nodes of the group, until there are enough.
    """
    numbers = list(range(n_nodes))
    if group is None:
        return numbers[:n_job], numbers[n_job : n_job + n_spares], numbers[n_job + n_spares :][:n_warm]
    members: dict[int, list[int]] = {}
    for node in numbers:
        members.setdefault(group(node), []).append(node)
    aside: list[int] = []
    while len(aside) < n_spares + n_warm:
        aside += [nodes.pop() for nodes in members.values() if nodes][: n_spares + n_warm - len(aside)]
    job = sorted(node for nodes in members.values() for node in nodes)[:n_job]
    return job, aside[:n_spares], aside[n_spares:]
