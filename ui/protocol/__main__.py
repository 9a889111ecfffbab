"""Prints the JSON schema of all messages, from which ui/web/protocol.d.ts is generated (`npm run protocol`)."""

from __future__ import annotations

import json

from ui.protocol.schema import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
