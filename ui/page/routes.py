"""The page's own addresses beside Gradio's. The token in the address is the key to a session.

POST /s/{token}/upload?name=        a file as the body; read in the background, an event tells the rest
              &batch=&left=&add=    several photos, one after the other: `batch` is a name for them all, `left` counts
                                    down to 0; with add=1 they come to those that are open, with clip=1 they are the
                                    numbered frames of a clip; scale=1 scales down what has too many pixels
POST /s/{token}/import?as=          a file of annotations as the body, answered by what it has about the open medium: as
              masks or as boxes, with name=, and with room for so many objects=, prompts= and characters=; with
              by_order=1 order counts where no name fits, which an error offers by names_differ; the file is not kept
              (see ui/page/imports.py)
POST /s/{token}/example/{name}      the same with an example
POST /s/{token}/backdrop            a picture as the body, to stand behind the objects; answers {name}, for looks
GET  /s/{token}/frames/{k}?v=       frame k as JPEG; v is the medium's version, so that caches never mix media up;
                                    with height= (16 to 160) a small one, for the timeline or the film strip
GET  /s/{token}/effects/{k}?v=      frame k painted with effects: effects as JSON (EffectStack.to_json); objects as
     &effects=&objects=&side=       id.rrggbb,… in their order, the last one above; side (160 to 1280): longer side;
                                    JPEG, or PNG where it can be seen through
GET  /s/{token}/presets/{k}?v=      the same for small pictures of several looks, beside the one of the viewport
     &effects=&objects=&side=
GET  /s/{token}/sound?v=            of a clip, as an M4A file that begins with frame 0
WS   /s/{token}/ws                  requests up, events down (see ui/protocol)
POST /s/{token}/send                one request up, where proxies drop sockets,
GET  /s/{token}/receive             and events down: u32 length and event, repeated; waits until there is one
POST /s/{token}/live                the next frame of the camera as a JPEG, answered by the event `live_masks`; status
                                    429: drop it, 410: the camera is not started (see ui/page/live.py)
POST /s/{token}/visit               the visitor is still there; its headers tell whose quota of a hosted GPU is used
POST /s/{token}/bye                 the page is going away
GET  /s/{token}/download/{id}/{filename}
GET  /s/{token}/weights/{model}/{filename}   of a network that was trained in the session
GET  /examples/{name}.jpg           thumbnail of an example
GET  /examples/{name}/picture       an example that is an image, as it is
GET  /examples/credits              who made the photos and clips of the gallery
"""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from sam2_core.errors import Busy, MaskletError, MediaError, shortage
from sam2_core.media import NamesDiffer
from sam2_core.media.names import safe_file_name, short_names
from sam2_core.serving.workspace import Workspace
from ui.addresses import client_address
from ui.examples import GALLERY, examples, thumbnail
from ui.files import OpeningOptions, UploadedFile
from ui.gateway.logins import LOGIN
from ui.jobs import TooFast
from ui.page.connection import PageConnection
from ui.page.imports import MAX_FILE, read_import_options
from ui.page.live import MAX_FRAME_BYTES, NotLive
from ui.page.previews import EffectPreviews, read_preview_options
from ui.page.socket import converse
from ui.page.sound import MEDIA_TYPE
from ui.protocol import MAX_REQUEST_CHARACTERS, public_text, read_upload
from ui.sessions import Session, SessionRegistry

Handler: TypeAlias = Callable[[Request, Session, PageConnection], Awaitable[Response]]
RECEIVE_SECONDS = 20.0
FORMER_UPLOAD_SECONDS = 5.0  # a page that gave one up and sends another is heard in this order, but not always at once
PRIVATE = {"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
THUMBNAIL_HEIGHTS = range(16, 161)
PUBLIC = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Routes:
    """The addresses, bound to one server's sessions."""

    def __init__(self, sessions: SessionRegistry) -> None:
        self._sessions = sessions
        self._settings, self._executors = sessions.services.settings, sessions.services.executors

    def all(self) -> list[BaseRoute]:
        """For Starlette; they must stand before Gradio's own, which catch everything."""
        post, get = ["POST"], ["GET"]
        return [
            Route("/s/{token}/upload", self._of_session(self._upload), methods=post),
            Route("/s/{token}/import", self._of_session(self._import), methods=post),
            Route("/s/{token}/example/{name}", self._of_session(self._example), methods=post),
            Route("/s/{token}/backdrop", self._of_session(self._backdrop), methods=post),
            Route("/s/{token}/effects/{frame:int}", self._of_session(self._effects), methods=get),
            Route("/s/{token}/presets/{frame:int}", self._of_session(self._presets), methods=get),
            Route("/s/{token}/sound", self._of_session(self._sound), methods=get),
            Route("/s/{token}/frames/{frame:int}", self._of_session(self._frame), methods=get),
            WebSocketRoute("/s/{token}/ws", partial(converse, self._sessions)),
            Route("/s/{token}/send", self._of_session(self._send), methods=post),
            Route("/s/{token}/receive", self._of_session(self._receive), methods=get),
            Route("/s/{token}/live", self._of_session(self._live), methods=post),
            Route("/s/{token}/visit", self._of_session(self._visit), methods=post),
            Route("/s/{token}/bye", self._of_session(self._bye), methods=post),
            Route("/s/{token}/download/{key}/{filename}", self._of_session(self._download), methods=get),
            Route("/s/{token}/weights/{model}/{filename}", self._of_session(self._weights), methods=get),
            Route("/examples/{name}.jpg", self._thumbnail, methods=get),
            Route("/examples/{name}/picture", self._picture, methods=get),
            Route("/examples/credits", self._credits, methods=get),
        ]

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Sweep while the server runs; leave nothing behind when it stops."""
        sweeper = asyncio.create_task(self._sessions.sweep_forever())
        try:
            yield
        finally:
            sweeper.cancel()
            await self._sessions.close_all()
            self._sessions.remove_all_files()

    def _of_session(self, handle: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            token, login = request.path_params["token"], request.scope.get(LOGIN)
            if request.query_params.get("first"):  # of a page that connects without a socket
                connect, address = partial(PageConnection, clock=self._sessions.clock), client_address(request)
                session = await self._sessions.bring_back(token, connect, login=login, address=address)
            else:
                session = self._sessions.find(token, login)
            connection = None if session is None else session.client
            if session is None or not isinstance(connection, PageConnection):
                return _refuse(404, "This session has expired. Reload the page.")
            try:
                return await handle(request, session, connection)
            except MaskletError as error:
                self._sessions.services.metrics.count_error(error)
                return _refuse(400, str(error))
            except OSError as error:
                if (busy := shortage(error)) is None:
                    raise
                return _refuse(503, str(busy))
            except ClientDisconnect:
                return _refuse(400, "The connection was lost.")  # which nobody reads

        return guarded

    # --- files up -------------------------------------------------------------------------------------------------

    async def _upload(self, request: Request, session: Session, connection: PageConnection) -> Response:
        upload = read_upload(request.query_params, self._settings.max_pictures, self._settings.max_frames)
        async with self._incoming(session) as folder:
            await connection.uploads.expect(upload, connection.photos_to_join() if upload.add else 0)
            file = UploadedFile(folder / "upload", request.query_params.get("name", ""))
            await self._receive_file(request, file.path, self._settings.max_upload_bytes)
            if files := await connection.uploads.add(file, upload):
                connection.open(files, OpeningOptions(upload.add, upload.as_clip, upload.scale_down))
        return JSONResponse({"ok": True}, 202)

    async def _import(self, request: Request, session: Session, connection: PageConnection) -> Response:
        options = read_import_options(request.query_params)
        max_bytes = min(MAX_FILE, self._settings.max_upload_bytes)
        async with self._incoming(session) as folder:
            target = folder / safe_file_name(*short_names([request.query_params.get("name", "")]))
            try:
                await self._receive_file(request, target, max_bytes)
                return JSONResponse(await connection.read_annotations(target, options), headers=FRESH)
            except NamesDiffer as error:
                return JSONResponse({"error": public_text(str(error)), "names_differ": True}, 400, FRESH)
            finally:
                await self._executors.read_file(shutil.rmtree, folder, ignore_errors=True)

    async def _example(self, request: Request, session: Session, connection: PageConnection) -> Response:
        example = examples().get(request.path_params["name"])
        if example is None:
            return _refuse(404, "This example does not exist.")
        async with self._incoming(session) as folder:
            file = UploadedFile(folder / "example", f"{example.title}{example.path.suffix}")
            await self._executors.read_file(shutil.copyfile, example.path, file.path)
            await connection.uploads.clear()
            connection.open([file])
        return JSONResponse({"ok": True}, 202)

    async def _backdrop(self, request: Request, session: Session, connection: PageConnection) -> Response:
        backdrops = session.backdrops
        async with self._incoming(session) as folder:
            await self._receive_file(request, folder / "backdrop", self._settings.max_upload_bytes)
            name = backdrops.keep(await self._executors.read_picture(backdrops.read, folder / "backdrop"))
            await self._executors.read_file(shutil.rmtree, folder, ignore_errors=True)
        return JSONResponse({"name": name}, 201)

    @asynccontextmanager
    async def _incoming(self, session: Session) -> AsyncIterator[Path]:
        """A new folder for one file; a page sends one at a time, and what does not arrive whole is removed."""
        try:
            await asyncio.wait_for(session.receiving.acquire(), FORMER_UPLOAD_SECONDS)
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise Busy("Another file is still on its way. Wait until it has arrived.") from error
        self._sessions.touch(session)
        folder = session.folder / f"incoming-{token_hex(8)}"
        try:
            await self._executors.read_file(folder.mkdir)
            yield folder
        except BaseException:
            await self._executors.read_file(shutil.rmtree, folder, ignore_errors=True)
            raise
        finally:
            session.receiving.release()

    async def _receive_file(self, request: Request, target: Path, max_bytes: int) -> None:
        too_large = MediaError(
            f"This file is larger than {max_bytes // 1_000_000} MB. Choose a smaller or shorter one."
        )
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise too_large
        size = 0
        with self._sessions.services.disk.coming(int(announced) if announced.isdigit() else max_bytes):
            file = await self._executors.read_file(target.open, "wb")
            try:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > max_bytes:
                        raise too_large
                    await self._executors.read_file(file.write, chunk)
            finally:
                await self._executors.read_file(file.close)

    # --- pictures and files down ----------------------------------------------------------------------------------

    async def _frame(self, request: Request, session: Session, connection: PageConnection) -> Response:
        workspace = self._requested_medium(request, session)
        if isinstance(workspace, Response):
            return workspace
        frame, height = request.path_params["frame"], request.query_params.get("height")
        if height is None:
            jpeg = await self._executors.read_file(workspace.store.jpeg, frame)
        elif height.isdecimal() and len(height) < 5 and int(height) in THUMBNAIL_HEIGHTS:
            connection.thumbnail_rate.count()
            jpeg = await self._executors.run_in_background(workspace.store.thumbnail, frame, int(height))
        else:
            return _refuse(400, f"Heights go from {THUMBNAIL_HEIGHTS[0]} to {THUMBNAIL_HEIGHTS[-1]}.")
        return Response(jpeg, media_type="image/jpeg", headers=PRIVATE)

    async def _effects(self, request: Request, session: Session, connection: PageConnection) -> Response:
        return await self._paint(request, session, connection.effect_previews)

    async def _presets(self, request: Request, session: Session, connection: PageConnection) -> Response:
        return await self._paint(request, session, connection.effect_thumbnails)

    async def _paint(self, request: Request, session: Session, previews: EffectPreviews) -> Response:
        workspace = self._requested_medium(request, session)
        if isinstance(workspace, Response):
            return workspace
        frame, max_objects = request.path_params["frame"], self._settings.max_objects
        options = read_preview_options(frame, request.query_params, max_objects)
        backdrops = session.backdrops.of(options.effects)
        painted, media_type = await previews.paint(workspace, options, backdrops)
        return Response(painted, media_type=media_type, headers=FRESH)

    async def _sound(self, request: Request, session: Session, connection: PageConnection) -> Response:
        workspace = self._requested_medium(request, session)
        if isinstance(workspace, Response):
            return workspace
        return FileResponse(await connection.sound.file(workspace.store), media_type=MEDIA_TYPE, headers=PRIVATE)

    def _requested_medium(self, request: Request, session: Session) -> Workspace | Response:
        """The open medium, if it is what the address means and has the frame of its path; else a refusal."""
        workspace = session.workspace
        if workspace is None or request.query_params.get("v") != str(workspace.version):
            return _refuse(404, "This picture or clip is no longer open.")
        if not 0 <= request.path_params.get("frame", 0) < workspace.info.frames:
            return _refuse(404, "This frame does not exist.")
        self._sessions.touch(session)
        return workspace

    async def _download(self, request: Request, session: Session, connection: PageConnection) -> Response:
        path = session.downloads.find(request.path_params["key"])
        if path is None or path.name != request.path_params["filename"]:
            return _refuse(404, "This download is no longer here. Make it again.")
        self._sessions.touch(session)
        return FileResponse(path, filename=path.name, headers=FRESH)

    async def _weights(self, request: Request, session: Session, connection: PageConnection) -> Response:
        path = session.models.weights_of(request.path_params["model"])
        if path is None:
            return _refuse(404, "These weights are no longer here. Train again.")
        self._sessions.touch(session)
        return FileResponse(path, filename=safe_file_name(request.path_params["filename"]), headers=FRESH)

    async def _thumbnail(self, request: Request) -> Response:
        jpeg = await self._executors.read_file(thumbnail, request.path_params["name"])
        if jpeg is None:
            return _refuse(404, "This example does not exist.")
        return Response(jpeg, media_type="image/jpeg", headers=PUBLIC)

    async def _picture(self, request: Request) -> Response:
        example = examples().get(request.path_params["name"])
        if example is None or example.kind != "image":
            return _refuse(404, "This example does not exist.")
        return FileResponse(example.path, headers=PUBLIC)

    async def _credits(self, request: Request) -> Response:
        return FileResponse(GALLERY / "ATTRIBUTION.md", media_type="text/plain", headers=PUBLIC)

    # --- requests and events without a socket ---------------------------------------------------------------------

    async def _send(self, request: Request, session: Session, connection: PageConnection) -> Response:
        if int(request.headers.get("content-length") or MAX_REQUEST_CHARACTERS + 1) > MAX_REQUEST_CHARACTERS:
            return _refuse(413, "This message is too long.")
        self._sessions.touch(session)
        try:
            await connection.handle((await request.body()).decode("utf-8", "replace"))
        except TooFast as error:
            return _refuse(429, str(error))
        return Response(status_code=204)

    async def _visit(self, request: Request, session: Session, connection: PageConnection) -> Response:
        connection.visitor.remember(request)
        return Response(status_code=204)

    async def _receive(self, request: Request, session: Session, connection: PageConnection) -> Response:
        queue, draining, is_replaced = connection.queue, None, False

        async def disconnect() -> None:
            nonlocal is_replaced
            is_replaced = True
            if draining is not None:
                draining.cancel()  # at once: what comes next is for the page that has come instead

        await queue.attach(disconnect)
        if request.query_params.get("first"):
            self._sessions.touch(session)
            connection.greet(request.query_params.get("page", ""))
        draining = asyncio.create_task(queue.drain())
        try:
            await asyncio.wait({draining}, timeout=0 if is_replaced else RECEIVE_SECONDS)
        finally:
            draining.cancel()
            queue.detach(disconnect)
        messages = draining.result() if draining.done() and not draining.cancelled() else []
        if is_replaced and not messages:
            return _refuse(409, "This work is open in another tab.")
        body = b"".join(struct.pack("<I", len(message)) + message for message in messages)
        return Response(body, media_type="application/octet-stream", headers=FRESH)

    async def _live(self, request: Request, session: Session, connection: PageConnection) -> Response:
        if int(request.headers.get("content-length") or MAX_FRAME_BYTES + 1) > MAX_FRAME_BYTES:
            return _refuse(413, "A frame of the camera is too large.")
        self._sessions.touch(session)
        try:
            event = await connection.live.track(await request.body())
        except Busy as error:
            return _refuse(429, str(error))
        except NotLive as error:
            return _refuse(410, str(error))
        return Response(event, media_type="application/octet-stream", headers=FRESH)

    async def _bye(self, request: Request, session: Session, connection: PageConnection) -> Response:
        self._sessions.leave(session)
        return Response(status_code=204)


def _refuse(status: int, text: str) -> Response:
    return JSONResponse({"error": public_text(text)}, status, headers=FRESH)
