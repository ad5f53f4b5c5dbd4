"""What formats of topologies and of demands have in common, and how the one for a file is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from simulator.base.errors import did_you_mean, refusal
from simulator.base.registry import Registered, Registry
from simulator.base.regular import refuse_special
from simulator.formats.foreign import what_it_is


class FileFormat(Registered):
    """A format of files; each kind of format adds what it reads from them.

    Attributes
    ----------
    suffixes : tuple of str
        Endings of its files, in lower case; none for a format of folders or of names.
    packed : bool
        Whether a file may be packed, with `.gz` after its ending.
    readable : str
        What it reads, in words: `a .yaml or .yml file`.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    packed: ClassVar[bool] = False
    readable: ClassVar[str] = ""

    def reads(self, path: Path) -> bool:
        """Return whether *path*, which exists, is in this format; looks at little of it."""
        return path.name.lower().endswith(self.endings()) and path.is_file()

    def endings(self) -> tuple[str, ...]:
        """Return the endings of its files, with those of packed ones."""
        return self.suffixes + tuple(f"{each}.gz" for each in self.suffixes if self.packed)

    def is_name(self, text: str) -> bool:
        """Return whether *text* is the name of something in this format, and not a file."""
        return False


class Formats(Registry):
    """The formats of one kind: of topologies, or of demands."""

    def every(self) -> list[Any]:
        """Return an instance of each."""
        return [self.make(name) for name in self.names()]

    def named(self, text: str) -> Any | None:
        """Return the one that takes *text* for a name of its own, such as `topohub:sndlib/sun`."""
        return next((each for each in self.every() if each.is_name(text)), None)

    def reading(self, path: Path, refused: str, also: Callable[[Path], str] = lambda _: "") -> Any:
        """Return the first that reads *path*; *also* says more of a file that none does.

        Raises
        ------
        InputError
            It is no regular file; or no format does, and it says *refused*, the nearest ending, and
            all that can be read.
        """
        refuse_special(path)
        formats = self.every()
        for each in formats:
            if each.reads(path):
                return each
        suffixes = [suffix for each in formats for suffix in each.suffixes]
        ending, what = path.suffix.lower(), what_it_is(path)
        near = "" if what or ending in ("", *suffixes) else did_you_mean(ending, suffixes)
        if not near and (what := what or also(path)):
            refused = f"{refused}: {what}"
        readable = ", ".join(each.readable for each in formats)
        raise refusal(path, f"{refused}{near or ';'} readable: {readable}")
