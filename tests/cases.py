"""Small inputs with the right answer, one folder each, kept beside the project.

They may not all be shipped with it: where they are absent, what needs them skips. The few that
matter most are rewritten in the tests themselves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "cases"


def case(name: str, *names: str) -> Path:
    """Return the path of a case, or of a file in it; skip the test where it is absent.

    Parameters
    ----------
    name : str
        Name of the folder.
    *names : str
        Path of a file within.
    """
    path = FOLDER.joinpath(name, *names)
    if not FOLDER.is_dir():
        pytest.skip("the cases are not on this machine")
    assert path.exists(), f"no such case: {path}"
    return path
