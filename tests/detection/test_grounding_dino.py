from __future__ import annotations

import numpy as np

from sam2_core.detection.grounding_dino import best_phrases, tokens_of_phrases

OFFSETS = [(0, 0), (0, 3), (3, 4), (5, 8), (9, 12), (12, 13), (0, 0)]
"""Of [CLS] dog . red car . [SEP] in "dog. red car."."""


def test_tokens_of_phrases_leave_out_dots_and_special_tokens() -> None:
    assert tokens_of_phrases(OFFSETS, ["dog", "red car"]) == [(1, 2), (3, 5)]
    assert tokens_of_phrases([(0, 0), (0, 2), (2, 3), (3, 4), (0, 0)], ["dog"]) == [(1, 3)]
    assert tokens_of_phrases([(0, 0), (0, 1), (0, 0)], ["."]) == [(0, 0)]


def test_a_box_belongs_to_the_phrase_whose_words_are_found_in_it() -> None:
    scores = np.array(
        [
            [0.9, 0.6, 0.9, 0.1, 0.1, 0.1],  # a dog; the dot and the special token count nothing
            [0.0, 0.1, 0.0, 0.5, 0.6, 0.0],  # a red car
            [0.0, 0.5, 0.0, 0.3, 0.4, 0.0],  # both words together are more
            [0.0, 0.5, 0.0, 0.2, 0.4, 0.0],  # one of which is not found
            [0.0, 0.2, 0.0, 0.2, 0.1, 0.0],  # none is
        ]
    )
    phrase, score = best_phrases(scores, [(1, 2), (3, 5)], text_threshold=0.25)
    assert phrase.tolist() == [0, 1, 1, 0, -1]
    assert score.tolist() == [0.6, 0.6, 0.4, 0.5, 0]
    phrase, score = best_phrases(scores[:, :0], [(0, 0)], text_threshold=0)
    assert phrase.tolist() == [-1] * 5
