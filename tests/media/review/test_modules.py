"""Modules joined to one script."""

from __future__ import annotations

import pytest

from sam2_core.media.review.modules import imported_by, join_modules

MAIN = """import { a, b as c } from './core/a.js';
import {
  d,
} from './core/d.js';

export const e = a + c + d;
"""
CORE_A = """// A comment.
/** @type {number} */
export const a = 1; // import { x } from './y.js';
export function b() {}
export class Hidden {
  /**
   * Another one.
   * @param {string} text
   */
  c(text) {
    // A third one.
    return text || '// not one';
  }
}
"""
CORE_D = """import './a.js';
export const { d, f } = { d: 1, f: 2 };
export async function g() {
  await import('../late.js');
}
"""
TEXTS = {
    "main.js": MAIN,
    "core/a.js": CORE_A,
    "core/d.js": CORE_D,
    "late.js": "export const late = 'export const early = 1';\n",
    "unused.js": "export const unused = 1;\n",
}


def test_all_that_is_needed_is_joined() -> None:
    assert (
        join_modules(TEXTS, "main.js")
        == """const $modules = {};
const $imported = {};
const $import = name => {
  $imported[name] ??= $modules[name]();
  return $imported[name];
};
$modules['core/a.js'] = () => {
const a = 1; // import { x } from './y.js';
function b() {}
class Hidden {
  c(text) {
    return text || '// not one';
  }
}
return { a, b, Hidden };
};
$modules['core/d.js'] = () => {
$import('core/a.js');
const { d, f } = { d: 1, f: 2 };
async function g() {
  await $import('late.js');
}
return { d, f, g };
};
$modules['late.js'] = () => {
const late = 'export const early = 1';
return { late };
};
$modules['main.js'] = () => {
const { a, b: c } = $import('core/a.js');
const {
  d,
} = $import('core/d.js');

const e = a + c + d;
return { e };
};
return $import('main.js');
"""
    )


def test_what_a_module_imports() -> None:
    assert imported_by("core/d.js", TEXTS["core/d.js"]) == ["core/a.js", "late.js"]


def test_a_missing_module_is_noticed() -> None:
    with pytest.raises(KeyError, match="gone"):
        join_modules({"main.js": "import './gone.js';\n"}, "main.js")
