"""Least MLU of public cases against another formulation's, and against published values.

The expected values come from one linear program aggregated by destination; the scheme prices in
paths. REPETITA also scaled its Topology Zoo demands so that the least MLU is 0.9 (Gay, Schaus and
Vissicchio, arXiv 1710.08665).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import sources
import third_party
from numpy.testing import assert_allclose
from third_party import CASES, FIGURES, LARGE, SOLVED, Case, numbers

from simulator.model.routes import link_loads
from simulator.routing.min_max import MinMax

pytestmark = third_party.needed

SLOW = (*LARGE, "2015DEFO-rf3967_real_hard", "geant-20050505", "geant-20050506")


def test_no_figure_is_left_out():
    found = Counter()
    for case in CASES:
        found.update({key: len(numbers(value)) for key, value in case.figures.items()})
    assert +found == {
        "n": 2 + 2,
        "total_min_mean_max": 3 * (2 + 2),
        "total": 2 + 19,
        "opt_mlu": 24 * (2 + 2) + 3 + 19,
        # Checked in test_third_party_ecmp.py.
        "ecmp_mlu": 2 * (2 * 288 + 2 * 96),
        "ecmp_mlu_max": 2 * (2 + 2),
        "ecmp_mlu_mean": 2 * (2 + 2),
        "ecmp_hop_mlu": 3,
        "ecmp_dist_mlu": 2,
        "ecmp_mlu_given_weights": 19,
    }
    assert found.total() == len(numbers(FIGURES))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_matrices_are_the_ones_that_the_figures_are_of(case):
    totals = case.rates.sum(axis=1)
    if "n" in case.figures:
        assert len(totals) == case.figures["n"]
        found = totals.min(), totals.mean(), totals.max()
        assert_allclose(found, case.figures["total_min_mean_max"], atol=5e-5, rtol=5e-6)
    else:
        assert len(totals) == 1
        assert totals.iloc[0] == case.figures.get("total", totals.iloc[0])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=case.name,
            marks=(pytest.mark.slow, pytest.mark.timeout(1800)) if case.name in SLOW else (),
        )
        for case in CASES
    ],
)
@pytest.mark.reference(sources.THIRD_PARTY)
def test_the_least_mlu(case: Case):
    expected = case.figures["opt_mlu"]
    times = list(expected) if isinstance(expected, dict) else list(case.rates.index)
    network, found = case.network(), []
    for time in times:
        demands = case.demands(network, time)
        routes = MinMax().route(network, demands)
        certificate = routes.certificate
        assert certificate.status == "optimal"
        assert certificate.gap < (1e-5 if case.name in LARGE else 1e-6)
        # The routes do what their certificate says, for all of the traffic.
        assert_allclose(routes.served, 1.0, atol=1e-9)
        used = link_loads(routes, demands)["utilisation"].max()
        assert used == pytest.approx(certificate.mlu, rel=SOLVED)
        found.append(certificate.mlu)
    assert len(found) == len(numbers(expected))
    assert_allclose(found, numbers(expected), **case.tolerance)
    if case.name.startswith(("inverseCapacity", "unary")):
        assert 0.898 <= np.min(found) <= 0.9001
