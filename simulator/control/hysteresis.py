"""Hysteresis: when the controller makes new routes, and when it leaves them alone."""

from __future__ import annotations

from simulator.control.settings import Hysteresis


class HysteresisTrigger:
    """Whether exits are so full that routes should be made anew; see :class:`Hysteresis`.

    While routes throttle traffic at its source, exits look emptier than they would be: the trigger
    is active then, however full they are.
    """

    def __init__(self, marks: Hysteresis | None) -> None:
        self._marks = marks
        self._active, self._below_low = False, 0

    def active(self, utilisation: float, throttled: bool = False) -> bool:
        """Count a cycle, at the *utilisation* of the fullest exit, and return whether to act."""
        marks = self._marks
        if marks is None:
            return True
        if throttled or utilisation > marks.high:
            self._active, self._below_low = True, 0
        elif utilisation < marks.low:
            self._below_low += 1
            self._active = self._active and self._below_low < marks.hold
        else:
            self._below_low = 0
        return self._active
