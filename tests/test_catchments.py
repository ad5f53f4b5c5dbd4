"""Catchments: closed forms of choice, what anchoring holds fixed, and whose draws are whose."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.inbound.catchment import Catchment
from simulator.inbound.choices import Catchments, Choices, neighbours_of, prior
from simulator.inbound.gumbel import truncated
from simulator.model.streams import Streams

PLAIN = {"own": 0.0, "stray": 0.0, "insensitive": 0.0, "drift_per_day": 0.0}
LUCE = Catchments(anchored=False, neighbours=400, zipf=0.0, **PLAIN)


def network(settings, regions=3, provinces=4, exits=5, seed=1):
    """Regions, provinces and exits with random ways between them."""
    rng = np.random.default_rng(seed)
    named = [f"region-{r}" for r in range(regions)]
    sources, region, weight = neighbours_of(named, settings)
    return Choices(
        sources=sources,
        region=region,
        weight=weight,
        provinces=tuple(f"province-{p}" for p in range(provinces)),
        exits=tuple(f"exit-{e}" for e in range(exits)),
        metric_ms=rng.uniform(20.0, 70.0, (regions, provinces, exits)),
    )


def drawn(settings, seed=1, **sizes):
    return Catchment.drawn(network(settings, **sizes), settings, Streams(seed, 0))


def everywhere(choices, each=2):
    """All groups announced at all exits, each province in some groups."""
    province = np.repeat(np.arange(len(choices.provinces)), each)
    shape = len(province), len(choices.exits)
    return np.ones(shape, dtype=bool), np.zeros(shape, dtype=int), province, np.ones(shape[1], bool)


def natural(choices, province):
    return choices.natural[choices.region][:, province]


def assert_shares(found, expected, count):
    """Assert that shares of *count* independent choices are within three standard deviations."""
    allowed = 3 * np.sqrt(expected * (1 - expected) / count) + 1e-12
    assert (np.abs(found - expected) <= allowed).all(), (found, expected)


# -- closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("withdrawn", [[], [0], [2, 3]])
def test_exits_are_chosen_in_proportion_to_the_exponential_of_their_preference(withdrawn):
    catchment = drawn(LUCE, regions=1, provinces=1)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    announced[:, withdrawn] = False
    landed = catchment.lands(announced, prepends, province, up)
    weight = np.exp(prior(catchment.choices, LUCE)[0, 0]) * announced[0]
    found = np.bincount(landed[:, 0], minlength=5) / 400
    assert_shares(found, weight / weight.sum(), 400)


def test_prepends_scale_the_odds():
    settings = replace(LUCE, insensitive=0.3)
    catchment = drawn(settings, regions=1, provinces=1)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    prepends[0] = [0, 3, 1, 0, 2]
    sensitive = catchment.gamma > 0
    assert_shares(sensitive.mean(), np.array(0.7), 400)
    landed = catchment.lands(announced, prepends, province, up)[:, 0]
    for who, gamma in ((sensitive, 1.5), (~sensitive, 0.0)):
        weight = np.exp(prior(catchment.choices, settings)[0, 0] - gamma * prepends[0])
        found = np.bincount(landed[who], minlength=5) / who.sum()
        assert_shares(found, weight / weight.sum(), who.sum())


def test_truncated_variates_have_the_law_of_those_between_the_ends():
    rng = np.random.default_rng(3)
    every = -np.log(-np.log(rng.random(200_000)))
    some = every[(every > -0.5) & (every < 1.5)]
    made = truncated(rng.random(100_000), -0.5, np.array(1.5))
    assert made.min() >= -0.5 and made.max() <= 1.5
    assert abs(made.mean() - some.mean()) < 3 * some.std() * (1 / 1e5 + 1 / len(some)) ** 0.5
    assert truncated(np.array([0.0, 1.0]), -2000.0, np.array(-1900.0)).max() <= -1900.0


def test_own_tastes_follow_the_same_law():
    settings = replace(LUCE, own=1.0, neighbours=100)
    for anchored in (False, True):
        catchment = drawn(replace(settings, anchored=anchored), regions=1, provinces=4)
        announced, prepends, province, up = everywhere(catchment.choices, each=1)
        assert len(catchment.own) == 400
        first = catchment.lands(announced, prepends, province, up)
        value = prior(catchment.choices, settings)[0]
        if anchored:
            assert (first == natural(catchment.choices, province)).all()
            announced[np.arange(4), catchment.choices.natural[0]] = False
            first = catchment.lands(announced, prepends, province, up)
        for p in range(4):
            weight = np.exp(value[p]) * announced[p]
            assert_shares(np.bincount(first[:, p], minlength=5) / 100, weight / weight.sum(), 100)


def test_anchored_second_choices_of_one_province_follow_luce_without_the_first():
    """With a single province the tastes given the first choice have a closed form."""
    settings = replace(LUCE, anchored=True, neighbours=1000)
    catchment = drawn(settings, regions=1, provinces=1)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    announced[0, catchment.choices.natural[0, 0]] = False
    weight = np.exp(prior(catchment.choices, settings)[0, 0]) * announced[0]
    landed = catchment.lands(announced, prepends, province, up)[:, 0]
    assert_shares(np.bincount(landed, minlength=5) / 1000, weight / weight.sum(), 1000)


# -- where announcements have effect --------------------------------------------------------------


def test_without_strays_traffic_lands_where_it_is_announced_alone():
    catchment = drawn(Catchments(stray=0.0))
    announced, prepends, province, up = everywhere(catchment.choices)
    alone = np.random.default_rng(1).integers(0, 5, len(province))
    announced[:] = np.arange(5) == alone[:, None]
    assert (catchment.lands(announced, prepends, province, up) == alone).all()


def test_if_all_stray_traffic_stays_at_natural_exits_whatever_is_announced():
    catchment = drawn(Catchments(stray=1.0))
    announced, prepends, province, up = everywhere(catchment.choices)
    for seed in range(5):
        announced[:] = np.random.default_rng(seed).random(announced.shape) < 0.4
        landed = catchment.lands(announced, prepends, province, up)
        np.testing.assert_array_equal(landed, natural(catchment.choices, province))


def test_strays_land_at_the_natural_exit_at_the_chance_stated():
    settings = Catchments(stray=0.24, neighbours=100)
    catchment = drawn(settings)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    announced[:] = np.arange(5) == 3
    landed = catchment.lands(announced, prepends, province, up)
    home = natural(catchment.choices, province)
    assert ((landed == 3) | (landed == home)).all()
    # One draw of a source and an exit holds for all provinces: 300 draws.
    away = (home != 3).any(axis=1)
    missed = ((landed != 3) & (home != 3)).any(axis=1)[away].mean()
    assert_shares(missed, np.array(0.24), away.sum())


@pytest.mark.parametrize("settings", [Catchments(), Catchments(own=0.4, stray=0.5, tau_ms=1.0)])
def test_anchored_sources_land_at_natural_exits_if_all_is_announced(settings):
    for seed in range(3):
        catchment = drawn(settings, seed, provinces=8, exits=7)
        announced, prepends, province, up = everywhere(catchment.choices)
        landed = catchment.lands(announced, prepends, province, up)
        np.testing.assert_array_equal(landed, natural(catchment.choices, province))


def test_another_group_or_exit_that_is_not_chosen_changes_no_landing():
    catchment = drawn(Catchments())
    announced, prepends, province, up = everywhere(catchment.choices)
    announced[:] = np.random.default_rng(2).random(announced.shape) < 0.6
    before = catchment.lands(announced, prepends, province, up)
    np.testing.assert_array_equal(catchment.lands(announced, prepends, province, up), before)
    announced[0] = ~announced[0]
    after = catchment.lands(announced, prepends, province, up)
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])


def test_an_exit_without_a_way_or_down_is_not_chosen():
    settings = Catchments(stray=0.0)
    choices = network(settings)
    choices.metric_ms[0, :, 1] = np.inf
    choices.metric_ms[2, 3, :] = np.inf
    catchment = Catchment.drawn(choices, settings, Streams(1, 0))
    announced, prepends, province, up = everywhere(choices)
    up[0] = False
    announced[:] = np.arange(5) == 1
    landed = catchment.lands(announced, prepends, province, up)
    cut = (choices.region[:, None] == 2) & (province == 3)
    assert (landed[cut] == -1).all() and (landed[~cut] > 0).all()
    far = choices.region == 0
    assert (landed[far] != 1).all()
    assert (landed[~far][~cut[~far]] == 1).all()
    assert (catchment.lands(announced, prepends, province, np.zeros(5, bool)) == -1).all()


def test_arrivals_sum_to_one_over_the_exits():
    catchment = drawn(Catchments(own=0.5))
    announced, prepends, province, up = everywhere(catchment.choices)
    announced[::2, :3] = False
    landed = catchment.lands(announced, prepends, province, up)
    shares = catchment.arrivals(landed, province)
    np.testing.assert_allclose(shares.sum(axis=2), 1.0)
    by_hand = sum(
        catchment.choices.weight[s] / 2
        for s in np.flatnonzero(catchment.choices.region == 1)
        for g in (4, 5)
        if landed[s, g] == 3
    )
    assert shares[1, 2, 3] == pytest.approx(by_hand)
    landed[:, 0] = -1
    np.testing.assert_allclose(catchment.arrivals(landed, province)[:, 0].sum(axis=1), 0.5)


# -- draws ----------------------------------------------------------------------------------------


def test_another_source_or_province_changes_no_other_draw():
    few, more = Catchments(neighbours=3, own=0.3), Catchments(neighbours=4, own=0.3)
    one, other = drawn(few), drawn(more)
    same = [other.choices.sources.index(name) for name in one.choices.sources]
    np.testing.assert_array_equal(one.tastes, other.tastes[same])
    np.testing.assert_array_equal(one.heard, other.heard[same])
    np.testing.assert_array_equal(one.gamma, other.gamma[same])
    kept = {same[s]: s for s in range(len(same))}
    theirs = [n for n, (s, _) in enumerate(other.own) if s in kept]
    np.testing.assert_array_equal(one.own_tastes, other.own_tastes[theirs])

    loose = replace(few, anchored=False)
    larger = network(loose, provinces=5)
    smaller = larger._replace(provinces=larger.provinces[:4], metric_ms=larger.metric_ms[:, :4])
    one, other = (Catchment.drawn(c, loose, Streams(1, 0)) for c in (smaller, larger))
    np.testing.assert_array_equal(one.tastes, other.tastes)
    np.testing.assert_array_equal(one.own_tastes, other.own_tastes[other.own[:, 1] < 4])


def test_worlds_differ_by_replication():
    choices = network(Catchments())
    one, other = (Catchment.drawn(choices, Catchments(), Streams(1, n)) for n in (0, 1))
    assert (one.tastes != other.tastes).all()


@pytest.mark.parametrize("anchored", [True, False])
def test_drift_moves_tastes_at_its_rate(anchored):
    settings = Catchments(neighbours=60, own=0.2, drift_per_day=0.05, anchored=anchored)
    catchment = drawn(settings)
    still = catchment.drifted(0.0, np.random.default_rng(1))
    np.testing.assert_array_equal(still.tastes, catchment.tastes)
    np.testing.assert_array_equal(still.own_tastes, catchment.own_tastes)
    later = catchment.drifted(2.0, np.random.default_rng(1))
    for name in ("tastes", "own_tastes"):
        moved = getattr(later, name) != getattr(catchment, name)
        assert_shares(moved.mean(), np.array(1 - np.exp(-0.1)), moved.size)
    np.testing.assert_array_equal(later.heard, catchment.heard)
    landed = [each.lands(*everywhere(catchment.choices)) for each in (catchment, later)]
    assert 0 < (landed[0] != landed[1]).mean() < 0.5, "first choices may change too"


def test_sources_share_the_traffic_of_their_region():
    names, region, weight = neighbours_of(["a", "b"], Catchments(neighbours=3, zipf=1.0))
    assert names == ("a/1", "a/2", "a/3", "b/1", "b/2", "b/3")
    np.testing.assert_array_equal(region, [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(weight[:3] / weight[0], [1, 1 / 2, 1 / 3])
    np.testing.assert_allclose(weight.reshape(2, 3).sum(axis=1), 1.0)
