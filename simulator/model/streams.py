"""Random streams keyed by name, so that adding one thing changes no other thing's draws."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """All random streams of one replication.

    Attributes
    ----------
    seed : int
        Root seed of the scenario.
    replication : int
        Which draw of all streams this is, from 0.
    """

    seed: int
    replication: int

    def generator(self, purpose: str, entity: str) -> np.random.Generator:
        """Return the stream for a purpose (``noise``) and an entity (``a>b:domestic``)."""
        digest = hashlib.blake2b(f"{purpose}\0{entity}".encode(), digest_size=16).digest()
        words = np.frombuffer(digest, dtype="<u4")
        key = [self.seed, self.replication, *(int(word) for word in words)]
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))

    def of(self, name: str) -> Streams:
        """Return streams with other draws, for all that has the same purposes and bears a name."""
        return _Named(self.seed, self.replication, name)


@dataclass(frozen=True)
class _Named(Streams):
    name: str

    def generator(self, purpose: str, entity: str) -> np.random.Generator:
        """Return the stream for a purpose and an entity, of this name."""
        return super().generator(f"{purpose} of {self.name}", entity)
