"""The page's files in ui/web: ES modules as static files, style sheets and HTML as part of the page itself.

Modules lie at /web/{version}/{path}, where the version is a hash of all of them, so that their relative imports work as
they are written and browsers keep them for ever. There is no build step.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

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
    "candidates",
    "models",
    "recent_projects",
    "download",
    "effects",
    "import_annotations",
    "reviews",
)
"""Later ones overrule earlier ones."""
JAVASCRIPT = "text/javascript"
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
LOADER = """
const mounts = window.maskletMounts = (window.maskletMounts ?? 0) + 1;
const base = (window.gradio_config?.root ?? location.origin).replace(/\\/$/, '');
import(`${{base}}/web/{version}${{mounts > 1 ? `.${{mounts}}` : ''}}/main.js`)
  .then(({{ start }}) => start({{ element, props, watch, renew: () => trigger('renew', {{}}) }}));
"""
"""Modules keep their state in their instances, so each mount of the component imports instances of its own: the same
files at another address."""


class WebFiles:
    """The modules as the server sends them."""

    def __init__(self, folder: Path = WEB) -> None:
        files = sorted(folder.rglob("*.js"))
        self._texts = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        digest = hashlib.sha256()
        for name, text in self._texts.items():
            digest.update(f"{name} {len(text)} ".encode() + text)
        self.version = digest.hexdigest()[:16]
        self._packed = {name: gzip.compress(text, mtime=0) for name, text in self._texts.items()}

    def names(self) -> list[str]:
        """Paths of all modules, main.js among them."""
        return list(self._texts)

    def routes(self) -> list[BaseRoute]:
        """For Starlette. The files are public: they hold nothing of any visitor."""
        return [Route("/web/{version}/{path:path}", self._send, methods=["GET"])]

    def head_links(self) -> str:
        """Links that let the browser fetch all modules at once, relative to the page."""
        links = (f'<link rel="modulepreload" href="web/{self.version}/{name}">' for name in self._texts)
        return "\n".join(links)

    def loader(self) -> str:
        """The body of the function that Gradio calls when the component is mounted."""
        return LOADER.format(version=self.version)

    async def _send(self, request: Request) -> Response:
        name, version = request.path_params["path"], request.path_params["version"].partition(".")[0]
        if version != self.version or name not in self._texts:
            return Response("This file does not exist.", 404, media_type="text/plain")
        headers = {**IMMUTABLE, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self._packed[name], headers=headers | {"Content-Encoding": "gzip"}, media_type=JAVASCRIPT)
        return Response(self._texts[name], headers=headers, media_type=JAVASCRIPT)


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
