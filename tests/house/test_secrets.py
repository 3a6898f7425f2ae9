"""Nothing in the tree that belongs to a person, a machine or a key holder."""

import re

import pytest

from tests.support.source_tree import ROOT, kept_files

# Written in pieces, so that this file does not find itself.
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----\s*\n?[A-Za-z0-9+/=\\n]{16,}")
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/" + r"(?:work|root|home)/[\w.]")
REGISTRY = re.compile(
    r"(?:pypi" + r"\.org|pythonhosted" + r"\.org|registry\.npm" + r"js|(?:deb|security)\.debian"
    r"\.org|proxy\.golang" + r"\.org)"
)
ADDRESS_IN_LOCK = re.compile(r"://|(?<!\w)--(?:index|extra-index|find-links|trusted)")

FOUND_BY = {"a private key": PRIVATE_KEY, "a machine's path": MACHINE_PATH, "a registry": REGISTRY}


def readable() -> list[tuple[str, str]]:
    """Name and text of the kept files; what is not UTF-8 is read as bytes one by one."""
    return [(name, (ROOT / name).read_bytes().decode("latin-1")) for name in kept_files()]


@pytest.mark.parametrize("what", FOUND_BY)
def test_no_file_holds(what: str) -> None:
    files = readable()
    assert len(files) > 80
    assert [name for name, text in files if FOUND_BY[what].search(text)] == []


def test_the_lock_names_no_place() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert ADDRESS_IN_LOCK.search(lock) is None
    pins = re.findall(r"^[a-zA-Z0-9][\w.\[\]-]*==\S+ \\$", lock, re.MULTILINE)
    assert len(pins) > 50
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", lock)) >= len(pins)


def test_what_runs_leaves_nothing_that_git_would_keep() -> None:
    leftover = re.compile(r"(^|/)(var|\.venv|__pycache__)/|\.(sqlite3?|db|db-wal|db-shm|log|pyc)$")
    assert [name for name in kept_files() if leftover.search(name)] == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", "-----BEGIN PRIVATE" + " KEY-----\nMIIEvQIBADANBgkqhkiG9w0"),
        ("a private key", "-----BEGIN RSA PRIVATE" + ' KEY-----\\nMIIEvQIBADANBgkqhkiG9w0"'),
        ("a machine's path", 'open("/ro' + 'ot/x")'),
        ("a machine's path", "cd /ho" + "me/somebody"),
        ("a registry", "https://py" + "pi.org/simple"),
    ],
)
def test_a_slip_is_caught(what: str, text: str) -> None:
    assert FOUND_BY[what].search(text)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", 'assert "BEGIN PRIVATE" not in text'),
        ("a machine's path", "the route /homework/ and ../work/x"),
    ],
)
def test_an_innocent_text_passes(what: str, text: str) -> None:
    assert not FOUND_BY[what].search(text)
