"""Fine-tuning on the masks of a session, with programs in the place of the one that trains."""

from __future__ import annotations

import io
import os
import sys
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from sam2_core.types import Mask
from tests.ui.house import DEADLINE, House, Page, open_house, picture_bytes
from tests.ui.trainers import ENDLESS, GOOD, Trainer

CLICK = {"points": [[20, 24, 1]]}
OBJECT = {
    "id": 1,
    "name": "Tom",
    "color": [1, 2, 3],
    "label": "cat",
    "provenance": {"stage": "assisted", "seconds": 4.0},
}


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    trainer = Trainer()
    monkeypatch.setattr("ui.sessions.training_command", trainer)
    return trainer


@pytest.fixture
def house(trainer: Trainer) -> Iterator[House]:
    with open_house(models="") as house:
        yield house


def open_album(house: House, page: Page, token: str) -> None:
    for left in (1, 0):
        content = picture_bytes(48, 64 - left)
        query = {"name": f"{left}.png", "batch": "b", "left": left}
        assert house.client.post(f"/s/{token}/upload", params=query, content=content).status_code == 202
    page.receive("opened")
    page.send("set_prompt", seq=1, frame=0, object=1, prompt=CLICK)
    page.receive("masks", seq=1)


def folders(house: House, token: str) -> list[str]:
    session = house.sessions.find(token)
    assert session is not None
    return sorted(each.name for each in session.folder.iterdir() if each.name.startswith(("training", "models")))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def pid_of(house: House, token: str) -> int:
    session = house.sessions.find(token)
    assert session is not None
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        for file in session.folder.glob("training-*/pid"):
            if text := file.read_text():
                return int(text)
        time.sleep(0.02)
    raise AssertionError("the program has not begun")


def test_new_weights_come_into_the_list_of_models(house: House, trainer: Trainer) -> None:
    token = house.session().token
    with house.page(token) as page:
        open_album(house, page, token)
        page.send("train", objects=[OBJECT], minutes=2)
        assert page.receive("progress", job="train", message="Training")["fraction"] == 0.5
        done = page.receive("done", job="train")
        assert (done["title"], done["before"], done["after"]) == (
            "nano, trained on 1 photo",
            {"click1": 0.6},
            {"click1": 0.75},
        )
        assert (done["photos"], done["masks"], done["size"]) == (1, 3, 7)
        assert [(entry.name, minutes) for entry, minutes in trainer.calls] == [("nano", 2)]
        fetched = house.client.get(f"/s/{token}/{done['url']}")
        assert (fetched.content, "nano_trained.safetensors" in fetched.headers["content-disposition"]) == (
            b"weights",
            True,
        )
        stranger = house.session().token
        with house.page(stranger):
            assert house.client.get(f"/s/{stranger}/{done['url']}").status_code == 404
        assert house.client.get(f"/s/{token}/weights/nano/nano.safetensors").status_code == 404
        page.send("list_models")
        listed = page.receive("models")
        assert [each["name"] for each in listed["models"]] == ["nano", done["name"]]
        assert listed["current"] == "nano"
        assert folders(house, token) == ["models"]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("say(error='Annotate at least two photos.')", "Annotate at least two photos."),
        ("sys.exit(3)", "without a result"),
        ("say(weights='/etc/passwd')", "without a result"),
        ("say(weights='absent.pt')", "without a result"),
        ("print('[1'); say(fraction='x'); print('[]')", "without a result"),
    ],
)
def test_what_goes_wrong_leaves_all_as_it_was(house: House, trainer: Trainer, program: str, words: str) -> None:
    trainer.program = program
    token = house.session().token
    with house.page(token) as page:
        open_album(house, page, token)
        page.send("train", objects=[OBJECT])
        assert words in page.receive("error", job="train")["text"]
        assert folders(house, token) == []
        page.send("list_models")
        assert len(page.receive("models")["models"]) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its number")
def test_cancelling_and_leaving_end_the_process(house: House, trainer: Trainer) -> None:
    trainer.program = ENDLESS
    session = house.session()
    with house.page(session.token) as page:
        open_album(house, page, session.token)
        page.send("train", objects=[OBJECT])
        first = pid_of(house, session.token)
        page.send("cancel", job="train")
        deadline = time.monotonic() + DEADLINE
        while folders(house, session.token) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert (folders(house, session.token), is_alive(first)) == ([], False)
        page.send("train", objects=[OBJECT])
        second = pid_of(house, session.token)
        house.call(house.sessions.close, session)
        assert not is_alive(second)
        assert not session.folder.exists()


def test_only_one_trains_at_a_time(house: House, trainer: Trainer) -> None:
    trainer.program = ENDLESS
    tokens = [house.session().token for _ in range(2)]
    with house.page(tokens[0]) as page, house.page(tokens[1]) as other:
        for each, token in ((page, tokens[0]), (other, tokens[1])):
            open_album(house, each, token)
        page.send("train", objects=[OBJECT])
        page.receive("progress", job="train", message="Training")
        trainer.program = GOOD
        other.send("train", objects=[OBJECT])
        assert "you are next" in other.receive("progress", job="train")["message"]
        page.send("cancel", job="train")
        other.receive("done", job="train")


@pytest.mark.parametrize(
    ("settings", "fields", "words"),
    [
        ({"host": "0.0.0.0"}, {}, "does not train models"),
        ({"training": "never"}, {}, "does not train models"),
        ({"max_train_minutes": 3}, {"minutes": 4}, "at most 3 minutes"),
        ({}, {"minutes": 0}, "`minutes` must be"),
        ({}, {"objects": []}, "there is no mask to train on"),
        ({}, {"objects": {}}, "there is no mask to train on"),
        ({}, {"objects": [OBJECT, OBJECT]}, "listed twice"),
        ({"max_objects": 1}, {"objects": [OBJECT, {**OBJECT, "id": 2}]}, "Up to 1 objects"),
        ({}, {"objects": [{**OBJECT, "provenance": {"stage": "later"}}]}, "A data set says"),
    ],
)
def test_what_cannot_be_is_refused(
    trainer: Trainer, settings: dict[str, Any], fields: dict[str, Any], words: str
) -> None:
    with open_house(models="", **settings) as house:
        token = house.session().token
        with house.page(token) as page:
            open_album(house, page, token)
            page.send("train", **{"objects": [OBJECT], **fields})
            assert words in page.receive("error", job="train")["text"]
            assert trainer.calls == []


def test_one_picture_is_too_little(house: House, trainer: Trainer) -> None:
    token = house.session().token
    with house.page(token) as page:
        house.upload(token, picture_bytes())
        page.receive("opened")
        page.send("train", objects=[OBJECT])
        assert "several photos" in page.receive("error", job="train")["text"]


def test_photos_are_downloaded_as_a_dataset(house: House) -> None:
    token = house.session().token
    with house.page(token) as page:
        open_album(house, page, token)
        rejected = {"frame": 1, "mask": Mask.from_array(np.eye(48, 64, dtype=bool)).to_coco(), "predicted_iou": 0.4}
        page.send("export", format="dataset", objects=[OBJECT], rejected=[{**rejected, "frame": 0}])
        assert "must have the size of the picture" in page.receive("error", job="export")["text"]
        page.send("export", format="dataset", objects=[OBJECT], rejected=[rejected])
        done = page.receive("done", job="export")
        content = house.client.get(f"/s/{token}/{done['url']}").content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert "dataset/manifest.jsonl" in archive.namelist()
            assert b'"seconds": 4.0' in archive.read("dataset/manifest.jsonl")
            assert b'"decision": "rejected"' in archive.read("dataset/manifest.jsonl")
