"""The pages are tested with the world that tests/api tells, and on the nights of tests/slo."""

import sys
from pathlib import Path

import find_browser
import pytest
from playwright.sync_api import sync_playwright

sys.path += [str(Path(__file__).resolve().parents[1] / room) for room in ("api", "slo")]

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


@pytest.fixture(scope="module")
def browser():
    path = find_browser.find()
    if path is None:
        pytest.skip("no Chromium; `make browser` installs one")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(find_browser.FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def opened(browser, web):
    """`opened(path, **context)` is a page; at the end no page has said a word on its console."""
    contexts, said = [], []

    def open_page(path, **how):
        contexts.append(browser.new_context(base_url=str(web.base_url), **how))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
