"""Beliefs: bounds hold, chances come true, and what contradicts them is recovered from."""

from dataclasses import replace

import numpy as np
import pytest
from test_catchments import drawn, everywhere, natural, network

from simulator.inbound.belief import Belief
from simulator.inbound.catchment import Catchment
from simulator.inbound.choices import Catchments
from simulator.inbound.gumbel import closed, unbounded
from simulator.model.streams import Streams

SURE = Catchments(own=0.0, stray=0.0)


def believed(catchment, particles=16, seed=5):
    rng = np.random.default_rng(seed)
    return Belief.at_start(catchment.choices, catchment.settings, rng, particles)


def seen(belief, catchment, announced, prepends, province, up):
    """Let the belief see where traffic lands; return the landings."""
    landed = catchment.lands(announced, prepends, province, up)
    belief.observe(landed, announced, prepends, province, up)
    return landed


def some(announced, seed, share=0.6):
    return np.random.default_rng(seed).random(announced.shape) < share


def assert_obeyed(belief):
    """Every particle obeys every bound, and all that follows from the bounds is among them."""
    tastes = belief.particles
    ahead = tastes[:, :, :, None] - tastes[:, :, None, :]
    assert (ahead >= belief.bounds - 1e-9).all()
    np.testing.assert_allclose(closed(belief.bounds), belief.bounds, atol=1e-9)


def assert_true(belief, catchment, who=slice(None)):
    """The tastes of the world obey every bound."""
    tastes = catchment.tastes[who]
    ahead = tastes[:, :, None] - tastes[:, None, :]
    assert (ahead >= belief.bounds[: len(catchment.tastes)][who] - 1e-9).all()


def test_closed_bounds_follow_from_one_another():
    bounds = unbounded(1, 4)
    bounds[0, 0, 1], bounds[0, 1, 2], bounds[0, 2, 0] = 1.0, -0.5, -2.0
    made = closed(bounds)[0]
    assert made[0, 2] == 0.5 and made[2, 1] == -1.0 and made[1, 0] == -2.5
    assert np.isneginf(made[3, :3]).all() and (np.diag(made) == 0).all()


@pytest.mark.parametrize("settings", [Catchments(), SURE, replace(SURE, anchored=False)])
def test_particles_always_obey_all_bounds(settings):
    catchment = drawn(settings, provinces=6)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    assert_obeyed(belief)
    for seed in range(6):
        seen(belief, catchment, some(announced, seed), prepends, province, up)
        assert_obeyed(belief)
        catchment = catchment.drifted(5.0, np.random.default_rng(seed))


def test_bounds_are_true_of_the_world_and_particles_land_where_traffic_was_seen():
    catchment = drawn(replace(SURE, insensitive=0.5), provinces=6)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    for seed in range(6):
        up = np.arange(5) != seed  # the last is all up
        tried = some(announced, seed)
        landed = seen(belief, catchment, tried, prepends, province, up)
        assert_true(belief, catchment)
        assert (belief.lands(tried, prepends, province, up) == landed).all()
        prepends = np.random.default_rng(seed).integers(0, 4, prepends.shape)
        seen(belief, catchment, tried, prepends, province, up)
        assert_true(belief, catchment)
        prepends = np.zeros_like(prepends)
    assert not belief.own.any() and not belief.deaf.any()


@pytest.mark.parametrize("insensitive", [0.0, 0.5, 1.0])
def test_prepends_teach_and_no_bound_that_they_give_is_untrue(insensitive):
    """Most particles land as was seen under prepends; before, as many as the chances say."""
    settings = replace(SURE, insensitive=insensitive, neighbours=40)
    catchment = drawn(settings, provinces=6)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    rng, right, guessed = np.random.default_rng(3), [], []
    for _ in range(6):
        prepends = np.where(rng.random(prepends.shape) < 0.3, 2, 0)
        guess = belief.lands(announced, prepends, province, up)
        landed = seen(belief, catchment, announced, prepends, province, up)
        assert_true(belief, catchment)
        assert_obeyed(belief)
        guessed.append((guess == landed).mean())
        right.append((belief.lands(announced, prepends, province, up) == landed).mean())
    assert min(right) > (0.95 if insensitive == 0.5 else 1.0 - 1e-12)
    if insensitive < 1.0:
        assert right[0] > guessed[0] and guessed[-1] > guessed[0]
    if insensitive == 0.5:
        heeds = catchment.gamma > 0
        known = belief.gamma[:, heeds].mean() - belief.gamma[:, ~heeds].mean()
        assert known > 0.5 * settings.per_prepend
    assert not belief.own.any() and not belief.deaf.any()


def test_particles_obey_all_bounds_under_prepends_and_drift_too():
    catchment = drawn(Catchments(), provinces=6)
    belief = believed(catchment)
    announced, _, province, up = everywhere(catchment.choices)
    for seed in range(6):
        prepends = np.where(some(announced, seed, 0.3), 3, 0)
        landed = seen(belief, catchment, some(announced, seed, 0.8), prepends, province, up)
        assert_obeyed(belief)
        before = belief.gamma.copy()
        told = some(announced, seed, 0.8), prepends, province, up
        belief.observe(landed, *told)
        np.testing.assert_array_equal(belief.gamma, before)
        assert (belief.lands(*told) == landed).mean() > 0.9
        catchment = catchment.drifted(1.0, np.random.default_rng(seed))


def test_one_landing_informs_all_provinces():
    catchment = drawn(replace(SURE, neighbours=50), regions=1, provinces=6)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    home = natural(catchment.choices, province)[0]
    away = announced & (np.arange(5) != home[:, None])
    guess = belief.lands(away, prepends, province, up)[:, :, 1:]
    first = announced.copy()
    first[0] = away[0]
    seen(belief, catchment, first, prepends, province, up)
    better = belief.lands(away, prepends, province, up)[:, :, 1:]
    truth = catchment.lands(away, prepends, province, up)[:, 1:]
    assert (better == truth).mean() > (guess == truth).mean() + 0.03


def test_after_every_pair_of_exits_was_compared_all_landings_are_known():
    catchment = drawn(replace(SURE, tau_ms=5.0), regions=2, provinces=3, exits=4)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    for state in range(1, 16):
        announced[:] = [state >> e & 1 for e in range(4)]
        seen(belief, catchment, announced, prepends, province, up)
    for seed in range(5):
        tried = some(announced, seed)
        landed = catchment.lands(tried, prepends, province, up)
        assert (belief.lands(tried, prepends, province, up) == landed).all()


# -- chances come true ----------------------------------------------------------------------------


def assert_reliable(chance, came_true, draws):
    """Of what is given a chance, so many come true, within three standard deviations."""
    edges = [0.02, 0.15, 0.35, 0.65, 0.85, 0.98]
    checked = 0
    for low, high in zip(edges, edges[1:], strict=False):
        these = (chance > low) & (chance <= high)
        if these.sum() >= 20:
            spread = chance[these] * (1 - chance[these])
            allowed = 3 * np.sqrt(spread.sum() * (1 + 1 / draws)) / these.sum()
            assert abs(came_true[these].mean() - chance[these].mean()) < allowed, (low, high)
            checked += 1
    assert checked >= 4


@pytest.mark.parametrize("tried", [0, 2])
def test_second_choices_come_true_at_the_chance_given(tried):
    """Each source counts with one province, as its provinces are not independent."""
    settings = replace(SURE, neighbours=250)
    choices = network(settings, regions=2, provinces=4, exits=6)
    draws = 200
    belief = Belief.at_start(choices, settings, np.random.default_rng(7), draws)
    catchment = Catchment.drawn(choices, settings, Streams(4, 0))
    announced, prepends, province, up = everywhere(choices, each=1)
    for p in range(tried):
        announced[p, choices.natural[:, p]] = False
        seen(belief, catchment, announced, prepends, province, up)
    announced[3, choices.natural[:, 3]] = False
    guess = belief.lands(announced, prepends, province, up)[:, :, 3]
    truth = catchment.lands(announced, prepends, province, up)[:, 3]
    chance = (guess[:, :, None] == np.arange(6)).mean(axis=0)
    assert_reliable(chance.ravel(), (truth[:, None] == np.arange(6)).ravel(), draws)


# -- what does not hear, and what is not as before ------------------------------------------------


def test_a_landing_outside_of_what_is_announced_proves_deafness():
    catchment = drawn(replace(SURE, stray=0.3))
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    for e in range(5):
        announced[:] = np.arange(5) == e
        landed = seen(belief, catchment, announced, prepends, province, up)
        assert (belief.lands(announced, prepends, province, up) == landed).all()
    never = ~(catchment.choices.natural[:, :, None] == np.arange(5)).all(axis=1)
    proven = never[catchment.choices.region]
    np.testing.assert_array_equal(belief.deaf[proven], ~catchment.heard[proven])
    np.testing.assert_array_equal(belief.hears[proven], catchment.heard[proven])
    assert_obeyed(belief)


def test_a_plan_expects_deafness_that_is_not_proven():
    catchment = drawn(replace(SURE, stray=0.3, neighbours=100))
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices, each=1)
    announced[:] = np.arange(5) == 2
    expected = (belief.lands(announced, prepends, province, up) != 2).mean()
    found = (catchment.lands(announced, prepends, province, up) != 2).mean()
    assert expected == pytest.approx(found, abs=3 * (0.3 * 0.7 / 300) ** 0.5)


def test_drift_is_recovered_from():
    catchment = drawn(replace(SURE, drift_per_day=0.2), provinces=6)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    tried = some(announced, 3)
    before = seen(belief, catchment, tried, prepends, province, up)
    catchment = catchment.drifted(2.0, np.random.default_rng(1))
    after = seen(belief, catchment, tried, prepends, province, up)
    assert (before != after).any()
    assert (belief.lands(tried, prepends, province, up) == after).all()
    assert_obeyed(belief)
    # What moved is known from now on; the bounds of these sources hold in the new world.
    assert_true(belief, catchment, (before != after).any(axis=1) & ~belief.own.any(axis=1))
    assert belief.own.mean() < 0.05


def test_own_tastes_are_found():
    settings = replace(SURE, own=0.2)
    catchment = drawn(settings, provinces=10)
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    for seed in range(8):
        tried = some(announced, seed, 0.5)
        landed = seen(belief, catchment, tried, prepends, province, up)
        assert (belief.lands(tried, prepends, province, up) == landed).all()
    truth = np.zeros(belief.own.shape, dtype=bool)
    truth[tuple(catchment.own.T)] = True
    assert (belief.own & truth).sum() > 0.5 * truth.sum()
    assert truth[belief.own].mean() > 3 * truth.mean()
    assert_obeyed(belief)


def test_a_belief_that_sees_nothing_does_not_learn_and_one_that_sees_nothing_new_does_not_change():
    catchment = drawn(Catchments())
    belief = believed(catchment)
    announced, prepends, province, up = everywhere(catchment.choices)
    start = belief.particles.copy()
    seen(belief, catchment, announced, prepends, province, up)  # natural exits, as known
    np.testing.assert_array_equal(belief.particles, start)
    tried = some(announced, 1)
    seen(belief, catchment, tried, prepends, province, up)
    after = belief.particles.copy()
    assert (after != start).any()
    seen(belief, catchment, tried, prepends, province, up)
    np.testing.assert_array_equal(belief.particles, after)
    belief.observe(np.full((30, 8), -1), tried, prepends, province, up)
    np.testing.assert_array_equal(belief.particles, after)


def test_beliefs_of_one_seed_are_the_same():
    catchment = drawn(Catchments())
    announced, prepends, province, up = everywhere(catchment.choices)
    one, other = believed(catchment), believed(catchment)
    for belief in (one, other):
        seen(belief, catchment, some(announced, 1), prepends, province, up)
    np.testing.assert_array_equal(one.particles, other.particles)


def test_draws_take_sources_to_have_tastes_of_their_own_until_they_land_otherwise():
    """As many as the chance says at the start; later only those that land as was seen."""
    settings = replace(SURE, own=0.2, neighbours=20)
    catchment = drawn(settings, provinces=6)
    belief = believed(catchment)
    shape = (len(belief.particles), *belief.row.shape)
    count = len(belief.particle_own.draw)
    chance, size = settings.own, np.prod(shape)
    assert abs(count - chance * size) < 4 * np.sqrt(size * chance * (1 - chance))
    announced, prepends, province, up = everywhere(catchment.choices)
    told = some(announced, 1, 0.6), prepends, province, up
    landed = seen(belief, catchment, *told)
    left = belief.particle_own
    assert 0 < len(left.draw) < count
    assert not belief.own[left.source, left.province].any()
    there = belief.lands(*told)[left.draw, left.source]
    mine = landed[left.source]
    right = (there == mine) | (mine < 0) | (province != left.province[:, None])
    assert right.all()


def test_without_own_tastes_no_draw_has_any():
    belief = believed(drawn(SURE, provinces=6))
    assert SURE.own == 0.0 and not len(belief.particle_own.draw)
