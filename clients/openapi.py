"""What openapi.yaml says of each operation."""

import re
from collections.abc import Iterator
from typing import Any

from clients.draft07 import convert, used_by

Object = dict[str, Any]

JSON = "application/json"
METHODS = ("get", "post", "put", "patch", "delete")


def operations(schema: Object) -> Iterator[tuple[str, Object]]:
    """Of each operation `METHOD /path`, and what the schema says of it; parameters of its path are among its own."""
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                parameters = [*methods.get("parameters", []), *methods[method].get("parameters", [])]
                parameters = [_resolved(schema, each) for each in parameters]
                answers = {status: _resolved(schema, each) for status, each in methods[method]["responses"].items()}
                changed = {"parameters": parameters, "responses": answers}
                yield f"{method.upper()} {path}", methods[method] | changed


def _resolved(schema: Object, said: Object) -> Object:
    """What a reference stands for."""
    while "$ref" in said:
        name = said["$ref"]
        said = schema
        for part in name.removeprefix("#/").split("/"):
            said = said[part]
    return said


def expectations(schema: Object) -> tuple[list[Object], Object]:
    """Of each operation the method, a pattern of its path, and by status and content type what an answer must be, in
    draft-07; and the definitions that those refer to.
    """
    described = []
    for line, operation in operations(schema):
        method, _, path = line.partition(" ")
        answers = {
            status: {kind: convert(content.get("schema", True)) for kind, content in said.get("content", {}).items()}
            for status, said in operation["responses"].items()
        }
        described.append({"method": method, "path": _pattern(path, operation), "answers": answers})
    schemas = [each for one in described for contents in one["answers"].values() for each in contents.values()]
    return described, used_by(schemas, schema.get("components", {}).get("schemas", {}))


def _pattern(path: str, operation: Object) -> str:
    """The end of an address, with its slash or without."""
    whole = {each["name"] for each in operation["parameters"] if each.get("schema", {}).get("type") == "integer"}
    parts = (
        (r"\d+" if part[1:-1] in whole else "[^/]+") if part.startswith("{") else re.escape(part)
        for part in path.strip("/").split("/")
    )
    return f"/{'/'.join(parts)}/?$"
