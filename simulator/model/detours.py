"""Detours: systems of hops in which the node before a dead arc sends traffic another way.

A router that loses a link does not wait for the network to agree on new routes: what arrives for
the dead link leaves by its own next best way (fast reroute, RFC 5714). Traffic then goes on as far
as that node along its old path and takes a way of the node's own from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import sparse

from simulator.model.hops import Hops

Ways = Callable[[np.ndarray, np.ndarray], Hops]
"""Takes nodes and kinds of traffic, and returns the ways of each pair as a system whose demands are
these pairs. A pair without a way enters no hop."""


def detoured(hops: Hops, dead: np.ndarray, tail: np.ndarray, kind: np.ndarray, ways: Ways) -> Hops:
    """Return a system in which traffic that meets a dead arc takes the ways of the node before it.

    Traffic of a node that has no other way stays on the dead arc.

    Parameters
    ----------
    dead : ndarray of bool, shape (arcs,)
    tail : ndarray of int, shape (arcs,)
        Node where each arc begins.
    kind : ndarray of int, shape (demands,)
        Where each demand leads. Traffic of different kinds shares no hop.
    """
    broken = np.flatnonzero(dead[hops.arc])
    of = _kinds(hops, kind)[broken]
    broken, of = broken[of >= 0], of[of >= 0]  # hops that no traffic enters have no kind
    if not len(broken):
        return hops
    places, pair = np.unique(np.stack([tail[hops.arc[broken]], of]), axis=1, return_inverse=True)
    found = ways(*places)
    if not hops.ends.any():
        found = found.without_ends()
    has_way = np.diff(sparse.csc_array(found.inject).indptr) > 0
    broken, pair = broken[has_way[pair.ravel()]], pair.ravel()[has_way[pair.ravel()]]
    count = len(hops.arc)
    turned = sparse.csr_array(
        (np.ones(len(broken)), (pair, broken)), shape=(places.shape[1], count)
    )
    stays = np.ones(count)
    stays[broken] = 0.0
    keep = sparse.diags_array(stays)
    onto = sparse.csr_array(found.inject @ turned)
    inject = sparse.vstack([keep @ hops.inject, onto @ hops.inject], format="csr")
    pass_on = sparse.block_array(
        [[keep @ hops.pass_on, None], [onto @ hops.pass_on, found.pass_on]], format="csr"
    )
    inject.eliminate_zeros()
    pass_on.eliminate_zeros()
    return replace(
        hops,
        arc=np.concatenate([hops.arc, found.arc]),
        ends=np.concatenate([hops.ends, found.ends]),
        inject=sparse.csr_array(inject),
        pass_on=sparse.csr_array(pass_on),
        levels=np.concatenate([hops.levels, count + found.levels[1:]]),
        owner=None,
        share=None,
    )


def _kinds(hops: Hops, kind: np.ndarray) -> np.ndarray:
    """Kind of the traffic on every hop, shape (hops,); -1 where no traffic comes."""
    entries = sparse.coo_array(hops.inject)
    found = np.full(len(hops.arc), -1)
    there = entries.data > 0
    found[entries.coords[0][there]] = kind[entries.coords[1][there]]
    for lo, _, forward in hops.forward:
        onward = sparse.coo_array(forward)
        row, before = onward.coords
        known = found[before] >= 0
        found[lo + row[known]] = found[before[known]]
    return found
