"""A kite leaves the picture and comes back."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from painting import (
    COLUMNS,
    HEIGHT,
    ROWS,
    SECONDS,
    WIDTH,
    Masks,
    Picture,
    Scene,
    clouds,
    coverage,
    fill,
    over,
    ramp,
    rgb,
    soft_step,
    stroke,
)


def returning_kite() -> Scene:
    """A kite with a long tail flies out of the picture on the right and comes back lower."""
    hills = _hills()
    banks = clouds(21, HEIGHT, 2 * WIDTH, 192, 6)
    blue = ramp(ROWS / 420, "2f78c4", "6eaede", "b9dcee", "e6f1ee")

    def moment(time: float) -> Picture:
        drift = np.float32([[1, 0, -14 * time], [0, 1, 0]])
        bank = cv2.warpAffine(banks, drift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_WRAP)
        cover = soft_step(bank - 0.63 - 0.25 * (ROWS / HEIGHT - 0.3), 0.34)
        shade = np.clip((bank - cv2.GaussianBlur(bank, (0, 0), 9)) * 2.2 + 0.7, 0, 1)
        picture = over(blue, ramp(shade, "b3c0d2", "eef2f6", "ffffff"), 0.93 * cover)
        _string(picture, time)
        _kite(picture, time)
        return over(picture, *hills)

    return moment


def returning_kite_masks() -> Masks:
    """The kite with its tail."""
    _, hills = _hills()
    return lambda time: [coverage(lambda picture: _kite(picture, time)) * (1 - hills)]


def _kite_place(time: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Where the kite is, (..., 2); it is out of the picture in the middle of the clip."""
    turn = np.asarray(time) / SECONDS * 2 * np.pi
    return np.stack([560 - 520 * np.cos(turn + 0.35), 185 + 62 * np.sin(turn * 2 - 0.6) + 24 * np.sin(turn)], axis=-1)


def _kite_pose(time: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Its centre, and its axes to the right and up."""
    centre, ahead = _kite_place(time), _kite_place(time + 0.05)
    lean = 0.22 * np.tanh((ahead - centre)[0] / 12) + 0.07 * np.sin(5 * time)
    return centre, np.array([np.cos(lean), np.sin(lean)]), np.array([np.sin(lean), -np.cos(lean)])


def _string(picture: Picture, time: float) -> None:
    centre, _, up = _kite_pose(time)
    stroke(picture, [centre + 16 * up, (420, 700)], 1, rgb("f7f7f2"), alpha=0.7)


def _kite(picture: Picture, time: float) -> None:
    centre, right, up = _kite_pose(time)
    knot = centre + 16 * up
    tip, low, port, starboard = centre + 70 * up, centre - 92 * up, knot - 56 * right, knot + 56 * right
    _kite_tail(picture, low, time)
    fill(picture, [tip, starboard, low, port], rgb("7c1f2b"), outline=1)
    light = (1.04 - 0.0016 * (ROWS - centre[1] + 60) - 0.0009 * (COLUMNS - centre[0]))[..., None].astype(np.float32)
    panels = ((port, tip, "f0473e"), (tip, starboard, "f7b733"), (starboard, low, "d93a3a"), (low, port, "f9d25c"))
    for first, second, code in panels:
        fill(picture, [knot, first, second], np.clip(rgb(code) * light, 0, 1))
    for spar in ([tip, low], [port, knot, starboard]):
        stroke(picture, spar, 2, rgb("6b3a22"), alpha=0.85)


def _kite_tail(picture: Picture, start: npt.NDArray[np.float64], time: float) -> None:
    along = np.linspace(0, 1, 40)
    pull = _kite_place(time - 0.9 * along) - _kite_place(time)
    x = start[0] + 0.42 * pull[:, 0] + 15 * along * np.sin(8 * along - 6 * time)
    y = start[1] + 0.25 * pull[:, 1] + 108 * along
    ribbon = np.stack([x, y], axis=1)
    stroke(picture, ribbon, 3, rgb("8e2a35"))
    for number, index in enumerate(range(7, 40, 8)):
        knot, across = ribbon[index], np.array([14.0, 4.0 * np.sin(5 * time + index)])
        bow = [knot - across - (0, 6), knot + across + (0, 6), knot + across - (0, 6), knot - across + (0, 6)]
        fill(picture, bow, rgb(("2f7fc4", "f7b733", "f0473e")[number % 3]))


def _hills() -> tuple[Picture, Picture]:
    grass = clouds(22, HEIGHT, WIDTH, 48, 6)
    far = 402 + 20 * np.sin(COLUMNS / 150 + 0.6) + 7 * np.sin(COLUMNS / 61)
    near = 440 - 22 * np.sin(COLUMNS / 210 + 0.2) + 5 * clouds(23, HEIGHT, WIDTH, 10, 3)
    paint = over(
        ramp(grass, "5f8f63", "7fac74", "9cc08a") * 0.96,
        ramp(grass, "33682f", "559142", "86b859"),
        soft_step(ROWS - near, 2),
    )
    return paint, soft_step(ROWS - far, 2)
