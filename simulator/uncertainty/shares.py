"""Shares: how much of the variance of an answer over worlds each assumption makes.

Two designs of n worlds are enough, however many assumptions there are. World i of the first takes
draw i of everything; world i of the second takes draw ``i + s`` (modulo n) of an assumption, with
another shift s for each. So world i of the second shares exactly one assumption with world ``i +
s`` of the first, and the covariance of their answers is the variance that this assumption makes
(replicated designs: Mara and Joseph, Journal of Statistical Computation and Simulation 78, 2008;
Tissot and Prieur, same journal 85, 2015).

An assumption of one value needs no covariance. Answers are fitted by least squares to its first
two Hermite polynomials in the standard normal score of the draw, which are orthonormal: the squares
of the coefficients are variances, exactly so where the answer is linear or quadratic in the score.
Covariances are then taken of what the fit leaves, which makes them the more exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from simulator.uncertainty.world import World

_SURE = 1.959963984540054
_LEAST_FREEDOM = 8
"""Worlds that the fit must leave over."""


class Shares(NamedTuple):
    """Shares of the variance of an answer.

    Attributes
    ----------
    share, half : ndarray, shape (assumptions,)
        Share, and half of its 95 % interval. A share that is zero may be found below it.
    rest : float
        What is left: assumptions that act together, and what the fit does not find.
    variance : float
        Variance of the answer over worlds.
    """

    share: np.ndarray
    half: np.ndarray
    rest: float
    variance: float


def designs(names: Sequence[str], count: int) -> tuple[list[World], list[World]]:
    """Return the worlds of both designs, *count* each.

    Raises
    ------
    ValueError
        There are not more worlds than assumptions.
    """
    if count <= len(names):
        raise ValueError(f"{len(names)} assumptions need more worlds than {count}")
    first = [World(number=1 + i) for i in range(count)]
    second = [
        World(own={name: 1 + (i + shift) % count for shift, name in enumerate(names, start=1)})
        for i in range(count)
    ]
    return first, second


def shares(
    names: Sequence[str], drawn: Mapping[str, np.ndarray], first: np.ndarray, second: np.ndarray
) -> Shares:
    """Return the shares of the variance that assumptions make.

    Parameters
    ----------
    names : sequence of str
        As given to :func:`designs`.
    drawn : mapping of str to ndarray, shape (worlds,)
        Of each assumption of one value, the share of the probability below it, by draw.
    first, second : ndarray, shape (worlds,)
        Answers in the worlds of both designs.

    Returns
    -------
    Shares
        NaN where an answer is not finite; zero where the answer is the same in all worlds.
    """
    count = len(first)
    answers = np.concatenate([first, second])
    if not np.isfinite(answers).all():
        unknown = np.full(len(names), np.nan)
        return Shares(unknown, unknown, np.nan, np.nan)
    scores = _scores(names, drawn, count)
    made, error, left = _fitted(len(names), scores, answers - answers.mean())
    own, other = left[:count], left[count:]
    for k, name in enumerate(names):
        if name not in drawn:
            product = np.roll(own, -(k + 1)) * other
            made[k] = product.mean()
            error[k] = product.std(ddof=1) / np.sqrt(count)
    spread = float((left**2).sum() / max(1, len(answers) - 1 - 2 * len(drawn)))
    total = sum(float(made[k]) for k, name in enumerate(names) if name in drawn) + spread
    if not total > 1e-24 * float((answers**2).mean()):
        nothing = np.zeros(len(names))
        return Shares(nothing, nothing, 0.0, 0.0)
    return Shares(made / total, _SURE * error / total, 1.0 - float(made.sum()) / total, total)


def share_words(low: float, share: float, high: float) -> str:
    """Return a share of the variance, or what it is below where it is not told apart from zero."""
    if np.isnan(share):
        return ""
    if low > 0 or not high > 0:
        return f"{100 * max(share, 0.0):.0f} %"
    return f"< {np.ceil(100 * high):.0f} %"


def _scores(
    names: Sequence[str], drawn: Mapping[str, np.ndarray], count: int
) -> dict[int, np.ndarray]:
    """Return the normal scores of both designs, by place of the assumption."""
    found = {}
    for k, name in enumerate(names):
        if name in drawn:
            score = ndtri(np.clip(drawn[name], 1e-6, 1 - 1e-6))
            found[k] = np.concatenate([score, np.roll(score, -(k + 1))])
    if 2 * len(found) > 2 * count - 1 - _LEAST_FREEDOM:
        raise ValueError(f"{len(found)} assumptions of one value need more worlds than {count}")
    return found


def _fitted(
    size: int, scores: Mapping[int, np.ndarray], answers: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the variance of each assumption that was fitted, its error, and what is left."""
    made, error = np.zeros(size), np.zeros(size)
    if not scores:
        return made, error, answers
    basis = [np.ones(len(answers))]
    for score in scores.values():
        basis += [score, (score**2 - 1.0) / np.sqrt(2.0)]
    matrix = np.stack(basis, axis=1)
    found, *_ = np.linalg.lstsq(matrix, answers, rcond=None)
    left = answers - matrix @ found
    noise = float(left @ left) / (len(answers) - matrix.shape[1])
    of_found = noise * np.diag(np.linalg.pinv(matrix.T @ matrix))
    for place, k in enumerate(scores):
        at = slice(1 + 2 * place, 3 + 2 * place)
        made[k] = float((found[at] ** 2 - of_found[at]).sum())
        error[k] = float(np.sqrt((4.0 * found[at] ** 2 * of_found[at]).sum()))
    return made, error, left
