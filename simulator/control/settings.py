"""The settings of the control loop: every knob of it.

Where a default comes from a published system, its entry below says so; the others are the
idealised value, so that an imperfection is there when a scenario asks for it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from simulator.base.schema import (
    Fraction,
    Name,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    Spread,
    checked,
)
from simulator.control.carriers.carrier import carrier as carriers
from simulator.control.predictors.last import Last
from simulator.control.predictors.predictor import predictor as predictors
from simulator.model.demands import TrafficClass

PieceShare = Annotated[float, Field(gt=0, le=1)]


@checked
class Hysteresis:
    """When the controller leaves routes alone: it acts from a high mark until below a low one.

    Defaults after Schlinker et al., Engineering Egress with Edge Fabric, SIGCOMM 2017.

    Attributes
    ----------
    high : float
        Predicted utilisation of an exit direction, under the routes in force, above which the
        controller begins to make new routes.
    low : float
        Utilisation that all of them must stay below for it to stop again.
    hold : int
        Cycles in a row for which they must.
    """

    high: Positive = 0.90
    low: Positive = 0.80
    hold: PositiveInt = 2

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low must not be above high, found {self.low} and {self.high}")


@checked
class Coverage:
    """How much of what could be steered the controller reaches.

    Attributes
    ----------
    share : float
        Share under control, from 0 to 1.
    of : str
        Of ``provinces``, those with most traffic first: all of a province's traffic or none, and
        no more provinces than the share allows. Or of ``traffic``: the same share of every demand,
        as with some of its prefixes.
    """

    share: Fraction = 1.0
    of: Literal["provinces", "traffic"] = "provinces"


@checked
class Pieces:
    """In what pieces the traffic of a demand can be moved.

    Attributes
    ----------
    count : int
        Pieces of every demand: its prefix groups, or the entries of the table that splits it.
    skew : float
        Exponent of the Zipf law of their sizes. 1.0 for prefix groups: traffic over prefixes is
        that uneven (Sarrar et al., Leveraging Zipf's Law for Traffic Offloading, CCR 2012). 0 for
        equal pieces, as hashing over table entries makes them: splits in multiples of 1/count.
    """

    count: PositiveInt = 16
    skew: NonNegative = 1.0


@checked
class Announcements:
    """Inbound steering: other networks choose the exit, and announcements only influence them.

    Without this block inbound traffic is steered as if the far side followed every decision, which
    is an upper bound.

    Attributes
    ----------
    every_s : float
        Seconds between changes of announcements. Operators change them by the half hour at most:
        routers damp prefixes that flap (RFC 2439).
    install_s : float
        Time until the Internet has followed: one to three minutes of BGP convergence (Labovitz et
        al., SIGCOMM 2000).
    group_share : float
        Share of a demand that can be moved as one piece: announced prefixes are coarse.
    stray : float
        Chance that traffic announced to an exit leaks to another one. 24 % after a withdrawal fall
        outside the three likeliest places (TIPSY, SIGCOMM 2022). Drawn once for every demand and
        exit: catchments hold for a replication, and the controller does not know them. Of
        ``plan: scheme``; with ``inbound`` the world says who strays.
    plan : str
        What is announced where. ``scheme``: what the scheme would steer at will, each group at one
        exit. The others need ``inbound``, and withdraw groups at exits or announce them there
        again. ``once``: one plan for the busy hour, before anything was seen. ``learn``: a new plan
        every cycle, by what landings so far have taught. ``know``: the same with perfect knowledge
        of what neighbours prefer, a bound.
    hold : int
        Cycles that a group rests after a change. After two hours next to nothing is left of the
        damping penalty of the last change (RFC 2439). Below half an hour penalties add up to where
        old defaults suppress, and ``check`` warns.
    max_groups : int
        Groups that change in a cycle at most. All may at once, rested or not, where an exit is
        above ``most``, and after a change of topology or capacity, which is answered at once.
    aim : float
        Utilisation above which a plan counts load as a cost. Below ``most`` by what noise and drift
        take.
    learned_days : int
        Days before the start in which ``learn`` and ``know`` have planned and seen landings of the
        expected traffic. Without any they start at a blank: all is announced everywhere.
    most : float
        Utilisation that no exit may reach within the next hour by a change, at a chance of 90 %.
    withdraw_by : str
        How a group is withdrawn at an exit. ``no_export``: it is announced again for our own
        routers alone, and what still arrives there gets home until the Internet has followed.
        ``withdrawal``: the exit has no route for it any more, and what still arrives is lost for
        ``install_s``. Measured on FRR routers: 45 of 3,637 packets lost in 0.14 s of convergence,
        none with no-export. Of the plans that need ``inbound``.
    prepends : int
        Prepends that a plan may put on the announcement of a group at an exit, or take from it
        again, as a softer move than a withdrawal: only neighbours that heed them leave. 0 for
        plans that withdraw and announce only. Of the plans that need ``inbound``.
    """

    every_s: Positive = 1800.0
    install_s: NonNegative = 90.0
    group_share: PieceShare = 0.25
    stray: Fraction = 0.24
    plan: Literal["scheme", "once", "learn", "know"] = "scheme"
    hold: NonNegativeInt = 4
    max_groups: PositiveInt = 10
    aim: NonNegative = 0.66
    most: Positive = 0.80
    learned_days: NonNegativeInt = 0
    withdraw_by: Literal["no_export", "withdrawal"] = "no_export"
    prepends: Annotated[int, Field(ge=0, le=3)] = 0

    def __post_init__(self) -> None:
        if self.withdraw_by == "withdrawal" and self.plan == "scheme":
            raise ValueError("withdraw_by: withdrawal needs plan once, learn or know")
        if self.prepends and self.plan == "scheme":
            raise ValueError("prepends need plan once, learn or know")


@checked
class LoopSettings:
    """How and how often routes are made and installed.

    Attributes
    ----------
    every_s : float
        Seconds between decisions on measured traffic; without it routes are made at the start and
        after topology changes only (static). SWAN and B4 decide every five minutes, Edge Fabric
        every 30 s.
    window_s : float
        Length of the measurement window; 0 for an instantaneous reading. A minute of flow samples
        is common practice.
    staleness_s : float
        Age of the end of that window when it is used.
    noise_sigma : float
        Sampling error: each measured demand is off by a lognormal factor of mean one. 0.05 to 0.3
        for sampled flows.
    telemetry_loss : float
        Chance that the report on a demand is missing in a cycle; the last one is used then.
    predict : Predictor
        What the traffic will be while the routes are in force: ``last`` (it stays as measured),
        ``ewma``, ``seasonal`` or ``window_peak``.
    compute_s : float or "measured"
        Time to compute routes: fixed, or what it takes on this machine. With ``measured`` two runs
        differ.
    hysteresis : Hysteresis, optional
        Leave routes alone while no exit is full; decide at every cycle when left out.
    max_moves : int, optional
        Most demands that go elsewhere in a cycle: those that relieve the fullest links most.
    max_moved_gbps : float, optional
        Most Gbps moved in a cycle: every demand goes that part of its way to the new routes. Of
        ``announcements``, as many whole groups as fit, those of the most urgent demands first; a
        group of more Gbps than this never moves.
    pieces : Pieces, optional
        Demands move in pieces, each on one path; in any shares when left out. Pieces are dealt out
        last: the caps above hold up to a piece a demand.
    carried_by : Carrier, optional
        What routers carry of a decision: ``tunnels``, ``ecmp_only``, ``prefix_groups`` or
        ``region``. Decisions are turned into it before they are installed, and only that is
        simulated. When left out they are carried as decided, in any shares and along any paths.
        Of what is steered directly; of ``announcements`` the Internet makes what it makes.
    install_s : float
        Time to install routes; the median when ``install_sigma`` is above zero. 1 to 10 s in FFC
        (SIGCOMM 2014).
    install_sigma : float
        Spread of the logarithm of the install time: above 0 it has a heavy tail, at 1.0 beyond ten
        times the median once in a hundred installs, as FFC reports.
    rule_ms : float
        Time that writing one forwarding entry adds; 0.1 to 1 ms a prefix in a router's table.
    update : str
        How new routes replace old ones. ``make_before_break``: old routes carry the traffic until
        all new ones are there. ``instant``: they are there as soon as they are computed.
        ``multi_step``: in ``1 / scratch - 1`` steps, each installed in its own time, so that no
        order of switching overloads a link that keeps ``scratch`` free (SWAN, SIGCOMM 2013). Not
        so after a change of topology, which is answered in one step, nor for ``announcements``.
    scratch : float
        Share of capacity that the scheme keeps free for ``multi_step`` updates.
    steers : tuple of str
        Traffic classes that are steered; the rest follows the static routes.
    services : tuple of str
        Services of these classes that are steered, by their names in ``traffic.services``; all of
        them when empty.
    coverage : Coverage
        How much of these classes the controller reaches.
    announcements : Announcements, optional
        Steer inbound traffic by announcements: coarser, slower and less certain.
    detect_s : float
        Time until a link that went up or down is noticed: 0.15 to 1 s by BFD, about 0.05 s by loss
        of light.
    converge_s : float
        Time from notice until the static routes have reconverged: 0.2 to some s for an IGP.
    local_repair_s : float, optional
        Time until the node before a dead link sends what arrives for it by its own next best way,
        until the static routes have reconverged or a controller has decided again (fast reroute,
        RFC 5714; a gateway falls back on its own IGP). It may fill that node's other links. Without
        it traffic on dead links is lost until then. Measured on FRR routers: 0 to 0.14 s.
    on_outage : str
        When the controller stops: ``fail_static`` leaves its routes in place, ``withdraw`` returns
        to the static routes.
    stale_limit_s : float, optional
        Time after which routes of a controller that has stopped are withdrawn after all.
    reset_s : float
        Of an event with ``how: killed``: time until the sessions are reset and traffic follows the
        static routes. Measured on FRR routers: 0.18 and 0.19 s.
    hold_s : float
        Of ``how: frozen``: hold time of the sessions. It runs from the last keepalive, which is up
        to a third of it old. Measured with 9 s, the least that is common: 7.3 to 8.8 s. RFC 4271
        suggests 90 s.
    stale_s : float
        Of ``how: graceful_restart``: time for which routers keep stale routes; usual defaults are
        120 s. Measured with 20 s: 19.96 s.
    """

    every_s: Positive | None = None
    window_s: NonNegative = 60.0
    staleness_s: NonNegative = 60.0
    noise_sigma: Spread = 0.05
    telemetry_loss: Fraction = 0.0
    predict: Annotated[Any, predictors.choice] = Last()
    compute_s: NonNegative | Literal["measured"] = 2.0
    hysteresis: Hysteresis | None = None
    max_moves: NonNegativeInt | None = None
    max_moved_gbps: NonNegative | None = None
    pieces: Pieces | None = None
    carried_by: Annotated[Any, carriers.choice] | None = None
    install_s: NonNegative = 5.0
    install_sigma: Spread = 0.0
    rule_ms: NonNegative = 0.0
    update: Literal["make_before_break", "instant", "multi_step"] = "make_before_break"
    scratch: PieceShare = 0.1
    steers: tuple[TrafficClass, ...] = ("international_out", "international_in")
    services: tuple[Name, ...] = ()
    coverage: Coverage = Coverage()
    announcements: Announcements | None = None
    detect_s: NonNegative = 1.0
    converge_s: NonNegative = 2.0
    local_repair_s: NonNegative | None = None
    on_outage: Literal["fail_static", "withdraw"] = "fail_static"
    stale_limit_s: NonNegative | None = None
    reset_s: NonNegative = 0.2
    hold_s: NonNegative = 9.0
    stale_s: NonNegative = 120.0
