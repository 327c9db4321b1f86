"""Schemas of OpenAPI 3.0 and 3.1 as JSON Schema draft-07, which Postman's `jsonSchema` understands."""

from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"
ASSERTIONS = {
    *("type", "enum", "const", "pattern", "required", "minLength", "maxLength", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties"),
}
"""Keywords that are the same in all of them."""
ANNOTATIONS = {
    *("title", "description", "default", "example", "examples", "readOnly", "writeOnly", "deprecated"),
    *("nullable", "externalDocs", "xml", "$comment", "contentMediaType", "contentEncoding"),
}
"""Keywords that forbid nothing; but `nullable`, which allows."""
FORMATS = {"date-time", "date", "time", "uri", "uri-reference", "email", "ipv4", "ipv6", "hostname"}
"""The others, such as int64, are refused by a validator that does not know them."""


def convert(schema: Schema | bool) -> Schema | bool:
    """The same schema in draft-07, with its references into `definitions`.

    Raises ValueError for a keyword that is unknown here.
    """
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:  # its neighbours are not read in draft-07
        others = {name: value for name, value in schema.items() if name != "$ref"}
        there = {"$ref": schema["$ref"].replace(REFERENCE, "#/definitions/")}
        beside = convert(others)
        return {"allOf": [there, beside]} if beside else there
    converted: Schema = {}
    for name, value in schema.items():
        if name in ASSERTIONS:
            converted[name] = value
        elif name == "properties":
            converted[name] = {field: convert(each) for field, each in value.items()}
        elif name in ("items", "additionalProperties", "propertyNames", "not"):
            converted[name] = convert(value)
        elif name in ("allOf", "anyOf", "oneOf"):
            converted[name] = [convert(each) for each in value]
        elif name == "format":
            converted |= {name: value} if value in FORMATS else {}
        elif name not in ANNOTATIONS and not name.startswith("x-"):
            raise ValueError(f"clients/draft07.py does not know the keyword {name!r}")
    return {"anyOf": [converted, {"type": "null"}]} if schema.get("nullable") else converted


def used_by(schemas: list[Schema], components: dict[str, Schema]) -> dict[str, Schema]:
    """The converted components that the converted schemas refer to, and what those refer to in turn, by name."""
    found: dict[str, Schema] = {}
    wanted = sorted(set().union(*map(_references, schemas)))
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = convert(components[name])
            wanted += sorted(_references(found[name]))
    return dict(sorted(found.items()))


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    here = {schema["$ref"].removeprefix("#/definitions/")} if isinstance(schema.get("$ref"), str) else set()
    return here.union(*map(_references, schema.values()))
