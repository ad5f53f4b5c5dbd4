"""PlanSettings: what a plan of announcements aims for."""

from __future__ import annotations

from simulator.base.schema import Fraction, NonNegative, NonNegativeInt, Positive, checked


@checked
class PlanSettings:
    """What a plan aims for.

    Attributes
    ----------
    theta : float
        Utilisation above which load costs. Below the target by what noise of 8 % and drift take:
        the evening peaks of 20 worlds of china169-2017 are 0.73 to 0.74 on average with 0.66.
    target : float
        Utilisation that what comes soon must not exceed, unless it would without changes too.
    latency_weight : float
        Cost of a Gbps with a detour of a ms. On china169-2017, 0.001 costs 6 ms of mean inbound
        latency over shortest paths.
    least_gain : float
        A change must lower the cost by more than this, in Gbps, so that noise causes none.
    quantile : float
        Chance that utilisation stays within what the guard predicts.
    prepends : int
        Prepends that a plan may put on an announcement, all of them at once, or take from it again.
        Only sources that heed them move, so that part of a group does. 0 for plans that withdraw
        and announce only.
    """

    theta: NonNegative = 0.66
    target: Positive = 0.80
    latency_weight: NonNegative = 0.001
    least_gain: NonNegative = 0.05
    quantile: Fraction = 0.9
    prepends: NonNegativeInt = 0
