"""A word in YAML becomes a class."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from simulator.base.errors import InputError, Problem
from simulator.base.schema import Choice, checked

T = TypeVar("T")


class Registry:
    """The classes that a `kind` word can choose, gathered from one package.

    Parameters
    ----------
    noun : str
        What they are, for messages: `routing scheme`.
    package : str
        Where they live; every module in it is imported when first asked.

    Examples
    --------
    >>> scheme = Registry("routing scheme", "simulator.routing")
    >>> @scheme("shortest")  # doctest: +SKIP
    ... class Shortest:
    ...     hops: int = 1
    """

    def __init__(self, noun: str, package: str) -> None:
        self.noun = noun
        self.package = package
        self.choice = Choice(noun, self._all)
        self._classes: dict[str, type] = {}
        self._discovered = False

    def __call__(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a decorator that checks a class and enters it under *name*."""

        def enter(cls: type[T]) -> type[T]:
            self._refuse_taken(name, cls)
            made = checked(_with_kind(cls, name))
            self._classes[name] = made
            return made

        return enter

    def __getitem__(self, name: str) -> type[Any]:
        classes = self._all()
        if name not in classes:
            raise InputError([Problem("", None, None, "", self.choice.unknown(name))])
        return classes[name]

    def names(self) -> list[str]:
        """Return the words that choose a class, sorted."""
        return list(self._all())

    def make(self, name: str, **settings: Any) -> Any:
        """Return an instance of the class called *name*."""
        return self[name](**settings)

    def describe(self) -> list[tuple[str, str]]:
        """Return each name with the first line of its docstring."""
        return [
            (name, (inspect.getdoc(cls) or "").partition("\n")[0])
            for name, cls in self._all().items()
        ]

    def field(self) -> Any:
        """Return the type of a field that holds any of these.

        In YAML it is a mapping with `kind`, or the bare word. Where a type checker should know
        more than `Any`, write `Annotated[Contract, registry.choice]` instead.
        """
        return Annotated[Any, self.choice]

    def discover(self) -> None:
        """Import every module of the package, so that each can enter its classes."""
        if self._discovered:
            return
        folder = importlib.import_module(self.package)
        for module in pkgutil.walk_packages(folder.__path__, f"{self.package}."):
            importlib.import_module(module.name)
        self._discovered = True

    def _all(self) -> dict[str, type]:
        self.discover()
        return dict(sorted(self._classes.items()))

    def _refuse_taken(self, name: str, cls: type) -> None:
        taken = self._classes.get(name)
        if taken is not None and cls.__module__ != "__main__":  # a notebook cell may run again
            raise ValueError(
                f"two {self.noun} classes are named {name!r}:"
                f" {taken.__module__}.{taken.__qualname__} and {cls.__module__}.{cls.__qualname__}"
            )


def _with_kind(cls: type[T], name: str) -> type[T]:
    annotations = inspect.get_annotations(cls)
    cls.__annotations__ = {"kind": Literal[name], **annotations}
    setattr(cls, "kind", name)  # noqa: B010 -- the type checker knows no `kind` yet
    return cls
