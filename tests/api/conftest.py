"""The world of web_world.py behind the real application, served once a module."""

import pytest
import web_world
from serving import serving
from web_factory import web_app


@pytest.fixture(scope="module")
def world(module_store):
    web_world.fill(module_store, web_world.now())
    return module_store


@pytest.fixture(scope="module")
def web(world):
    with serving(web_app(web_world.library(world), clock=web_world.now)) as client:
        yield client
