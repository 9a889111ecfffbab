"""Strategies for what strangers send."""

from __future__ import annotations

import copy
import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

STRANGE_TEXTS = (
    "", "\0", "../../x", "C:\\x", "x" * 5000, "<img src=x onerror=alert(1)>", "\u202e\u200b\ufeff", "\ud800", "é̂",
    "1e999", "NaN", "-0", "٣", "9" * 400, "%00%s%n", "'; drop", "a\nb\r\n", "𝔘" * 100, "0x10", "1,5",
    "data:image/png;base64,AAAA",
)  # fmt: skip
STRANGE_NUMBERS = (
    -1, 0, 1, 2**31, 2**53, 2**53 + 1, -(2**63), 10**40, 10**400, 0.5, -0.0, 1e-320, 1e308, -1e308,
    float("nan"), float("inf"), -float("inf"),
)  # fmt: skip
STRANGE: SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.sampled_from(STRANGE_NUMBERS)
    | st.sampled_from(STRANGE_TEXTS)
    | st.sampled_from(((), {}, ((),), ({},), {"": None}, tuple(range(300)))).map(copy.deepcopy)
    | st.recursive(
        st.integers(-3, 3) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
)
_STRANGE_BYTES = (
    b"",
    b"\0" * 9,
    b"\xff" * 9,
    b"\xff\xfe",
    b"PK\x03\x04",
    b"{" * 400,
    b"[" * 9000,
    b"9" * 400,
    b"\n" * 50,
)
_MAX_DAMAGE = 4


def from_schema(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Values that a JSON schema allows, with something strange in the place of a part now and then."""
    return st.integers(0, 15).flatmap(lambda dice: STRANGE if dice == 0 else _good(schema, definitions))


def _good(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> SearchStrategy[Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return st.deferred(lambda: from_schema(definitions[name], definitions))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return st.one_of([from_schema(each, definitions) for each in schema[key]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _of_type(schema, definitions)


def _of_type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> SearchStrategy[Any]:
    if schema.get("type") == "object":
        needed = schema.get("required", ())
        fields = {name: from_schema(each, definitions) for name, each in schema.get("properties", {}).items()}
        optional = {name: field for name, field in fields.items() if name not in needed}
        must = {name: field for name, field in fields.items() if name in needed}
        return (
            st.fixed_dictionaries(must, optional=optional) if fields else st.dictionaries(st.text(max_size=9), STRANGE)
        )
    if schema.get("type") == "array":
        item = from_schema(schema["items"], definitions) if "items" in schema else st.integers(-1, 64)
        return st.lists(item, max_size=4) | st.tuples(item, item, st.integers(0, 1)).map(list)
    least = math.ceil(schema.get("minimum", -3))
    numbers = st.integers(least, max(least, min(math.floor(schema.get("maximum", 12)), least + 15)))
    kinds = {
        "integer": numbers,
        "number": numbers | st.floats(),
        "boolean": st.booleans(),
        "string": st.text(max_size=9),
    }
    return kinds.get(str(schema.get("type")), STRANGE)


@st.composite
def damaged_json(draw: DrawFn, samples: Sequence[Any]) -> str:
    """One of some documents, with up to four parts left out, doubled, wrapped, or replaced by something strange."""
    document = [copy.deepcopy(draw(st.sampled_from(samples)))]
    for _ in range(draw(st.integers(0, _MAX_DAMAGE))):
        _damage_part(draw, document)
    return json.dumps(document[0])


def _damage_part(draw: DrawFn, document: list[Any]) -> None:
    parent: Any = document
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if not isinstance(parent[key], dict | list) or draw(st.integers(0, 3)) == 0:
            break
        parent = parent[key]
    way = draw(st.integers(0, 4))
    if way == 0 and parent is not document:
        del parent[key]
    elif way == 1 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif way == 2:
        parent[key] = [parent[key]]
    elif way == 3 and isinstance(parent, dict):
        parent[draw(st.sampled_from(STRANGE_TEXTS))] = parent[key]
    else:
        parent[key] = draw(STRANGE)


@st.composite
def damaged_bytes(draw: DrawFn, samples: Sequence[bytes], head: int = 400) -> bytes:
    """One of some files, with up to four places changed, cut out, doubled or cut off: half of them in its `head`."""
    content = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(0, _MAX_DAMAGE))):
        end = min(head, len(content)) if draw(st.booleans()) else len(content)
        place = draw(st.integers(0, max(0, end - 1)))
        way = draw(st.integers(0, 4))
        if way == 0:
            content[place : place + 1] = draw(st.binary(min_size=1, max_size=4))
        elif way == 1:
            content[place : place + draw(st.integers(1, 64))] = b""
        elif way == 2:
            content[place:place] = content[place : place + draw(st.integers(1, 64))]
        elif way == 3:
            content[place:] = b""
        else:
            content[place:place] = draw(st.sampled_from(_STRANGE_BYTES))
    return bytes(content)


_TOKEN = re.compile(r'-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[^"\\]|\\.)*"(\s*:)?|true|false|null|\[\]|\{\}')
_STRANGE_TOKENS = tuple(json.dumps(value) for value in (*STRANGE_NUMBERS, *STRANGE_TEXTS, None, True, [], {}, [[]]))


def variants(value: str | bytes, count: int) -> Iterator[str | bytes]:
    """So many damaged copies of an input, always the same ones: cheap to make, where Hypothesis takes long."""
    rng = random.Random(value)
    for _ in range(count):
        yield _text_variant(value, rng) if isinstance(value, str) else _bytes_variant(value, rng)


def _text_variant(text: str, rng: random.Random) -> str:
    """JSON with one or two of its values replaced by something strange or by another one of them."""
    for _ in range(rng.randint(1, 2)):
        tokens = [each.span() for each in _TOKEN.finditer(text) if each[1] is None]  # keys stay
        if not tokens:
            return rng.choice(_STRANGE_TOKENS)
        (start, end), (first, last) = rng.choice(tokens), rng.choice(tokens)
        token = text[first:last] if rng.random() < 0.3 else rng.choice(_STRANGE_TOKENS)
        text = text[:start] + token + text[end:]
    return text


def _bytes_variant(content: bytes, rng: random.Random) -> bytes:
    """A file with one to four places changed, cut out, or replaced by a part of itself."""
    damaged = bytearray(content)
    for _ in range(rng.randint(1, _MAX_DAMAGE)):
        place, other = (rng.randrange(len(damaged) + 1) for _ in range(2))
        length = rng.choice((1, 1, 1, 2, 4, 16, 64))
        part = rng.choice((rng.randbytes(length), bytes(damaged[other : other + length]), b""))
        damaged[place : place + length] = part
    return bytes(damaged)
