"""A film answers late, and recovers later still: a first-order lag with two speeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

T90_TO_TAU = 1.0 / np.log(10.0)
"""After T90 a tenth of the way is left: exp(-T90/tau) = 1/10."""


def respond(
    state: ArrayLike,
    target: ArrayLike,
    dt_s: ArrayLike,
    rise_t90_s: ArrayLike,
    recovery_t90_s: ArrayLike,
) -> NDArray[np.float64]:
    """What the film shows `dt_s` later while the air around it stays at `target`.

    Exact for any step: two steps of 5 s are one of 10 s.

    Args:
        state: ppm that the film showed, any shape.
        target: ppm that is there now, broadcast.
        dt_s: seconds that have passed, broadcast.
        rise_t90_s: time to 90 % of a step up; 0 follows at once.
        recovery_t90_s: time to 90 % of a step down; longer than the rise for most films.

    Returns:
        ppm that it shows now, between `state` and `target`.
    """
    state, target = np.asarray(state, np.float64), np.asarray(target, np.float64)
    t90_s = np.where(target > state, rise_t90_s, recovery_t90_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        waited = np.where(t90_s > 0, np.asarray(dt_s, np.float64) / (t90_s * T90_TO_TAU), np.inf)
    return np.asarray(target + (state - target) * np.exp(-waited), np.float64)
