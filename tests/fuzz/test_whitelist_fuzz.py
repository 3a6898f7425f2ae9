"""Hostile white lists: a list or a refusal, and from a signed one nothing but what was signed."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mss_gateway.directory.whitelist_signature import verify
from mss_gateway.directory.whitelist_xml import WhitelistRefused, parse
from tests.support.white_lists import list_signer, signed, white_list

AT = datetime(2026, 11, 22, tzinfo=UTC)
SIGNER = list_signer()
SIGNED = signed(
    white_list("medecin.example", "hôpital.example", inside="<Date>2026-11-20</Date>"), SIGNER
)
DOMAINS = {"medecin.example": "medecin.example", "xn--hpital-ixa.example": "xn--hpital-ixa.example"}
PIECES = [
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"<?x?>",
    b"&#0;",
    b"&lt;",
    b"</Nom>",
    b' xmlns=""',
    b' Id="a"',
    b'<!DOCTYPE a [<!ENTITY b "c">]>',
    b"<Domaine><Nom>attaquant.example</Nom></Domaine>",
    b"<Operateur>",
    b"\xff",
    b"\xc3",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = SIGNED
    for _ in range(draw(st.integers(1, 3))):
        start, length = draw(st.integers(0, len(raw))), draw(st.integers(0, 40))
        copied = raw[start : start + draw(st.integers(0, 200))]
        put = draw(st.sampled_from(PIECES) | st.binary(max_size=3) | st.just(copied))
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + put + raw[at + length :]
    return raw


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_a_list_is_read_or_refused_and_never_says_what_was_not_signed(document: bytes) -> None:
    try:
        parsed = parse(document)
        content = verify(document, [SIGNER.certificate], AT).content
    except WhitelistRefused:
        return
    assert parsed.domains
    assert parse(content).domains == DOMAINS
