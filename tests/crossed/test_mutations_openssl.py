"""``openssl cms -verify`` judges what we make of altered signed-data: we are never laxer.

The signers of the mutations are self-signed, so that both judge the signature without the chain.
"""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from asn1crypto.parser import emit, parse

from certs.cms.signed import SigningProfile, make_signed, verify_signed
from certs.errors import SignatureRejected
from certs.keyring import Signer
from tests.support.programs import require_program
from tests.unit.certs import pki
from tests.unit.certs.cms import mutations, recipes
from tests.unit.certs.cms.recipes import CONTENT

QUIET = ("-no-CAfile", "-no-CApath", "-no-CAstore")
"""Reading the system's anchors would be nine tenths of the work."""


class Judge:
    """Runs openssl in a folder, several at a time."""

    def __init__(self, folder, openssl):
        self.folder = folder
        self.openssl = openssl
        self.numbers = count()
        self.pool = ThreadPoolExecutor(4)

    def _accepts(self, blob, content):
        number = next(self.numbers)
        signed, beside = self.folder / f"{number}.der", self.folder / f"{number}.txt"
        signed.write_bytes(blob)
        arguments = [
            "cms",
            "-verify",
            "-binary",
            "-noverify",
            *QUIET,
            "-inform",
            "DER",
            "-in",
            signed,
        ]
        if content is not None:
            beside.write_bytes(content)
            arguments += ["-content", beside]
        done = subprocess.run(
            [self.openssl, *arguments], capture_output=True, timeout=60, check=False
        )
        return done.returncode == 0

    def accepted(self, pairs):
        """For each (blob, content), whether openssl believes the signature."""
        pairs = list(pairs)
        return list(self.pool.map(self._accepts, *zip(*pairs, strict=True))) if pairs else []


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    judge = Judge(tmp_path_factory.mktemp("judged"), require_program("openssl"))
    yield judge
    judge.pool.shutdown()


def we_accept(blob, content):
    try:
        verify_signed(blob, content)
    except SignatureRejected:
        return False
    return True


def test_openssl_judges(judge):
    valid = recipes.build(recipes.valid())
    assert judge.accepted([(valid, CONTENT), (valid, CONTENT + b"x")]) == [True, False]


def test_no_mutation_is_accepted_where_openssl_refuses(judge):
    cases = mutations.cases()
    assert len(cases) >= 120
    verdicts = dict(
        zip(
            (case.name for case in cases),
            judge.accepted((case.blob, case.content) for case in cases),
            strict=True,
        )
    )
    laxer = [
        case.name
        for case in cases
        if we_accept(case.blob, case.content) and not verdicts[case.name]
    ]
    assert laxer == []
    # what openssl lets through and we do not: the cases are not all broken for everybody
    stricter = {name for name, accepted in verdicts.items() if accepted}
    assert stricter >= {
        "no signed attributes",
        "signed attributes passed off as content",
        "two signers",
        "SHA-1",
        "RSA of 1,024 bits",
        "RSA with exponent 3",
        "another certificate of the same key",
    }


def test_what_is_altered_harmlessly_is_accepted_by_both(judge):
    cases = list(mutations.harmless().values())
    assert [case.name for case in cases if not we_accept(case.blob, case.content)] == []
    verdicts = judge.accepted((case.blob, case.content) for case in cases)
    assert [case.name for case, ok in zip(cases, verdicts, strict=True) if not ok] == []


# --- every element of a signed-data, altered -----------------------------------------------------


def elements(encoded):
    """(class, constructed, tag, content or children) of consecutive elements, all the way down."""
    found = []
    while encoded:
        kind, method, tag, header, content, trailer = parse(encoded)
        whole = len(header) + len(content) + len(trailer)
        found.append((kind, method, tag, elements(content) if method else content))
        encoded = encoded[whole:]
    return found


def written(tree):
    return b"".join(
        emit(kind, method, tag, written(inside) if method else inside)
        for kind, method, tag, inside in tree
    )


def bent(element):
    """The same element, with its tag or content changed."""
    kind, method, tag, inside = element
    yield (kind, method, (tag + 1) % 31, inside)
    yield (kind, 1 - method, tag, written(inside) if method else [element])
    yield ((kind + 2) % 4, method, tag, inside)
    if method:
        yield (kind, method, tag, [])
        yield (kind, method, tag, inside[::-1])
        yield (kind, method, tag, [*inside, (0, 0, 5, b"")])
    else:
        yield (kind, method, tag, b"")
        yield (kind, method, tag, inside + b"\x00")
        yield (kind, method, tag, b"\x00" + inside)
        yield (kind, method, tag, inside[:-1])
        yield (kind, method, tag, bytes(each ^ 1 for each in inside[:1]) + inside[1:])


def altered(tree) -> Iterator[list]:
    """Every tree with one element missing, doubled, exchanged with the next one or bent."""
    for at, element in enumerate(tree):
        yield tree[:at] + tree[at + 1 :]
        yield [*tree[:at], element, element, *tree[at + 1 :]]
        yield [*tree[:at], *tree[at : at + 2][::-1], *tree[at + 2 :]]
        for each in bent(element):
            yield [*tree[:at], each, *tree[at + 1 :]]
        kind, method, tag, inside = element
        if method:
            for each in altered(inside):
                yield [*tree[:at], (kind, method, tag, each), *tree[at + 1 :]]


SHAPES = {
    "RSA with its chain": ("rsa-2048", SigningProfile(), True),
    "PSS by key": ("rsa-2048", SigningProfile(pss=True, by_key_identifier=True), True),
    "ECDSA": ("p256", SigningProfile(), True),
    "opaque": ("p256", SigningProfile("sha-384"), False),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_altered_element_is_accepted_where_openssl_refuses(judge, shape):
    kind, profile, detached = SHAPES[shape]
    signer = pki.signer(kind)
    if "chain" not in shape:
        signer = Signer(signer.key, signer.certificate)
    blob = make_signed(CONTENT, signer, pki.NOW, detached=detached, profile=profile)
    content = CONTENT if detached else None
    tree = elements(blob)
    assert written(tree) == blob
    tried = {encoded for each in altered(tree) if (encoded := written(each)) != blob}
    assert len(tried) > 1000
    ours = [(each, content) for each in sorted(tried) if we_accept(each, content)]
    verdicts = judge.accepted(ours)
    laxer = [each[0].hex() for each, ok in zip(ours, verdicts, strict=True) if not ok]
    assert laxer == []
    # the version of signed-data, the lists and the certificates beside may change
    assert 1 <= len(ours) < 200
