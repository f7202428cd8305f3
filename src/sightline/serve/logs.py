"""Logs as JSON, one object a line on standard error."""

import json
import logging
import sys
from datetime import UTC, datetime

ACCESS = logging.getLogger("sightline.access")
"""One line a request; its fields are in the record's ``fields``."""


class JsonLines(logging.Formatter):
    """Time, level and event, then the fields of a record, then where an exception came from."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "event": record.getMessage()}
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_as_json() -> None:
    """Everything that this process logs, from ``INFO`` on; libraries' from ``WARNING`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sightline").setLevel(logging.INFO)
    logging.raiseExceptions = False  # a reader of the log that went away is no reason to stop


def log(logger: logging.Logger, event: str, **fields: object) -> None:
    """One line about ``event``."""
    logger.info(event, extra={"fields": fields})
