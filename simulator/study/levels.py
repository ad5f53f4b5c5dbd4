"""Levels: service as planners write it, and whether what arrives meets it.

``95 %``
    of the demand of a scope is carried
``region-japan 10 Gbps``
    are carried
``beijing>pop-tokyo p95 40 ms``
    95 % of what arrives takes 40 ms or less, and something arrives

each of ``all`` traffic, of a class, a region or node abroad, a pair, or of ``every`` region at
once; and after it, if asked, for how much of the time: ``region-japan 10 Gbps 99.9 %``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.base.errors import InputError, Problem, did_you_mean
from simulator.model.demands import CLASSES, Demands
from simulator.model.network import Network

EVERY, ALL = "every", "all"
DEFAULTS = ("100 %", "95 %", "80 %")
_FILLERS = re.compile(r"\b(available|of demand|carried|at most|at least)\b|<=|>=")
_LEVEL = re.compile(
    r"(?:(?P<scope>\S+) )?(?:(?P<share>[\d.]+) ?%|(?P<gbps>[\d.]+) ?Gbps"
    r"|p(?P<part>\d+) (?P<ms>[\d.]+) ?ms)(?: (?P<required>[\d.]+) ?%)?"
)
_SLACK = 1e-9


@dataclass(frozen=True)
class Level:
    """A level of service.

    Attributes
    ----------
    scope : str
        ``all``, ``every``, a class, a node abroad, or a pair ``A>B``.
    kind : str
        ``share``, ``gbps`` or ``ms``.
    least : float
        Share, Gbps, or at most so many ms.
    part : float
        Of a latency: share of the traffic that it holds for.
    required : float
        Share of time that is asked for; NaN where none is.
    """

    scope: str
    kind: str
    least: float
    part: float = 0.95
    required: float = float("nan")

    def __str__(self) -> str:
        if self.kind == "share":
            return f"{100 * self.least:g} %"
        if self.kind == "gbps":
            return f"{self.least:g} Gbps"
        return f"p{100 * self.part:g} {self.least:g} ms"


def parse(text: str) -> Level | str:
    """Return a level, or what is wrong with the words; without a scope it is of ``""``."""
    plain = " ".join(_FILLERS.sub(" ", text).split())
    found = _LEVEL.fullmatch(plain)
    if not found:
        return (
            f"expected a level such as 95 %, 'region-japan 10 Gbps 99.9 %' or 'A>B p95 40 ms',"
            f" found {text!r}"
        )
    required = round(float(found["required"]) / 100.0, 12) if found["required"] else float("nan")
    scope = found["scope"] or ""
    if found["share"]:
        least = round(float(found["share"]) / 100.0, 12)
        return Level(scope, "share", least, required=required) if 0 < least <= 1 else (
            f"expected a share above 0 and up to 100 %, found {text!r}"
        )  # fmt: skip
    if found["gbps"]:
        return Level(scope, "gbps", float(found["gbps"]), required=required)
    return Level(scope, "ms", float(found["ms"]), int(found["part"]) / 100.0, required)


class Scopes:
    """Groups of demands that levels are about.

    Parameters
    ----------
    network : Network
    demands : Demands
        Those that count.
    """

    def __init__(self, network: Network, demands: Demands) -> None:
        self._network, self._demands = network, demands
        abroad = network.is_abroad
        far = np.where(abroad[demands.target], demands.target, demands.source)
        crosses = abroad[demands.target] | abroad[demands.source]
        self.regions = np.unique(far[crosses]).tolist()
        masks = {ALL: np.ones(len(demands), dtype=bool)}
        classes = [name for name in CLASSES if demands.of_class(name).any()]
        if len(classes) > 1:
            masks |= {name: demands.of_class(name) for name in classes}
        masks |= {network.nodes[end]: crosses & (far == end) for end in self.regions}
        self.masks = masks

    def mask(self, scope: str) -> np.ndarray:
        """Return which demands a scope has.

        Raises
        ------
        InputError
            There is none of this name.
        """
        if scope in self.masks:
            return self.masks[scope]
        nodes, demands = self._network.nodes, self._demands
        source, arrow, target = scope.partition(">")
        if arrow:
            pairs = [f"{nodes[s]}>{nodes[t]}" for s, t in
                     zip(demands.source, demands.target, strict=True)]  # fmt: skip
            mask = np.array([pair == scope for pair in pairs])
            if mask.any():
                return mask
            known = pairs
        else:
            known = [*self.masks, EVERY]
        hint = did_you_mean(scope, known)
        raise InputError([Problem("", None, None, "level", f"no traffic named {scope!r}{hint}")])

    def spread(self, levels: Sequence[Level]) -> list[Level]:
        """Return levels with scopes: one without any is of all scopes."""
        made = []
        for each in levels:
            scopes = (
                [each.scope] if each.scope else [*self.masks, *([EVERY] if self.regions else [])]
            )
            for scope in scopes:
                if scope != EVERY:
                    self.mask(scope)
                made.append(Level(scope, each.kind, each.least, each.part, each.required))
        return made


class Judge:
    """Says at which states levels are met.

    Parameters
    ----------
    scopes : Scopes
    levels : sequence of Level
        With scopes.
    """

    def __init__(self, scopes: Scopes, levels: Sequence[Level]) -> None:
        self.levels = list(levels)
        self.scopes = list(scopes.masks)
        self._rows = np.array([scopes.masks[name] for name in self.scopes], dtype=float)
        self._every = [scopes.masks[name] for name in self.scopes
                       if name not in (ALL, *CLASSES)] or [scopes.masks[ALL]]  # fmt: skip
        self._masks = [None if each.scope == EVERY else scopes.mask(each.scope)
                       for each in self.levels]  # fmt: skip

    @property
    def needs_latency(self) -> bool:
        """Whether a level is of latency."""
        return any(each.kind == "ms" for each in self.levels)

    def met(self, asked: np.ndarray, got: np.ndarray, latency_ms: np.ndarray | None) -> np.ndarray:
        """Return which levels are met, shape (levels, cases); NaN where that is not known.

        Parameters
        ----------
        asked, got : ndarray, shape (demands, cases)
        latency_ms : ndarray, shape (demands, cases), optional
        """
        found = [
            self._met(each, mask, asked, got, latency_ms)
            for each, mask in zip(self.levels, self._masks, strict=True)
        ]
        return np.array(found, dtype=float).reshape(len(self.levels), got.shape[1])

    def _met(
        self,
        level: Level,
        mask: np.ndarray | None,
        asked: np.ndarray,
        got: np.ndarray,
        latency_ms: np.ndarray | None,
    ) -> np.ndarray:
        masks = self._every if mask is None else [mask]
        fine = np.ones(got.shape[1])
        for each in masks:
            if level.kind == "ms":
                if latency_ms is None:
                    return np.full(got.shape[1], np.nan)
                fine *= _within(got[each], latency_ms[each], level)
                continue
            least = level.least * asked[each].sum(axis=0) if level.kind == "share" else level.least
            fine *= got[each].sum(axis=0) >= least - _SLACK * np.maximum(least, 1.0)
        return fine

    def lost(self, asked: np.ndarray, got: np.ndarray) -> np.ndarray:
        """Return the Gbps that each scope loses, shape (scopes, cases)."""
        return np.asarray(self._rows @ np.maximum(asked - got, 0.0))


def _within(got: np.ndarray, latency_ms: np.ndarray, level: Level) -> np.ndarray:
    """Whether so much of what arrives is within the latency."""
    total = got.sum(axis=0)
    late = np.where(np.nan_to_num(latency_ms, nan=np.inf) > level.least + 1e-9, got, 0.0)
    return (late.sum(axis=0) <= (1.0 - level.part) * total * (1.0 + _SLACK)) & (total > 0)
