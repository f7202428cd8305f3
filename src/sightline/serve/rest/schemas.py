"""What goes over the wire, as JSON Schema."""

from collections.abc import Mapping

from sightline.serve.rest.endpoints import Schema

JSON = "application/json"
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_SCORE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def _object(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


ERROR = _object({"error": _TEXT})
LIVE = _object({"live": {"type": "boolean"}})
READY = _object({"ready": {"type": "boolean"}}, {"name": _TEXT})

_LABEL = _object({"label": _TEXT, "score": _SCORE, "accepted": {"type": "boolean"}})
_BOX: Schema = {
    **_list(_NUMBER, minItems=4, maxItems=4),
    "description": "x0, y0, x1, y1 in pixels of the upright picture",
}
_ABOUT = {
    "id": _TEXT,
    "source": _TEXT,
    "release": _TEXT,
    "size": {**_list({"type": "integer"}, minItems=2, maxItems=2), "description": "width and height"},
}
CLASSIFIED = _object(
    {**_ABOUT, "label": _TEXT, "score": _SCORE, "accepted": {"type": "boolean"}, "top": _list(_LABEL)}
)
DETECTED = _object({**_ABOUT, "objects": _list(_object({"label": _TEXT, "score": _SCORE, "box": _BOX}))})
_UNANSWERED = _object({"source": _TEXT, "error": _TEXT})
ANSWER: Schema = {
    "anyOf": [CLASSIFIED, DETECTED],
    "description": "Scores of a classifier are calibrated probabilities; a detector's are as the model gives "
    "them, and its objects are those that reach their class's threshold.",
}
ANSWERS = _object({"answers": _list({"anyOf": [CLASSIFIED, DETECTED, _UNANSWERED]})})

PICTURES = _object(
    {
        "pictures": _list(
            {
                **_object(
                    {"data": {"type": "string", "contentEncoding": "base64"}},
                    {"source": {"type": "string", "description": "comes back in the answer"}},
                ),
                "additionalProperties": False,
            },
            minItems=1,
        )
    }
)
NOTED = _object({"id": _TEXT, "release": _TEXT})
_TRUE_OBJECT = {**_object({"label": _TEXT, "box": _BOX}), "additionalProperties": False}
TRUTH: Schema = {
    "anyOf": [
        {**_object({"id": _TEXT, "label": _TEXT}), "additionalProperties": False},
        {**_object({"id": _TEXT, "objects": _list(_TRUE_OBJECT)}), "additionalProperties": False},
    ],
    "description": "The id of an answer, and the class that is really to be seen, or all objects, of which "
    "there may be none.",
}
FILE: Schema = {"type": "string", "format": "binary"}
FILES: Schema = {"type": "object", "additionalProperties": FILE, "minProperties": 1}

MODEL = _object(
    {
        "name": _TEXT,
        "version": {"type": "integer"},
        "release": _TEXT,
        "task": _TEXT,
        "classes": _list(_TEXT),
        "thresholds": {"type": "object", "additionalProperties": _NUMBER},
        "input": _object({"width": {"type": "integer"}, "height": {"type": "integer"}, "fit": _TEXT}),
        "metrics": {
            "type": "object",
            "additionalProperties": _object({"value": _NUMBER, "low": _NUMBER, "high": _NUMBER}),
        },
    }
)
MODELS = _object({"models": _list(MODEL)})

_TENSOR = _object(
    {"name": _TEXT, "datatype": _TEXT, "shape": _list({"type": "integer"})},
    {"data": {"type": "array"}, "parameters": {"type": "object"}},
)
SERVER = _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)})
METADATA = _object(
    {
        "name": _TEXT,
        "versions": _list(_TEXT),
        "platform": _TEXT,
        "inputs": _list(_TENSOR),
        "outputs": _list(_TENSOR),
    }
)
INFER = _object(
    {"inputs": _list(_TENSOR, minItems=1, maxItems=1)},
    {
        "id": _TEXT,
        "outputs": _list(_object({"name": _TEXT}, {"parameters": {"type": "object"}})),
        "parameters": {"type": "object"},
    },
)
INFERRED = _object(
    {"model_name": _TEXT, "model_version": _TEXT, "outputs": _list(_TENSOR)},
    {"id": _TEXT, "parameters": {"type": "object"}},
)

VERSION: Schema = {"type": "integer", "minimum": 1, "maximum": 10**9}
TIMEOUT: Schema = {"type": "integer", "minimum": 1, "maximum": 10**7}
