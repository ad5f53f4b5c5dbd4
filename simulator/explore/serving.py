"""Serving: from a scenario to a page that answers, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from simulator.base.errors import SimulatorError
from simulator.explore.pace import Paced
from simulator.explore.page import Page
from simulator.explore.server import HOST, Server
from simulator.scenario.scenario import Scenario


def serve(
    scenario: Scenario, begin: Sequence[str], *, port: int, opened: Callable[[str], None]
) -> None:
    """Show the live page of a scenario until Ctrl-C.

    Parameters
    ----------
    begin : sequence of str
        The scenario and the options with which it is opened, for the commands on the page.
    port : int
        0 for any that is free.
    opened : callable
        Given the address, when it answers.

    Raises
    ------
    SimulatorError
        The port is taken.
    """
    with closing(Paced(scenario)) as paced:
        try:
            server = Server(Page(paced, begin), port)
        except OSError as error:
            raise SimulatorError(f"port {port} of {HOST} is not free: {error.strerror}") from None
        with server:
            try:
                if any(pace != "at once" for pace in paced.paces.values()):
                    paced.start()
                opened(server.address)
                server.serve_forever(poll_interval=0.2)
            except KeyboardInterrupt:
                pass  # as the page says, this is how it ends
            finally:
                paced.close()  # first, so that no answer is waited for
