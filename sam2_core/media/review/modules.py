"""ES modules as one script, for a page that is a single file and for a server that wants one request, not ninety.

The texts stay as they are, but for their imports and exports, which must stand at the beginning of a line:

    import { a, b as c } from './other.js';      await import('./later.js')
    export const d = 1;                          export function e() {}        export class F {}

Each module becomes a function that runs when it is first imported and returns what it exports. Modules must not import
each other in a circle, and no exported name may be assigned to later. Comments that stand on lines of their own are
left out, a fifth of what is sent; so no text in backticks may have a line that looks like one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r"^import (?:\{([^}]*)\} from )?'([^']+)';$", re.MULTILINE)
_DYNAMIC_IMPORT = re.compile(r"(?<![\w$])import\('([^']+)'\)")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|class|function)\*? (\{[^}]*\}|\w+))", re.MULTILINE)
_COMMENT = re.compile(r"^[ ]*(?:/\*\*(?:(?!\*/)[\s\S])*\*/|//.*)\n", re.MULTILINE)
_SCRIPT = """const $modules = {{}};
const $imported = {{}};
const $import = name => {{
  $imported[name] ??= $modules[name]();
  return $imported[name];
}};
{modules}return $import('{entry}');
"""


def join_modules(texts: Mapping[str, str], entry: str) -> str:
    """A function body that runs the module `entry` and all that it needs, and returns what it exports.

    `texts` maps paths to texts; imports are relative to the path of the importing module.
    """
    joined: dict[str, str] = {}

    def add(path: str) -> None:
        if path not in joined:
            joined[path] = ""  # keeps a circle from going on for ever
            joined[path] = _as_function(path, texts[path])
            for target in imported_by(path, texts[path]):
                add(target)

    add(entry)
    return _SCRIPT.format(modules="".join(joined[path] for path in sorted(joined)), entry=entry)


def imported_by(path: str, text: str) -> list[str]:
    """Paths of the modules that a module imports."""
    origins = [*(found[2] for found in _IMPORT.finditer(text)), *_DYNAMIC_IMPORT.findall(text)]
    return [_resolve(path, origin) for origin in origins]


def _as_function(path: str, text: str) -> str:
    def imports(found: re.Match[str]) -> str:
        origin = f"$import('{_resolve(path, found[2])}');"
        return f"const {{{found[1].replace(' as ', ': ')}}} = {origin}" if found[1] else origin

    names = [name for found in _EXPORT.finditer(text) for name in re.findall(r"\w+", found[1])]
    body = _COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub(imports, text)))
    body = _DYNAMIC_IMPORT.sub(lambda found: f"$import('{_resolve(path, found[1])}')", body)
    return f"$modules['{path}'] = () => {{\n{body}return {{ {', '.join(names)} }};\n}};\n"


def _resolve(path: str, origin: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), origin))
