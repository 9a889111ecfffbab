"""What a message may cost before it is parsed: for every kind of message."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from sam2_core.errors import BadPrompt
from ui.protocol import (
    LARGE_REQUEST_CHARACTERS,
    MAX_REQUEST_CHARACTERS,
    Bounds,
    EditLogRequest,
    LiveRequest,
    Request,
    parse_live_request,
    parse_request,
    reading,
    request_subject,
)
from ui.protocol.structure import StructureLimits

BOUNDS = Bounds(frames=10, height=48, width=64, max_objects=5, max_points=8)
KINDS = [kind.model_fields["t"].default for kind in (*get_args(Request), *get_args(LiveRequest))]
MANY = ",".join(["[]"] * 400_000)
LIMITS = StructureLimits(max_length=100, max_elements=6, max_depth=3)


class _Unused:
    """Stands where a parser was."""

    def validate_json(self, *args: Any, **kwargs: Any) -> Any:
        pytest.fail("This text must not be parsed.")


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUEST_ADAPTER", "LIVE_REQUEST_ADAPTER", "_ANYTIME_REQUEST", "_ENTRIES_ADAPTER"):
        monkeypatch.setattr(reading, name, _Unused())


def parse(text: str, bounds: Bounds | None = BOUNDS) -> object:
    return parse_live_request(text, bounds) if reading.is_live(text) else parse_request(text, bounds)


@pytest.mark.parametrize("bounds", [BOUNDS, None])
@pytest.mark.parametrize("kind", [*KINDS, "unheard_of"])
@pytest.mark.parametrize(
    "fields",
    [
        f'"x":[{MANY}]',
        f'"x":{"[" * 300_000}{"]" * 300_000}',
        f'"x":{"[" * 300_000}',
        f'"x":{{{",".join(["1:{}"] * 200_000)}}}',
        f'"entries":[{MANY}]',
        f'"entries":[{{"frame":0,"x":[{MANY}]}}]',
        f'"entries":[{{"x":{"[" * 10_000}{"]" * 10_000}}},{{}}]',
        f'"x":[{",".join(["7"] * 400_000)}]',
        f'"x":[{",".join([chr(34) * 2] * 400_000)}]',
        f'"x":[{chr(34) * 1_600_000}]',
        f'"x":"{"a" * MAX_REQUEST_CHARACTERS}"',
    ],
)
@pytest.mark.usefixtures("no_parser")
def test_no_kind_of_message_is_parsed_where_it_is_too_much(kind: str, fields: str, bounds: Bounds | None) -> None:
    with pytest.raises(BadPrompt) as refused:
        parse(f'{{"t":"{kind}",{fields}}}', bounds)
    assert len(str(refused.value)) > 15


@pytest.mark.usefixtures("no_parser")
def test_a_message_that_hides_its_kind_is_small() -> None:
    with pytest.raises(BadPrompt, match="too many parts"):
        parse(f'{{"seq":1,"entries":[{",".join(["{}"] * 1000)}],"t":"edit_log"}}')


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[[]]]", ""),
        ("[[[[]]]]", "nested"),
        ('{"a":{"b":[]}}', ""),
        ("[1,2,3,4,5,6]", ""),
        ("[1,2,3,4,5,6,7]", "too many parts"),
        ('["[[[[","{{{{",",,,,,,,,"]', ""),
        (r'["\"[[[[","\\",""]', ""),
        (r'["\\",[[[[]]]]]', "nested"),
        (r'["\\\"",[[]]]', ""),
        ("é" * 100, ""),
        ("x" * 101, "too long"),
        ('"' * 40, "too many parts"),
        ("[[", "incomplete"),
        ("", ""),
    ],
)
def test_what_stands_in_strings_does_not_count(text: str, complaint: str) -> None:
    if not complaint:
        LIMITS.check(text)
        return
    with pytest.raises(BadPrompt, match=complaint):
        LIMITS.check(text)
    with pytest.raises(BadPrompt, match=complaint):
        LIMITS.check(text.encode())


# --- long edit logs ---------------------------------------------------------------------------------------------------

ENTRIES: list[dict[str, Any]] = [
    {"frame": 1, "object": 2, "prompt": {"points": [[1.5, 2, 1], [3, 4, 0]]}},
    {"frame": 0, "object": 1, "prompt": {"mask": {"size": [48, 64], "counts": "\\1dn2"}}},
    {"forget": 3},
    {"track": [0, 10, 1], "objects": [1, 2]},
    {"frame": 0, "object": 1, "prompt": {}},
]


def log(entries: list[Any], **fields: Any) -> str:
    return json.dumps({"t": "edit_log", "entries": entries, "seq": 5, **fields})


@pytest.mark.parametrize("separators", [None, (",", ":")])
def test_a_long_log_says_the_same_as_if_it_were_parsed_at_once(separators: tuple[str, str] | None) -> None:
    text = json.dumps({"t": "edit_log", "entries": ENTRIES * 400, "seq": 5, "more": True}, separators=separators)
    assert len(text) > 3 * LARGE_REQUEST_CHARACTERS
    read = parse_request(text, BOUNDS)
    assert isinstance(read, EditLogRequest)
    assert read == EditLogRequest.model_validate_json(text, context=BOUNDS)
    assert (len(read.entries), read.seq, read.more) == (2000, 5, True)
    assert (
        parse_request(json.dumps({"t": "edit_log", "seq": 5, "more": True, "entries": ENTRIES * 400}), BOUNDS) == read
    )


def test_a_long_log_is_parsed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser holds Python's lock for each of them."""
    lengths: list[int] = []
    adapter = reading._ENTRIES_ADAPTER

    class Noting:
        def validate_json(self, text: str, context: Bounds) -> Any:
            lengths.append(len(text))
            return adapter.validate_json(text, context=context)

    monkeypatch.setattr(reading, "_ENTRIES_ADAPTER", Noting())
    text = log(ENTRIES * 400)
    parse_request(text, BOUNDS)
    assert len(lengths) >= len(text) // (LARGE_REQUEST_CHARACTERS + 200)
    assert max(lengths) < LARGE_REQUEST_CHARACTERS + 200


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (log([*ENTRIES * 400, {"frame": 10, "object": 1, "prompt": {}}]), "another picture"),
        (log([*ENTRIES * 400, {"frame": 0, "object": 1, "prompt": {"points": [[999, 1, 1]]}}]), "outside"),
        (log([*ENTRIES * 400, 5]), "no journal"),
        (log([*ENTRIES * 400, []]), "no journal"),
        (log(ENTRIES * 400)[:-12], "no journal"),
        (log(ENTRIES * 400)[:-1], "no journal"),
        (log(ENTRIES * 400).replace("}, {", "} {"), "no journal"),
        (log(ENTRIES * 400).replace('], "seq"', ', ], "seq"'), "no journal"),
        (log(ENTRIES * 400, seq=-1), "`seq`"),
        (log(ENTRIES * 400, more=3), "`more`"),
        (log(ENTRIES * 400).replace('"seq": 5', '"seq": 5, "entries": [{}]'), "no journal"),
        (log([{"forget": 1}] * 20_001), "no journal"),
        (log([{"frame": 0, "object": 1, "prompt": {"points": [[1, 1, 1]] * 9000}}]), "too many parts"),
        ('{"t":"edit_log","entries":5,"x":"' + "a" * LARGE_REQUEST_CHARACTERS + '"}', "does not know"),
        ('{"t":"edit_log","entries":["' + "a" * LARGE_REQUEST_CHARACTERS, "no journal"),
        ('{"t":"edit_log","entries":[{"' + "\\" * LARGE_REQUEST_CHARACTERS, "no journal"),
        ('{"t":"edit_log","entries":[' + "{" * LARGE_REQUEST_CHARACTERS, "no journal"),
    ],
)
def test_a_long_log_is_refused_in_words(text: str, complaint: str) -> None:
    assert len(text) > LARGE_REQUEST_CHARACTERS
    with pytest.raises(BadPrompt, match=complaint):
        parse_request(text, BOUNDS)


def test_a_refusal_of_a_long_message_names_its_number_without_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda text: pytest.fail("This text was refused already."))
    assert request_subject(log(ENTRIES * 400)) == {"job": "replay", "seq": 5}
    assert request_subject('{"t":"segment_everything","run":12,"x":"' + "a" * 10**6) == {"job": "everything", "run": 12}
    assert request_subject('{"t":"edit_log","entries":[') == {}
