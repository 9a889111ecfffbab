"""Two fish of one kind cross in front of seaweed."""

from __future__ import annotations

import numpy as np
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
    window,
)


def crossing_fish() -> Scene:
    """Two fish that look alike swim past each other; one hides part of the other."""
    water = _water()
    weeds = [_Weed(seed) for seed in range(16)]

    def moment(time: float) -> Picture:
        picture = water * (1 + 0.13 * _rays(time))[..., None]
        _paint_weeds(weeds[:11], picture, time)
        _far_fish(picture, time)
        _near_fish(picture, time)
        _paint_weeds(weeds[11:], picture, time)
        _bubbles(picture, time)
        return picture

    return moment


def crossing_fish_masks() -> Masks:
    """The fish in front, which comes from the left, and the other one."""
    front = [_Weed(seed) for seed in range(11, 16)]

    def moment(time: float) -> list[Picture]:
        near = coverage(lambda picture: _near_fish(picture, time))
        far = coverage(lambda picture: _far_fish(picture, time)) * (1 - near)
        weeds = coverage(lambda picture: _paint_weeds(front, picture, time))
        return [near * (1 - weeds), far * (1 - weeds)]

    return moment


def _far_fish(picture: Picture, time: float) -> None:
    _fish(picture, 760 - 640 * time / SECONDS, 214 + 12 * np.sin(time * 2.1), 88, -1, time + 0.4)


def _near_fish(picture: Picture, time: float) -> None:
    _fish(picture, 80 + 660 * time / SECONDS, 254 + 14 * np.sin(time * 1.7 + 1), 96, 1, time)


def _water() -> Picture:
    water = ramp(ROWS / HEIGHT, "7fd4d6", "3aa3b8", "1d6f93", "12496f")
    haze = clouds(11, HEIGHT, WIDTH, 160, 4)
    water *= (0.9 + 0.2 * haze)[..., None]
    sand = ramp(clouds(12, HEIGHT, WIDTH, 24), "8c9a86", "b8bd9c", "d2d0aa") * 0.78
    edge = 418 + 14 * np.sin(COLUMNS / 130) + 8 * np.sin(COLUMNS / 47 + 1)
    return over(water, sand, soft_step(ROWS - edge, 9))


def _rays(time: float) -> Picture:
    slanted = COLUMNS + 0.45 * ROWS
    beams = np.sin(slanted / 57 + 0.5 * time) * np.sin(slanted / 131 - 0.3 * time + 1)
    return (beams * np.clip(1 - ROWS / 430, 0, 1)).astype(np.float32)


class _Weed:
    """A blade of seaweed that sways; the last ones stand in front and are darker and larger."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(100 + seed)
        front = seed >= 11
        corners = (30, 95, 760, 815, 690) if front else np.linspace(20, 830, 11)
        self.x = float(corners[seed - 11 if front else seed]) + rng.uniform(-18, 18)
        self.length = rng.uniform(110, 170) if front else rng.uniform(150, 320)
        self.width = rng.uniform(9, 13) if front else rng.uniform(6, 11)
        self.phase, self.sway = rng.uniform(0, 6.28), rng.uniform(10, 22)
        color = rgb(rng.choice(["1f5a3c", "2b6b3f", "18503f"] if front else ["2f8a6a", "3b9a6b", "277a6c"]))
        self.lit = color * (0.72 + 0.5 * np.clip(1 - (ROWS - 120) / 330, 0, 1))[..., None]

    def paint(self, picture: Picture, time: float) -> None:
        along = np.linspace(0, 1, 28)
        bend = self.sway * along**1.5 * np.sin(1.3 * time + self.phase - 3.2 * along)
        ripple = self.width * (1 - 0.85 * along**2) * (1 + 0.22 * np.sin(along * 26 + self.phase))
        x, y = self.x + bend, 468 - self.length * along
        blade = np.concatenate([np.stack([x - ripple, y], 1), np.stack([x + ripple, y], 1)[::-1]])
        fill(picture, blade, self.lit)
        stroke(picture, np.stack([x, y], 1), 1.5, self.lit * 1.25, alpha=0.5)


def _paint_weeds(weeds: list[_Weed], picture: Picture, time: float) -> None:
    for weed in weeds:
        weed.paint(picture, time)


def _fish(picture: Picture, x: float, y: float, size: float, heading: int, time: float) -> None:
    """An orange fish with white bands; along its own axis `u` the nose is at 1 and the tail ends at -1.5."""
    place = window(x - 1.7 * size, y - 0.9 * size, x + 1.7 * size, y + 0.9 * size)
    u = heading * (COLUMNS[place] - x) / size
    v = (ROWS[place] - y) / size - 0.07 * np.sin(2.6 * u + 9 * time) * np.clip(1 - u, 0, 2.4) ** 1.3
    body = 0.47 * np.sqrt(np.clip(1 - u * u, 0, 1)) * (1 + 0.16 * u) - np.abs(v + 0.02) - (np.abs(u) > 1)
    pectoral = 0.15 - np.hypot((u - 0.1 + 0.1 * np.sin(6 * time)) * 0.62, v - 0.13 - 0.05 * np.sin(6 * time))
    eye = np.hypot(u - 0.66, v + 0.1)
    fish = over(picture[place], *_fin_paint(u, v, _fins(u, v), size))
    fish = over(fish, _scales(u, v, size), soft_step(body * size, 1.6))
    fish = over(fish, ramp(np.clip(0.5 + v * 1.5, 0, 1), "ffb04a", "d96414"), 0.9 * soft_step(pectoral * size, 2))
    fish = over(fish, rgb("fdf8ec"), soft_step((0.085 - eye) * size, 1.2))
    fish = over(fish, rgb("14141c"), soft_step((0.058 - eye) * size, 1.2))
    picture[place] = over(fish, rgb("ffffff"), soft_step((0.02 - np.hypot(u - 0.68, v + 0.125)) * size, 1.2))


def _fins(u: Picture, v: Picture) -> Picture:
    """Tail, back and belly fins: positive inside, in units of the fish's size."""
    tail = np.minimum(0.1 - 0.62 * (u + 0.82), 0.6) - np.abs(v) - 2 * (u > -0.7)
    tail = np.minimum(tail, (u + 1.45 - 0.16 * np.cos(v * 6)) * 1.2)
    back = 0.2 * np.clip(1 - ((u + 0.12) / 0.62) ** 2, -1, 1) - np.abs(v + 0.5 + 0.04 * np.sin(9 * u))
    belly = 0.15 * np.clip(1 - ((u + 0.3) / 0.3) ** 2, -1, 1) - np.abs(v - 0.48)
    return np.maximum(np.maximum(back, belly), tail)


def _fin_paint(u: Picture, v: Picture, fins: Picture, size: float) -> tuple[Picture, Picture]:
    rays = 0.5 + 0.5 * np.sin(34 * np.arctan2(v, u + 0.4))
    edge = soft_step((0.045 - fins) * size, 2)
    paint = over(ramp(rays, "d7640f", "f58a24"), rgb("2a1a18"), 0.8 * edge)
    return paint, 0.94 * soft_step(fins * size, 1.6)


def _scales(u: Picture, v: Picture, size: float) -> Picture:
    paint = ramp(np.clip(0.5 - 0.95 * v, 0, 1), "ffc46b", "f98a1f", "e0600f", "a63c10")
    for place, width in ((0.38, 0.1), (-0.2, 0.12), (-0.76, 0.07)):
        off_band = np.abs(u - place - 0.1 * np.cos(v * 4) + 0.08)
        paint = over(paint, rgb("2a1a18"), soft_step((width + 0.035 - off_band) * size, 2))
        paint = over(
            paint,
            rgb("fbf6ea") * (1 - 0.3 * np.clip(v + 0.1, 0, 1))[..., None],
            soft_step((width - off_band) * size, 2),
        )
    pattern = 0.04 * np.sin(46 * u) * np.cos(46 * v)
    return paint * (0.98 + pattern - 0.25 * np.clip(v, 0, 1))[..., None]


def _bubbles(picture: Picture, time: float) -> None:
    rng = np.random.default_rng(300)
    for _ in range(14):
        x, start, speed, radius = rng.uniform(40, 810), rng.uniform(0, 480), rng.uniform(35, 70), rng.uniform(2, 5.5)
        x, y = x + 5 * np.sin(2 * time + start), (start - speed * time) % 480
        place = window(x - 10, y - 10, x + 10, y + 10)
        distance = np.hypot(COLUMNS[place] - x, ROWS[place] - y)
        picture[place] = over(picture[place], rgb("dff6f5"), 0.55 * soft_step(1.4 - np.abs(distance - radius), 2))
