"""Damping: the penalty of a prefix group that changes again and again, in closed form.

A router with route flap damping adds a penalty for every update of a route and lets the sum decay
by half each half-life. Above a limit it suppresses the route until the sum has decayed (RFC 2439).
"""

from __future__ import annotations

from math import inf, log2

PENALTY = 1000.0
"""Penalty of a withdrawal, of all vendors (RFC 7196)."""
ATTRIBUTE_PENALTY = 500.0
"""Penalty of a route that is replaced by another one, of all vendors (RFC 7196)."""
HALF_LIFE_S = 900.0
"""15 minutes, the default of all vendors (RFC 7196)."""
SUPPRESS = 2000.0
"""Old default limit of Cisco, and of FRR today; Juniper has 3000. At least 9 % of networks damp,
most of them with such a default (Gray et al., IMC 2020)."""
RFC7196_SUPPRESS = 6000.0
"""Least limit that RFC 7196 recommends."""
HUNTED_PENALTY = (ATTRIBUTE_PENALTY + PENALTY) / 2
"""Mean penalty of the two updates of a withdrawal that a longer path precedes."""


def steady_peak(
    period_s: float,
    updates: float = 2.0,
    penalty: float = PENALTY,
    half_life_s: float = HALF_LIFE_S,
) -> float:
    """Return the largest penalty of a group that changes every *period_s* for ever.

    A geometric series: k p (1 + q + q^2 + ...), where q = 2^(-period / half-life) is what is left
    of a penalty one change later. The updates of one change come within seconds, so that nothing
    decays between them. Source: RFC 2439, section 4.

    Parameters
    ----------
    period_s : float
        Seconds between changes, above 0.
    updates : float
        Updates of a change that a neighbour hears. Two: path hunting leads a network that is not
        adjacent over a longer path first (Mao et al., SIGCOMM 2002).
    penalty : float
        Mean penalty of these updates.
    half_life_s : float

    Returns
    -------
    float
    """
    return penalty * updates / (1.0 - 2.0 ** (-period_s / half_life_s))


def is_suppressed(
    period_s: float,
    limit: float = SUPPRESS,
    updates: float = 2.0,
    penalty: float = HUNTED_PENALTY,
    half_life_s: float = HALF_LIFE_S,
) -> bool:
    """Return whether a group that changes every *period_s* is suppressed at some time.

    By default a change has two updates: a longer path (500), then a withdrawal (1000). With 1000
    for both the question would have no answer at the old limit of 2000. Their sum is at the limit
    after a single change, so that no rest keeps a group below it. That is why RFC 7196 recommends
    6000, and it is no reason to warn of one period and not of another. An adjacent network hears
    one update, of 1000 at the most, and counts less. A network that hears three or more counts
    2000 or more whatever the rest.

    Parameters
    ----------
    period_s : float
    limit : float
        `SUPPRESS` of old defaults, or `RFC7196_SUPPRESS`.
    updates, penalty, half_life_s : float
        As in `steady_peak`.
    """
    return steady_peak(period_s, updates, penalty, half_life_s) > limit


def least_period_s(
    limit: float = SUPPRESS,
    updates: float = 2.0,
    penalty: float = HUNTED_PENALTY,
    half_life_s: float = HALF_LIFE_S,
) -> float:
    """Return the least period at which a group that changes for ever is not suppressed.

    It is half an hour by default.

    Parameters
    ----------
    limit, updates, penalty, half_life_s : float
        As in `is_suppressed`.

    Returns
    -------
    float
        Seconds; infinite where a single change is at the limit.
    """
    once = updates * penalty
    return -half_life_s * log2(1.0 - once / limit) if once < limit else inf
