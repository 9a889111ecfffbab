"""The rest of the API: what is taken away from a session, and how it is called and looks there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gradio import FileData

from sam2_core.errors import BadPrompt, MediaError
from sam2_core.media import (
    EDGE_SETTINGS,
    EFFECTS,
    EXPORT_FORMATS,
    MAX_NAME_LENGTH,
    PRESETS,
    Rgb,
    hex_of,
    is_hex,
    rgb_of,
)
from ui.answers import Named
from ui.exchange import lend
from ui.notes import is_whole
from ui.reception import Reception
from ui.resources import Resources


class Takeaway:
    """Endpoints, like those of ui/endpoints.py. Belongs to one event loop."""

    def __init__(self, reception: Reception, resources: Resources) -> None:
        self._reception, self._resources = reception, resources

    def all(self) -> list[Callable[..., Any]]:
        """In the order in which they are listed."""
        return [self.export, self.kinds, self.looks, self.name_object]

    async def name_object(self, session: str, object: int, name: str = "", label: str = "", color: str = "") -> Named:
        """Say what an object is called in downloads; what is left out stays as it was. Gives all three.

        Args:
            session: What /open gave.
            object: The object's number; something was said about it before.
            name: A name of its own.
            label: The class that it belongs to, e.g. car; the categories of COCO files.
            color: Its color in pictures, #rrggbb.
        """
        notes = self._reception.find(session).notes
        if not is_whole(object) or object not in [each["id"] for each in notes.objects]:
            raise BadPrompt("There is no such object. Say with /prompt what it is first.")
        if not all(isinstance(text, str) and len(text) <= MAX_NAME_LENGTH for text in (name, label, color)):
            raise BadPrompt(f"Names and labels are texts of up to {MAX_NAME_LENGTH} letters.")
        called = notes.name(object, name, label, _rgb(color) if color else None)
        return Named(object=object, name=called["name"], label=called["label"], color=hex_of(tuple(called["color"])))

    async def export(
        self,
        session: str,
        kind: str,
        objects: list[int] | None = None,
        first: int = 0,
        last: int | None = None,
        every: int = 1,
        look: str | dict[str, Any] = "Overlay",
        polygons: bool = False,
        pictures: bool = False,
        side_by_side: bool = False,
        cropped: bool = False,
        largest_side: int = 0,
    ) -> FileData:
        """Write a file of what was found: masks, annotations, or pictures and clips that are changed with their help.
        /kinds says which there are, and which of the options mean something to each.

        Args:
            session: What /open gave.
            kind: A name from /kinds, e.g. coco.
            objects: The objects' numbers, the last one above the others; left out: all.
            first: First frame, from 0.
            last: Last frame; left out: the last one there is.
            every: Of these frames, each so many-th.
            look: For pictures and clips: the name of a preset, or layers of effects, as in /looks.
            polygons: Outlines in place of run lengths.
            pictures: The frames themselves go into the archive, too.
            side_by_side: The original on the left.
            cropped: Only the part that the objects ever take up.
            largest_side: Pixels of the longer side at most; 0: as the original.
        """
        caller = await self._reception.at_work(session)
        flags = {"polygons": polygons, "pictures": pictures, "side_by_side": side_by_side, "cropped": cropped}
        frames = {"first": first, "every": every} | ({} if last is None else {"last": last})
        wish = {"kind": kind, "objects": caller.notes.chosen(objects), "look": _look(look), **frames, **flags}
        done = await caller.work("export", lambda: caller.tell("export", **wish, largest_side=largest_side))
        written = caller.visitor.bench.downloads.find(done["url"].split("/")[1])
        if written is None:
            raise MediaError("A newer download of this session took the place of this one.")
        lent = await self._resources.call(partial(lend, written))
        await caller.lend(lent)
        return FileData(path=str(lent), orig_name=lent.name)

    async def kinds(self) -> dict[str, dict[str, Any]]:
        """What /export can write, by name: `title`, `text`, the file's ending for an image, a clip and an album
        (`endings`; where one is missing there is no such file), and the options that mean something to it (`takes`)."""
        return {name: kind.to_json() for name, kind in EXPORT_FORMATS.items()}

    async def looks(self) -> dict[str, dict[str, Any]]:
        """How pictures and clips can look: `presets` by name, each {layers: [{effect, ...settings}], feather, matte};
        the `effects` of layers with all their settings; and the settings of the objects' `edges`."""
        effects = {name: effect.to_json() for name, effect in EFFECTS.items()}
        edges = {name: setting.to_json() for name, setting in EDGE_SETTINGS.items()}
        return {"presets": {name: look.to_json() for name, look in PRESETS.items()}, "effects": effects, "edges": edges}


def _look(look: Any) -> Any:
    if not isinstance(look, str):
        return look
    if look not in PRESETS:
        raise BadPrompt(f"There is no look of that name. Choose one of {', '.join(PRESETS)}, or make your own.")
    return PRESETS[look].to_json()


def _rgb(color: str) -> Rgb:
    if not is_hex(color):
        raise BadPrompt("A color is written #rrggbb, e.g. #ff8800.")
    return rgb_of(color)
