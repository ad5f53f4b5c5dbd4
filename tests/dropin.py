"""Drop one file into a package for a while, to see that one file is all that a new kind takes."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from simulator.base.registry import Registry


@contextmanager
def dropped_in(registry: Registry, name: str, source: str) -> Iterator[ModuleType]:
    """Let a registry find a module that is not in the checkout.

    Parameters
    ----------
    registry : Registry
        Any registry: of schemes, shapes, queues, formats.
    name : str
        Name of the module, without `.py`; no module of the package may have it.
    source : str
        Its text; indentation common to all lines is taken off. It enters its classes with the
        decorator, as a file of the package does.

    Yields
    ------
    module
        The imported module. At the end the registry and the package are as they were.

    Examples
    --------
    >>> with dropped_in(scheme, "my_scheme", SOURCE):  # doctest: +SKIP
    ...     sim.load("mini.yaml").with_({"strategies.sdn.scheme": "my_scheme"})
    """
    registry.discover()
    package = importlib.import_module(registry.package)
    full_name = f"{registry.package}.{name}"
    if importlib.util.find_spec(full_name) is not None:
        raise ValueError(f"{full_name} exists already")
    known = dict(registry._classes)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        package.__path__.append(folder)
        importlib.invalidate_caches()
        registry._discovered = False
        try:
            registry.discover()
            yield sys.modules[full_name]
        finally:
            package.__path__.remove(folder)
            registry._classes = known
            registry._discovered = True
            sys.modules.pop(full_name, None)
            vars(package).pop(name, None)
            importlib.invalidate_caches()
