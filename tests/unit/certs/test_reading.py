import warnings

import pytest
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509

from certs import reading
from certs.certificate import addresses, common_name, from_der, from_pem, to_der
from certs.cms import der
from certs.errors import DerMalformed
from certs.status.crl import RevocationList
from certs.validation.link import link_of
from certs.validation.names import normal
from tests.unit.certs import pki
from tests.unit.certs.lists import Authority, name

SPOILED = "Spoiled"


def under_pem(encoded):
    (only,) = from_pem(pem.armor("CERTIFICATE", encoded))
    return only


@pytest.fixture(scope="module")
def spoiled():
    """A self-signed certificate in whose names a test puts something else."""
    return to_der(Authority(SPOILED).certificate)


def bent(encoded, tag, text, *, first=True):
    """The same octets with another string in the issuer's name, or in the subject's."""
    own = der.tlv(0x0C, SPOILED.encode())
    assert len(text) == len(SPOILED)
    at = encoded.index(own) if first else encoded.rindex(own)
    return encoded[:at] + der.tlv(tag, text) + encoded[at + len(own) :]


UNREADABLE = {
    "octets": (0x04, b"Spoiled"),
    "a context tag": (0x8C, b"Spoiled"),
    "constructed": (0x2C, b"Spoiled"),
    "an integer": (0x02, b"Spoiled"),
    "no UTF-8": (0x0C, b"\xff" * 7),
    "an odd BMPString": (0x1E, b"Spoiled"),
    "bits": (0x03, b"\x00poiled"),
}


@pytest.mark.parametrize("read", [from_der, under_pem])
@pytest.mark.parametrize("place", ["issuer", "subject"])
@pytest.mark.parametrize("form", UNREADABLE)
def test_a_certificate_has_names_that_can_be_read(spoiled, read, place, form):
    """The library raises ValueError for some when they are asked for, TypeError for bits."""
    assert read(spoiled).subject == name(SPOILED)
    with pytest.raises(DerMalformed):
        read(bent(spoiled, *UNREADABLE[form], first=place == "issuer"))


def test_other_strings_are_names(spoiled):
    for tag in (0x13, 0x14, 0x16):
        assert common_name(from_der(bent(spoiled, tag, SPOILED.encode(), first=False))) == SPOILED


@pytest.mark.parametrize("form", UNREADABLE)
def test_so_has_a_revocation_list(form):
    crl = Authority(SPOILED).list()
    assert normal(reading.revocation_list(crl).issuer) == normal(name(SPOILED))
    broken = bent(crl, *UNREADABLE[form])
    for read in (reading.revocation_list, RevocationList):
        with pytest.raises(DerMalformed):
            read(broken)


def test_a_name_inside_an_extension_is_refused_like_the_others():
    """Bits, for which the library raises what nobody expects of extensions."""
    other = x509.SubjectAlternativeName([x509.DirectoryName(name(SPOILED))])
    encoded = to_der(with_extension(other))
    assert addresses(from_der(encoded)) == ()
    with pytest.raises(DerMalformed):
        from_der(bent(encoded, *UNREADABLE["bits"]))


def with_extension(*values):
    builder = (
        x509.CertificateBuilder()
        .subject_name(name("x"))
        .issuer_name(name("x"))
        .public_key(pki.key("ed25519").public_key)
        .serial_number(7)
        .not_valid_before(pki.NOW)
        .not_valid_after(pki.NOW)
    )
    for value in values:
        builder = builder.add_extension(value, critical=False)
    return pki.key("ed25519").sign_certificate(builder)


def test_an_extension_that_cannot_be_read_leaves_the_certificate():
    garbage = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x05\x01")
    found = from_der(to_der(with_extension(garbage)))
    assert common_name(found) == "x"
    with pytest.raises(DerMalformed):
        addresses(found)


# --- warnings ------------------------------------------------------------------------------------

COMMON_NAME, COUNTRY = der.oid("2.5.4.3"), der.oid("2.5.4.6")


def test_a_name_of_odd_length_is_read_in_silence(spoiled):
    """Warnings are errors here: the library would warn that a country has two letters."""
    found = from_der(spoiled.replace(COMMON_NAME, COUNTRY))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert found.subject.rfc4514_string() == "C=Spoiled"
        assert found.issuer == found.subject
        under_pem(spoiled.replace(COMMON_NAME, COUNTRY))
    assert told == []


def test_so_is_one_in_an_extension():
    other = x509.SubjectAlternativeName([x509.DirectoryName(name(SPOILED))])
    encoded = to_der(with_extension(other)).replace(
        COMMON_NAME + der.tlv(0x0C, SPOILED.encode()), COUNTRY + der.tlv(0x0C, SPOILED.encode())
    )
    assert addresses(from_der(encoded)) == ()


def test_so_is_a_revocation_list():
    about_another = x509.CertificateIssuer([x509.DirectoryName(name("Other"))])
    crl = Authority(SPOILED).list((7, [(about_another, True)]), scope={"indirect_crl": True})
    encoded = crl.replace(COMMON_NAME, COUNTRY)
    found = RevocationList(encoded)
    assert found.is_usable
    other = ((("2.5.4.6", "=other"),),)
    assert found.entry(7, other) is not None


def test_a_serial_number_that_is_none_is_refused_in_silence():
    negative = to_der(with_extension(x509.OCSPNoCheck())).replace(b"\x02\x01\x07", b"\x02\x01\xf7")
    assert asn1_x509.Certificate.load(negative).serial_number < 0
    for read, source in ((from_der, negative), (from_pem, pem.armor("CERTIFICATE", negative))):
        with pytest.raises(DerMalformed):
            read(source)


def test_so_is_a_notice_with_accents_under_a_type_without():
    """French authorities write so; the library warns that it will refuse it one day."""
    notice = x509.UserNotice(None, "Émis")
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3"), [notice])
    encoded = to_der(with_extension(x509.CertificatePolicies([policy])))
    text = "Émis".encode()
    assert encoded.count(der.tlv(0x0C, text)) == 1
    found = from_der(encoded.replace(der.tlv(0x0C, text), der.tlv(0x1A, text)))
    assert link_of(found).stated.policies == ("1.2.3",)


def test_so_are_extensions_that_cannot_be_read():
    """They are read anew each time: here one warns before another fails."""
    odd = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(name(SPOILED))], 5)
    garbage = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x05\x01")
    encoded = to_der(with_extension(odd, garbage)).replace(
        COMMON_NAME + der.tlv(0x0C, SPOILED.encode()), COUNTRY + der.tlv(0x0C, SPOILED.encode())
    )
    found = from_der(encoded)
    for read in (addresses, link_of):
        with pytest.raises(DerMalformed):
            read(found)


def test_other_warnings_are_heard():
    with pytest.raises(UserWarning), reading.quietly():
        warnings.warn("something else", UserWarning, stacklevel=1)


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [0, 1])
def test_octets_of_a_certificate_up_to_the_limit(extra):
    oid = x509.ObjectIdentifier("1.2.3.4")
    least = len(to_der(with_extension(x509.UnrecognizedExtension(oid, bytes(60_000))))) - 60_000
    value = x509.UnrecognizedExtension(oid, bytes(reading.MAX_OCTETS - least + extra))
    encoded = to_der(with_extension(value))
    if extra:
        with pytest.raises(DerMalformed, match="big"):
            from_der(encoded)
    else:
        assert from_der(encoded).serial_number == 7
