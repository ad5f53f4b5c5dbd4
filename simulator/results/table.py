"""Table: what a table of results has in its columns, and how it is declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.base.errors import SimulatorError, did_you_mean, unknown_name


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    unit : str
        ``1`` for a plain number; empty for words.
    sentence : str
        What it holds.
    optional : bool
        Whether a table can be without it.
    """

    name: str
    unit: str
    sentence: str
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table and its columns, in the order in which they are written.

    Attributes
    ----------
    sentence : str
        What its rows are.
    file : str
        The file in a results folder; empty for a table that is written elsewhere.
    """

    name: str
    sentence: str
    columns: tuple[Column, ...]
    file: str

    def check(self, names: Iterable[str]) -> None:
        """Refuse columns that are not declared, missing, or in another order.

        Raises
        ------
        SimulatorError
            Names the table and the column.
        """
        given = tuple(names)
        known = [column.name for column in self.columns]
        for name in given:
            if name not in known:
                raise SimulatorError(
                    f"table {self.name!r} declares no column {name!r}{did_you_mean(name, known)}"
                )
        for column in self.columns:
            if not column.optional and column.name not in given:
                raise SimulatorError(f"table {self.name!r} lacks its column {column.name!r}")
        if list(given) != [name for name in known if name in given]:
            raise SimulatorError(
                f"table {self.name!r} has its columns in another order: {', '.join(given)}"
            )


TABLES: dict[str, Table] = {}
FIRST = (
    Column("replication", "1", "Counted from 0."),
    Column("strategy", "", "Name of the strategy."),
)
"""The columns that every table of a run begins with; :class:`TableWriter` adds them."""


def table(name: str, sentence: str, columns: Iterable[Column], *, file: str | None = None) -> Table:
    """Declare a table.

    Parameters
    ----------
    sentence : str
        What its rows are.
    columns : iterable of Column
        Without those of ``FIRST`` for a table of a run.
    file : str, optional
        The file in a results folder; ``NAME.parquet`` when left out, which is a table of a run.

    Raises
    ------
    ValueError
        The name is taken, or a column is declared twice.
    """
    if file is None:
        file, columns = f"{name}.parquet", (*FIRST, *columns)
    made = Table(name, sentence, tuple(columns), file)
    if TABLES.get(name, made) != made:  # a notebook cell can run again
        raise ValueError(f"two tables are named {name!r}")
    if len({column.name for column in made.columns}) < len(made.columns):
        raise ValueError(f"table {name!r} declares a column twice")
    TABLES[name] = made
    return made


def declared(name: str) -> Table:
    """Return a table of the catalogue.

    Raises
    ------
    UnknownName
        There is no such table.
    """
    if name not in TABLES:
        raise unknown_name(f"no table {name!r} is declared", name, TABLES)
    return TABLES[name]


def describe() -> list[tuple[str, str]]:
    """Return each table that has a file, with its sentence."""
    return [(each.name, each.sentence) for each in TABLES.values() if each.file]


# -- columns that many tables have ---------------------------------------------------------------

STRATEGY = FIRST[1]
FIGURE = (
    STRATEGY,
    Column("metric", "", "Name of the metric."),
    Column("scope", "", "What part of the network or of the traffic it is of."),
    Column("unit", "", "Unit of the values."),
)
COUNT = Column("replications", "1", "Replications behind them.")
CI = (
    Column(
        "ci_low",
        "as ``unit``",
        "Lower end of the 95 % interval; empty where replications are too few for one.",
    ),
    Column("ci_high", "as ``unit``", "Upper end."),
)
