"""`python -m clients.postman`: writes the Postman collection and its environment, from openapi.yaml and walk.yaml.

The same two files always give the same text.
"""

import json
import re
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import yaml

from clients.openapi import JSON, Object, expectations, operations

FOLDER = Path(__file__).parent
COLLECTION = FOLDER / "prepaid-billing.postman_collection.json"
ENVIRONMENT = FOLDER / "prepaid-billing.postman_environment.json"


class Unfit(ValueError):
    """The walk asks for what the schema does not have, or leaves out what it has; the message says which."""


def main() -> None:
    schema = yaml.safe_load((FOLDER / "openapi.yaml").read_text("utf-8"))
    walk = yaml.safe_load((FOLDER / "walk.yaml").read_text("utf-8"))
    COLLECTION.write_text(text(collection(schema, walk)), "utf-8")
    ENVIRONMENT.write_text(text(environment(walk)), "utf-8")


def text(made: Object) -> str:
    """What is written into a file."""
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def environment(walk: Object) -> Object:
    """The environment that the collection wants. What is secret in it is empty."""
    values = [
        {"key": key, "value": value, "type": "secret" if key in walk["secret"] else "default", "enabled": True}
        for key, value in walk["environment"].items()
    ]
    return {
        "id": _id("environment"),
        "name": "Prepaid billing",
        "values": values,
        "_postman_variable_scope": "environment",
    }


def collection(schema: Object, walk: Object) -> Object:
    """The walk as a collection. Raises Unfit."""
    known = dict(operations(schema))
    steps = [step for folder in walk["walk"] for step in folder["steps"]]
    if left_out := sorted(known.keys() - {step["does"] for step in steps}):
        raise Unfit(f"clients/walk.yaml has no step for {', '.join(left_out)}")
    shown: set[str] = set()
    folders = []
    for folder in walk["walk"]:
        made = []
        for step in folder["steps"]:
            made.append(_item(step, known, first=step["does"] not in shown))
            shown.add(step["does"])
        folders.append({"name": folder["folder"], "description": folder["says"], "item": made})
    return {
        "info": {
            "_postman_id": _id("collection"),
            "name": schema["info"]["title"],
            "description": f"{walk['says']}\n{schema['info'].get('description', '')}".strip(),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": _bearer("{{accessToken}}"),
        "event": [_event("test", _against_the_documents(schema))],
        "variable": [{"key": "baseUrl", "value": walk["environment"]["baseUrl"]}],
        "item": folders,
    }


def _item(step: Object, known: dict[str, Object], *, first: bool) -> Object:
    """One request with its tests; with the schema's examples of answers where it is the first of its operation."""
    name = step["name"]
    operation = known.get(step["does"])
    if operation is None:
        raise Unfit(f"step {name!r}: the schema has no {step['does']}")
    status = step["status"]
    if str(status) not in operation["responses"]:
        raise Unfit(f"step {name!r}: {step['does']} never answers {status}")
    request = _request(step, operation)
    words = HTTPStatus(status).phrase
    script = [f'pm.test("{status} {words}", () => pm.response.to.have.status({status}));']
    if then := step.get("then"):
        script += [*(["const answer = pm.response.json();"] if re.search(r"\banswer\b", then) else []), then]
    events = [_event("prerequest", step["before"])] if "before" in step else []
    return {
        "name": name,
        "event": [*events, _event("test", "\n".join(script))],
        "request": request,
        "response": list(_examples(operation, request)) if first else [],
    }


def _request(step: Object, operation: Object) -> Object:
    method, _, path = step["does"].partition(" ")
    summary = operation.get("summary")
    words = [step.get("says"), summary and f"**{summary}**", operation.get("description")]
    request: Object = {
        "method": method,
        "header": _headers(step, operation),
        "url": _url(path, step, operation),
        "description": "\n\n".join(word.strip() for word in words if word),
    }
    if step.get("open") or not any(operation.get("security", [])):
        request["auth"] = {"type": "noauth"}
    elif "token" in step:
        request["auth"] = _bearer(step["token"])
    if "body" in step:
        body = json.dumps(step["body"], indent=2, ensure_ascii=False)
        request["body"] = {"mode": "raw", "raw": body, "options": {"raw": {"language": "json"}}}
    return request


def _headers(step: Object, operation: Object) -> list[Object]:
    type_of_body = [{"key": "Content-Type", "value": JSON}] if "body" in step else []
    return [*type_of_body, *_parameters("header", step.get("headers", {}), step, operation)]


def _url(path: str, step: Object, operation: Object) -> Object:
    """An address with every parameter that the schema knows; the ones that the step does not use are switched off."""
    names = re.sub(r"{(\w+)}", r":\1", path)
    query = _parameters("query", step.get("query", {}), step, operation)
    used = "&".join(f"{each['key']}={each['value']}" for each in query if not each.get("disabled"))
    url: Object = {
        "raw": "{{baseUrl}}" + names + (f"?{used}" if used else ""),
        "host": ["{{baseUrl}}"],
        "path": names.removeprefix("/").split("/"),
    }
    variables = _parameters("path", step.get("path", {}), step, operation)
    return url | ({"query": query} if query else {}) | ({"variable": variables} if variables else {})


def _parameters(place: str, used: Object, step: Object, operation: Object) -> list[Object]:
    """The schema's parameters in a place, with the values that a step gives them."""
    known = {each["name"]: each for each in operation["parameters"] if each["in"] == place}
    if unknown := sorted(used.keys() - known.keys()):
        raise Unfit(f"step {step['name']!r}: {step['does']} takes no {place} parameter {', '.join(unknown)}")
    return [
        {"key": name, "value": str(used.get(name, "")), "description": said.get("description", "").strip()}
        | ({} if name in used else {"disabled": True})
        for name, said in known.items()
    ]


def _examples(operation: Object, request: Object) -> Iterator[Object]:
    """What the schema shows of answers that succeed."""
    asked = {name: request[name] for name in ("method", "header", "url", "body") if name in request}
    for status, said in operation["responses"].items():
        for kind, content in said.get("content", {}).items():
            examples = content.get("examples", {})
            for name, example in examples.items():
                if status.startswith("2") and "value" in example:
                    value = example["value"]
                    yield {
                        "name": example.get("summary", name),
                        "originalRequest": asked,
                        "status": HTTPStatus(int(status)).phrase,
                        "code": int(status),
                        "_postman_previewlanguage": "json" if kind == JSON else "text",
                        "header": [{"key": "Content-Type", "value": kind}],
                        "body": value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False),
                    }


def _against_the_documents(schema: Object) -> str:
    """The script of documents.js, with what the schema says of every answer."""
    described, definitions = expectations(schema)
    lines = ",\n".join(f"    {json.dumps(each)}" for each in described)
    fields = ",\n".join(f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in definitions.items())
    script = (FOLDER / "documents.js").read_text("utf-8")
    return script.replace("DEFINITIONS", f"{{\n{fields}\n}}", 1).replace("OPERATIONS", f"[\n{lines}\n]", 1)


def _event(listen: str, script: str) -> Object:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": script.rstrip("\n").split("\n")}}


def _bearer(token: str) -> Object:
    return {"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]}


def _id(of: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"prepaid-billing/{of}"))


if __name__ == "__main__":
    main()
