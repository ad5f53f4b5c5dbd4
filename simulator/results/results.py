"""Results: a window on a finished results folder."""

from __future__ import annotations

import json
import weakref
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from simulator.base.errors import SimulatorError, unknown_name
from simulator.results.folder import COMPLETE, RUN_JSON
from simulator.results.ranges import Draws, stated
from simulator.results.tables import declared

_WORDS = {"of", "strategy", "metric", "scope", "unit", "assumption", "member", "change"}
_WORDS |= {"what", "source", "kind", "element", "direction", "sentence"}
"""Columns of CSV tables that are text, whatever stands in them."""

_PEAK = "exit_utilisation_peak"


class Hottest(NamedTuple):
    """Which exit is the hottest.

    Attributes
    ----------
    scope : str
        The exit and its direction: ``exit:ID:out``.
    peak : float
        Its highest utilisation, mean over the replications in which it is the hottest.
    often, replications : int
        How many these are, and of how many.
    """

    scope: str
    peak: float
    often: int
    replications: int


class Results:
    """A finished run.

    Parameters
    ----------
    folder : path
        A results folder.
    keep : tempfile.TemporaryDirectory or Results, optional
        What holds a temporary folder: it is removed when these results are garbage-collected, or
        after the other ones that are given.

    Attributes
    ----------
    run : dict
        ``run.json``: the resolved scenario, seed, versions, timings and status.

    Raises
    ------
    SimulatorError
        The folder is not a finished results folder.
    """

    def __init__(
        self, folder: str | Path, *, keep: TemporaryDirectory[str] | Results | None = None
    ) -> None:
        self.folder = Path(folder)
        self._keep = keep
        if isinstance(keep, TemporaryDirectory):
            weakref.finalize(self, keep.cleanup)
        file = self.folder / RUN_JSON
        try:
            self.run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SimulatorError(f"{self.folder} {_why_not(self.folder)}") from None
        except (OSError, ValueError) as error:
            raise SimulatorError(f"{self.folder} is not a results folder: {error}") from None
        if self.run.get("status") != COMPLETE:
            raise SimulatorError(f"{self.folder} holds a run that did not finish")

    def __repr__(self) -> str:
        return f"<Results {self.run['name']}: {', '.join(self.strategies)} in {self.folder}>"

    @property
    def is_temporary(self) -> bool:
        """Whether the folder is removed together with these results."""
        return self._keep is not None

    @property
    def strategies(self) -> list[str]:
        """Names of the strategies, the baseline first."""
        return list(self.run["scenario"]["strategies"])

    @property
    def bounds(self) -> set[str]:
        """Names of the strategies that do what nobody can."""
        strategies = self.run["scenario"]["strategies"]
        return {name for name, each in strategies.items() if each and each.get("bound")}

    @property
    def days(self) -> int:
        """Replications of the world as stated."""
        return self.draws.days

    @property
    def drawn_worlds(self) -> int:
        """Worlds besides the one as stated."""
        return self.draws.worlds - 1

    @property
    def draws(self) -> Draws:
        """Worlds, and the days of each."""
        return Draws.of(self.run["scenario"]["replications"])

    @property
    def plot(self) -> Any:
        """The standard figures, as methods that return matplotlib Axes (see ``plots``)."""
        raise SimulatorError(
            "import simulator.figures.plotter first, or take Results from simulator itself"
        )

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the catalogue; an empty one if this run has no rows of it.

        Raises
        ------
        UnknownName
            No table of this name is declared.
        """
        return read_table(self.folder, name)

    @cached_property
    def links(self) -> pd.DataFrame:
        """Every link and direction at every step."""
        return self.table("links")

    @cached_property
    def exits(self) -> pd.DataFrame:
        """Every exit and direction at every step."""
        return self.table("exits")

    @cached_property
    def demands(self) -> pd.DataFrame:
        """Traffic by region or by pair at every step, as recorded."""
        return self.table("demands")

    @cached_property
    def control(self) -> pd.DataFrame:
        """Every decision, with its proof, what it moved, and how long solving took (``solve_s``).

        Solving times depend on the machine: they are in ``run.json``, so that all tables are the
        same bytes wherever they are made.
        """
        control = self.table("control")
        solve_s = self.run["timings"].get("solve_s")
        if solve_s and len(control):
            taken = np.full(len(control), np.nan)
            for strategy, seconds in solve_s.items():
                taken[control["strategy"] == strategy] = seconds
            control["solve_s"] = taken
        return control

    @cached_property
    def headroom(self) -> pd.DataFrame:
        """Where growth of international traffic ends, for every strategy and replication."""
        return self.table("headroom")

    @cached_property
    def events(self) -> pd.DataFrame:
        """What happened to the network and the controllers."""
        return self.table("events")

    @cached_property
    def summary(self) -> pd.DataFrame:
        """Figures of every strategy with their intervals."""
        return self.table("summary")

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Paired differences against the first strategy."""
        return self.table("differences")

    @cached_property
    def figures(self) -> pd.DataFrame:
        """Figures of every day as stated: ``replication, strategy, metric, scope, unit, value``."""
        return stated(self.all_figures, self.days)

    @cached_property
    def all_figures(self) -> pd.DataFrame:
        """The same of every world; ``results.draws`` says which a replication is of."""
        return self.table("replications")

    @cached_property
    def ranges(self) -> pd.DataFrame:
        """How far figures and differences move over worlds; empty if none were drawn."""
        return self.table("ranges")

    @cached_property
    def worlds(self) -> pd.DataFrame:
        """What every world has in place of what is stated; empty if none were drawn."""
        return self.table("worlds")

    def hottest_exit(self, strategy: str) -> Hottest | None:
        """Return the exit that is the hottest in most replications; None without exits.

        Raises
        ------
        UnknownName
            No strategy has this name.
        """
        if strategy not in self.strategies:
            raise unknown_name(f"no strategy named {strategy!r}", strategy, self.strategies)
        peaks = self.figures
        peaks = peaks[(peaks["strategy"] == strategy) & (peaks["metric"] == _PEAK)]
        peaks = peaks[peaks["scope"].str.startswith("exit:")]
        if peaks.empty:
            return None
        first = peaks.loc[peaks.groupby("replication")["value"].idxmax()]
        scope = first["scope"].value_counts().index[0]
        there = first[first["scope"] == scope]
        return Hottest(scope, float(there["value"].mean()), len(there), len(first))

    def figure(self, strategy: str, metric: str, scope: str = "all") -> float:
        """Mean of one figure.

        Raises
        ------
        UnknownName
            There is no such figure: the strategy, the metric or the scope is another. It is a
            KeyError.
        """
        rows = self.summary
        for noun, word in (("strategy", strategy), ("metric", metric), ("scope", scope)):
            found = rows[rows[noun] == word]
            if found.empty:
                of = "" if noun == "strategy" else f" among the figures of {strategy}"
                of += f" for {metric}" if noun == "scope" else ""
                raise unknown_name(f"no {noun} named {word!r}{of}", word, rows[noun])
            rows = found
        return float(rows["mean"].iloc[0])


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Return a table of a folder; an empty one if there is no file of it.

    Raises
    ------
    UnknownName
        No table of this name is declared.
    """
    file = folder / (declared(name).file or f"{name}.parquet")
    if file.suffix == ".csv" and file.exists():
        # A strategy may be called ``1`` and a region ``NA``.
        columns = [column.name for column in declared(name).columns]
        words = dict.fromkeys((column for column in columns if column in _WORDS), str)
        empty = {column: [""] for column in columns if column not in _WORDS}
        return pd.read_csv(file, dtype=words, keep_default_na=False, na_values=empty)
    return pd.read_parquet(file) if file.exists() else pd.DataFrame()


def _why_not(folder: Path) -> str:
    """Return why a folder holds no results of a run, and where there are some."""
    if not folder.is_dir():
        return "is not there" if not folder.exists() else "is not a folder"
    runs = [each.parent.name for each in sorted(folder.glob(f"*/{RUN_JSON}"))]
    inside = f"; those of runs are in it: {', '.join(runs)}" if runs else ""
    return f"is not a results folder: it has no {RUN_JSON}{inside}"
