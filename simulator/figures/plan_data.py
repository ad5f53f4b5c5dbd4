"""Plan data: what pictures of a plan are of."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd


class PlanData(NamedTuple):
    """What a picture is of.

    Attributes
    ----------
    steps, plans, sets : pandas.DataFrame
        Tables of a plan.
    network, title : str
    unit : str
        Of prices; empty where it is not known.
    """

    steps: pd.DataFrame
    plans: pd.DataFrame
    sets: pd.DataFrame
    network: str
    title: str
    unit: str
