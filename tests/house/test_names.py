"""The banned words: names that say nothing here, or that mean two things in mail."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.source_tree import Module, module, product

BANNED = frozenset(
    {"user", "mail", "data", "info", "process", "manager", "helper", "utils", "common"}
)

ALLOWED = {
    r"(signed|enveloped|encrypted|digested|authenticated|associated)_data": "CMS and AEAD terms",
    r"(content|signer|recipient|public_key)_infos?": "CMS and X.509 terms",
    r"common_name": "the attribute of X.509 names",
    r"source_patient_info": "the slot of XDS metadata",
    r"mail_(from|argument|parameters|options)": "the MAIL command and its parameters",
    r"mail_loop": "the term of RFC 5321 §6.3",
    r"(handle|smtp|cmd|auth)_(MAIL|DATA)": "a handler bears the protocol's verb",
    r"data_received": "asyncio's name for it",
    r"process_(bind_param|result_value|request)": "a name that a library calls",
    r"user_agent": "the field of HTTP",
}
"""Terms of the field and names that others gave; each with the reason. Matched on snake_case."""


VERBS = ("DATA", "MAIL")
"""SMTP commands whose name is a banned word otherwise."""


def snake(name: str) -> str:
    """``SignedData`` as ``signed_data``; a verb in capitals inside a name stays as it is."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return "_".join(word if word.isupper() else word.lower() for word in spaced.split("_"))


def is_banned(name: str, path: str = "") -> bool:
    """Whether a banned word stands in ``name`` outside the terms allowed, at ``path``."""
    if path.startswith("certs/cms/") and name in ("info", "infos"):
        return False  # there, it is RecipientInfo's or SignerInfo's own
    flat = snake(name).strip("_")
    is_about_verb = any(verb in flat.split("_") for verb in VERBS)
    flat = flat.lower() if flat.isupper() and not is_about_verb else flat
    for term in ALLOWED:
        flat = re.sub(rf"(?<![a-zA-Z]){term}(?![a-zA-Z])", "", flat)
    if flat.isupper():
        # MAX_DATA, MAIL_TWICE: constants about the command
        flat = "_".join(word for word in flat.split("_") if word not in VERBS).lower()
    return any(word in BANNED for word in flat.split("_"))


def bound(one: Module) -> Iterator[tuple[int, str]]:
    """Every name that ``one`` itself gives to something: module, class, function, value."""
    yield 1, one.name.rpartition(".")[2]
    for node in ast.walk(one.tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield node.lineno, name
            case ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield 1, name
            case _:
                pass


def test_no_name_of_ours_is_a_banned_word() -> None:
    names = [(one, line, name) for one in product() for line, name in bound(one)]
    assert len(names) > 2000
    banned = [
        f"{one.path}:{line}: {name}" for one, line, name in names if is_banned(name, one.path)
    ]
    assert banned == []


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "user_id",
        "UserTable",
        "raw_data",
        "data2_data",
        "mail",
        "send_mail",
        "process",
        "process_message",
        "QueueManager",
        "utils",
        "_helper",
        "connection_info",
        "common",
        "USER_LIMIT",
    ],
)
def test_a_banned_word_is_caught(name: str) -> None:
    assert is_banned(name)


@pytest.mark.parametrize(
    "name",
    [
        "SignedData",
        "make_enveloped_data",
        "signer_info",
        "recipient_infos",
        "handle_MAIL",
        "handle_DATA",
        "MAX_DATA",
        "metadata",
        "mailbox",
        "subprocess",
        "mail_from",
        "usage",
        "informed",
    ],
)
def test_a_term_of_the_field_passes(name: str) -> None:
    assert not is_banned(name)


@pytest.mark.parametrize(
    "text",
    [
        "def f(data): ...",
        "class Info: ...",
        "async def process(): ...",
        "user = 1",
        "self.user = 1",
        "for data in (): ...",
        "import x as utils",
        "f = lambda data: 1",
        "with f() as data: ...",
    ],
)
def test_every_way_of_naming_is_seen(text: str) -> None:
    assert any(is_banned(name) for _, name in bound(module("certs.x", text)))


def test_another_library_may_call_its_attribute_as_it_likes() -> None:
    assert not any(is_banned(name) for _, name in bound(module("certs.x", "print(x.data)")))
