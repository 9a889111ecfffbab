"""The JSON schema of all messages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    Field,
    TypeAdapter,
)
from pydantic.json_schema import GenerateJsonSchema

from ui.protocol.events import Event
from ui.protocol.reading import LIVE_REQUEST_ADAPTER, REQUEST_ADAPTER


class _SchemaGenerator(GenerateJsonSchema):
    """A schema that json-schema-to-typescript (draft 4) turns into plain types.

    Without titles of fields, each of which would become a type, and without lengths of lists; `t` is required; tuples,
    all of whose items here are numbers, are given as types of TypeScript.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        has_tag = field["schema"]["type"] == "default" and field["schema"]["schema"]["type"] == "literal"
        return has_tag or super().field_is_required(field, total)

    def tuple_schema(self, schema: Any) -> dict[str, Any]:
        result = super().tuple_schema(schema)
        if "prefixItems" not in result:
            return {"type": "array", "items": result["items"]}
        types = (" | ".join(map(str, item.get("enum", ["number"]))) for item in result["prefixItems"])
        return {"type": "array", "tsType": f"[{', '.join(types)}]"}


def json_schema() -> dict[str, Any]:
    """The JSON schema of requests and events."""
    events: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="t")])
    inputs: Any = [
        ("Request", "validation", REQUEST_ADAPTER),
        ("LiveRequest", "validation", LIVE_REQUEST_ADAPTER),
        ("Event", "serialization", events),
    ]
    roots, shared = TypeAdapter.json_schemas(inputs, schema_generator=_SchemaGenerator)
    definitions = shared["$defs"] | {name: schema for (name, _), schema in roots.items()}
    return {"title": "Message", "anyOf": [{"$ref": f"#/$defs/{name}"} for name, *_ in inputs], "$defs": definitions}
