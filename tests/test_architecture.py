"""The house rules about imports, read from the syntax tree: imports go one way, whether they stand at the top of a
module, inside a function or under TYPE_CHECKING, absolute or relative."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

import pytest

from sam2_core.predictors.official_modules import MODULES

ROOT = Path(__file__).resolve().parents[1]
VAGUE_NAMES = {"utils", "util", "misc", "common", "helpers", "helper"}
FORBIDDEN_LIBRARIES = {"ui": {"torch", "torchvision"}, "sam2_core": {"gradio", "gradio_client"}}
MAY_IMPORT = {  # floor of the house -> the floors it may call on besides itself
    "errors": set(),
    "paths": set(),
    "processors": set(),
    "guided_filter": set(),
    "version": set(),
    "types": {"errors"},
    "model": {"types", "errors"},
    "networks": {"model", "paths", "types", "errors"},
    "download": {"types"},
    "hub": {"download", "types", "errors"},
    "weights": {"download", "networks", "hub", "model", "types", "errors"},
    "tracking": {"model", "guided_filter", "processors", "types", "errors"},
    "media": {"guided_filter", "paths", "types", "errors"},
    "dataset": {"media", "types", "errors"},
    "detection": {"hub", "paths", "types", "errors"},
    "serving": {
        "dataset",
        "tracking",
        "detection",
        "weights",
        "networks",
        "model",
        "media",
        "processors",
        "types",
        "errors",
    },
    "predictors": {"tracking", "detection", "weights", "networks", "model", "media", "types", "errors"},
    "console": set(),
    "training": {
        "predictors",
        "detection",
        "console",
        "paths",
        "dataset",
        "tracking",
        "weights",
        "networks",
        "model",
        "media",
        "types",
        "errors",
    },
    "cli": {
        "console",
        "paths",
        "dataset",
        "training",
        "version",
        "predictors",
        "detection",
        "serving",
        "weights",
        "networks",
        "media",
        "types",
        "errors",
    },
    "__main__": {"cli", "console"},
    "sam2_core": {"predictors", "version"},  # the package's own front page
    "ui": {"serving", "detection", "dataset", "media", "paths", "processors", "types", "errors"},
    "app": {"ui", "serving", "media", "types", "errors"},
}


def project_sources() -> dict[str, str]:
    paths = [ROOT / "app.py", *ROOT.glob("ui/**/*.py"), *ROOT.glob("sam2_core/**/*.py")]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths if path.exists()}


def module_name(path: str) -> str:
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def floor_of(module: str) -> str:
    top, *rest = module.split(".")
    return rest[0] if top == "sam2_core" and rest else top


def imported_modules(path: str, source: str, modules: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = PurePosixPath(path).parts[:-1]
            start = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, [start, node.module]))
            submodules = {f"{origin}.{alias.name}" for alias in node.names}
            yield from (name if name in modules else origin for name in submodules)


def broken_rules(sources: dict[str, str]) -> list[str]:
    """One line for each broken rule; `sources` maps a path relative to the root to its text."""
    broken, graph = [], {}
    modules = {module_name(path) for path in sources}
    for path, source in sources.items():
        module, imported = module_name(path), set(imported_modules(path, source, modules))
        graph[module] = {name for name in imported if name in modules}
        floor, top = floor_of(module), module.split(".")[0]
        allowed = MAY_IMPORT.get(floor, set()) | {floor}
        ours = {name for name in imported if name.split(".")[0] in {"app", "ui", "sam2_core"}}
        broken += [f"{module} must not import {name}" for name in sorted(ours) if floor_of(name) not in allowed]
        libraries = {name.split(".")[0] for name in imported} & FORBIDDEN_LIBRARIES.get(top, set())
        broken += [f"{module} must not import {name}" for name in sorted(libraries)]
        broken += [f"{module} has a name that says nothing" for _ in VAGUE_NAMES & set(module.split("."))]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        broken.append("import cycle: " + " -> ".join(error.args[1]))
    return broken


def test_the_project_keeps_its_own_rules() -> None:
    sources = project_sources()
    assert "sam2_core/types.py" in sources
    assert broken_rules(sources) == []


def test_official_module_names_stand_in_one_table_and_are_not_used_here() -> None:
    """`sam2_core.utils.amg` and the like are for published code: no file has such a name, and none imports it."""
    sources, official = project_sources(), {f"sam2_core.{name}" for name in MODULES}
    modules = set(map(module_name, sources))
    assert not official & modules
    imported = {name for path, text in sources.items() for name in imported_modules(path, text, modules | official)}
    assert not official & imported
    makers = [path for path, text in sources.items() if re.search(r"\bsys\.meta_path\b", text)]
    assert makers == ["sam2_core/predictors/official_modules.py"]


def test_one_place_imports_the_page_by_name() -> None:
    """`masklet serve` imports `ui`, which no import statement of the package may do, by its name."""
    sources = project_sources().items()
    named = [path for path, source in sources if path.startswith("sam2_core/") and re.search(r"""["']ui\.""", source)]
    assert named == ["sam2_core/cli/main.py"]


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        (
            {"sam2_core/model/x.py": "import sam2_core.tracking.bank"},
            "sam2_core.model.x must not import sam2_core.track",
        ),
        ({"sam2_core/model/x.py": "def f():\n    from ..serving import pool"}, "must not import sam2_core.serving"),
        ({"sam2_core/media/x.py": "if TYPE_CHECKING:\n    from ui.view import View"}, "must not import ui.view"),
        ({"sam2_core/types.py": "from . import media", "sam2_core/media/__init__.py": ""}, "import sam2_core.media"),
        ({"sam2_core/serving/x.py": "from sam2_core import build_sam2"}, "must not import sam2_core"),
        ({"sam2_core/attic/x.py": "from sam2_core.types import Mask"}, "must not import sam2_core.types"),
        ({"ui/view.py": "import app"}, "ui.view must not import app"),
        ({"ui/view.py": "def f():\n    import torch.nn as nn"}, "ui.view must not import torch"),
        ({"sam2_core/media/x.py": "from gradio import media"}, "must not import gradio"),
        ({"ui/helpers.py": ""}, "ui.helpers has a name that says nothing"),
        ({"sam2_core/utils/x.py": ""}, "sam2_core.utils.x has a name that says nothing"),
        ({"ui/a.py": "from .b import f", "ui/b.py": "def f():\n    from ui import a"}, "import cycle: ui."),
        ({"ui/__init__.py": "from .a import f", "ui/a.py": "from ui import g"}, "import cycle: ui"),
    ],
)
def test_a_broken_rule_is_noticed(sources: dict[str, str], complaint: str) -> None:
    [line] = broken_rules(sources)
    assert complaint in line


def test_what_is_allowed_passes() -> None:
    allowed = {
        "app.py": "from ui.layout import build\nfrom sam2_core.serving import build_engine",
        "ui/layout.py": "import gradio\nfrom .view import View",
        "ui/view.py": "from sam2_core.types import Mask",
        "sam2_core/types.py": "from sam2_core.errors import BadPrompt",
        "sam2_core/serving/local.py": "import torch\nfrom ..tracking import session",
    }
    assert broken_rules(allowed) == []


# --- the page's modules ---

WEB = ROOT / "ui" / "web"
WEB_MAY_IMPORT = {  # folder -> the folders it may import from besides itself; where nothing stands, all but panels
    "shared": set(),
    "core": {"shared"},
    "net": {"shared", "core"},
    "panels": {"shared", "core", "net", "viewport", "tools", "timeline", "tracking", "storage", "annotate"},
}
WEB_FOLDERS = {*WEB_MAY_IMPORT, "viewport", "tools", "timeline", "tracking", "storage", "annotate"}
SCRIPT_IMPORT = re.compile(r"^import (?:\{([^}]*)\} from )?'([^']+)';|\bimport\('([^']+)'\)", re.MULTILINE)
SCRIPT_EXPORT = re.compile(r"^export (?:async )?(const|let|var|class|function)\*? (.+)", re.MULTILINE)


def web_sources() -> dict[str, str]:
    return {path.relative_to(WEB).as_posix(): path.read_text("utf-8") for path in WEB.rglob("*.js")}


def web_imports(path: str, source: str) -> Iterator[tuple[str, list[str]]]:
    """The modules that a module imports, as paths, and the names."""
    for names, origin, later in SCRIPT_IMPORT.findall(source):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), origin or later))
        yield target, [name.split(" as ")[0].strip() for name in names.split(",") if name.strip()]


def web_exports(source: str) -> set[str]:
    """Names that a module exports; several in one declaration stand on one line."""
    found: set[str] = set()
    for kind, rest in SCRIPT_EXPORT.findall(source):
        if kind in ("class", "function"):
            found.add(re.match(r"\w+", rest)[0])  # type: ignore[index]
            continue
        if rest.startswith("{"):
            found |= set(re.findall(r"\w+", rest.partition("}")[0]))
            continue
        while (flat := re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|'[^']*'|//.*", "", rest)) != rest:
            rest = flat
        rest = re.sub(r"[(\[{].*", "", rest)  # what a later line closes
        found |= set(re.findall(r"(?:^|, )(\w+)(?= =)", rest))
    return found


def broken_web_rules(sources: dict[str, str]) -> list[str]:
    """One line for each broken rule; `sources` maps a path below ui/web to its text."""
    broken, graph = [], {}
    exports = {path: web_exports(source) for path, source in sources.items()}
    for path, source in sources.items():
        imports = dict(web_imports(path, source))
        graph[path] = set(imports)
        folder, name = posixpath.split(path)
        if folder not in WEB_FOLDERS | {""}:
            broken.append(f"{path} lies in no known folder")
        broken += [f"{path} has a name that says nothing" for _ in VAGUE_NAMES & {folder, name.removesuffix(".js")}]
        broken += [f"{path} exports a variable" for kind, _ in SCRIPT_EXPORT.findall(source) if kind in ("let", "var")]
        for target, names in imports.items():
            top = posixpath.dirname(target)
            if target not in sources:
                broken.append(f"{path} imports {target}, which does not exist")
            elif folder and top not in WEB_MAY_IMPORT.get(folder, WEB_FOLDERS - {"panels"}) | {folder}:
                broken.append(f"{path} must not import {target}")
            broken += [f"{target} does not export {each}" for each in names if each not in exports.get(target, {each})]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        broken.append("import cycle: " + " -> ".join(error.args[1]))
    return broken


def test_the_page_keeps_its_own_rules() -> None:
    sources = web_sources()
    assert broken_web_rules(sources) == []
    imported = {target for path, source in sources.items() for target, _ in web_imports(path, source)}
    assert set(sources) == imported | {"main.js"}


def test_the_review_page_has_no_cycles_and_imports_what_there_is() -> None:
    sources = {name: text for name, text in web_sources().items() if name.startswith("shared/")}
    own = {path.name: path.read_text("utf-8") for path in (ROOT / "sam2_core/media/review/page").glob("*.js")}
    sources |= {name: text.replace("../../../../ui/web/shared/", "./shared/") for name, text in own.items()}
    assert broken_web_rules(sources) == []
    imported = {target for path, source in own.items() for target, _ in web_imports(path, sources[path])}
    assert set(own) <= imported | {"main.js"}


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        (
            {"core/a.js": "import { b } from './b.js';", "core/b.js": "import './a.js';\nexport const b = 1;"},
            "import cycle: ",
        ),
        ({"core/a.js": "import { b } from './b.js';"}, "core/b.js, which does not exist"),
        ({"core/a.js": "import { c } from './b.js';", "core/b.js": "export const b = 1;"}, "does not export c"),
        ({"shared/a.js": "import '../core/b.js';", "core/b.js": ""}, "shared/a.js must not import core/b.js"),
        ({"tools/a.js": "import '../panels/b.js';", "panels/b.js": ""}, "tools/a.js must not import panels/b.js"),
        ({"core/helpers.js": ""}, "core/helpers.js has a name that says nothing"),
        ({"attic/a.js": ""}, "attic/a.js lies in no known folder"),
        ({"core/a.js": "export let state = 1;"}, "core/a.js exports a variable"),
        ({"a.js": "import('./b.js')", "b.js": "import './a.js';"}, "import cycle: "),
    ],
)
def test_a_broken_rule_of_the_page_is_noticed(sources: dict[str, str], complaint: str) -> None:
    [line] = broken_web_rules(sources)
    assert complaint in line
