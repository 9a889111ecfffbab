"""Masklet's own addresses beside Gradio's. The token in the address is the key to a visitor's things.

POST /s/{token}/upload?name=        a file as the body; read in the background, the outbox tells the rest
              &batch=&left=&add=    several photos, one after the other: `batch` is a name for them all, `left` counts
                                    down to 0; with add=1 they come to those that are open
POST /s/{token}/annotations?as=     a file of annotations as the body, answered by what it says about what is open: as
              masks or as boxes, with name=, and with room for so many objects=, prompts= and characters=; the file is
              not kept (see ui/annotations.py)
POST /s/{token}/example/{name}      the same with an example
POST /s/{token}/backdrop            a picture as the body, to stand behind the objects; answers {name}, for looks
GET  /s/{token}/frames/{k}?v=       frame k as JPEG; v is the medium's version, so that caches never mix media up;
                                    with height= (16 to 160) a small one, for the timeline or the film strip
GET  /s/{token}/looks/{k}?v=        frame k painted with a look: look as JSON (Look.to_json), objects as id.rrggbb,…
     &look=&objects=&side=          in their order, the last one above, side (160 to 1280): pixels of the longer side;
                                    JPEG, or PNG where it can be seen through
WS   /s/{token}/ws                  messages both ways (see ui/wire.py)
POST /s/{token}/say                 one message up, where proxies drop sockets,
GET  /s/{token}/hear                and messages down: u32 length and message, repeated; waits until there is one
POST /s/{token}/bye                 the page is going away
GET  /s/{token}/download/{id}/{filename}
GET  /examples/{name}.jpg           thumbnail of an example
"""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sam2_core.errors import Busy, MaskletError, MediaError
from ui.annotations import MAX_FILE, read_wish
from ui.examples import catalogue, thumbnail
from ui.medium import Medium
from ui.previews import read_preview
from ui.reading import MAX_MESSAGE, read_arrival
from ui.resources import Resources
from ui.sockets import converse, is_same_origin
from ui.visitors import Visitor, Visitors
from ui.workbench import Workbench

Guest: TypeAlias = Visitor[Workbench]
Handler: TypeAlias = Callable[[Request, Guest], Awaitable[Response]]
HEAR_SECONDS = 20.0
FORMER_UPLOAD_SECONDS = 5.0  # a page that gave one up and sends another is heard in this order, but not always at once
PRIVATE = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
THUMBNAIL_HEIGHTS = range(16, 161)
FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Routes:
    """The addresses, bound to one server's visitors."""

    def __init__(self, visitors: Visitors[Workbench], resources: Resources) -> None:
        self._visitors, self._resources = visitors, resources

    def all(self) -> list[BaseRoute]:
        """For Starlette; they must stand before Gradio's own, which catch everything."""
        post, get = ["POST"], ["GET"]
        return [
            Route("/s/{token}/upload", self._for_guests(self._upload), methods=post),
            Route("/s/{token}/annotations", self._for_guests(self._annotations), methods=post),
            Route("/s/{token}/example/{name}", self._for_guests(self._example), methods=post),
            Route("/s/{token}/backdrop", self._for_guests(self._backdrop), methods=post),
            Route("/s/{token}/looks/{frame:int}", self._for_guests(self._look), methods=get),
            Route("/s/{token}/frames/{frame:int}", self._for_guests(self._frame), methods=get),
            WebSocketRoute("/s/{token}/ws", partial(converse, self._visitors)),
            Route("/s/{token}/say", self._for_guests(self._say), methods=post),
            Route("/s/{token}/hear", self._for_guests(self._hear), methods=get),
            Route("/s/{token}/bye", self._for_guests(self._bye), methods=post),
            Route("/s/{token}/download/{key}/{filename}", self._for_guests(self._download), methods=get),
            Route("/examples/{name}.jpg", self._thumbnail, methods=get),
        ]

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Sweep while the server runs; leave nothing behind when it stops."""
        sweeper = asyncio.create_task(self._visitors.sweep_forever())
        try:
            yield
        finally:
            sweeper.cancel()
            await self._visitors.close_all()
            self._visitors.remove_all_files()

    def _for_guests(self, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            visitor = self._visitors.find(request.path_params["token"])
            if visitor is None:
                return _refuse(404, "This session has expired. Reload the page.")
            if not is_same_origin(request):
                return _refuse(403, "This request comes from another page.")
            try:
                return await handle(request, visitor)
            except MaskletError as error:
                return _refuse(400, str(error))
            except ClientDisconnect:
                return _refuse(400, "The connection was lost.")  # which nobody reads

        return guarded

    async def _upload(self, request: Request, visitor: Guest) -> Response:
        settings, bench = self._resources.settings, visitor.bench
        arrival = read_arrival(request.query_params, settings.max_pictures)
        async with self._incoming(visitor) as folder:
            await bench.arrivals.expect(arrival, bench.photos_to_join() if arrival.add else 0)
            target = folder / _file_name(request.query_params.get("name", ""))
            await self._receive(request, target, settings.max_upload_bytes)
            if files := await bench.arrivals.take(target, arrival):
                bench.open(files, arrival.add)
        return JSONResponse({"ok": True}, 202)

    async def _annotations(self, request: Request, visitor: Guest) -> Response:
        wish, most = read_wish(request.query_params), min(MAX_FILE, self._resources.settings.max_upload_bytes)
        async with self._incoming(visitor) as folder:
            target = folder / _file_name(request.query_params.get("name", ""))
            try:
                await self._receive(request, target, most)
                return JSONResponse(await visitor.bench.read_annotations(target, wish), headers=FRESH)
            finally:
                await self._resources.call(partial(shutil.rmtree, folder, ignore_errors=True))

    @asynccontextmanager
    async def _incoming(self, visitor: Guest) -> AsyncIterator[Path]:
        """A new folder for one file; a visitor sends one at a time, and what does not arrive whole is removed."""
        try:
            await asyncio.wait_for(visitor.receiving.acquire(), FORMER_UPLOAD_SECONDS)
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise Busy("Another file is still on its way. Wait until it has arrived.") from error
        self._visitors.touch(visitor)
        folder = visitor.folder / f"incoming-{token_hex(8)}"
        try:
            await self._resources.call(folder.mkdir)
            yield folder
        except BaseException:
            await self._resources.call(partial(shutil.rmtree, folder, ignore_errors=True))
            raise
        finally:
            visitor.receiving.release()

    async def _receive(self, request: Request, target: Path, most: int) -> None:
        too_large = MediaError(f"This file is larger than {most // 1_000_000} MB. Choose a smaller or shorter one.")
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > most:
            raise too_large
        size = 0
        file = await self._resources.call(lambda: target.open("wb"))
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise too_large
                await self._resources.call(partial(file.write, chunk))
        finally:
            await self._resources.call(file.close)

    async def _example(self, request: Request, visitor: Guest) -> Response:
        example = catalogue().get(request.path_params["name"])
        if example is None:
            return _refuse(404, "This example does not exist.")
        async with self._incoming(visitor) as folder:
            target = folder / f"{example.title}{example.path.suffix}"
            await self._resources.call(partial(shutil.copyfile, example.path, target))
            await visitor.bench.arrivals.clear()
            visitor.bench.open([target])
        return JSONResponse({"ok": True}, 202)

    async def _frame(self, request: Request, visitor: Guest) -> Response:
        medium = self._medium_asked_for(request, visitor)
        if isinstance(medium, Response):
            return medium
        height = request.query_params.get("height")
        if height is None:
            jpeg = await self._resources.call(partial(medium.store.jpeg, request.path_params["frame"]))
        elif height.isdecimal() and len(height) < 5 and int(height) in THUMBNAIL_HEIGHTS:
            visitor.bench.thumbnail_rate.count()
            small = partial(medium.store.thumbnail, request.path_params["frame"], int(height))
            jpeg = await self._resources.trifle(small)
        else:
            return _refuse(400, f"Heights go from {THUMBNAIL_HEIGHTS[0]} to {THUMBNAIL_HEIGHTS[-1]}.")
        return Response(jpeg, media_type="image/jpeg", headers=PRIVATE)

    async def _look(self, request: Request, visitor: Guest) -> Response:
        medium, bench = self._medium_asked_for(request, visitor), visitor.bench
        if isinstance(medium, Response):
            return medium
        wish = read_preview(request.path_params["frame"], request.query_params, self._resources.settings.max_objects)
        painted, kind = await bench.previews.paint(medium, wish, bench.backdrops.of(wish.look))
        return Response(painted, media_type=kind, headers=FRESH)

    def _medium_asked_for(self, request: Request, visitor: Guest) -> Medium | Response:
        """What is open, if it is what the address means and has this frame; else a refusal."""
        medium = visitor.bench.medium
        if medium is None or request.query_params.get("v") != str(medium.version):
            return _refuse(404, "This picture or clip is no longer open.")
        if not 0 <= request.path_params["frame"] < medium.info.frames:
            return _refuse(404, "This frame does not exist.")
        self._visitors.touch(visitor)
        return medium

    async def _backdrop(self, request: Request, visitor: Guest) -> Response:
        backdrops = visitor.bench.backdrops
        async with self._incoming(visitor) as folder:
            await self._receive(request, folder / "backdrop", self._resources.settings.max_upload_bytes)
            name = backdrops.keep(await self._resources.call(partial(backdrops.read, folder / "backdrop")))
            await self._resources.call(partial(shutil.rmtree, folder, ignore_errors=True))
        return JSONResponse({"name": name}, 201)

    async def _say(self, request: Request, visitor: Guest) -> Response:
        if int(request.headers.get("content-length") or MAX_MESSAGE + 1) > MAX_MESSAGE:
            return _refuse(413, "This message is too long.")
        self._visitors.touch(visitor)
        visitor.bench.hear((await request.body()).decode("utf-8", "replace"))
        return Response(status_code=204)

    async def _hear(self, request: Request, visitor: Guest) -> Response:
        replaced = asyncio.Event()

        async def hang_up() -> None:
            replaced.set()

        await visitor.outbox.attach(hang_up)
        if request.query_params.get("first"):
            self._visitors.touch(visitor)
            visitor.bench.greet()
        try:
            messages = await _first_of(visitor.outbox.drain(), replaced, HEAR_SECONDS)
        finally:
            visitor.outbox.detach(hang_up)
        if replaced.is_set() and not messages:
            return _refuse(409, "This work is open in another tab.")
        body = b"".join(struct.pack("<I", len(message)) + message for message in messages)
        return Response(body, media_type="application/octet-stream", headers=FRESH)

    async def _bye(self, request: Request, visitor: Guest) -> Response:
        self._visitors.farewell(visitor)
        return Response(status_code=204)

    async def _download(self, request: Request, visitor: Guest) -> Response:
        path = visitor.bench.downloads.find(request.path_params["key"])
        if path is None or path.name != request.path_params["filename"]:
            return _refuse(404, "This download is no longer here. Make it again.")
        self._visitors.touch(visitor)
        return FileResponse(path, filename=path.name, headers=FRESH)

    async def _thumbnail(self, request: Request) -> Response:
        jpeg = await self._resources.call(partial(thumbnail, request.path_params["name"]))
        if jpeg is None:
            return _refuse(404, "This example does not exist.")
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return Response(jpeg, media_type="image/jpeg", headers=headers)


async def _first_of(messages: Coroutine[Any, Any, list[bytes]], end: asyncio.Event, seconds: float) -> list[bytes]:
    """The messages, or none where the end or the time comes first."""
    drain, ending = asyncio.create_task(messages), asyncio.create_task(end.wait())
    await asyncio.wait({drain, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    if drain.done():
        return drain.result()
    drain.cancel()
    return []


def _file_name(wish: str) -> str:
    """The last part of what the page calls the file, without anything that means something to a file system."""
    kept = "".join(letter for letter in wish[-120:] if letter.isalnum() or letter in " ._-()").strip(" .")
    return kept or "upload"


def _refuse(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status, headers=FRESH)
