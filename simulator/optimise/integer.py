"""Integer programs: one call to HiGHS, with a value, a bound and nothing printed."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from simulator.base.errors import SimulatorError

_STATUS = highspy.HighsModelStatus
_NO_PLAN = (_STATUS.kInfeasible, _STATUS.kUnboundedOrInfeasible)
_STOPPED = (_STATUS.kOptimal, _STATUS.kSolutionLimit, _STATUS.kIterationLimit)
MOST_NODES = 100_000
"""Nodes of a search tree; a limit in time would give other answers on other machines."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Values of the columns, their cost, and a bound below the cost of all others."""

    columns: np.ndarray
    cost: float
    bound: float


def solve(
    cost: np.ndarray,
    matrix: sparse.csr_array,
    lower: np.ndarray,
    upper: np.ndarray,
    most: np.ndarray,
    *,
    least: np.ndarray | None = None,
    whole: np.ndarray | None = None,
    gap: float = 0.0,
    nodes: int = MOST_NODES,
    tolerance: float = 1e-7,
) -> Outcome | None:
    """Minimise ``cost @ x`` with ``lower <= matrix @ x <= upper`` and ``least <= x <= most``.

    Parameters
    ----------
    least : ndarray, optional
        All 0 when left out.
    whole : ndarray of bool, optional
        Columns that are whole numbers; none when left out.
    gap : float
        Part of the cost that need not be proven.
    nodes : int
        Nodes of the search tree after which the best so far is taken.
    tolerance : float
        By which a whole number may be off.

    Returns
    -------
    Outcome or None
        None where no columns meet all rows.

    Raises
    ------
    SimulatorError
        HiGHS stops without either.
    """
    solver = highspy.Highs.__new__(highspy.Highs)
    super(highspy.Highs, solver).__init__()  # without callbacks, which print a banner
    for option, value in (
        ("output_flag", False), ("log_to_console", False), ("threads", 1), ("random_seed", 0),
        ("mip_rel_gap", gap), ("mip_abs_gap", 1e-9), ("mip_max_nodes", nodes),
        ("mip_feasibility_tolerance", tolerance),
        ("primal_feasibility_tolerance", min(1e-8, tolerance)),
    ):  # fmt: skip
        solver.setOptionValue(option, value)
    model = _model(cost, matrix, lower, upper, most, whole)
    if least is not None:
        model.col_lower_ = least
    solver.passModel(model)
    solver.run()
    status = solver.getModelStatus()
    if status in _NO_PLAN:
        return None
    info = solver.getInfo()
    values = np.array(solver.getSolution().col_value)
    if status not in _STOPPED or not len(values) or not np.isfinite(info.objective_function_value):
        raise SimulatorError(f"HiGHS stopped with {solver.modelStatusToString(status)}")
    value = float(info.objective_function_value)
    return Outcome(values, value, value if whole is None else float(info.mip_dual_bound))


def _model(
    cost: np.ndarray,
    matrix: sparse.csr_array,
    lower: np.ndarray,
    upper: np.ndarray,
    most: np.ndarray,
    whole: np.ndarray | None,
) -> highspy.HighsLp:
    model, by_row = highspy.HighsLp(), sparse.csr_array(matrix)
    model.num_col_, model.num_row_ = by_row.shape[1], by_row.shape[0]
    model.col_cost_, model.col_lower_, model.col_upper_ = cost, np.zeros(len(cost)), most
    model.row_lower_, model.row_upper_ = lower, upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = by_row.indptr.astype(np.int32)
    model.a_matrix_.index_ = by_row.indices.astype(np.int32)
    model.a_matrix_.value_ = by_row.data
    if whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(each)] for each in whole]
    return model
