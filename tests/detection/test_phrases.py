from __future__ import annotations

import pytest

from sam2_core.detection.phrases import MAX_PHRASE_LENGTH, MAX_PHRASES, read_phrases
from sam2_core.errors import BadPrompt


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("dog, wheel.", ("dog", "wheel")),
        ("a red  car . a dog .", ("a red car", "a dog")),
        ("dog;cat\nbird\r\nfish", ("dog", "cat", "bird", "fish")),
        ("Dog, dog, DOG", ("Dog",)),
        ("собака，кошка。", ("собака", "кошка")),
        (" , .. dog ,,", ("dog",)),
        ("dog\x00\u202e cat", ("dog cat",)),
        (["St. Bernard", "dog"], ("St. Bernard", "dog")),
    ],
)
def test_a_text_is_split_into_phrases(text: str | list[str], phrases: tuple[str, ...]) -> None:
    assert read_phrases(text) == phrases


@pytest.mark.parametrize("text", ["", " . , ", "!?", [], [7], ["x" * (MAX_PHRASE_LENGTH + 1)]])
def test_what_names_nothing_is_refused(text: str | list[str]) -> None:
    with pytest.raises(BadPrompt):
        read_phrases(text)


def test_too_many_phrases_are_refused() -> None:
    phrases = [f"thing {number}" for number in range(MAX_PHRASES + 1)]
    assert len(read_phrases(phrases[:-1])) == MAX_PHRASES
    with pytest.raises(BadPrompt, match="At most 100"):
        read_phrases(phrases)
    with pytest.raises(BadPrompt, match="text is too long"):
        read_phrases("dog, " * 5000)
