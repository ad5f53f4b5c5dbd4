"""Plans: equal to trying everything, laws that any plan keeps, and figures as published."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from risk_networks import carried, flow_graph, random_border, vertices

import simulator as sim
from simulator.base.errors import InputError
from simulator.model.reliability import elements_of

WAYS = {"out": "international_out", "in": "international_in"}
NOW = {"count": 1, "months": 0}
TARGET = 0.8


def asked(*offers, **keys):
    """Upgrades for traffic as it is, without limits on latency; keywords go before."""
    base = {
        "offers": list(offers), "periods": NOW, "growth": {"per_year": 0.0}, "stretch_ms": None,
        "failures": ["cables"], "demand": {"set": "busy_hour"},
    }  # fmt: skip
    return {**base, **keys}


def circuit(link, price, gbps=5.0, most=3, **keys):
    return {"kind": "circuit", "on": [link], "module_gbps": gbps, "price": price, "most": most,
            **keys}  # fmt: skip


def row_of(answer, strategy):
    frame = answer.tables["plans"]
    return frame[frame["strategy"] == strategy].iloc[0]


def cost(network, demands, scheme="min_max", **upgrades):
    return row_of(sim.plan(network, demands, scheme=scheme, upgrades=upgrades), scheme)["cost"]


# -- trying everything ----------------------------------------------------------------------------


def sums_of(network, demands, way):
    part = demands.take(demands.of_class(WAYS[way]))
    ends, homes = (part.target, part.source) if way == "out" else (part.source, part.target)
    sums = {network.nodes[r]: float(part.gbps[ends == r].sum()) for r in np.unique(ends)}
    return sums, {network.nodes[h] for h in np.unique(homes)}


def holds(network, demands, box=0.0, total=1.0):
    """Whether flows of all corners fit through exits at the target, in every single failure."""
    faults = [each.fault for each in elements_of(network, None, ("cables",))]
    exits = {network.links[i] for i in network.exits}
    lower = {link: {"capacity_gbps": TARGET * network.attributes(link)["capacity_gbps"]}
             for link in exits}  # fmt: skip
    for fault in (None, *faults):
        after = network.with_links(lower).after([fault] if fault else [])
        for way in WAYS:
            sums, homes = sums_of(network, demands, way)
            graph, base = flow_graph(after, way, homes), np.array(list(sums.values()))
            for point in vertices(base, box, total):
                if carried(graph, dict(zip(sums, point, strict=True))) < point.sum() - 1e-6:
                    return False
    return True


def raised(network, more):
    links = {link: {"capacity_gbps": network.attributes(link)["capacity_gbps"] + gbps}
             for link, gbps in more.items() if gbps}  # fmt: skip
    return network.with_links(links)


def three_exits(network):
    return [network.links[i] for i in network.exits][:3]


NEEDY = [(0, 0.9), (0, 1.1), (0, 1.3), (0, 1.5), (2, 1.3), (2, 1.5), (4, 0.9), (4, 1.1), (7, 1.3),
         (7, 1.5), (10, 1.5), (13, 1.1), (13, 1.3), (13, 1.5)]  # fmt: skip
"""Seeds, and factors on their traffic at which something has to be bought, or nothing will do."""


@pytest.mark.parametrize(("seed", "factor"), NEEDY)
def test_a_plan_equals_the_best_of_all_orders(seed, factor):
    network, demands = random_border(seed)
    demands = demands.scaled(factor)
    links, prices = three_exits(network), [7.0, 4.0, 5.0]
    best = math.inf
    for counts in itertools.product(range(4), repeat=3):
        price = float(np.dot(counts, prices))
        more = {link: 5.0 * count for link, count in zip(links, counts, strict=True)}
        if price < best and holds(raised(network, more), demands):
            best = price
    offers = [circuit(link, price) for link, price in zip(links, prices, strict=True)]
    if math.isinf(best):
        with pytest.raises(InputError, match="no plan keeps every exit below 80 %.* Gbps short"):
            sim.plan(network, demands, scheme="min_max", upgrades=asked(*offers))
        return
    row = row_of(sim.plan(network, demands, scheme="min_max", upgrades=asked(*offers)), "min_max")
    assert row["cost"] == row["bound"] == pytest.approx(best) and row["gap"] == 0.0
    assert row["cost"] > 0 and row["greedy_cost"] >= row["cost"]
    assert row["verified"] == "yes" and row["utilisation"] <= TARGET + 1e-6


@pytest.mark.parametrize(
    ("seed", "factor", "budget"),
    [(0, 0.75, [9.0, 40.0]), (0, 0.75, [12.0, 17.0]), (0, 0.75, [5.0, 40.0]), (4, 0.62, [40.0, 40.0]),
     (7, 0.85, [6.0, 40.0]), (7, 0.85, [40.0, 12.0]), (13, 0.75, [11.0, 40.0])],
)  # fmt: skip
def test_two_periods_with_a_budget_equal_the_best_of_all_orders(seed, factor, budget):
    """Growth of 30 %: the target holds at the end of both years, within each year's budget."""
    network, demands = random_border(seed)
    demands = demands.scaled(factor)
    links, prices = three_exits(network), [6.0, 5.0, 4.0]
    best, known = math.inf, {}

    def fits(counts, factor):
        if (counts, factor) not in known:
            more = {link: 5.0 * c for link, c in zip(links, counts, strict=True)}
            known[counts, factor] = holds(raised(network, more), demands.scaled(factor))
        return known[counts, factor]

    for first in itertools.product(range(3), repeat=3):
        for second in itertools.product(range(3), repeat=3):
            each = [float(np.dot(x, prices)) for x in (first, second)]
            both = tuple(a + b for a, b in zip(first, second, strict=True))
            if sum(each) >= best or max(both) > 3 or each[0] > budget[0] or each[1] > budget[1]:
                continue
            if fits(first, 1.3) and fits(both, 1.69):
                best = sum(each)
    offers = [circuit(link, p, lead_months=12) for link, p in zip(links, prices, strict=True)]
    up = asked(*offers, periods={"count": 2, "months": 12}, growth={"per_year": 0.3},
               budget_each=budget)  # fmt: skip
    if math.isinf(best):
        row = row_of(sim.plan(network, demands, scheme="min_max", upgrades=up), "min_max")
        assert row["target"] > TARGET and "more than the budget" in row["status"]
        return
    row = row_of(sim.plan(network, demands, scheme="min_max", upgrades=up), "min_max")
    assert row["cost"] == pytest.approx(best) and row["verified"] == "yes"


@pytest.mark.parametrize(("seed", "factor"), [(0, 0.85), (4, 0.8), (7, 1.1), (13, 0.95)])
def test_a_plan_for_a_box_equals_the_best_of_all_orders_at_all_corners(seed, factor):
    network, demands = random_border(seed)
    demands = demands.scaled(factor)
    links, prices = three_exits(network), [7.0, 4.0, 5.0]
    best = math.inf
    for counts in itertools.product(range(4), repeat=3):
        price = float(np.dot(counts, prices))
        more = {link: 5.0 * count for link, count in zip(links, counts, strict=True)}
        if price < best and holds(raised(network, more), demands, box=0.3, total=1.1):
            best = price
    offers = [circuit(link, price) for link, price in zip(links, prices, strict=True)]
    up = asked(*offers, demand={"set": "box", "box": 0.3, "total": 1.1})
    assert 0 < best < math.inf
    assert cost(network, demands, **up) == pytest.approx(best)
