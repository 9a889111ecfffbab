"""A project file means the same to the page and to Python: the page's own code reads what chance has written."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sam2_core.media import color_of, hex_of
from sam2_core.serving.project import OWN_COLORS, project_of
from tests.browser.desk import Desk
from tests.browser.test_project import save, work_on
from tests.edit_log_entries import entry_to_json
from ui.app import Server
from ui.web_files import web_files

pytestmark = pytest.mark.browser

FRAMES = 12
START = """
async ([web, about]) => {
  const { attach } = await import(`${web}/core/mount.js`);
  attach({ element: document.body, props: { about } });
  const { setUpObjects } = await import(`${web}/core/objects.js`);
  setUpObjects();
}
"""
READ = """
async ([web, text]) => {
  const names = ['storage/project_file', 'core/edit_log', 'core/store', 'core/objects', 'shared/events'];
  const modules = await Promise.all(names.map(name => import(`${web}/${name}.js`)));
  const [{ readProject }, { EditLog }, { state, update }, { objects }, { emit }] = modules;
  const project = await readProject(new File([text], 'x.json'));
  update({ log: new EditLog(project.journal), active: project.active });
  objects.look = project.look;
  emit('log');
  const entries = state.log.entries.filter(entry => !entry.traits).map(({ after, ...entry }) => entry);
  return { entries, exported: objects.forExport().map(({ provenance, ...each }) => each) };
}
"""


def limits() -> str:
    """What the page is told of the server, as far as reading a project takes it."""
    colors = [hex_of(color_of(number)) for number in range(1, OWN_COLORS + 1)]
    return json.dumps({"max_points": 64, "max_boxes": 16, "max_mask": 500000, "colors": colors})


def entry_by(chance: Random) -> dict[str, Any]:
    number, frame = chance.choice([1, 2, 3, 64, 65]), chance.randrange(FRAMES)
    prompt: dict[str, Any] = {}
    if chance.random() < 0.8:
        prompt["points"] = [[chance.randrange(64), chance.randrange(48), chance.randrange(2)]]
    if chance.random() < 0.3:
        prompt["boxes"] = [[1, 2, chance.randrange(3, 64), 40]]
    place = chance.choice([chance.randrange(5), chance.random(), "first"])
    traits = {
        "name": chance.choice(["", " A  ball", "x" * 90, 5]),
        "label": chance.choice(["toy", None]),
        "place": place,
    }
    traits["color"] = chance.choice(["#00FF10", "#0000", "#0000g0", None])
    return chance.choice(
        [
            {"frame": frame, "object": number, "prompt": prompt},
            {"frame": frame, "object": number, "prompt": prompt},
            {"forget": number},
            {"traits": number, "set": {key: traits[key] for key in traits if chance.random() < 0.6}},
        ]
    )


def run_by(chance: Random, steps: int) -> dict[str, Any]:
    start, step = chance.randrange(FRAMES), chance.choice([1, -1])
    stop = chance.randrange(start + 1, FRAMES + 1) if step > 0 else chance.randrange(-1, start)
    after = chance.choice([{}, {"after": chance.randrange(steps + 2)}, {"after": None}])
    return {"track": [start, stop, step], "objects": sorted({chance.randrange(1, 4), chance.randrange(1, 4)}), **after}


def project_by(chance: Random) -> dict[str, Any]:
    count = chance.randrange(1, 12)
    steps: list[dict[str, Any]] = []
    for _ in range(count):
        is_run = chance.random() < 0.3
        entries = [run_by(chance, count) if is_run else entry_by(chance) for _ in range(chance.randrange(4))]
        steps.append({"entries": entries, **({"run": 5} if is_run else {})})
    return {
        "format": "masklet-project", "version": 1, "active": chance.choice([1, 2, 7, "x"]),
        "medium": {"kind": "clip", "name": "film.mp4", "frames": FRAMES, "height": 48, "width": 64, "fps": 30},
        "journal": {"steps": steps, "length": chance.randrange(count + 1)},
        "look": {
            "hidden": chance.sample([1, 2, 3, 64], chance.randrange(3)), "solo": chance.choice([None, None, 2, 7]),
        },
    }  # fmt: skip


def read(plain: dict[str, Any]) -> dict[str, Any]:
    """What Python reads, in the page's words."""
    project = project_of(plain)
    exported = [
        {"id": each.id, "name": each.name, "label": each.label, "color": list(each.color)} for each in project.visible
    ]
    return {"entries": [entry_to_json(entry) for entry in project.entries], "exported": exported}


def test_python_reads_projects_as_the_page_does(chromium: Any, server: tuple[Server, str]) -> None:
    page, counts = chromium.new_page(), {"entries": 0, "exported": 0}
    web = f"{server[1]}web/{web_files().version}"
    page.goto(f"{web}/main.js")
    page.evaluate(START, [web, limits()])
    for seed in range(200):
        plain = project_by(Random(seed))
        expected = page.evaluate(READ, [web, json.dumps(plain)])
        assert read(plain) == expected, f"seed {seed}"
        for name in counts:
            counts[name] += len(expected[name])
    page.close()
    assert counts["entries"] > 500
    assert counts["exported"] > 100


def test_what_the_page_saves_is_read(desk: Desk, clip: Path) -> None:
    work_on(desk, clip)
    plain = json.loads(save(desk, "save").read_text("utf-8"))
    project = project_of(plain)
    assert [(each.id, each.name) for each in project.visible] == [(1, "Ball")]
    assert project.medium.name == "film.mp4"
    assert project.entries
