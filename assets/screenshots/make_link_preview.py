"""The picture that links to the page show elsewhere, taken from its start screen.

    python assets/screenshots/make_link_preview.py

Writes assets/link_preview.jpg. Playwright and Chromium are needed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from ui.app import Server  # noqa: E402
from ui.document import PICTURE_SIZE  # noqa: E402
from ui.serve import model_registry  # noqa: E402
from ui.settings import load_settings  # noqa: E402

STYLE = """
.mk-actions, .mk-examples, .mk-recent, .mk-zone-buttons, .mk-zone .mk-fine, .mk-hero-hint { display: none !important; }
.mk .mk-top { border: 0; background: none; height: 92px; padding: 24px 56px 0; }
.mk .mk-brand { gap: 14px; } .mk .mk-logo { width: 46px; height: 46px; } .mk .mk-brand h1 { font-size: 28px; }
.mk .mk-start { padding: 8px 56px 0; max-width: none; } .mk .mk-welcome { grid-template-columns: 1fr 600px; gap: 40px; }
.mk .mk-zone h2 { font-size: 58px; } .mk .mk-zone > p { font-size: 22px; }
"""


def main() -> None:
    """Serve, look and write."""
    from playwright.sync_api import sync_playwright

    settings = load_settings(("--port=0", "--model=nano"))
    server = Server(settings, model_registry(settings))
    address = server.start(quiet=True)
    width, height = PICTURE_SIZE
    try:
        with sync_playwright() as playwright:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=path, args=["--headless=new", "--no-sandbox"])
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            page.goto(address)
            page.wait_for_selector(".mk-status[data-line=on]", state="attached")
            page.add_style_tag(content=STYLE)
            page.evaluate("document.querySelector('.mk-zone p').textContent = 'Photos and clips, in your browser.'")
            page.hover(".mk-hero-object >> nth=0")
            page.wait_for_timeout(1000)
            page.screenshot(path=ROOT / "assets" / "link_preview.jpg", type="jpeg", quality=82)
            browser.close()
    finally:
        server.close()


if __name__ == "__main__":
    main()
