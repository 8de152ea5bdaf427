"""Committed text names no machine, no package registry and no secret, and promises no more than is kept."""

import re
from pathlib import Path

import pytest

from tests.architecture.committed import ROOT, committed_files, text_of

# Each pattern is written so that it does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.~-])/(?:work|home/\w+|root|Users/\w+)/[\w.]"),
    "a package registry's address": re.compile(
        r"https?://(?:[\w.-]*pypi\.[o]rg|files\.python[h]osted|repo\d?\.maven|registry[\w.-]*\.|[\w.-]*artifactory|[\w.-]*nexus)"
        r"|--(?:extra-)?index-ur[l][ =]"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KE[Y]-----"),
    "a token": re.compile(r"\beyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{10,}|\bghp_[A-Za-z0-9]{30,}|\bAKIA[A-Z0-9]{16}\b"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_contains(what: str) -> None:
    """What belongs to one machine or one person stays out of the repository."""
    found = [
        f"{path.relative_to(ROOT)}:{text[: match.start()].count(chr(10)) + 1}: {match.group()}"
        for path in committed_files()
        if (text := text_of(path)) is not None
        for match in FORBIDDEN[what].finditer(text)
    ]

    assert found == []


PLANTED = {
    "a path of one machine": "see /home/" + "min/tillstream",
    "a package registry's address": "from https://" + "pypi.org/simple",
    "a private key": "-----BEGIN RSA PRIVATE " + "KEY-----",
    "a token": "ey" + "Jhbgc1OiJIUzI1NiIsInR5c.eyJzdWIiOiJvcGVyYXRvciIsInJ.c2lnbmF0dXJl",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_search_finds_a_planted(what: str) -> None:
    """Each pattern is able to find something."""
    assert FORBIDDEN[what].search(PLANTED[what])


def paragraphs_that_overpromise(text: str) -> list[str]:
    """Return the paragraphs that say 'exactly once' without saying how far it holds."""
    limits = ("as long as", "as far as", "not ", "never", "n't", "effectively")
    blocks = re.split(r"\n\s*\n", text)
    return [
        block for block in blocks if re.search(r"exactly[- ]once", block, re.IGNORECASE) and not any(limit in block for limit in limits)
    ]


def test_exactly_once_is_never_promised_without_its_limits() -> None:
    """Every mention of the phrase in prose says in the same paragraph how far it holds."""
    prose = [path for path in committed_files() if path.suffix == ".md"]

    assert {str(path.relative_to(ROOT)): bad for path in prose if (bad := paragraphs_that_overpromise(text_of(path) or ""))} == {}
    assert paragraphs_that_overpromise("Events are applied exactly once.")


def test_the_list_of_committed_files_is_the_project(tmp_path: Path) -> None:
    """An empty or foreign list would make every search pass."""
    names = {str(path.relative_to(ROOT)) for path in committed_files()}

    assert {"pyproject.toml", "contracts/codec.py", "README.md"} <= names
    assert not any(name.startswith(".venv/") for name in names)
