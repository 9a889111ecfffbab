"""Text behind objects: as large as wished, if it fits."""

from __future__ import annotations

import numpy as np
import pytest

from sam2_core.errors import BadPrompt
from sam2_core.media import EffectStack, Painter
from sam2_core.media.effects import text_rendering as module
from sam2_core.media.effects.text_rendering import find_typeface, render_text
from tests.media.effects.scenes import material_of, painted, rectangle

SIZE = 300, 500
GRAY = np.full((*SIZE, 3), 100, np.uint8)


def test_objects_hide_the_text() -> None:
    inside = rectangle(SIZE, 100, 200, 100, 100)
    drawn = painted(GRAY, [inside], {"effect": "text", "text": "MMMM", "color": "#ffffff"})
    free = painted(GRAY, [], {"effect": "text", "text": "MMMM", "color": "#ffffff"})
    assert (drawn[inside] == 100).all() and (free[inside] == 255).any()
    np.testing.assert_array_equal(drawn[~inside], free[~inside])


@pytest.mark.parametrize("requested", [30, 90])
def test_letters_are_as_large_as_wished(requested: float) -> None:
    letters, area = render_text(find_typeface("HX"), SIZE, requested, 0.5) or pytest.fail("no text")
    assert letters.shape == area.size
    assert letters.shape[0] == pytest.approx(0.72 * requested, rel=0.15)
    assert (area.left + area.right) / 2 == pytest.approx(250, abs=2)
    assert (area.top + area.bottom) / 2 == pytest.approx(150, abs=2)


@pytest.mark.parametrize("text", ["W" * 60, "many words " * 18, "Ab", "  gap   and\ttab "])
@pytest.mark.parametrize("middle", [0, 0.5, 1])
@pytest.mark.parametrize("size", [SIZE, (500, 90), (40, 600)])
def test_all_of_a_text_is_in_the_picture(text: str, middle: float, size: tuple[int, int]) -> None:
    letters, area = render_text(find_typeface(text), size, 1000, middle) or pytest.fail("no text")
    assert 0 <= area.left < area.right <= size[1] and 0 <= area.top < area.bottom <= size[0]
    assert letters.shape == area.size
    assert area.right - area.left <= 0.96 * size[1] + 2


def test_long_texts_take_several_lines() -> None:
    one, many = (
        render_text(find_typeface(text), SIZE, 300, 0.5) or pytest.fail("?") for text in ("word", "word " * 12)
    )
    assert many[0].any(axis=1).sum() < many[0].shape[0], "there is room between lines"
    assert one[0].any(axis=1).all()


@pytest.mark.parametrize("text", ["", "   "])
def test_no_text_changes_nothing(text: str) -> None:
    np.testing.assert_array_equal(painted(GRAY, [], {"effect": "text", "text": text}), GRAY)


def test_accents_are_left_out_where_no_font_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SYSTEM_FONTS", ())
    assert find_typeface("Größe – déjà vu").text == "Grosse - deja vu"
    with pytest.raises(BadPrompt, match="Latin letters"):
        Painter(EffectStack.of("text", text="面具"), material_of([GRAY], [[]], "image"))


def test_a_font_that_has_the_letters_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_has_all", lambda name, text: name == "Arial Unicode.ttf")
    assert find_typeface("Größe") == module.Typeface("Arial Unicode.ttf", "Größe")
