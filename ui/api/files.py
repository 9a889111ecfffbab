"""Files that an API's callers send and get: both pass through the one folder from which Gradio serves.

Whoever knows a file's address there may read it, so each lies in a folder with a name that cannot be guessed, and is
gone a few minutes later (`delete_cache` in ui/layout.py).
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like

from sam2_core.errors import MediaError

NO_UPLOAD = "This is no file that was sent to this server. Send one with `handle_file` of gradio_client."


def take_in(sent: Any, folder: Path) -> Path:
    """Bring a file that was sent through Gradio into a new folder below `folder`; blocks.

    Raises `MediaError` for whatever else `sent` may be: it is as the caller made it up.
    """
    if not is_file_obj_with_meta(sent):
        raise MediaError(NO_UPLOAD)
    source = Path(sent["path"]).resolve()
    if not source.is_relative_to(Path(get_upload_folder()).resolve()) or not source.is_file():
        raise MediaError(NO_UPLOAD)
    return _link(source, folder / f"incoming-{secrets.token_hex(8)}")


def lend(path: Path) -> Path:
    """Put a file where a caller can fetch it, under its own name in a folder that is nobody else's; blocks."""
    return _link(path, _counter())


def lend_bytes(name: str, content: bytes) -> Path:
    """The same with what is to be in the file."""
    folder = _counter()
    folder.mkdir(mode=0o700, parents=True)
    (folder / name).write_bytes(content)
    return folder / name


def _counter() -> Path:
    return Path(get_upload_folder()) / secrets.token_hex(20)


def refuse_addresses(component: Any) -> None:
    """Let an input of an endpoint take files that were sent, and no addresses: Gradio would fetch those by itself."""
    keep = component.async_move_resource_to_block_cache

    async def keep_what_was_sent(path: Any) -> Any:
        if is_http_url_like(str(path)):
            raise gr.Error("Files are sent, not fetched from addresses. Download it first.", print_exception=False)
        return await keep(path)

    component.async_move_resource_to_block_cache = keep_what_was_sent


def _link(source: Path, folder: Path) -> Path:
    """The same file in a new folder; a copy, where the disk has no links."""
    folder.mkdir(mode=0o700, parents=True)
    target = folder / source.name
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target
