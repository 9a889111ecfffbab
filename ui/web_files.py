"""The page's files in ui/web: its ES modules and style sheets as static files, its HTML as part of the page itself.

Files lie at /web/{version}/{path}, where the version is a hash of them all, so that browsers keep them for ever. The
page loads page.js and page.css, which the server joins when it starts: two requests in place of a hundred. There is no
build step.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sam2_core.media.review.modules import join_modules
from sam2_core.paths import ROOT
from ui.compression import PackedText

WEB = Path(__file__).parent / "web"
STYLES = (
    "page",
    "viewport",
    "tools",
    "panels",
    "objects",
    "timeline",
    "tracking",
    "film_strip",
    "live_camera",
    "candidates",
    "models",
    "recent_projects",
    "download",
    "effects",
    "automatic_masks",
    "import_annotations",
    "reviews",
    "text_prompts",
    "annotate",
    "right_to_left",
)
"""Later ones overrule earlier ones."""
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
JOINED, STYLE_SHEET, LINK_PICTURE = "page.js", "page.css", "link_preview.jpg"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".jpg": "image/jpeg", ".json": "application/json"}
LOADER = """
const base = (window.gradio_config?.root ?? location.origin).replace(/\\/$/, '');
import(`${{base}}/web/{version}/{joined}`)
  .then(({{ start }}) => start({{ element, props, watch, renew: () => trigger('renew', {{}}) }}));
"""


class WebFiles:
    """What the server sends of the page: the modules one by one and joined, the style sheets joined, and the picture
    that links to the page show elsewhere."""

    def __init__(self, folder: Path = WEB) -> None:
        texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.js"))}
        self.names = tuple(texts)
        """Paths of all modules."""
        # Modules keep their state in their instances: each start of the component has instances of its own.
        start = (
            f"export const start = component => (() => {{\n{join_modules(texts, 'main.js')}}})().start(component);\n"
        )
        tables = {path.stem: path for path in sorted(folder.glob("languages/*.json"))}
        self.tables = {name: path.relative_to(folder).as_posix() for name, path in tables.items()}
        """Paths of the page's texts in other languages, by the names of these."""
        translations = {self.tables[name]: _without_layout(path.read_text("utf-8")) for name, path in tables.items()}
        files = {**texts, **translations, JOINED: start, STYLE_SHEET: style_sheets()}
        self._picture = (ROOT / "assets" / LINK_PICTURE).read_bytes()
        content = json.dumps(files).encode() + self._picture
        self.version = hashlib.sha256(content).hexdigest()[:16]
        self._texts = {name: PackedText(text.encode()) for name, text in files.items()}

    def routes(self) -> list[BaseRoute]:
        """For Starlette. The files are public: they hold nothing of any visitor."""
        return [Route("/web/{version}/{path:path}", self._send, methods=["GET"])]

    def head_link(self) -> str:
        """Lets the browser fetch the modules before the component is mounted, after what is seen first; the address is
        relative to the page."""
        return f'<link rel="modulepreload" fetchpriority="low" href="web/{self.version}/{JOINED}">'

    def loader(self) -> str:
        """The body of the function that Gradio calls when the component is mounted."""
        return LOADER.format(version=self.version, joined=JOINED)

    async def _send(self, request: Request) -> Response:
        name, version = request.path_params["path"], request.path_params["version"]
        media_type = MEDIA_TYPES.get(Path(name).suffix, "")
        if version == self.version and name == LINK_PICTURE:
            return Response(self._picture, headers=IMMUTABLE, media_type=media_type)
        if version != self.version or name not in self._texts:
            return Response("This file does not exist.", 404, media_type="text/plain")
        return await asyncio.to_thread(self._texts[name].response, request.headers, media_type, IMMUTABLE)


def _without_layout(text: str) -> str:
    """JSON as it is sent."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1)
def web_files() -> WebFiles:
    """Read once."""
    return WebFiles()


def page_html() -> str:
    """The component's template."""
    logo = '<img class="mk-logo"'
    return (WEB / "page.html").read_text("utf-8").replace(logo, f'{logo} src="{icon_address()}"')


def style_sheets() -> str:
    """All style sheets, joined."""
    return "\n".join((WEB / "styles" / f"{name}.css").read_text("utf-8") for name in STYLES)


def icon_address() -> str:
    """The page's icon as a data address: behind a proxy the root of the host is not ours."""
    return f"data:image/svg+xml,{quote((WEB / 'sign.svg').read_text('utf-8'))}"
