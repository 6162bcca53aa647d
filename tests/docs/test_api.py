"""docs/api.md names the routes that the application has, and its JSON has the fields that the answers have."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from api import answers as api_answers
from api.problems import Problem
from leadtrace.serve import Service
from leadtrace.settings import Settings
from lineage import answers, backtests, budgets, measures, rejudge

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
NAMED = set(re.findall(r"^\| `(?:GET|POST|DELETE) (/\S+)` \|", PAGE, re.MULTILINE))
MODELS = {
    name: model
    for room in (answers, backtests, budgets, api_answers, measures, rejudge)
    for name, model in vars(room).items()
} | {"Problem": Problem}


def test_the_web_part_serves_every_route_named(tmp_path):
    """Through the wiring of `leadtrace web` itself, so that a router left out of it shows."""
    service = Service(Settings(data=tmp_path, web="127.0.0.1:0"), ["web"])
    try:
        app = service._apps()["web"]
        while not isinstance(app, FastAPI):
            app = app._app
        api = {path for path in app.openapi()["paths"] if path.startswith(("/api/", "/healthz", "/readyz"))}
        assert api | {"/metrics"} == NAMED
    finally:
        service._sockets["web"].close()


def examples() -> list:
    found = re.findall(r"<!-- (\w+) -->\n```json\n(.+?)```", PAGE, re.DOTALL)
    return [pytest.param(MODELS[name], json.loads(text), id=name) for name, text in found]


def shape(value: object) -> object:
    """The keys of a JSON value, all the way down; of a list, those of its first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None


@pytest.mark.parametrize(("model", "example"), examples())
def test_an_example_has_the_fields_of_the_answer(model, example):
    answer = model.model_validate(example)
    assert shape(json.loads(answer.model_dump_json(by_alias=True))) == shape(example)


def test_every_answer_of_a_route_has_an_example(tmp_path):
    service = Service(Settings(data=tmp_path, web="127.0.0.1:0"), ["web"])
    service._sockets["web"].close()
    app = service._apps()["web"]
    while not isinstance(app, FastAPI):
        app = app._app
    answered = {
        content["schema"]["$ref"].rsplit("/", 1)[-1]
        for methods in app.openapi()["paths"].values()
        for method in methods.values()
        for status in ("200", "201", "202")
        for content in method["responses"].get(status, {}).get("content", {}).values()
        if "$ref" in content["schema"]
    }
    assert answered - {"Health"} | {"Problem"} == set(re.findall(r"<!-- (\w+) -->", PAGE))
