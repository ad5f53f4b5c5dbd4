"""The door to HiGHS: one linear program, solved again after small changes.

A fresh :class:`Program` starts from the basis it is given and depends on nothing that was solved
before, so that the same problem gives the same answer to the last bit, in any process.

New columns and new costs leave a basis primal feasible, so that the primal simplex goes on from
there; new rows and bounds leave it dual feasible, and the dual simplex does. Where columns come in
rounds the dual alone takes ten times the iterations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError

INFINITE = highspy.kHighsInf
_BASIC, _LOWER = highspy.HighsBasisStatus.kBasic, highspy.HighsBasisStatus.kLower
_OPTIMAL, _INFEASIBLE = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible
_DUAL, _PRIMAL = 1, 4
_TOLERANCE = 1e-9
_LARGE = 1024.0


@dataclass(frozen=True, eq=False)
class Solution:
    """Outcome of a solve: ``optimal`` or ``infeasible``, values, and prices of the rows."""

    status: str
    values: np.ndarray
    prices: np.ndarray


class _Solver(highspy.Highs):
    """HiGHS without callbacks: setting them up prints a banner before output can be turned off."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


class Program:
    """Minimise ``cost @ x`` with ``row_lower <= matrix @ x <= row_upper`` and ``x >= lower``.

    Numbers should be of the order of one, as HiGHS works to absolute tolerances: rows are for the
    caller to scale. A column with a large number (a demand on a path over a link that is minute
    beside it) is scaled here, so that its largest is one; values and bounds are not.

    Parameters
    ----------
    cost, upper, lower : ndarray, shape (columns,)
        All *lower* are 0 when left out.
    matrix : csc_array, shape (rows, columns)
    row_lower, row_upper : ndarray, shape (rows,)
    basic_columns, basic_rows : ndarray of bool
        Basis to start from.
    always_dual : bool
        Whether the dual simplex solves it whatever has changed.
    """

    def __init__(
        self,
        *,
        cost: np.ndarray,
        upper: np.ndarray,
        matrix: sparse.csc_array,
        row_lower: np.ndarray,
        row_upper: np.ndarray,
        basic_columns: np.ndarray,
        basic_rows: np.ndarray,
        lower: np.ndarray | None = None,
        always_dual: bool = False,
    ) -> None:
        solver = _Solver()
        for option, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("primal_feasibility_tolerance", _TOLERANCE),
            ("dual_feasibility_tolerance", _TOLERANCE),
        ):
            solver.setOptionValue(option, value)
        self._scale = scale = column_scale(matrix)
        matrix, cost, upper = _scaled(matrix, scale), cost * scale, upper / scale
        lower = None if lower is None else lower / scale
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = matrix.shape[1], matrix.shape[0]
        program.col_cost_, program.col_upper_ = cost, upper
        program.col_lower_ = np.zeros(len(cost)) if lower is None else lower
        program.row_lower_, program.row_upper_ = row_lower, row_upper
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = matrix.indptr.astype(np.int32)
        program.a_matrix_.index_ = matrix.indices.astype(np.int32)
        program.a_matrix_.value_ = matrix.data
        if solver.passModel(program) == highspy.HighsStatus.kError:
            raise SimulatorError("HiGHS refused the program")
        basis = highspy.HighsBasis()
        basis.col_status, basis.row_status = _statuses(basic_columns), _statuses(basic_rows)
        basis.valid = True
        solver.setBasis(basis)
        self._solver = solver
        self._always_dual = always_dual
        self._strategy = _PRIMAL if basic_columns.any() else _DUAL
        self.columns = matrix.shape[1]

    def add(self, cost: np.ndarray, matrix: sparse.csc_array) -> None:
        """Add columns with values from zero up."""
        count, scale = matrix.shape[1], column_scale(matrix)
        self._scale = np.append(self._scale, scale)
        matrix, cost = _scaled(matrix, scale), cost * scale
        self._solver.addCols(
            count, cost, np.zeros(count), np.full(count, INFINITE), *_by_line(matrix)
        )
        self.columns += count
        self._strategy = _PRIMAL

    def add_rows(self, matrix: sparse.csr_array, upper: np.ndarray) -> None:
        """Add the rows ``matrix @ x <= upper``."""
        count = matrix.shape[0]
        scaled = sparse.csr_array(matrix * self._scale)
        self._solver.addRows(count, np.full(count, -INFINITE), upper, *_by_line(scaled))
        self._strategy = _DUAL

    def set_costs(self, cost: np.ndarray) -> None:
        """Replace all costs."""
        index = np.arange(self.columns, dtype=np.int32)
        self._solver.changeColsCost(self.columns, index, cost * self._scale)
        self._strategy = _PRIMAL

    def set_bounds(self, column: int, lower: float, upper: float) -> None:
        """Replace the bounds of one column."""
        scale = self._scale[column]
        self._solver.changeColBounds(column, lower / scale, upper / scale)
        self._strategy = _DUAL

    def set_rows(self, values: np.ndarray) -> None:
        """Set the first rows equal to *values*."""
        self._set_rows(0, values, values)

    def set_room(self, first: int, upper: np.ndarray) -> None:
        """Set upper ends of the rows from *first* on."""
        self._set_rows(first, np.full(len(upper), -INFINITE), upper)

    def _set_rows(self, first: int, lower: np.ndarray, upper: np.ndarray) -> None:
        index = np.arange(first, first + len(upper), dtype=np.int32)
        both = lower.astype(float), upper.astype(float)
        self._solver.changeRowsBounds(len(index), index, *both)  # type: ignore[attr-defined]
        self._strategy = _DUAL

    def solve(self) -> Solution:
        """Solve from the present basis.

        Raises
        ------
        SimulatorError
            HiGHS neither finds an optimum nor proves that there is none.
        """
        solver = self._solver
        strategy = _DUAL if self._always_dual else self._strategy
        solver.setOptionValue("simplex_strategy", strategy)
        solver.run()
        if solver.getModelStatus() not in (_OPTIMAL, _INFEASIBLE):
            # Once more from the slack basis: a bad basis is the usual reason.
            solver.clearSolver()
            solver.setOptionValue("simplex_strategy", _DUAL)
            solver.run()
        status = solver.getModelStatus()
        if status == _INFEASIBLE:
            return Solution("infeasible", np.empty(0), np.empty(0))
        if status != _OPTIMAL:
            raise SimulatorError(f"HiGHS stopped with {solver.modelStatusToString(status)}")
        solution = solver.getSolution()
        values = np.array(solution.col_value) * self._scale
        return Solution("optimal", values, np.array(solution.row_dual))


def column_scale(matrix: sparse.csc_array) -> np.ndarray:
    """Factor on every column, a power of two: 1 unless its largest number is above 1024."""
    column = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    largest = np.ones(matrix.shape[1])
    np.maximum.at(largest, column, np.abs(matrix.data))
    return np.where(largest > _LARGE, 2.0 ** -np.ceil(np.log2(largest)), 1.0)


def _scaled(matrix: sparse.csc_array, scale: np.ndarray) -> sparse.csc_array:
    if np.all(scale == 1.0):
        return matrix
    data = matrix.data * np.repeat(scale, np.diff(matrix.indptr))
    return sparse.csc_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _statuses(basic: np.ndarray) -> list[highspy.HighsBasisStatus]:
    return [_BASIC if each else _LOWER for each in basic.tolist()]


def _by_line(matrix: sparse.csc_array | sparse.csr_array) -> tuple[Any, ...]:
    """Number of entries, then starts, positions and values of the columns or rows to add."""
    starts, positions = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
    return matrix.nnz, starts, positions, matrix.data
