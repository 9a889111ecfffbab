"""The API, as gradio_client meets it."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from sam2_core.serving.commands import Command, SetPrompt, Track
from sam2_core.types import Mask
from tests.fakes import FakeEngine
from tests.media.numbered import make_clip
from tests.ui.house import DEADLINE, launched, picture_bytes
from ui.app import Server

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
    *(
        "open",
        "open_album",
        "open_with",
        "segment_image",
        "prompt",
        "detect",
        "detect_and_track",
        "everything",
        "detectors",
        "track",
        "masks",
        "untrack",
        "remove_object",
        "reset",
    ),
    *("models", "choose_model", "train", "close", "export", "kinds", "looks", "name_object"),
)
FRAMES = 12


class Caller:
    """Calls endpoints by name."""

    def __init__(self, address: str, folder: Path, **options: Any) -> None:
        self.client = Client(address, verbose=False, download_files=folder, **options)

    def __call__(self, endpoint: str, *values: Any, **named: Any) -> Any:
        return self.client.predict(*values, api_name=f"/{endpoint}", **named)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    make_clip(folder / "clip.mp4", frames=FRAMES)
    (folder / "photo.png").write_bytes(picture_bytes())
    (folder / "other.png").write_bytes(picture_bytes(30, 40))
    return folder


class TroubledEngine(FakeEngine):
    """Tracks only as far as the test lets it, where it `holds`, and fails for one object."""

    def __init__(self) -> None:
        super().__init__()
        self.holds = False
        self.entered, self.gate = threading.Semaphore(0), threading.Semaphore(0)

    def execute(self, session: str, command: Command[Any]) -> Any:
        if isinstance(command, SetPrompt) and command.object_id == 666:
            raise RuntimeError("the password is swordfish")
        if isinstance(command, Track) and self.holds:
            self.entered.release()
            assert self.gate.acquire(timeout=DEADLINE)
        return super().execute(session, command)


@pytest.fixture(scope="module")
def engine() -> TroubledEngine:
    return TroubledEngine()


@pytest.fixture(scope="module")
def served(engine: TroubledEngine) -> Iterator[tuple[Server, str]]:
    with launched(engine) as started:
        yield started


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """A server that lets in one at a time, and only who knows the password."""
    limits = ("--max-sessions", "1", "--max-upload-mb", "1", "--max-pictures", "2")
    with launched(FakeEngine(), "--auth", "me:secret", *limits) as (_, address):
        yield address


@pytest.fixture(scope="module")
def call(served: tuple[Server, str], tmp_path_factory: pytest.TempPathFactory) -> Caller:
    return Caller(served[1], tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def clip(call: Caller, files: Path) -> Iterator[str]:
    """A session on the clip."""
    session = call("open", handle_file(files / "clip.mp4"))["session"]
    yield session
    call("close", session)


@pytest.fixture(scope="module")
def empty(call: Caller, files: Path) -> str:
    """A session without prompts."""
    return str(call("open", handle_file(files / "clip.mp4"))["session"])


def test_files_lie_in_the_folder_of_the_server(served: tuple[Server, str], call: Caller, files: Path) -> None:
    """With which they go, however the server ends."""
    paths = [httpx.post(f"{served[1]}gradio_api/upload", files={"files": ("a.png", b"same")}).json()[0] for _ in "ab"]
    assert len(set(paths)) == 2, "not even equal ones can be guessed"
    folder = Path(get_upload_folder())
    assert all(Path(path).is_relative_to(folder) for path in paths)
    assert folder == served[0].sessions.exchange


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def post(address: str, endpoint: str, *values: Any) -> str:
    """The same by hand, without gradio_client's own checks: the last event of the server."""
    asked = httpx.post(f"{address}gradio_api/call/{endpoint}", json={"data": list(values)}).json()
    return httpx.get(f"{address}gradio_api/call/{endpoint}/{asked['event_id']}", timeout=DEADLINE).text


def test_every_endpoint_is_listed_with_types_and_descriptions(served: tuple[Server, str]) -> None:
    listed = httpx.get(f"{served[1]}gradio_api/info").json()
    assert set(listed["named_endpoints"]) == {f"/{name}" for name in NAMES}
    assert not listed["unnamed_endpoints"]
    for name, about in listed["named_endpoints"].items():
        assert len(about["description"]) > 40, name
        for each in (*about["parameters"], *about["returns"]):
            assert each["python_type"]["type"] not in ("Any", "", "Never"), name
        for each in about["parameters"]:
            assert each["label"].lower().replace(" ", "_") == each["parameter_name"]
            assert each["python_type"]["description"].endswith("."), (name, each["parameter_name"])


def test_a_prompt_answers_with_the_mask_of_its_object(call: Caller, files: Path) -> None:
    opened = call("open", handle_file(files / "photo.png"))
    assert (opened["kind"], opened["frames"], opened["height"], opened["width"]) == ("image", 1, 48, 64)
    found = call("prompt", opened["session"], 0, 3, points=[[40, 20]])
    mask = Mask.from_coco(found["mask"])
    assert (found["object"], mask.height, mask.width, mask.area) == (3, 48, 64, found["area"])
    assert mask.to_array()[20, 40]
    assert len(found["candidates"]) == 3
    picked = call("prompt", opened["session"], 0, 3, points=[[40, 20]], choice=2)
    assert picked["mask"] == found["candidates"][2]["mask"]
    refused = call("prompt", opened["session"], 0, 3, points=[[40, 20], [44, 20]], labels=[1, 0])
    assert not refused["candidates"]
    assert call("prompt", opened["session"], 0, 3)["area"] == 0, "it was cleared"
    assert call("close", opened["session"]) == {"session": opened["session"]}


def test_boxes_and_masks_are_prompts_too(call: Caller, clip: str) -> None:
    boxed = call("prompt", clip, 2, 1, boxes=[[10, 10, 30, 40]])
    assert Mask.from_coco(boxed["mask"]).to_array()[11:39, 11:29].all()
    again = call("prompt", clip, 3, 1, mask=boxed["mask"])
    assert again["mask"] == boxed["mask"]


def test_tracking_is_a_stream(call: Caller, clip: str) -> None:
    call("prompt", clip, 4, 1, points=[[40, 30]])
    news = list(call.client.submit(clip, direction="both", api_name="/track"))
    assert [each["done"] for each in news] == sorted(each["done"] for each in news)
    assert {each["total"] for each in news} == {FRAMES - 1}
    assert [each["finished"] for each in news] == [False] * (len(news) - 1) + [True]
    assert (news[-1]["done"], news[-1]["changed"], news[-1]["lost"]) == (FRAMES - 1, FRAMES - 1, None)
    known = call("masks", clip, 0, FRAMES - 1)
    assert [each["frame"] for each in known] == list(range(FRAMES))
    assert all(each["objects"][0]["area"] for each in known)
    call("untrack", clip, 8, 9)
    assert [bool(each["objects"]) for each in call("masks", clip, 7, 10)] == [True, False, False, True]
    assert list(call.client.submit(clip, frame=7, api_name="/track"))[-1]["changed"] == 2
    call("remove_object", clip, 1)
    assert call("masks", clip, 4) == [{"frame": 4, "objects": []}]


def test_downloads_carry_the_names_of_objects(call: Caller, clip: str) -> None:
    for number in (1, 2):
        call("prompt", clip, 0, number, points=[[30 * number, 30]])
    assert call("name_object", clip, 2, name="Nemo", label="fish", color="#ff8800")["color"] == "#ff8800"
    coco = json.loads(Path(call("export", clip, "coco", objects=[2], last=0)).read_text("utf-8"))
    assert [each["name"] for each in coco["categories"]] == ["fish"]
    assert coco["annotations"][0]["segmentation"] == call("masks", clip)[0]["objects"][1]["mask"]
    film = Path(call("export", clip, "mp4", look={"layers": [{"effect": "overlay", "opacity": 1}]}))
    assert (film.name, film.read_bytes()[4:8]) == ("clip_edited.mp4", b"ftyp")
    assert "mp4" in call("kinds")
    assert call("looks")["effects"]["blur"]["settings"]["strength"]["high"] == 100


def test_an_album_is_opened_and_what_is_no_photo_is_named(call: Caller, files: Path) -> None:
    sent = [handle_file(files / name) for name in ("photo.png", "other.png", "clip.mp4")]
    opened = call("open_album", sent)
    assert (opened["kind"], opened["sizes"], opened["names"]) == (
        "album",
        [[48, 64], [30, 40]],
        ["photo.png", "other.png"],
    )
    assert [each["name"] for each in opened["skipped"]] == ["clip.mp4"]
    assert call("prompt", opened["session"], 1, 1, points=[[20, 10]])["mask"]["size"] == [30, 40]
    call("close", opened["session"])


def test_one_call_is_enough_for_one_mask(call: Caller, served: tuple[Server, str], files: Path) -> None:
    before = len(served[0].sessions)
    with Image.open(call("segment_image", handle_file(files / "photo.png"), box=[10, 10, 30, 40])) as picture:
        mask = np.asarray(picture)
    assert mask.shape == (48, 64)
    assert set(np.unique(mask)) == {0, 255}
    assert mask[12:38, 12:28].all()
    with pytest.raises(AppError, match="no picture"):
        call("segment_image", handle_file(files / "clip.mp4"), points=[[1, 1]])
    assert len(served[0].sessions) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize(
    "name",
    [
        "100%20 #1?.png", "semi;colon'quote\".png", "%22.png", "con.png", "trailing. .png", ".hidden.png", "हिन्दी.png",
        "e\u0301 \U0001f3ac.png", "<b>&{}$.png", "x" * 220 + ".png", "no_ending",
    ],
)  # fmt: skip
def test_files_keep_their_names(call: Caller, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(picture_bytes())
    opened = call("open", handle_file(tmp_path / name))
    assert opened["name"] == name
    session = opened["session"]
    call("prompt", session, 0, 1, points=[[20, 24]])
    coco = json.loads(Path(call("export", session, "coco")).read_text("utf-8"))
    assert [each["file_name"] for each in coco["images"]] == [name]
    call("close", session)


def test_photos_that_are_called_alike_are_told_apart(call: Caller, tmp_path: Path) -> None:
    for folder in ("front", "rear"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "0001.png").write_bytes(picture_bytes(40 + len(folder), 60))
    opened = call("open_album", [handle_file(tmp_path / folder / "0001.png") for folder in ("front", "rear")])
    assert opened["names"] == ["0001.png", "0001 (2).png"], "programs send no folders"
    call("close", opened["session"])


@pytest.mark.parametrize(
    ("endpoint", "named", "complaint"),
    [
        ("prompt", {"frame": 99, "object": 1, "points": [[1, 1]]}, "`frame` must be a whole number from 0 to 11"),
        ("prompt", {"frame": 0, "object": "evil", "points": [[1, 1]]}, "`object` must be a whole number"),
        ("prompt", {"frame": 0, "object": 1, "points": [[1000, 1]]}, "outside of the picture"),
        ("prompt", {"frame": 0, "object": 1, "points": [[1, 1]], "labels": [1, 0]}, "1 points and 2 labels"),
        ("prompt", {"frame": 0, "object": 1, "points": [[1, 1, 1]]}, "Each point is"),
        ("prompt", {"frame": 0, "object": 1, "points": "here"}, "a list of"),
        ("prompt", {"frame": 0, "object": 1, "mask": {"size": [1, 1], "counts": "1"}}, "size of the picture"),
        ("prompt", {"frame": 0, "object": 1, "boxes": [[5, 5, 5, 5]]}, "no size"),
        ("track", {"direction": "sideways"}, "`direction` must be one of"),
        ("track", {}, "Click on a thing first"),
        ("masks", {"first": 3, "last": 1}, "Ask for frames from 0 to 11"),
        ("masks", {"first": "0"}, "Ask for frames"),
        ("untrack", {"first": 0, "last": 99}, "whole number from 0 to 11"),
        ("name_object", {"object": 7}, "no such object"),
        ("export", {"kind": "coco"}, "Select something first"),
        ("export", {"kind": "coco", "objects": [7]}, "`objects` is a list"),
        ("export", {"kind": "coco", "look": "Baroque"}, "no look of that name"),
        ("choose_model", {"name": "nothing"}, "does not offer that model"),
    ],
)
def test_wrong_values_are_refused_with_a_sentence(
    call: Caller, empty: str, endpoint: str, named: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(AppError, match=complaint):
        call(endpoint, empty, **named)


def test_a_key_opens_one_session_and_nothing_else(
    call: Caller, empty: str, clip: str, served: tuple[Server, str], tmp_path: Path
) -> None:
    other = Caller(served[1], tmp_path)
    other("prompt", clip, 0, 1, points=[[40, 30]])
    assert call("masks", empty)[0]["objects"] == []
    theirs = other("open", handle_file(ROOT / "assets" / "screenshots" / "phone.webp"))["session"]
    other("close", theirs)
    other("close", theirs)
    for nobody in (theirs, clip[:-1], ["x"]):
        with pytest.raises(AppError, match="session is unknown"):
            call("masks", nobody)


def test_only_files_that_were_sent_are_read(served: tuple[Server, str], call: Caller, clip: str) -> None:
    meta = {"_type": "gradio.FileData"}
    folder = served[0].sessions._sessions[clip].folder
    stored = next(path for path in folder.rglob("*") if path.is_file())
    for path in (str(ROOT / "README.md"), str(stored)):
        for sent in (path, {"path": path}, {"path": path, "meta": meta}):
            assert "event: error" in post(served[1], "open", sent), sent
    assert "fetched from addresses" in post(served[1], "open", {"path": "http://127.0.0.1:1/x.png", "meta": meta})
    hidden = {"layers": [{"path": "http://127.0.0.1:1/x.png", "meta": meta}]}
    assert "fetched from addresses" in post(served[1], "export", clip, "mp4", None, 0, None, 1, hidden, *[False] * 4, 0)
    assert httpx.get(f"{served[1]}gradio_api/file={stored}").status_code == 403


def test_failures_inside_stay_inside(call: Caller, empty: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AppError, match="Something went wrong on the server") as failure:
        call("prompt", empty, 0, 666, points=[[1, 1]])
    assert "swordfish" not in str(failure.value)
    assert "swordfish" in caplog.text


def test_a_cancelled_job_ends_at_the_next_frame(
    call: Caller, clip: str, served: tuple[Server, str], engine: TroubledEngine
) -> None:
    call("prompt", clip, 0, 1, points=[[40, 30]])
    session, before = served[0].sessions._sessions[clip], engine.calls.count("Track")
    workspace = session.workspace
    assert workspace is not None
    engine.holds = True
    try:
        job = call.client.submit(clip, api_name="/track")
        assert engine.entered.acquire(timeout=DEADLINE)
        engine.gate.release()
        assert engine.entered.acquire(timeout=DEADLINE)
        job.cancel()
        until(lambda: session._tracking is None)
    finally:
        engine.holds = False
        engine.gate.release()
    until(lambda: not workspace._tracking)
    assert engine.calls.count("Track") == before + 2
    assert call("masks", clip, 1)[0]["objects"], "what was found is kept"


def test_a_password_guards_the_api(guarded: str) -> None:
    sent = {"files": ("a.png", b"x")}
    assert httpx.get(f"{guarded}gradio_api/info").status_code == 401
    assert httpx.post(f"{guarded}gradio_api/call/kinds", json={"data": []}).status_code == 401
    assert httpx.post(f"{guarded}gradio_api/upload", files=sent).status_code == 401


def test_places_and_sizes_are_limited(guarded: str, files: Path, tmp_path: Path) -> None:
    call = Caller(guarded, tmp_path, auth=("me", "secret"))
    photo = handle_file(files / "photo.png")
    assert call("open", photo)["kind"] == "image"
    with pytest.raises(AppError, match="All places are taken"):
        call("open", photo)
    with pytest.raises(AppError, match="1 to 2 photos"):
        call("open_album", [photo] * 3)
    large = {"files": ("a.png", bytes(1_500_000))}
    cookies = dict(call.client.cookies)
    assert httpx.post(f"{guarded}gradio_api/upload", files=large, cookies=cookies).status_code == 413


def test_the_example_in_the_documentation_runs(
    served: tuple[Server, str], files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.DOTALL)
    [example] = [block for block in blocks if "gradio_client" in block]
    assert example.count("http://127.0.0.1:7860/") == 1
    monkeypatch.chdir(files)
    names: dict[str, Any] = {}
    exec(example.replace("http://127.0.0.1:7860/", served[1]), names)
    assert f"{FRAMES - 1} of {FRAMES - 1}" in capsys.readouterr().out
    assert Path(names["film"]).read_bytes()[4:8] == b"ftyp"
    assert served[0].sessions.find(names["session"]) is None, "it closes what it opened"
