"""A word in YAML becomes a class."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ValidationError

from simulator.base.checking import build
from simulator.base.document import Document, KeyPath, dotted
from simulator.base.errors import InputError, Problem, refusal
from simulator.base.schema import Choice, checked

T = TypeVar("T")


class Registered:
    """What every registered class offers; contracts add to it.

    A contract is a subclass with all members of its kind. A class need not inherit from it: the
    registry adds the members that it leaves out, and refuses it if an abstract one is missing.

    Attributes
    ----------
    kind : str
        The word in YAML that chooses the class.
    """

    kind: str

    def problems(self, network: Any) -> Iterable[tuple[KeyPath, str]]:
        """Return what is wrong with the settings on this network: path below here, message."""
        return ()

    def require_valid(self, network: Any) -> None:
        """Raise an error with all :meth:`problems`.

        Raises
        ------
        InputError
            The settings do not fit the network.
        """
        found = [Problem("", None, None, dotted(path), m) for path, m in self.problems(network)]
        if found:
            raise InputError(found)


def import_modules(package: str) -> None:
    """Import every module of a package, so that each can enter what it declares."""
    folder = importlib.import_module(package)
    for module in pkgutil.walk_packages(folder.__path__, f"{package}."):
        importlib.import_module(module.name)


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Visit checked settings and everything in them, each with its place in their document.

    Parameters
    ----------
    value : object
        A checked dataclass, a mapping or a sequence, nested to any depth.
    path : tuple of str and int
        Where *value* stands in its document.
    """
    yield path, value
    parts: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = ((each.name, getattr(value, each.name)) for each in fields(value))
    for key, part in parts:
        yield from walk(part, (*path, key))


def problems_in(value: Any, network: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    """Collect the problems of every registered instance inside of checked settings; see `walk`."""
    for at, each in walk(value, path):
        if hasattr(type(each), "__registry__"):
            for below, message in each.problems(network):
                yield (*at, *below), message


class Registry:
    """The classes that a `kind` word can choose, gathered from one package.

    Parameters
    ----------
    noun : str
        What they are, for messages: `routing scheme`.
    package : str
        Where they live; every module in it is imported when first asked.
    contract : type
        What each of them offers. Members that a class leaves out are added to it.
    default : str, optional
        Word that a mapping without `kind` stands for.

    Examples
    --------
    >>> scheme = Registry("routing scheme", "simulator.routing")
    >>> @scheme("shortest")  # doctest: +SKIP
    ... class Shortest:
    ...     hops: int = 1
    """

    def __init__(
        self,
        noun: str,
        package: str,
        contract: type[Registered] = Registered,
        default: str | None = None,
    ) -> None:
        self.noun = noun
        self.package = package
        self.contract = contract
        self.choice = Choice(noun, self._all, default)
        self._classes: dict[str, type] = {}
        self._discovered = False

    def __call__(self, name: str) -> Callable[[type[T]], type[T]]:
        """Return a decorator that checks a class and enters it under *name*."""

        def enter(cls: type[T]) -> type[T]:
            self._refuse_taken(name, cls)
            self._fill_in(name, cls)
            cls.__annotations__ = {"kind": Literal[name], **inspect.get_annotations(cls)}
            setattr(cls, "kind", name)  # noqa: B010 -- the type checker knows no `kind` yet
            made = checked(cls)
            setattr(made, "__registry__", self)  # noqa: B010 -- marks it for problems_in
            self._classes[name] = made
            return made

        return enter

    def __getitem__(self, name: str) -> type[Any]:
        classes = self._all()
        if name not in classes:
            raise refusal("", self.choice.unknown(name))
        return classes[name]

    def names(self) -> list[str]:
        """Return the words that choose a class, sorted."""
        return list(self._all())

    def make(self, name: str, **settings: Any) -> Any:
        """Return an instance of the class called *name*.

        Raises
        ------
        InputError
            There is no such class, or a setting is wrong.
        """
        try:
            return self[name](**settings)
        except ValidationError:
            return build(self[name], Document.of(settings, self.noun))  # says what is wrong

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
        if not self._discovered:
            import_modules(self.package)
            self._discovered = True

    def _all(self) -> dict[str, type]:
        self.discover()
        return dict(sorted(self._classes.items()))

    def _fill_in(self, name: str, cls: type) -> None:
        """Add the members of the contract that a class leaves out."""
        for base in self.contract.__mro__[:-1]:
            for member, value in vars(base).items():
                own = getattr(cls, member, value)  # None is an own value: the default of a setting
                if member.startswith("_") or own is not value:
                    continue
                if getattr(value, "__isabstractmethod__", False):
                    where = f"see {self.contract.__module__}.{self.contract.__name__}"
                    raise TypeError(f"{self.noun} {name!r} has no {member}; {where}")
                setattr(cls, member, value)

    def _refuse_taken(self, name: str, cls: type) -> None:
        taken = self._classes.get(name)
        if taken is not None and cls.__module__ != "__main__":  # a notebook cell may run again
            raise ValueError(
                f"two {self.noun} classes are named {name!r}:"
                f" {taken.__module__}.{taken.__qualname__} and {cls.__module__}.{cls.__qualname__}"
            )
