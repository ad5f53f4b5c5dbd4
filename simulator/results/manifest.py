"""Manifest: which files of a folder a run wrote, so that nothing else is ever replaced."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.base.text import plain
from simulator.base.whole import whole

NAME = "manifest.json"
_TIMED = ("run.json",)
_SHOWN = 3
_READ_AT_ONCE = 1 << 20


def write(folder: Path) -> None:
    """Write the names, sizes and digests of all files of a folder.

    Folders within it that have a manifest of their own are named by that.
    """
    own = [path for path in _files(folder) if path.name != NAME]
    inner = [path.parent for path in _files(folder) if path.name == NAME and path.parent != folder]
    mine = [path for path in own if not any(each in path.parents for each in inner)]
    table = {_relative(path, folder): _told(path) for path in mine}
    folders = sorted(_relative(each, folder) for each in inner)
    text = json.dumps({"files": table, "folders": folders}, indent=1, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def add(folder: Path, files: list[Path]) -> None:
    """Name files that were written into a folder later, if it has a manifest."""
    inside = {file for file in files if folder.resolve() in file.resolve().parents}
    if not inside or (known := _read(folder)) is None:
        return
    for file in sorted(inside):
        known["files"][_relative(file.resolve(), folder.resolve())] = _told(file)
    text = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
    with whole(folder / NAME) as new:
        new.write_text(text, encoding="utf-8")


def is_own(folder: Path, file: Path) -> bool:
    """Return whether a file is in a folder as its manifest says."""
    known, inside, top = _read(folder), file.resolve(), folder.resolve()
    if known is None or file.is_symlink() or top not in inside.parents:
        return False
    return bool(known["files"].get(_relative(inside, top)) == _told(inside))


def foreign(folder: Path) -> str:
    """Return what a folder holds that no run wrote, in words; nothing if there is nothing."""
    known = _read(folder)
    if known is None:
        return (
            f"it has no {NAME} that says what a run wrote (an older version wrote none); move or"
            " remove it yourself, or write elsewhere with --out DIR"
        )
    inner = [folder / each for each in known["folders"]]
    for each in inner:
        if each.is_dir() and (message := foreign(each)):
            return f"{plain(each.name)}: {message}"
    files = [path for path in _files(folder) if not any(each in path.parents for each in inner)]
    told = known["files"]
    names = {_relative(path, folder): path for path in files if path != folder / NAME}
    others = [name for name in names if name not in told]
    if others:
        return f"no run wrote {_listed(others)}; move it, or write elsewhere with --out DIR"
    changed = [name for name, path in names.items() if _told(path) != told[name]]
    if changed:
        return (
            f"{_listed(changed)} {'was' if len(changed) == 1 else 'were'} changed since the run;"
            " move it, or write elsewhere with --out DIR"
        )
    return ""


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        known = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    sound = (
        isinstance(known, dict)
        and isinstance(known.get("files"), dict)
        and isinstance(known.get("folders"), list)
        and all(isinstance(each, str) and _is_within(each) for each in known["folders"])
    )
    return known if sound else None


def _is_within(name: str) -> bool:
    return not os.path.isabs(name) and os.pardir not in Path(name).parts and name not in ("", ".")


def _files(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, and links, which are not followed."""
    for at, folders, names in os.walk(folder):
        here = Path(at)
        links = [name for name in folders if (here / name).is_symlink()]
        yield from (here / name for name in sorted([*names, *links]))


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _told(path: Path) -> list[Any]:
    """Size and digest of a file; of a link where it leads.

    What holds the time of day is named without, so that a manifest is the same bytes again.
    """
    if path.name in _TIMED:
        return ["", ""]
    if path.is_symlink():
        return ["link", os.readlink(path)]
    if not path.is_file():
        return ["no file", ""]
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_AT_ONCE):
            digest.update(block)
    return [path.stat().st_size, digest.hexdigest()]


def _listed(names: list[str]) -> str:
    shown = ", ".join(plain(name) for name in sorted(names)[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
