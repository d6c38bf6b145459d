"""Which work of a job is corrupt, who corrupted it, and how far back the job must go to be rid of it."""

from __future__ import annotations

import math

from ras_sim.ledger import JobRow, new_row


class Taint:
    """The corruption of one job's work, in hours of work at full speed from its beginning.

    Attributes:
        sound_before_h: at the next restart, go back to a checkpoint of work up to here; inf: any will do.
    """

    __slots__ = ("_corrupting", "_from_h", "sound_before_h")

    def __init__(self) -> None:
        self.sound_before_h = math.inf
        self._from_h: dict[int, float] = {}  # incident -> work in hand from which on it is corrupt
        self._corrupting: set[int] = set()  # incidents whose part is in the job

    def begin(self, incident: int, position_h: float) -> None:
        """From here on the work is corrupt, also after the job went back, until `cleanse`."""
        self.corrupt(incident, position_h)
        self._corrupting.add(incident)

    def corrupt(self, incident: int, position_h: float) -> None:
        """The work is corrupted once, here: it stays so until the job goes back to before this point."""
        self._from_h.setdefault(incident, position_h)

    def is_by(self, incident: int) -> bool:
        """Whether work in hand was corrupted by this incident."""
        return incident in self._from_h

    def suspect(self, position_h: float) -> None:
        """The work from there on may be corrupt."""
        self.sound_before_h = min(self.sound_before_h, position_h)

    def cleanse(self, incident: int) -> None:
        """The part that corrupts the work has left the job."""
        self._corrupting.discard(incident)

    def distrust(self, incident: int) -> bool:
        """The corruption was found; returns whether there is corrupt work in hand."""
        self._corrupting.discard(incident)
        position_h = self._from_h.pop(incident, math.inf)
        self.suspect(position_h)
        return position_h < math.inf

    def went_back(self, position_h: float) -> None:
        """The job went back to here: what was corrupted later is thrown away; a part that is in it still corrupts anew."""
        if self._from_h:
            self._from_h = {
                who: min(from_h, position_h)
                for who, from_h in self._from_h.items()
                if from_h < position_h or who in self._corrupting
            }
        self.sound_before_h = math.inf

    def rows(self, position_h: float, at_h: float) -> list[JobRow]:
        """At the end: work in hand that is corrupt, and of which nobody knows, moves from productive to tainted."""
        if not self._from_h:
            return []
        culprit = min(self._from_h, key=self._from_h.__getitem__)
        tainted_h = position_h - self._from_h[culprit]
        if tainted_h <= 0.0:
            return []
        return [
            new_row(JobRow, (at_h, at_h, "productive", -tainted_h, culprit)),
            new_row(JobRow, (at_h, at_h, "tainted", tainted_h, culprit)),
        ]
