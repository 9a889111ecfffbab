"""A review page is one file that holds all it shows, fetches nothing, and lets nobody's words run."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sam2_core.errors import MediaError
from sam2_core.media import (
    EXPORT_FORMATS,
    ExportOptions,
    ObjectTraits,
    Store,
    export,
    ingest,
    ingest_album,
    open_store,
    write,
)
from sam2_core.media.review import document, encoding, writer
from sam2_core.media.review.document import PAGE, STYLES, modules
from sam2_core.types import FrameMasks, Mask, ObjectMask
from tests.media.masked_media import BALL, BIRD, FRAMES, HEIGHT, WIDTH, masks_of, media_of, no_masks, shape
from tests.media.numbered import make_clip, numbered_image, read_number
from tests.media.review.opened import Opened

HOSTILE = "</script><img src=x onerror=alert(1)><!--"
REVIEW = ExportOptions("review")


class Cancelled(Exception):
    pass


def opened(path: Path, media: Any, options: ExportOptions = REVIEW) -> Opened:
    return Opened(write(path / "review.html", media, options))


def test_the_page_holds_what_the_material_holds(clip: Store, tmp_path: Path) -> None:
    page = opened(tmp_path, media_of(clip, objects=[BALL, BIRD]))
    assert list(page.frames) == page.about["frames"] == list(range(FRAMES))
    assert page.about["times"] == pytest.approx([frame / 30 for frame in range(FRAMES)], abs=1e-3)
    facts = {"kind": "clip", "name": "clip.mp4", "frames": FRAMES, "height": HEIGHT, "width": WIDTH, "fps": 30.0}
    assert page.about["medium"] == facts
    assert page.about["objects"] == [BALL.to_json(), BIRD.to_json()]
    for frame in range(FRAMES):
        assert read_number(page.image(frame)) == frame
        np.testing.assert_array_equal(page.mask(frame, 1), shape(1, frame))
    np.testing.assert_array_equal(page.mask(3, 2), shape(2, 3))
    assert page.mask(1, 2) is None
    assert page.about["found"]["1"] == [[0.912, 400, None]] * FRAMES
    assert page.about["found"]["2"] == [None, [0.8, 0, None], *[[0.8, 400, None]] * 4]


def test_each_page_is_told_apart(clip: Store, tmp_path: Path) -> None:
    ids = {opened(tmp_path, media_of(clip)).about["review"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)


def test_nothing_is_fetched_and_only_our_own_script_runs(clip: Store, tmp_path: Path) -> None:
    page = opened(tmp_path, media_of(clip))
    fetching = {"src", "srcset", "action", "data", "poster", "background", "formaction"}
    assert [(tag, keys) for tag, keys in page.elements if fetching & set(keys)] == []
    links = [keys["href"] or "" for tag, keys in page.elements if "href" in keys]
    assert [associate for associate in links if not associate.startswith(("#", "data:image/svg+xml,"))] == []
    assert [keys for _, keys in page.elements if any(name.startswith("on") or name == "style" for name in keys)] == []
    addresses = set(re.findall(r"https?://[^\s\"')]+", (tmp_path / "review.html").read_text("utf-8")))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    [script] = [text for keys, text in page.blocks if "type" not in keys]
    style = "".join(page.texts["style"])
    for text, directive in ((script, "script-src"), (style, "style-src")):
        listed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{listed}';" in page.policy
    assert page.policy.startswith("default-src 'none';")
    assert "unsafe" not in page.policy


def test_hostile_names_are_only_words(clip: Store, tmp_path: Path) -> None:
    traits = ObjectTraits(1, HOSTILE, "\u2028" + HOSTILE, (1, 2, 3))
    media = media_of(clip, objects=[traits])
    media.store.info, true = replace(clip.info, name=f"[[data]][[script]]{HOSTILE}.mp4"), clip.info
    try:
        page = opened(tmp_path, media)
    finally:
        media.store.info = true
    assert page.about["objects"] == [traits.to_json()]
    assert page.about["medium"]["name"] == f"[[data]][[script]]{HOSTILE}.mp4"
    assert page.texts["title"] == [f"Review of [[data]][[script]]{HOSTILE}.mp4"]
    assert [tag for tag, _ in page.elements if tag == "img"] == []
    assert sum("type" not in keys for keys, _ in page.blocks) == 1


def test_data_cannot_end_their_element() -> None:
    block = document.data_block('id="x"', {HOSTILE: f"{HOSTILE}&amp;"})
    assert re.findall("[<>&]", block[len('<script type="application/json" id="x">') : -len("</script>\n")]) == []


def test_a_range_and_every_other_frame(clip: Store, tmp_path: Path) -> None:
    page = opened(tmp_path, media_of(clip, frames=range(1, 6, 2)))
    assert list(page.frames) == page.about["frames"] == [1, 3, 5]
    assert [read_number(page.image(frame)) for frame in (1, 3, 5)] == [1, 3, 5]
    assert page.about["times"] == pytest.approx([1 / 30, 3 / 30, 5 / 30], abs=1e-3)
    np.testing.assert_array_equal(page.mask(5, 1), shape(1, 5))
    assert page.about["medium"]["frames"] == FRAMES
    assert page.about["left_out"] == 0


def test_a_image(single_image: Store, tmp_path: Path) -> None:
    page = opened(tmp_path, media_of(single_image))
    assert list(page.frames) == [0]
    assert page.about["medium"]["kind"] == "image"
    assert read_number(page.image(0)) == 5


def test_an_album_keeps_each_photos_size(tmp_path: Path) -> None:
    sizes = ((64, 96), (96, 60))
    sources = [tmp_path / f"{name}.png" for name in "ab"]
    for number, (source, size) in enumerate(zip(sources, sizes, strict=True)):
        Image.fromarray(numbered_image(number, *size)).save(source)
    ingest_album(sources, tmp_path / "store")
    full = [FrameMasks(f, 1, (ObjectMask(1, Mask.from_array(np.ones(sizes[f])), 1.0, 9.0),)) for f in range(2)]
    with open_store(tmp_path / "store") as album:
        page = opened(tmp_path, media_of(album, lambda frame: full[frame]))
    assert page.about["medium"]["sizes"] == [list(size) for size in sizes]
    assert page.about["medium"]["names"] == ["a.png", "b.png"]
    for frame, size in enumerate(sizes):
        assert page.image(frame).shape[:2] == size
        mask = page.mask(frame, 1)
        assert mask is not None and mask.shape == size and mask.all()


@pytest.mark.parametrize(("largest_side", "expected"), [(0, 960), (500, 500), (4000, 1100)])
def test_images_are_as_large_as_ordered(largest_side: int, expected: int, tmp_path: Path) -> None:
    ingest(make_clip(tmp_path / "wide.mp4", frames=2, size=(180, 1100)), tmp_path / "store")
    with open_store(tmp_path / "store") as store:
        page = opened(tmp_path, media_of(store, no_masks), replace(REVIEW, max_side=largest_side))
    assert page.image(0).shape[:2] == (round(180 * expected / 1100), expected)


def test_masks_of_large_images_come_on_a_coarser_grid() -> None:
    pixels = np.zeros((1200, 4000), bool)
    pixels[200:1000, 400:2000] = True
    assert encoding.mask_size(1200, 4000) == (576, 1920)
    _, place = encoding.encode_mask(Mask.from_array(pixels))
    assert place == pytest.approx((192, 96, 768, 384), abs=1)
    assert encoding.mask_size(1080, 1920) == (1080, 1920)


def noise_clip(folder: Path, frames: int) -> Path:
    """Frames that compress badly."""
    rng = np.random.default_rng(0)
    for number in range(frames):
        Image.fromarray(rng.integers(0, 255, (96, 160, 3), np.uint8)).save(folder / f"{number:02d}.png")
    ingest_album(sorted(folder.glob("*.png")), folder / "store")
    return folder / "store"


@pytest.mark.parametrize(("share", "left_out"), [(0.9, 0), (0.2, 7)])
def test_a_file_stays_within_its_budget(
    share: float, left_out: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At first by its quality; where that is not enough by showing every n-th frame, and saying so."""
    with open_store(noise_clip(tmp_path, 10)) as store:
        usual = write(tmp_path / "usual.html", media_of(store, no_masks), REVIEW).stat().st_size
        page = sum(map(len, document.page_template("")))
        budget = page + round((usual - page) * share)
        monkeypatch.setattr(writer, "BUDGET", budget)
        found = opened(tmp_path, media_of(store, no_masks))
    assert (tmp_path / "review.html").stat().st_size <= budget * 1.02
    assert found.about["left_out"] == left_out
    assert len(found.frames) == 10 - left_out


def test_an_unusual_frame_costs_no_more_than_twice_its_share() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    full = len(encoding.encode_webp(noise, 84))
    assert len(encoding.encode_within(noise, 84, full)) == full
    assert len(encoding.encode_within(noise, 84, full * 0.4)) <= full * 0.8
    assert len(encoding.encode_within(noise, 84, 0)) == len(encoding.encode_webp(noise, encoding.QUALITIES[-1]))


def test_whoever_cancels_leaves_nothing_behind(clip: Store, tmp_path: Path) -> None:
    def give_up(fraction: float, message: str) -> None:
        if fraction == 1:
            raise Cancelled

    reports: list[float] = []
    write(tmp_path / "whole.html", media_of(clip), REVIEW, lambda fraction, _: reports.append(fraction))
    assert reports == sorted(reports) and reports[-1] == 1.0
    (tmp_path / "whole.html").unlink()
    with pytest.raises(Cancelled):
        write(tmp_path / "review.html", media_of(clip), REVIEW, give_up)
    assert list(tmp_path.iterdir()) == []


def test_a_mask_that_does_not_fit_leaves_nothing_behind(clip: Store, tmp_path: Path) -> None:
    small = FrameMasks(0, 1, (ObjectMask(1, Mask.from_array(np.ones((2, 2))), 1.0, 1.0),))
    with pytest.raises(MediaError, match="96 x 64"):
        write(tmp_path / "review.html", media_of(clip, lambda frame: replace(small, frame=frame)), REVIEW)
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_none_do_no_harm(clip: Store, tmp_path: Path) -> None:
    def strange(frame: int) -> FrameMasks:
        [ball] = masks_of(0).objects
        return FrameMasks(frame, 1, (replace(ball, predicted_iou=float("inf"), object_score=float("-inf")),))

    page = opened(tmp_path, media_of(clip, strange))
    assert page.about["found"]["1"][0] == [1.0, 400, None]


def test_it_is_one_of_the_downloads(clip: Store, single_image: Store, tmp_path: Path) -> None:
    assert export(tmp_path, media_of(clip), REVIEW).name == "clip_review.html"
    assert export(tmp_path, media_of(single_image), REVIEW).name == "still_review.html"
    assert (EXPORT_FORMATS["review"].group, EXPORT_FORMATS["review"].option_keys) == ("review", ("largest_side",))


def test_every_file_of_the_page_is_used_once() -> None:
    texts = modules()
    assert sorted([*STYLES, "page.html"]) == sorted(
        path.name for path in PAGE.iterdir() if not path.name.endswith((".js", ".d.ts"))
    )
    script = document.page_template("")[1]
    own = [path for path in texts if path.startswith("sam2_core/")]
    assert len(own) == len(list(PAGE.glob("*.js")))
    assert [path for path in own if script.count(f"$modules['{path}'] = ") != 1] == []


def test_users_words_are_never_parsed_as_html() -> None:
    for name, text in modules().items():
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " fetch(", "</"):
            assert forbidden not in text, name


def test_every_element_that_scripts_look_for_exists() -> None:
    html = (PAGE / "page.html").read_text("utf-8")
    scripts = modules()
    classes = {word for text in re.findall(r'class="([^"]+)"', html) for word in text.split()}
    made = {word for text in scripts.values() for found in re.findall(r"'([a-z -]+)'", text) for word in found.split()}
    for name, text in scripts.items():
        for wanted in re.findall(r"\bfind\('([\w-]+)'\)", text):
            assert wanted in classes, f"{name} looks for {wanted}"
        for wanted in re.findall(r"\bfind\('([\w-]+)', ", text):
            assert wanted in made, f"{name} looks for {wanted}"
