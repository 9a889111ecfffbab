"""A beach ball rolls behind a pillar and out again."""

from __future__ import annotations

import cv2
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
    ellipse_shadow,
    over,
    ramp,
    rgb,
    soft_step,
    window,
)

HORIZON, RADIUS, PILLAR_X, PILLAR_HALF = 268.0, 58.0, 430.0, 84.0


def rolling_ball() -> Scene:
    """A ball on a tiled floor; the pillar hides it completely for a moment."""
    radius = RADIUS
    room = _room(HORIZON)
    pillar, pillar_alpha = _pillar(PILLAR_X, PILLAR_HALF)
    lit = over(room, rgb("1d1a24"), 0.5 * ellipse_shadow(PILLAR_X + 60, 448, 190, 22))
    still = over(lit, pillar, pillar_alpha)

    def moment(time: float) -> Picture:
        x, y = _ball_place(time)
        place = window(x - 2.6 * radius, y - 1.1 * radius, x + 3 * radius, y + 2 * radius)  # ball and shadow
        shadow = ellipse_shadow(x + 14, y + radius - 3, radius * 1.05, 12, place)
        near = over(lit[place], rgb("15121c"), 0.75 * shadow)
        near = over(near, *_ball((COLUMNS[place] - x) / radius, (ROWS[place] - y) / radius, radius, angle=x / radius))
        picture = still.copy()
        picture[place] = over(near, pillar[place], pillar_alpha[place])
        return picture

    return moment


def rolling_ball_masks() -> Masks:
    """The ball without its shadow."""
    _, pillar = _pillar(PILLAR_X, PILLAR_HALF)

    def moment(time: float) -> list[Picture]:
        x, y = _ball_place(time)
        return [soft_step((1 - np.hypot((COLUMNS - x) / RADIUS, (ROWS - y) / RADIUS)) * RADIUS, 1.5) * (1 - pillar)]

    return moment


def _ball_place(time: float) -> tuple[float, float]:
    return 60 + 735 * time / SECONDS, 345.0


def _room(horizon: float) -> Picture:
    wall = ramp(clouds(1, HEIGHT, WIDTH, 128), "b9a98c", "d9cbb0", "e6dcc6")
    light = np.exp(-(((COLUMNS - 250) / 420) ** 2 + ((ROWS - 60) / 300) ** 2))
    wall *= (0.62 + 0.42 * light + 0.03 * (clouds(2, HEIGHT, WIDTH, 6, 2) - 0.5))[..., None]
    depth = 60 / np.maximum(ROWS - horizon + 22, 1)  # of the floor, seen in perspective
    across, along = (COLUMNS - WIDTH / 2) * depth / 62, depth * 5.2
    stone = clouds(3, 512, 512, 64)
    grain = cv2.remap(stone, (across * 90 % 511), (along * 90 % 511), cv2.INTER_LINEAR)
    chess = (np.floor(across) + np.floor(along)) % 2
    floor = ramp(0.25 * grain + 0.55 * chess, "6c5a4a", "94806a", "b7a58c")
    gap = np.minimum(np.abs(across - np.round(across)) / depth * 62, np.abs(along - np.round(along)) * 40 / depth**1.4)
    floor *= (0.72 + 0.28 * np.clip(gap / 2.2, 0, 1))[..., None]
    floor *= (0.75 + 0.35 * np.exp(-(((COLUMNS - 300) / 430) ** 2)))[..., None]
    skirting = soft_step(ROWS - (horizon - 26)) * soft_step(horizon - ROWS)
    room = over(wall, rgb("efe7d6") * 0.8, skirting)
    return (
        over(room, floor, soft_step(ROWS - horizon, 2))
        * (1 - 0.25 * ellipse_shadow(424, horizon + 2, 900, 9))[..., None]
    )


def _pillar(x: float, half: float) -> tuple[Picture, Picture]:
    base = soft_step(ROWS - 412)
    across = np.clip((COLUMNS - x) / (half + 14 * base), -1, 1)
    turn = np.arcsin(across)
    shade = 0.28 + 0.72 * np.clip(np.cos(turn + 0.75), 0, 1)
    flutes = 1 - 0.16 * (1 - base) * (0.5 + 0.5 * np.cos(turn * 16)) ** 3
    stone = ramp(clouds(4, HEIGHT, WIDTH, 40), "b6bcc4", "d3d7da", "e8e6e0")
    alpha = soft_step(half + 14 * base - np.abs(COLUMNS - x)) * soft_step(452 + 10 * np.sqrt(1 - across**2) - ROWS)
    rim = 1 - 0.3 * np.exp(-(((ROWS - 412) / 3) ** 2))
    return stone * (shade * flutes * rim)[..., None], alpha


def _ball(u: Picture, v: Picture, radius: float, angle: float) -> tuple[Picture, Picture]:
    """A striped unit sphere at (u, v) that has rolled by `angle`: its colours and its alpha."""
    distance = np.sqrt(u * u + v * v)
    depth = np.sqrt(np.clip(1 - distance**2, 0, 1))
    rolled_u = u * np.cos(angle) + v * np.sin(angle)
    rolled_v = -u * np.sin(angle) + v * np.cos(angle)
    axis_v, axis_depth = rolled_v * 0.8 - depth * 0.6, rolled_v * 0.6 + depth * 0.8  # the stripes' pole looks at us
    sector = np.arctan2(axis_v, rolled_u) / (2 * np.pi) * 6 % 6
    colors = np.stack([rgb(code) for code in ("e23d3d", "f5f1e6", "f2b632", "f5f1e6", "2f7fc4", "f5f1e6")])
    paint = colors[np.floor(sector).astype(int) % 6]
    cap = soft_step((axis_depth - 0.95) * radius, 2)
    paint = over(paint, rgb("f5f1e6"), cap)
    light = np.clip(-0.45 * u - 0.65 * v + 0.62 * depth, 0, 1)
    bounce = 0.12 * np.clip(v, 0, 1)
    shine = np.clip(-0.33 * u - 0.48 * v + 0.82 * depth, 0, 1) ** 60
    shaded = paint * (0.3 + 0.78 * light + bounce)[..., None] + 0.55 * shine[..., None]
    return np.clip(shaded, 0, 1).astype(np.float32), soft_step((1 - distance) * radius, 1.5)
