"""The API: every action of the page as a function, which ui/publishing.py makes an endpoint of Gradio.

Their docstrings are what callers read on the API view. Downloads are in ui/takeaway.py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import PurePath
from typing import Any, Literal, TypeAlias

from gradio import FileData

from sam2_core.errors import BadPrompt, MediaError
from ui.answers import Done, Found, FrameFound, Opened, Tracking, frame_found, nothing_of, png_of
from ui.exchange import lend_bytes
from ui.models import describe_offers
from ui.notes import is_whole
from ui.reading import MAX_FRAMES_ASKED
from ui.reception import Reception
from ui.resources import Resources

Lists: TypeAlias = list[list[float]]


class Endpoints:
    """What is done with a session, from its beginning to its end. Belongs to one event loop."""

    def __init__(self, reception: Reception, resources: Resources) -> None:
        self._reception, self._resources = reception, resources

    def all(self) -> list[Callable[..., Any]]:
        """In the order in which they are listed."""
        begin: list[Callable[..., Any]] = [self.open, self.open_album, self.segment_image]
        edit: list[Callable[..., Any]] = [
            self.prompt,
            self.track,
            self.masks,
            self.untrack,
            self.remove_object,
            self.reset,
        ]
        return [*begin, *edit, self.models, self.choose_model, self.close]

    async def open(self, file: FileData) -> Opened:
        """Open a picture or a clip. Gives `session`, the key to all that is done with it (keep it to yourself), `kind`
        (image or clip), `frames`, `height` and `width` in pixels, and `fps` (0 for a picture). A session ends with
        /close, or when nothing was asked of it for long.

        Args:
            file: A picture or clip of any usual format, sent with `handle_file`.
        """
        return await self._reception.open([file])

    async def open_album(self, files: list[FileData]) -> Opened:
        """Open several photos as one album: each is a frame with a size and a name of its own (`sizes` as [height,
        width], `names`). Gives what /open gives; `skipped` names the files that could not be used, and why.

        Args:
            files: Pictures, each sent with `handle_file`.
        """
        most = self._resources.settings.max_pictures
        if not isinstance(files, list) or not 1 <= len(files) <= most:
            raise MediaError(f"An album has 1 to {most} photos.")
        return await self._reception.open(files)

    async def segment_image(
        self,
        file: FileData,
        points: Lists | None = None,
        labels: list[int] | None = None,
        box: list[float] | None = None,
    ) -> FileData:
        """The mask of one thing in one picture, without a session: a PNG of the picture's size, white (255) where the
        thing is and black (0) elsewhere.

        Args:
            file: A picture, sent with `handle_file`.
            points: Clicks as [[x, y], ...], in pixels of the picture.
            labels: 1 for a click on the thing, 0 for one on what does not belong to it; left out: all 1.
            box: The thing's bounding box as [left, top, right, bottom], in pixels.
        """
        opened = await self._reception.open([file])
        try:
            if opened["kind"] != "image":
                raise MediaError("This is no picture. Use /open, /prompt and /track for a clip.")
            boxes = None if box is None else [box]
            found = await self.prompt(opened["session"], 0, 1, points, labels, boxes)
            name = f"{PurePath(opened['name']).stem}_mask.png"
            lent = await self._resources.call(lambda: lend_bytes(name, png_of(found)))
        finally:
            await self._reception.close(opened["session"])
        return FileData(path=str(lent), orig_name=name)

    async def prompt(
        self,
        session: str,
        frame: int,
        object: int,
        points: Lists | None = None,
        labels: list[int] | None = None,
        boxes: Lists | None = None,
        mask: dict[str, Any] | None = None,
        choice: int | None = None,
        crop: list[float] | None = None,
    ) -> Found:
        """Say what an object is on a frame: all that holds there from now on, in place of what was said before; nothing
        at all takes it back. Coordinates are pixels of the original, x to the right and y down. Gives the object's
        `mask` as COCO run lengths ({size: [height, width], counts}), its `area` in pixels, its `score` (predicted IoU,
        0 to 1), its `presence` (a logit; above 0 it is in the frame), and after a single click the `candidates` (mask
        and score) that may be meant, one of which `choice` picks.

        Args:
            session: What /open gave.
            frame: Frame number, from 0.
            object: A number of your own for the object, from 1; a new number makes a new object.
            points: Clicks as [[x, y], ...].
            labels: 1 for a click on the object, 0 for one on what does not belong to it; left out: all 1.
            boxes: Bounding boxes as [[left, top, right, bottom], ...]; the object is what they hold together.
            mask: A mask of the frame's size as COCO run lengths, compressed; alone it is taken as it is.
            choice: Which candidate of a single click is meant: 0, 1 or 2.
            crop: A part of the frame, [left, top, right, bottom], to look at again at full resolution.
        """
        said = {"points": _clicks(points, labels), "boxes": boxes, "mask": mask, "choice": choice, "crop": crop}
        said = {name: value for name, value in said.items() if value not in (None, [])}
        caller = await self._reception.at_work(session)
        caller.notes.admit(said)
        note = partial(caller.notes.prompted, frame, object, said)
        [answer] = await caller.say("prompt", note, frame=frame, object=object, prompt=said)
        size = caller.medium.info.size_of(frame)
        found = await self._resources.call(partial(frame_found, answer, size))
        return next((each for each in found["objects"] if each["object"] == object), nothing_of(object, size))

    async def track(
        self,
        session: str,
        direction: Literal["forward", "backward", "both", "one", "update"] = "forward",
        first: int | None = None,
        last: int | None = None,
        frame: int | None = None,
        pause: bool = False,
    ) -> AsyncGenerator[Tracking, None]:
        """Follow all objects through the frames of a clip. A stream: the newest `frame`, and how many of how many
        frames are `done` (of `total`); at the end `finished`, on how many frames masks were computed (`changed`), and
        the object that was `lost`, if any. What is up to date is not computed again. Cancel the job to end it at the
        next frame; what was found is kept.

        Args:
            session: What /open gave.
            direction: forward, backward, both; one: that frame only; update: what corrections made stale.
            first: First frame of the range; left out: 0.
            last: Last frame of the range; left out: the clip's last one.
            frame: Where to start; left out: the first frame with a prompt.
            pause: Stop where an object is lost.
        """
        caller = await self._reception.at_work(session)
        start = caller.notes.first_frame if frame is None else frame
        range_wished = {name: value for name, value in (("first", first), ("last", last)) if value is not None}
        news = Tracking(frame=start, done=0, total=0, finished=False, changed=0, lost=None)
        run = caller.run(direction=direction, frame=start, pause=pause, **range_wished)
        async with aclosing(run) as headers:
            async for header in headers:
                if header["t"] == "progress":
                    news["frame"], news["done"], news["total"] = header["frame"], header["done"], header["total"]
                else:
                    news["finished"], news["changed"] = not header["stopped"], header["changed"]
                    news["lost"] = header["lost"]
                yield news.copy()

    async def masks(self, session: str, first: int = 0, last: int | None = None) -> list[FrameFound]:
        """All masks that are known of some frames: for each frame its `objects` as /prompt gives one. A mask is `stale`
        where it was tracked before something was said nearby.

        Args:
            session: What /open gave.
            first: First frame, from 0.
            last: Last frame, at most 63 after the first one; left out: the first one alone.
        """
        caller = await self._reception.at_work(session)
        end, info = first if last is None else last, caller.medium.info
        if not (is_whole(first) and is_whole(end) and 0 <= first <= end < info.frames):
            raise BadPrompt(f"Ask for frames from 0 to {info.frames - 1}, the first one before the last.")
        if end - first >= MAX_FRAMES_ASKED:
            raise BadPrompt(f"Ask for at most {MAX_FRAMES_ASKED} frames at a time.")
        answers = await caller.say("masks", None, end - first + 1, first=first, last=end)
        sized = [(answer, info.size_of(answer[0]["frame"])) for answer in answers]
        return await self._resources.call(lambda: [frame_found(*each) for each in sized])

    async def untrack(self, session: str, first: int, last: int, objects: list[int] | None = None) -> Done:
        """Take back the newest masks that tracking found on some frames; what it had found before is back.

        Args:
            session: What /open gave.
            first: First frame, from 0.
            last: Last frame.
            objects: The objects' numbers; left out: all.
        """
        caller = await self._reception.at_work(session)
        named = [each["id"] for each in caller.notes.objects] if objects is None else objects

        def note() -> None:
            caller.notes.untracked(range(first, last + 1), set(named))

        await caller.say("untrack", note, frames=[first, last], objects=named)
        return Done(session=session)

    async def remove_object(self, session: str, object: int) -> Done:
        """Remove an object with all its prompts and masks.

        Args:
            session: What /open gave.
            object: The object's number.
        """
        caller = await self._reception.at_work(session)
        await caller.say("forget", partial(caller.notes.removed, object), object=object)
        return Done(session=session)

    async def reset(self, session: str) -> Done:
        """Begin anew with what is open: no objects, prompts, masks and names.

        Args:
            session: What /open gave.
        """
        caller = await self._reception.at_work(session)
        await caller.say("journal", caller.notes.clear, entries=[])
        return Done(session=session)

    async def models(self) -> list[dict[str, Any]]:
        """The networks that this server offers, the first of which every session begins with: `name`, `title`, where
        their `weights` are, whether they are `loaded`, and how large they are."""
        return await self._resources.call(partial(describe_offers, self._resources.catalogue))

    async def choose_model(self, session: str, name: str) -> Done:
        """Go on with another network: it is loaded, and told all that was said and tracked so far.

        Args:
            session: What /open gave.
            name: A name from /models.
        """
        caller = self._reception.find(session)
        await caller.work("model", lambda: caller.tell("model", name=name))
        return Done(session=session)

    async def close(self, session: str) -> Done:
        """End a session: everything of it is deleted at once. One that has ended already is no error.

        Args:
            session: What /open gave.
        """
        await self._reception.close(session)
        return Done(session=str(session))


def _clicks(points: Any, labels: Any) -> list[Any]:
    """Points as a prompt has them, [x, y, label]; what they hold is checked by whoever reads the prompt."""
    points, labels = points or [], labels or []
    if not isinstance(points, list) or not isinstance(labels, list):
        raise BadPrompt("`points` is a list of [x, y], and `labels` a list of 1 and 0.")
    labels = labels or [1] * len(points)
    if len(labels) != len(points):
        raise BadPrompt(f"There are {len(points)} points and {len(labels)} labels. Give one label for each point.")
    if any(not isinstance(point, list) or len(point) != 2 for point in points) or any(
        each not in (0, 1) for each in labels
    ):
        raise BadPrompt("Each point is [x, y], and its label 1 or 0.")
    return [[*point, int(label)] for point, label in zip(points, labels, strict=True)]
