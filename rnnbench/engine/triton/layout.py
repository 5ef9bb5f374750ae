"""Say where a cell's gates, matrices and results lie in the arrays of its Triton kernels.

Arrays are contiguous; gates lie in the order of `Layout.order`, not in that of the parameters:

    gates       (R, T, B, GATES, H)      what the input adds to them; gradients after the way back
    saved       (R, T, B, SAVED, H)      what the way back needs beside the states
    weights     (R, LINKS, H, H)         (from, to) on the way forward, (to, from) on the way back
    vectors     (R, VECTORS, H)
    states      (S, R, T + 1, B, H)      states, other outputs, prepared values
                                         (of step t at t + 1; at 0 the initial states)
    biases      (R, FROM_H, H)           of the gates that h feeds; where x feeds a gate, too, its
                                         bias is already in what the input adds
    initial     (STATES, R, B, H)
    d_outputs   (R, scored, B, OUTPUTS, H)
    d_states    (STATES, R, B, H)        of the final states; after the way back of the initial
    d_vectors   (R, B, VECTORS, H)       of each sequence; added up outside, always in one order
"""

from __future__ import annotations

from rnnbench.cell import Cell
from rnnbench.engine.trace import check_gates, trace_prepare, trace_update


class Layout:
    """Trace a cell, and number what it declares.

    Attributes:
        update, prepare: their traces; no prepare where no gate is fed by a value.
        order: gates in memory: those that h feeds side by side, and those that x feeds.
        place: of each gate in it.
        links: source and gate of each square matrix, in the order of the parameters' rows.
        row: of each source and result in `states`.
        late: the gates that a value feeds.
        saved: names, in the kernels, of what is kept for the way back.
    """

    def __init__(self, cell: Cell) -> None:
        """Trace the cell.

        Raises:
            ValueError: it has no gates, or does more than elementwise operations.
        """
        check_gates(cell)
        self.cell = cell
        self.update = trace_update(cell)
        self.prepare = trace_prepare(cell) if cell.values else None
        self.order = sorted(cell.gates, key=self._rank)
        self.place = {gate: place for place, gate in enumerate(self.order)}
        self.links = [(name, gate) for name, gates in cell.links().items() for gate in gates]
        self.row = {name: row for row, name in enumerate(["h", *cell.results[1:], *cell.values])}
        self.late = [gate for gate in cell.gates if gate not in cell.early_gates]
        prepared = [] if self.prepare is None else self.prepare.saved
        self.saved = [*(f"u_{x}" for x in self.update.saved), *(f"p_{x}" for x in prepared)]

    def _rank(self, gate: str) -> int:
        """Return a gate's group: fed by neither h nor x, by h alone, by both, by x alone."""
        by_h, by_x = (source in self.cell.sources(gate) for source in "hx")
        return 2 * by_x + (by_h != by_x)

    @property
    def fed_by_h_alone(self) -> list[str]:
        """Return the gates that h feeds, but not x: the first of those that h feeds."""
        return [gate for gate in self.fed_by("h") if "x" not in self.cell.sources(gate)]

    @property
    def sizes(self) -> dict[str, int]:
        """Return the numbers of the arrays, by the names that they have above."""
        return {
            "GATES": len(self.order),
            "SAVED": len(self.saved),
            "LINKS": len(self.links),
            "VECTORS": len(self.cell.vectors),
            "FROM_H": len(self.cell.gates_fed_by("h")),
            "OUTPUTS": len(self.cell.output_names),
        }

    def fed_by(self, source: str) -> list[str]:
        """Return the gates that a source feeds, in the order of memory."""
        return [gate for gate in self.order if source in self.cell.sources(gate)]
