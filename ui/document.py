"""What the page adds to Gradio's document, so that it can be seen before any script has come: its icon, style sheet and
modules in the head, what a link to it shows elsewhere, and a still picture of its start screen. And what lets it ask
where it came from."""

from __future__ import annotations

import html
import json
import re

from ui.web_files import LINK_PICTURE, STYLE_SHEET, icon_address, page_html, web_files

TITLE = "Masklet"
DESCRIPTION = (
    "Click on anything in a photo or clip and get its mask. Track it through the clip, edit it, and download it: "
    "SAM 2 in the browser."
)
PICTURE_SIZE = (1200, 630)
_GRADIOS_LINES = re.compile(r'[ \t]*(?:<meta\s+(?:property="og:|name="twitter:)[^>]*>|<link rel="manifest"[^>]*>)\n?')
_HEAD_BEGINS = re.compile(r"<base [^>]*>\n?")
_BODY_BEGINS = re.compile(r"<body[^>]*>\n?")
_AFTER_CONFIGURATION = "<script data-gradio-mode"
# Behind a proxy that changes Host, or ends TLS without being named in `trusted_proxies`, the server does not know the
# address that the page was opened at; the page does. And one whose scripts are refused must not stay without a word.
_CORRECTION = """<script>
{
  const config = window.gradio_config;
  const { origin, pathname } = location;
  const path = pathname.endsWith('/') ? pathname : new URL(config.root, origin).pathname;
  config.root = `${origin}${path}`.replace(/\\/+$/, '');
  const explain = () => {
    document.body.textContent =
      'Masklet could not be loaded. Is there a proxy before it? It must pass on by which name this page was opened ' +
      '(nginx: proxy_set_header Host $http_host;), or that name must be one of allowed_hosts. Then reload this page.';
  };
  const check = ({ target }) => {
    if (!(target instanceof HTMLScriptElement) || target.type !== 'module') return;
    if (document.body) explain();
    else addEventListener('DOMContentLoaded', explain);
  };
  addEventListener('error', check, true);
}
</script>
"""
# Before Gradio's own script looks for it, which comes late.
_THEME = """<script>
{
  const asked = new URLSearchParams(location.search).get('__theme');
  let chosen = null;
  try {
    chosen = localStorage.getItem('masklet-theme');
  } catch {}
  const dark = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.body.classList.toggle('dark', (asked || chosen || dark) === 'dark');
}
</script>
"""


# Before anything is painted: which language the page is in, and its table, which then comes beside the scripts. Names
# are those of ui/web/shared/language.js.
_LANGUAGE = """<script>
{
  const tables = TABLES;
  const asked = new URLSearchParams(location.search).get('lang');
  let chosen = null;
  try {
    chosen = localStorage.getItem('masklet-language');
  } catch {}
  const nameOf = tag => ['en', ...Object.keys(tables)].find(name => name === tag?.toLowerCase().split('-')[0]);
  const name = [asked, chosen, ...navigator.languages].map(nameOf).find(Boolean) ?? 'en';
  Object.assign(document.documentElement, { lang: name, dir: name === 'ar' ? 'rtl' : 'ltr' });
  const read = response => (response.ok ? response.json() : null);
  window.masklet_language = { name, table: name === 'en' ? null : fetch(tables[name]).then(read, () => null) };
}
</script>
"""


def complete_document(document: str, address: str) -> str:
    """Gradio's document with the page's own parts; other documents stay as they are.

    Args:
        document: As Gradio made it.
        address: Of the server, as the browser sees it, with a / at its end.
    """
    if "<gradio-app" not in document:
        return document
    document = _GRADIOS_LINES.sub("", document)
    document = document.replace(_AFTER_CONFIGURATION, f"{_CORRECTION}{_AFTER_CONFIGURATION}", 1)
    document = _HEAD_BEGINS.sub(lambda found: found[0] + _head(address), document, count=1)
    if '"elem_id":"masklet"' not in document:  # the login page
        return document
    return _BODY_BEGINS.sub(lambda found: found[0] + _THEME + _language_script() + start_picture(), document, count=1)


def _head(address: str) -> str:
    """Addresses are relative to the page, but for those that others read."""
    files = f"web/{web_files().version}"
    picture, (width, height) = f"{address}{files}/{LINK_PICTURE}", PICTURE_SIZE
    properties = {
        "og:type": "website",
        "og:site_name": TITLE,
        "og:title": f"{TITLE}: click on anything, get its mask",
        "og:description": DESCRIPTION,
        "og:url": address,
        "og:image": picture,
        "og:image:width": width,
        "og:image:height": height,
        "og:image:alt": "A photo in which clicked objects are lit by their masks",
    }
    names = {"description": DESCRIPTION, "twitter:card": "summary_large_image", "theme-color": "#4f46e5"}
    lines = [
        f"<title>{TITLE}</title>",
        *(f'<meta property="{name}" content="{html.escape(str(value))}">' for name, value in properties.items()),
        *(f'<meta name="{name}" content="{html.escape(value)}">' for name, value in names.items()),
        f'<link rel="icon" href="{icon_address()}">',
        f'<link rel="stylesheet" id="mk-styles" href="{files}/{STYLE_SHEET}">',
        web_files().head_link(),
    ]
    return "".join(f"{line}\n" for line in lines)


def _language_script() -> str:
    """Chooses among English and the languages that there is a table for."""
    tables = {name: f"web/{web_files().version}/{path}" for name, path in web_files().tables.items()}
    return _LANGUAGE.replace("TABLES", json.dumps(tables))


def start_picture() -> str:
    """The start screen as it is before its scripts run, which remove it (see main.js)."""
    screen, _, _ = page_html().partition('  <section class="mk-work"')
    return f'<div class="mk-still" inert aria-hidden="true">\n{screen}</div>\n</div>\n'
