"""Every queue model against its closed form."""

import numpy as np
import pytest
import sources
from scipy import integrate

from simulator.queues.burst import Burst
from simulator.queues.fbm import FractionalBrownian
from simulator.queues.md1 import MD1
from simulator.queues.mg1 import MG1
from simulator.queues.mm1 import MM1
from simulator.queues.none import NoQueue
from simulator.queues.queue import queue

QUEUES = queue.names()
WAITING = [name for name in QUEUES if name != "none"]
RHO = np.array([0.5, 0.8, 0.9, 0.95])

#: Bytes and share of the packets in the simple Internet mix, 7:4:1.
IMIX = np.array([[40, 7 / 12], [576, 4 / 12], [1500, 1 / 12]])


def waits(model, rho, capacity=10.0):
    """Waits in units of the time to send a mean packet."""
    service_ms = model.packet_bytes * 8 / (capacity * 1e9) * 1e3
    return model.wait_ms(np.asarray(rho), np.asarray(capacity)) / service_ms


def test_all_models_are_known():
    assert set(QUEUES) >= {"none", "burst", "mm1", "md1", "mg1", "fbm"}


# -- closed forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("packet_bytes", [64.0, 800.0, 1500.0])
@pytest.mark.parametrize("capacity", [1.0, 10.0, 400.0])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_mm1_time_in_system(packet_bytes, capacity):
    """One service time more than the wait: 2, 5, 10, 20 service times."""
    model = MM1(packet_bytes=packet_bytes, buffer_ms=1e9)
    np.testing.assert_allclose(waits(model, RHO, capacity), RHO / (1 - RHO), rtol=1e-12)
    np.testing.assert_allclose(waits(model, RHO, capacity) + 1, [2, 5, 10, 20], rtol=1e-12)


@pytest.mark.reference(sources.TEXTBOOKS)
def test_md1():
    model = MD1(buffer_ms=1e9)
    np.testing.assert_allclose(waits(model, RHO), [0.5, 2, 4.5, 9.5], rtol=1e-12)


@pytest.mark.parametrize(("cv2", "wait"), [(4.0, 10.0), (3.0, 8.0), (1.0, 4.0), (0.0, 2.0)])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_mg1(cv2, wait):
    model = MG1(cv2=cv2, buffer_ms=1e9)
    np.testing.assert_allclose(waits(model, [0.8]), [wait], rtol=1e-12)
    by_moments = 0.8 * (1 + cv2) / (2 * (1 - 0.8))
    np.testing.assert_allclose(waits(model, [0.8]), [by_moments], rtol=1e-12)


@pytest.mark.reference(sources.TEXTBOOKS)
def test_mg1_lies_on_md1_and_mm1():
    rho, capacity = np.linspace(0, 1.2, 49), np.array(10.0)
    for cv2, other in ((0.0, MD1()), (1.0, MM1())):
        ours = MG1(cv2=cv2).wait_ms(rho, capacity)
        np.testing.assert_allclose(ours, other.wait_ms(rho, capacity), rtol=1e-12)


@pytest.mark.reference(sources.TEXTBOOKS)
def test_burst():
    rho = np.array([0.0, 0.5, 0.8, 0.9, 0.99, 0.9999, 1.0, 1.7])
    found = Burst(burst_ms=0.5, buffer_ms=50).wait_ms(rho, np.array(100.0))
    np.testing.assert_allclose(found, [0, 0.5, 2, 4.5, 49.5, 50, 50, 50], rtol=1e-9)
    by_default = Burst().wait_ms(rho, np.array(100.0))
    np.testing.assert_array_equal(by_default, found)


def test_none():
    np.testing.assert_array_equal(NoQueue().wait_ms(RHO, np.array(1.0)), 0)


@pytest.mark.parametrize("capacity", [1.0, 40.0])
@pytest.mark.parametrize("variance", [1e-5, 1e-3])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_norros_without_memory_is_brownian(capacity, variance):
    """At H = 1/2 the queue is exponential with mean a m / (2 (C - m))."""
    model = FractionalBrownian(hurst=0.5, variance_gbit=variance, buffer_ms=1e9)
    rate = RHO * capacity
    seconds = variance * rate / (2 * (capacity - rate)) / capacity
    found = model.wait_ms(RHO, np.array(capacity))
    np.testing.assert_allclose(found, seconds * 1e3, rtol=1e-12)


@pytest.mark.parametrize("rho", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("hurst", [0.5, 0.7, 0.8, 0.9])
@pytest.mark.reference(sources.TEXTBOOKS)
def test_norros_is_the_integral_of_the_overflow_probability(hurst, rho):
    capacity, variance = 10.0, 1e-3
    rate = rho * capacity
    kappa = hurst**hurst * (1 - hurst) ** (1 - hurst)

    def overflow(gbit):
        decay = (capacity - rate) ** (2 * hurst) / (2 * kappa**2 * variance * rate)
        return np.exp(-decay * gbit ** (2 - 2 * hurst))

    # With x = e^u the long tail of the integrand fits between fixed bounds.
    low, high = np.log(1e-30), np.log(1e8)
    points = np.linspace(low, high, 400_001)
    mean_gbit = integrate.trapezoid(overflow(np.exp(points)) * np.exp(points), points)
    found = FractionalBrownian(hurst=hurst, variance_gbit=variance, buffer_ms=1e12).wait_ms(
        np.array([rho]), np.array(capacity)
    )
    np.testing.assert_allclose(found, mean_gbit / capacity * 1e3, rtol=1e-6)


@pytest.mark.parametrize("hurst", [0.49, 1.0, 1.2])
def test_norros_refuses_an_impossible_memory(hurst):
    with pytest.raises(ValueError, match="Hurst"):
        FractionalBrownian(hurst=hurst)


# -- what all share ----------------------------------------------------------------------------


@pytest.mark.parametrize("capacity", [0.1, 100.0])
@pytest.mark.parametrize("buffer_ms", [0.0, 1e-4, 50.0])
@pytest.mark.parametrize("name", WAITING)
def test_from_empty_to_full(name, buffer_ms, capacity):
    model = queue.make(name, buffer_ms=buffer_ms)
    rho = np.array([0.0, 1e-9, *np.linspace(0.01, 0.99, 99), 1 - 1e-9, 1.0, 1 + 1e-9, 1.5, 40.0])
    found = model.wait_ms(rho, np.array(capacity))
    assert found.shape == rho.shape
    assert found[0] == 0
    assert (np.diff(found) >= 0).all()
    free = found < buffer_ms
    assert (np.diff(found[free]) > 0).all()
    assert (found <= buffer_ms).all()
    np.testing.assert_array_equal(found[rho >= 1], buffer_ms)


@pytest.mark.parametrize("name", QUEUES)
def test_shapes_broadcast(name):
    model = queue.make(name)
    rho = np.random.default_rng(1).uniform(0, 1.2, (4, 3))
    capacity = np.array([1.0, 10.0, 40.0, 100.0])[:, None]
    found = model.wait_ms(rho, capacity)
    assert found.shape == (4, 3)
    for i in range(4):
        for j in range(3):
            one = model.wait_ms(np.array(rho[i, j]), np.array(capacity[i, 0]))
            assert one.shape == ()
            assert one == pytest.approx(found[i, j], rel=1e-12)
    assert model.wait_ms(rho[:0], capacity[:0]).shape == (0, 3)
    assert model.wait_ms(0.5, 10.0) == pytest.approx(
        float(model.wait_ms(np.array([0.5]), np.array([10.0]))[0])
    )


@pytest.mark.parametrize("name", QUEUES)
def test_one_utilisation_on_many_capacities(name):
    capacity = np.array([1.0, 10.0, 100.0])
    found = queue.make(name).wait_ms(np.array(0.8), capacity)
    assert np.broadcast_to(found, (3,)).shape == (3,)
    np.testing.assert_allclose(
        np.broadcast_to(found, (3,)), queue.make(name).wait_ms(np.full(3, 0.8), capacity)
    )


@pytest.mark.parametrize("name", QUEUES)
def test_inputs_stay_as_they_are(name):
    rho, capacity = np.array([0.0, 0.5, 1.0, 2.0]), np.full(4, 10.0)
    rho.flags.writeable = capacity.flags.writeable = False
    queue.make(name).wait_ms(rho, capacity)


@pytest.mark.parametrize("name", ["mm1", "md1", "mg1"])
def test_packet_models_scale_with_the_packet_and_the_line(name):
    rho = np.array([0.1, 0.5, 0.9])
    base = queue.make(name, packet_bytes=400).wait_ms(rho, np.array(10.0))
    np.testing.assert_allclose(queue.make(name, packet_bytes=800).wait_ms(rho, 20.0), base)
    np.testing.assert_allclose(queue.make(name, packet_bytes=800).wait_ms(rho, 10.0), 2 * base)


# -- the trap ----------------------------------------------------------------------------------


def test_packets_do_not_wait_on_a_100g_port():
    """At 90 % of 100 Gbps a packet waits for microseconds at most: below 2 here."""
    size, share = IMIX.T
    mean = float(size @ share)
    cv2 = float((size**2) @ share) / mean**2 - 1
    two_us = 2e-3
    for model in (
        MM1(packet_bytes=mean),
        MD1(packet_bytes=mean),
        MG1(packet_bytes=mean, cv2=cv2),
        MM1(),
        MG1(),
    ):
        wait = float(model.wait_ms(np.array(0.9), np.array(100.0)))
        assert 0 < wait < two_us
    assert 1e3 * float(MM1(packet_bytes=mean).wait_ms(0.9, 100.0)) == pytest.approx(
        9 * mean * 8 / 1e5
    )
