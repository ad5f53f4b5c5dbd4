"""The shelf of built-in topologies and scenarios: from a short name to a file."""

from difflib import get_close_matches
from pathlib import Path

from simulator.base.regular import is_there

_SINGULAR = {"topologies": "topology", "scenarios": "scenario"}
_ENDINGS_OF_TOPOLOGIES = ".yaml .yml .graphml .gml .json .graph .native .sndlib .txt .xml"
_NAMES_ONE = "a scenario names its topology: `topology: NAME_OR_FILE`"
ENDINGS = {"topologies": tuple(_ENDINGS_OF_TOPOLOGIES.split()), "scenarios": (".yaml",)}
"""Of files that have a name on a shelf; of two with one name the first ending here wins."""
_HERE = Path(__file__).parent.parent


def find(kind: str, name_or_path: str | Path) -> Path:
    """Find a topology or scenario by path or by built-in name, with or without its ending.

    A path that exists wins, be it a file or a folder. Anything else without a folder in it is a
    name on the shelf.

    Parameters
    ----------
    kind : str
        ``"topologies"`` or ``"scenarios"``.

    Raises
    ------
    FileNotFoundError
        When there is neither such a path nor such a name. The message says which names there are.

    Examples
    --------
    >>> find("topologies", "china169-2017").name
    'china169-2017.yaml'
    """
    shelf = _shelf(kind)
    text = str(name_or_path)
    path = Path(text)
    if text and is_there(path):
        return path
    if text and path.name == text:
        for ending in (*ENDINGS[kind], ""):
            candidate = shelf / f"{text}{ending}"
            if is_there(candidate) and candidate.is_file():
                return candidate
    raise FileNotFoundError(_not_found(kind, path, text))


def names(kind: str) -> list[str]:
    """Return the names of the built-in topologies or scenarios, sorted, without endings."""
    shelf = _shelf(kind)
    return sorted({file.stem for ending in ENDINGS[kind] for file in shelf.glob(f"*{ending}")})


def without_ending(kind: str, text: str) -> str:
    """Return a name as it stands on the shelf: ``Chinanet`` for ``Chinanet.graphml``."""
    return next((text.removesuffix(each) for each in ENDINGS[kind] if text.endswith(each)), text)


def _shelf(kind: str) -> Path:
    if kind not in _SINGULAR:
        raise ValueError(f"kind must be one of {', '.join(_SINGULAR)}, not {kind!r}")
    installed = _HERE / kind
    return installed if installed.is_dir() else _HERE.parent / kind


def _not_found(kind: str, path: Path, text: str) -> str:
    known = names(kind)
    (other,) = _SINGULAR.keys() - {kind}
    if without_ending(other, text) in names(other):
        return f"{text!r} is a {_SINGULAR[other]}, not a {_SINGULAR[kind]}; {_NAMES_ONE}"
    message = f"no {_SINGULAR[kind]} file or built-in name {text!r}"
    near = get_close_matches(without_ending(kind, path.name), known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
    return f"{message}{hint} built in are {', '.join(known)}" if known else message
