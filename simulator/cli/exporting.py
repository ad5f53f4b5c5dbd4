"""Exporting: whether tables or decisions are exported, and options that do not go with either."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from simulator.base.errors import InputError, Problem, known_instead
from simulator.base.text import listed
from simulator.export.forms.form import form as forms

TABLES = ("csv", "xlsx", "tex")


def is_of_decisions(form: str, given: Collection[str]) -> bool:
    """Return whether decisions are written; ``csv`` does so if an option of decisions is given.

    Raises
    ------
    InputError
        There is no such form.
    """
    known = [*TABLES, *(name for name in forms.names() if name not in TABLES)]
    if form not in known:
        raise _wrong("--to", f"no form of export named {form!r}{known_instead(form, known)}")
    return form not in TABLES or form in forms.names() and bool(given)


def refuse_unfit(
    form: str, given: Mapping[str, Any], tables: Collection[str], *, decisions: bool
) -> None:
    """Refuse options of tables with decisions, the other way round, and those of other forms.

    Raises
    ------
    InputError
        Says which option does not go with the form.
    """
    if decisions and tables:
        raise _wrong("--table", f"goes with tables, and {form} is written of decisions here")
    if "receiver" in given and "receiver" not in _settings(form):
        those = [name for name in forms.names() if "receiver" in _settings(name)]
        raise _wrong("--receiver", f"goes with {listed(those)}, not with {form}")
    if given and not decisions:
        name = next(iter(given))
        raise _wrong(f"--{name}", f"goes with decisions, and {form} is written of tables only")


def _settings(form: str) -> set[str]:
    return {each.name for each in fields(forms[form])} if form in forms.names() else set()


def _wrong(key: str, message: str) -> InputError:
    return InputError([Problem("", None, None, key, message)])
