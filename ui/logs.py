"""The log as lines of JSON, without what users do, have or are called."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any, TextIO

OWN = ("ui", "sam2_core")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time`, `level`, `logger`, `message`, the fields of `extra={"fields": ...}`, and of an
    exception its type and where it came from.

    Values are left out of messages, and so are the messages of exceptions: they may quote names of files or text of
    users. Of other libraries' messages only the beginning stays, as some of them are put together beforehand.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(line)


def _message(record: logging.LogRecord) -> str:
    """The text without its values."""
    text = str(record.msg)
    if record.name.partition(".")[0] in OWN:
        return text
    for mark in ("\n", ":", "/", "\\", "<", "'", '"'):
        text = text.partition(mark)[0]
    return text.strip()


def log_as_json(stream: TextIO = sys.stderr) -> None:
    """Write all of the log to a stream as JSON from now on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO)
