"""House rules on the shape of the code: small files and functions, honest names, empty package files."""

import ast
from functools import cache
from pathlib import Path

import pytest

from contracts.topics import TOPICS
from tests.architecture.committed import PACKAGES, ROOT, committed_files, product_modules, text_of

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def python_files() -> list[Path]:
    """List the project's Python files, tests included."""
    return [path for path in committed_files() if path.suffix == ".py"]


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text("utf-8"))


def test_no_file_is_long() -> None:
    """A file holds one decision; above 400 lines it holds several."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in python_files()}

    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_long() -> None:
    """A function of the product is read at one glance."""
    found = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in product_modules()
        if "migrations" not in path.parts
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }

    assert {name: lines for name, lines in found.items() if lines > MAX_FUNCTION_LINES} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    """A vague name collects everything that has no place."""
    assert [str(path.relative_to(ROOT)) for path in python_files() if {path.stem, path.parent.name} & VAGUE] == []


def test_every_module_says_which_question_it_answers() -> None:
    """A module of the product opens with a docstring."""
    silent = [path for path in product_modules() if path.name != "__init__.py" and not ast.get_docstring(tree_of(path))]

    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_package_files_are_empty() -> None:
    """The import linter does not see an import made through a package file."""
    full = [path for path in product_modules() if path.name == "__init__.py" and path.read_text("utf-8").strip()]

    assert [str(path.relative_to(ROOT)) for path in full] == []


@pytest.mark.parametrize("module", ["time", "asyncio"])
def test_tests_poll_with_a_deadline_and_do_not_sleep(module: str) -> None:
    """Only the poll itself sleeps; a sleeping test is slow on a fast machine and wrong on a slow one."""
    sleeping = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files()
        if path.relative_to(ROOT).parts[0] == "tests" and (path.name.startswith("test_") or path.name == "conftest.py")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "sleep" and isinstance(node.value, ast.Name) and node.value.id == module
    ]

    assert sleeping == []


def test_topics_are_named_by_their_declaration_only() -> None:
    """A topic's name in quotes outside its declaration would drift from it."""
    quoted = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in product_modules()
        if path.name != "topics.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and node.value in TOPICS
    ]

    assert quoted == []


def test_every_writer_and_reader_of_a_topic_is_a_part_of_the_project() -> None:
    """The declaration speaks of packages and processes that exist or are planned by name."""
    parts = set(PACKAGES) | {"relay", "ticker"}

    assert {name for topic in TOPICS.values() for name in (*topic.writers, *topic.readers)} <= parts
    assert all(topic.readers and topic.writers and topic.purpose.endswith(".") for topic in TOPICS.values())


def test_prose_is_text() -> None:
    """Documents are UTF-8 without carriage returns, so that they compare line by line."""
    bad = [
        path for path in committed_files() if path.suffix in {".md", ".yml", ".yaml", ".json", ".toml"} and "\r" in (text_of(path) or "")
    ]

    assert [str(path.relative_to(ROOT)) for path in bad] == []
