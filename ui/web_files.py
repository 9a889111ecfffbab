"""The page's files in ui/web: its ES modules as static files, its style sheets and HTML as part of the page itself.

Files lie at /web/{version}/{path}, where the version is a hash of all modules, so that browsers keep them for ever. The
page loads page.js, which the server joins from the modules when it starts: one request in place of ninety. There is no
build step.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sam2_core.media.review.modules import join_modules

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
)
"""Later ones overrule earlier ones."""
JAVASCRIPT = "text/javascript"
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
JOINED = "page.js"
LOADER = """
const base = (window.gradio_config?.root ?? location.origin).replace(/\\/$/, '');
import(`${{base}}/web/{version}/{joined}`)
  .then(({{ start }}) => start({{ element, props, watch, renew: () => trigger('renew', {{}}) }}));
"""


class WebFiles:
    """The modules as the server sends them: one by one, and joined."""

    def __init__(self, folder: Path = WEB) -> None:
        texts = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in sorted(folder.rglob("*.js"))}
        self.names = tuple(texts)
        """Paths of all modules."""
        self.version = hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]
        # Modules keep their state in their instances: each start of the component has instances of its own.
        start = (
            f"export const start = component => (() => {{\n{join_modules(texts, 'main.js')}}})().start(component);\n"
        )
        self._files = {name: text.encode() for name, text in {**texts, JOINED: start}.items()}
        self._packed = {name: gzip.compress(data, mtime=0) for name, data in self._files.items()}

    def routes(self) -> list[BaseRoute]:
        """For Starlette. The files are public: they hold nothing of any visitor."""
        return [Route("/web/{version}/{path:path}", self._send, methods=["GET"])]

    def head_link(self) -> str:
        """Lets the browser fetch the modules before the component is mounted; the address is relative to the page."""
        return f'<link rel="modulepreload" href="web/{self.version}/{JOINED}">'

    def loader(self) -> str:
        """The body of the function that Gradio calls when the component is mounted."""
        return LOADER.format(version=self.version, joined=JOINED)

    async def _send(self, request: Request) -> Response:
        name, version = request.path_params["path"], request.path_params["version"]
        if version != self.version or name not in self._files:
            return Response("This file does not exist.", 404, media_type="text/plain")
        headers = {**IMMUTABLE, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed[name], headers=headers | {"Content-Encoding": "gzip"}, media_type=JAVASCRIPT)
        return Response(self._files[name], headers=headers, media_type=JAVASCRIPT)


@lru_cache(maxsize=1)
def web_files() -> WebFiles:
    """Read once."""
    return WebFiles()


def page_html() -> str:
    """The component's template."""
    return (WEB / "page.html").read_text("utf-8")


def style_sheets() -> str:
    """All style sheets, joined."""
    return "\n".join((WEB / "styles" / f"{name}.css").read_text("utf-8") for name in STYLES)


def icon_address() -> str:
    """The page's icon as a data address: behind a proxy the root of the host is not ours."""
    return f"data:image/svg+xml,{quote((WEB / 'sign.svg').read_text('utf-8'))}"
