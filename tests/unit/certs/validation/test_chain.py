from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs.anchors import Anchors
from certs.certificate import fingerprint
from certs.errors import ChainReason, ChainRejected
from certs.status.revocation import CrlSource, Good, Revocation, RevocationReason, Revoked, Unknown
from certs.usage import Purpose, Usage
from certs.validation import chain, paths
from certs.validation.chain import examine, validate
from certs.validation.policies_tree import ANY, ANY_POLICY, PolicyRules
from certs.validation.trail import STEPS
from tests.unit.certs import pki

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION


def check(certificate=None, intermediates=None, anchors=None, purpose=Purpose.SIGNATURE, **other):
    return validate(
        certificate or pki.certificate("p256"),
        pki.authority().chain if intermediates is None else intermediates,
        anchors or pki.anchors(),
        purpose,
        other.get("at", pki.NOW),
        other.get("revocation"),
        policies=other.get("policies", ANY_POLICY),
    )


def expect_rejected(reason, *arguments, **named):
    with pytest.raises(ChainRejected) as caught:
        check(*arguments, **named)
    assert caught.value.reason is reason


# --- a small PKI of its own, to break one thing at a time ----------------------------------------


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Issuer:
    def __init__(
        self,
        text,
        parent=None,
        *,
        ca=True,
        length=None,
        extensions=(),
        usage=True,
        begin=None,
        key=None,
    ):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = name(text)
        parent = parent or self
        self.certificate = issue(
            parent, self.key.public_key(), self.name,
            [
                (x509.BasicConstraints(ca=ca, path_length=length), True),
                *([(key_usage(key_cert_sign=usage, digital_signature=True), True)]),
                *extensions,
            ],
            begin=begin,
        )  # fmt: skip


def key_usage(**bits):
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{each: bits.get(each, False) for each in names.split()})


def issue(issuer, public, subject, extensions, begin=None, end=None):
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin or pki.NOW - DAY)
        .not_valid_after(end or pki.NOW + DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(issuer.key, hashes.SHA256())


def leaf(issuer, extended=(EMAIL,), usage=None, extra=(), public=None, **validity):
    public = public or ec.generate_private_key(ec.SECP256R1()).public_key()
    san = x509.SubjectAlternativeName([x509.RFC822Name(pki.ADDRESS)])
    extensions = [(san, False), *extra]
    if extended:
        extensions.append((x509.ExtendedKeyUsage(extended), False))
    if usage is not None:
        extensions.append((usage, True))
    return issue(issuer, public, name("Claire Martin"), extensions, **validity)


@pytest.fixture(scope="module")
def root():
    return Issuer("Racine")


def anchors_of(issuer):
    return Anchors(dict.fromkeys(Purpose, (issuer.certificate,)))


# --- paths ---------------------------------------------------------------------------------------


def test_a_path_leads_from_the_certificate_to_the_anchor():
    found = check()
    authority = pki.authority()
    assert found.certificates == (pki.certificate("p256"), authority.issuing, authority.root)
    assert (found.purpose, found.at) == (Purpose.SIGNATURE, pki.NOW)
    assert found.revocation == Unknown()


def test_without_intermediate_or_anchor_there_is_no_path(root):
    expect_rejected(ChainReason.NO_PATH, intermediates=())
    expect_rejected(ChainReason.NO_PATH, anchors=anchors_of(root))
    expect_rejected(ChainReason.NO_PATH, anchors=Anchors({}))


def test_an_anchor_counts_for_its_purpose_only():
    for_servers = Anchors({Purpose.SERVER: (pki.authority().root,)})
    expect_rejected(ChainReason.NO_PATH, anchors=for_servers)


def test_a_certificate_by_the_name_of_an_issuer_but_not_by_its_key_is_refused(root):
    impostor = Issuer("Racine")
    expect_rejected(ChainReason.NO_PATH, leaf(impostor), (), anchors_of(root))


def test_the_depth_is_bounded(root):
    path = [root]
    for number in range(paths.MAX_INTERMEDIATES + 1):
        path.append(Issuer(f"Intermédiaire {number}", path[-1]))
    certificates = [each.certificate for each in path[1:]]
    good = check(leaf(path[-2]), certificates[:-1], anchors_of(root))
    assert len(good.certificates) == paths.MAX_INTERMEDIATES + 2
    expect_rejected(ChainReason.NO_PATH, leaf(path[-1]), certificates, anchors_of(root))


def test_the_number_of_intermediates_is_bounded(root):
    others = [Issuer(f"Autre {n}", root).certificate for n in range(paths.MAX_CANDIDATES + 1)]
    good = leaf(root)
    assert check(good, others[:-1] + others[:1], anchors_of(root))
    expect_rejected(ChainReason.NO_PATH, good, others, anchors_of(root))


def test_an_intermediate_that_is_no_authority_is_refused(root):
    no_authority = Issuer("Personne", root, ca=False)
    expect_rejected(
        ChainReason.ISSUER_REFUSED,
        leaf(no_authority),
        (no_authority.certificate,),
        anchors_of(root),
    )


def test_an_intermediate_that_may_not_sign_certificates_is_refused(root):
    for_else = Issuer("Autre usage", root, usage=False)
    expect_rejected(
        ChainReason.ISSUER_REFUSED, leaf(for_else), (for_else.certificate,), anchors_of(root)
    )


def test_the_purpose_of_an_intermediate_narrows_its_path(root):
    for extended, good in (
        (EMAIL, True),
        (ExtendedKeyUsageOID.SERVER_AUTH, False),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, False),
    ):
        issuer = Issuer("Étroit", root, extensions=[(x509.ExtendedKeyUsage([extended]), False)])
        arguments = leaf(issuer), (issuer.certificate,), anchors_of(root)
        if good:
            assert check(*arguments)
        else:
            expect_rejected(ChainReason.ISSUER_REFUSED, *arguments)


def test_an_unknown_critical_extension_is_refused(root):
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    assert check(leaf(root, extra=[(unknown, False)]), (), anchors_of(root))
    expect_rejected(
        ChainReason.CRITICAL_EXTENSION, leaf(root, extra=[(unknown, True)]), (), anchors_of(root)
    )
    above = Issuer("Étrange", root, extensions=[(unknown, True)])
    expect_rejected(
        ChainReason.CRITICAL_EXTENSION, leaf(above), (above.certificate,), anchors_of(root)
    )


# --- purpose and keys ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extended", "purpose", "good"),
    [
        ((EMAIL,), Purpose.SIGNATURE, True),
        ((EMAIL,), Purpose.ENCRYPTION, True),
        ((EMAIL,), Purpose.CLIENT, False),
        ((EMAIL,), Purpose.SERVER, False),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), Purpose.CLIENT, True),
        ((ExtendedKeyUsageOID.CLIENT_AUTH,), Purpose.SIGNATURE, False),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), Purpose.SERVER, True),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), Purpose.CLIENT, False),
        ((EMAIL, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), Purpose.SIGNATURE, False),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), Purpose.SIGNATURE, False),
        ((), Purpose.SIGNATURE, False),
    ],
)
def test_the_extended_key_usage_must_name_the_purpose(root, extended, purpose, good):
    arguments = leaf(root, extended), (), anchors_of(root), purpose
    if good:
        assert check(*arguments).purpose is purpose
    else:
        expect_rejected(ChainReason.WRONG_PURPOSE, *arguments)


@pytest.mark.parametrize(
    ("bits", "purpose", "good"),
    [
        ({"digital_signature"}, Purpose.SIGNATURE, True),
        ({"content_commitment"}, Purpose.SIGNATURE, True),
        ({"key_agreement"}, Purpose.SIGNATURE, False),
        ({"key_agreement"}, Purpose.ENCRYPTION, True),
        ({"key_encipherment"}, Purpose.ENCRYPTION, False),
        ({"digital_signature"}, Purpose.ENCRYPTION, False),
        (None, Purpose.SIGNATURE, True),
    ],
)
def test_the_key_usage_must_allow_the_purpose(root, bits, purpose, good):
    usage = None if bits is None else key_usage(**dict.fromkeys(bits, True))
    arguments = leaf(root, usage=usage), (), anchors_of(root), purpose
    if good:
        assert check(*arguments)
    else:
        expect_rejected(ChainReason.WRONG_KEY_USAGE, *arguments)


def test_separate_keys_are_for_their_usage_only():
    signing = pki.issue(pki.key("rsa-2048"), Usage.SIGN)
    closing = pki.issue(pki.key("rsa-2048"), Usage.ENCRYPT)
    assert check(signing, purpose=Purpose.SIGNATURE)
    assert check(closing, purpose=Purpose.ENCRYPTION)
    expect_rejected(ChainReason.WRONG_KEY_USAGE, signing, purpose=Purpose.ENCRYPTION)
    expect_rejected(ChainReason.WRONG_KEY_USAGE, closing, purpose=Purpose.SIGNATURE)


def test_a_weak_key_is_refused(root):
    for weak in (pki.weak_rsa(), pki.small_exponent_rsa()):
        expect_rejected(
            ChainReason.KEY_TOO_WEAK, leaf(root, public=weak.public_key()), (), anchors_of(root)
        )


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        (-5 * MINUTE, None),
        (-5 * MINUTE - timedelta(seconds=1), ChainReason.NOT_YET_VALID),
        (365 * DAY, None),
        (365 * DAY + timedelta(seconds=1), ChainReason.EXPIRED),
    ],
)
def test_validity_is_judged_at_the_time_given(at, reason):
    if reason is None:
        assert check(at=pki.NOW + at)
    else:
        expect_rejected(reason, at=pki.NOW + at)


def test_the_issuer_must_be_valid_then_too(root):
    late = Issuer("Demain", root, begin=pki.NOW + timedelta(hours=2))
    expect_rejected(ChainReason.ISSUER_REFUSED, leaf(late), (late.certificate,), anchors_of(root))
    soon = Issuer("Tout à l'heure", root, begin=pki.NOW + 4 * MINUTE)
    assert check(leaf(soon), (soon.certificate,), anchors_of(root))


# --- revocation ----------------------------------------------------------------------------------


def lists(*revoked, root_revoked=()):
    authority = pki.authority()
    return CrlSource(
        [
            authority.crl(revoked, pki.NOW - DAY, pki.NOW + DAY),
            authority.root_crl(root_revoked, pki.NOW - DAY, pki.NOW + DAY),
        ]
    )


@pytest.mark.parametrize("purpose", [Purpose.SIGNATURE, Purpose.ENCRYPTION])
def test_a_fresh_list_without_it_makes_it_good(purpose):
    assert check(purpose=purpose, revocation=lists()).revocation == Good()


def test_a_revoked_certificate_is_refused_from_then_on():
    serial = pki.certificate("p256").serial_number
    source = lists(Revocation(serial, pki.NOW, RevocationReason.KEY_COMPROMISE))
    expect_rejected(ChainReason.REVOKED, revocation=source)
    assert check(at=pki.NOW - MINUTE, revocation=source)


def test_a_revoked_intermediate_is_refused():
    serial = pki.authority().issuing.serial_number
    expect_rejected(
        ChainReason.REVOKED, revocation=lists(root_revoked=[Revocation(serial, pki.NOW - DAY)])
    )


@pytest.mark.parametrize("purpose", list(Purpose))
def test_an_unknown_answer_is_told_to_the_reader_and_refused_to_others(root, purpose):
    extended = chain.PURPOSES[purpose].extended
    usage = key_usage(digital_signature=True, key_agreement=True)
    arguments = leaf(root, (extended,), usage), (), anchors_of(root), purpose
    if purpose is Purpose.SIGNATURE:
        assert check(*arguments, revocation=CrlSource([])).revocation == Unknown()
    else:
        expect_rejected(ChainReason.REVOCATION_UNKNOWN, *arguments, revocation=CrlSource([]))


def test_any_source_will_do():
    class Gone:
        def status(self, certificate, issuer, at):
            return Revoked(at, RevocationReason.SUPERSEDED)

    expect_rejected(ChainReason.REVOKED, revocation=Gone())


def test_the_answers_are_kept_with_what_they_rest_on():
    source = lists()
    found = check(revocation=source).answers
    assert [answer.kind for answer in found] == ["crl", "crl"]
    assert len({answer.digest for answer in found}) == 2
    assert {answer.this_update for answer in found} == {pki.NOW - DAY}
    assert {answer.next_update for answer in found} == {pki.NOW + DAY}
    only_root = CrlSource([pki.authority().root_crl((), pki.NOW - DAY, pki.NOW + DAY)])
    half = check(revocation=only_root)
    assert [answer.kind for answer in half.answers] == ["none", "crl"]
    assert half.revocation == Unknown()
    assert check().answers == ()


# --- several paths -------------------------------------------------------------------------------


class Says:
    """A source that knows some certificates as revoked and, of the others, what it is told."""

    def __init__(self, *revoked, otherwise=None):
        self.revoked = revoked
        self.otherwise = Good() if otherwise is None else otherwise

    def status(self, certificate, issuer, at):
        if certificate in self.revoked:
            return Revoked(at, RevocationReason.SUPERSEDED)
        return self.otherwise


@pytest.fixture(scope="module")
def crossed(root):
    """One authority with two certificates, of two parents: (leaf, both certificates)."""
    other = Issuer("Autre parent", root)
    one = Issuer("Croisée", root)
    two = Issuer("Croisée", other, key=one.key)
    return leaf(one), (one.certificate, two.certificate, other.certificate)


def test_a_revoked_path_is_left_for_one_that_is_not(root, crossed):
    end, (one, two, other) = crossed
    arguments = end, (one, two, other), anchors_of(root)
    assert check(*arguments, revocation=Says()).certificates == (end, one, root.certificate)
    around = check(*arguments, revocation=Says(one))
    assert around.certificates == (end, two, other, root.certificate)
    assert around.revocation == Good()
    expect_rejected(ChainReason.REVOKED, *arguments, revocation=Says(one, two))
    expect_rejected(ChainReason.REVOKED, *arguments, revocation=Says(one, other))


def test_a_revoked_certificate_finds_no_way_around(root, crossed):
    end, (one, two, other) = crossed

    class Half(Says):
        def status(self, certificate, issuer, at):
            return Unknown() if issuer == two else super().status(certificate, issuer, at)

    arguments = end, (one, two, other), anchors_of(root)
    expect_rejected(ChainReason.REVOKED, *arguments, revocation=Half(end))


def test_a_path_that_is_known_goes_before_one_that_is_not(root, crossed):
    end, (one, two, other) = crossed

    class Half(Says):
        def status(self, certificate, issuer, at):
            return Unknown() if certificate == one else super().status(certificate, issuer, at)

    arguments = end, (one, two, other), anchors_of(root)
    assert check(*arguments, revocation=Half()).certificates[1] == two
    assert check(end, (one,), anchors_of(root), revocation=Half()).revocation == Unknown()


def test_an_intermediate_of_the_operator_is_not_counted(root):
    others = tuple(Issuer(f"Autre {n}", root).certificate for n in range(paths.MAX_CANDIDATES))
    between = Issuer("Entre", root)
    known = Anchors(
        dict.fromkeys(Purpose, (root.certificate,)), intermediates=(between.certificate, *others)
    )
    assert check(leaf(between), others, known).certificates[1] == between.certificate
    assert known.of(Purpose.SIGNATURE) == (root.certificate,)


# --- length, names, policies ---------------------------------------------------------------------


def test_an_issuer_limits_how_many_stand_below_it(root):
    short = Issuer("Courte", root, length=0)
    assert check(leaf(short), (short.certificate,), anchors_of(root))
    below = Issuer("Dessous", short)
    certificates = short.certificate, below.certificate
    expect_rejected(ChainReason.PATH_LENGTH, leaf(below), certificates, anchors_of(root))


def test_a_key_rolled_over_is_no_step_of_its_own(root):
    short = Issuer("Renouvelée", root, length=0)
    rolled = Issuer("Renouvelée", short)
    certificates = short.certificate, rolled.certificate
    assert len(check(leaf(rolled), certificates, anchors_of(root)).certificates) == 4


def test_an_anchor_is_held_to_its_own_limits():
    narrow = x509.NameConstraints([x509.RFC822Name("autre.example")], None)
    strict = Issuer("Étroite", length=0, extensions=[(narrow, True)])
    expect_rejected(ChainReason.NAME_CONSTRAINTS, leaf(strict), (), anchors_of(strict))
    short = Issuer("Seule", length=0)
    below = Issuer("Dessous", short)
    expect_rejected(ChainReason.PATH_LENGTH, leaf(below), (below.certificate,), anchors_of(short))
    late = Issuer("Demain", begin=pki.NOW + timedelta(hours=2))
    expect_rejected(ChainReason.ISSUER_REFUSED, leaf(late), (), anchors_of(late))


@pytest.mark.parametrize(("host", "good"), [("medecin.example", True), ("autre.example", False)])
def test_an_issuer_limits_the_names_below_it(root, host, good):
    limits = x509.NameConstraints([x509.RFC822Name(host)], None)
    issuer = Issuer("Région", root, extensions=[(limits, True)])
    arguments = leaf(issuer), (issuer.certificate,), anchors_of(root)
    if good:
        assert check(*arguments)
    else:
        expect_rejected(ChainReason.NAME_CONSTRAINTS, *arguments)


def policy(*oids):
    each = [x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in oids]
    return x509.CertificatePolicies(each), False


def test_the_policies_of_a_path_are_told_and_may_be_demanded(root):
    issuer = Issuer("Sous conditions", root, extensions=[policy(ANY)])
    end = leaf(issuer, extra=[policy("1.2.3.1")])
    arguments = end, (issuer.certificate,), anchors_of(root)
    assert check(*arguments).policies == {"1.2.3.1"}
    wanted = PolicyRules(frozenset({"1.2.3.1"}), explicit=True)
    assert check(*arguments, policies=wanted).policies == {"1.2.3.1"}
    other = PolicyRules(frozenset({"1.2.3.2"}), explicit=True)
    expect_rejected(ChainReason.POLICY, *arguments, policies=other)
    assert check(leaf(root), (), anchors_of(root)).policies == frozenset()


# --- told step by step ---------------------------------------------------------------------------


def told(certificate, intermediates, anchors, revocation=None):
    return examine(certificate, intermediates, anchors, Purpose.SIGNATURE, pki.NOW, revocation)


def test_an_examination_tells_every_step_of_what_is_good():
    authority = pki.authority()
    source = lists()
    found = told(pki.certificate("p256"), authority.chain, pki.anchors(), source)
    assert found.reason is None
    assert found.chain == check(revocation=source)
    assert all(step.passed for step in found.steps)
    assert {step.name for step in found.steps} == set(STEPS)
    first = next(step for step in found.steps if step.name == "path")
    assert first.subject.count(" > ") == 2
    assert [step.detail[:6] for step in found.steps if step.name == "revocation"] == ["crl of"] * 2


def test_an_examination_tells_the_step_that_failed(root):
    serial = pki.certificate("p256").serial_number
    source = lists(Revocation(serial, pki.NOW - DAY, RevocationReason.KEY_COMPROMISE))
    found = told(pki.certificate("p256"), pki.authority().chain, pki.anchors(), source)
    assert found.reason is ChainReason.REVOKED and found.chain is None
    (failed,) = [step for step in found.steps if not step.passed]
    assert failed.name == "revocation" and failed.detail == "revoked: keyCompromise"
    assert "Claire Martin" in failed.subject


@pytest.mark.parametrize(
    ("intermediates", "step", "reason"),
    [
        ((), "path", ChainReason.NO_PATH),
        (None, "path", ChainReason.NO_PATH),
    ],
)
def test_an_examination_tells_what_is_missing(root, intermediates, step, reason):
    sent = pki.authority().chain if intermediates is None else intermediates
    found = told(pki.certificate("p256"), sent, anchors_of(root))
    assert found.reason is reason
    (failed,) = [each for each in found.steps if not each.passed]
    assert failed.name == step
    assert ("missing" in failed.detail) is (intermediates == ())


def test_an_examination_goes_on_to_the_next_path(root, crossed):
    end, intermediates = crossed
    one = intermediates[0]
    found = told(end, intermediates, anchors_of(root), Says(one))
    assert found.chain is not None
    assert [step.passed for step in found.steps if step.name == "path"] == [True, True]
    (failed,) = [step for step in found.steps if not step.passed]
    assert failed.name == "revocation"


def test_what_nobody_knows_is_told_of_each_certificate():
    found = told(pki.certificate("p256"), pki.authority().chain, pki.anchors(), CrlSource([]))
    assert found.chain is not None and found.chain.revocation == Unknown()
    failed = [step.detail for step in found.steps if not step.passed]
    assert failed == ["revocation_unknown"] * 2


def test_an_expired_certificate_is_told_at_once():
    late = pki.NOW + 400 * DAY
    found = examine(pki.certificate("p256"), (), pki.anchors(), Purpose.SIGNATURE, late, None)
    assert found.reason is ChainReason.EXPIRED
    assert [(step.name, step.passed) for step in found.steps] == [
        ("certificate", True),
        ("validity", False),
    ]
    assert fingerprint(pki.certificate("p256")) not in found.steps[1].detail
