"""Whose mailboxes a mail client sees: by password, token or certificate; own ones, shared ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from certs.certificate import to_der
from certs.keyring import PrivateKey
from mailbox_store.database import Transaction
from mss_gateway.config import Mailboxes
from mss_gateway.directory import members, passwords, people
from mss_gateway.directory.client_trust import ClientTrust
from mss_gateway.directory.keysets import Keys
from mss_gateway.directory.members import RIGHTS
from mss_gateway.directory.people import NewPerson, Person, Traits
from mss_gateway.directory.revocation_folder import Lists
from mss_gateway.directory.tokens import Expected, Tokens
from mss_gateway.failures import Failure, Refused
from mss_gateway.life import authn
from mss_gateway.life.authn import Admission, Attempt, HashNeeded
from mss_gateway.life.claims import CertificateClaim, Claim, PasswordClaim, TokenClaim
from policies.people import Standing
from tests.support import openid
from tests.support.client_certificates import issue
from tests.support.smtp_site import (
    BERNARD,
    LIMITS,
    MARTIN,
    PASSWORD,
    PATIENT,
    PHARMACY,
    SECRETARIAT,
    SUSPENDED,
    Site,
)

PROGRAM = "laboratoire@mss.example"


class Published:
    """The provider's keys, as they lie."""

    def read(self) -> bytes:
        return openid.key_set(openid.jwk(openid.ec_key(), "e1"))


@pytest.fixture
def equipped(site: Site) -> Site:
    """The same with an OpenID provider, a program's box, and certificates of TLS clients."""
    keys = Keys(Published())
    assert keys.refresh()
    authority = site.authority()
    program = NewPerson(PROGRAM, "APP", Traits(entity="Laboratoire"))
    site.gateway.database.write(lambda tx: people.add(tx, program, Mailboxes()))
    gateway = replace(
        site.gateway,
        tokens=Tokens(Expected(openid.ISSUER, openid.AUDIENCE), keys),
        client_trust=ClientTrust((authority.root,), authority, Lists(None)),
    )
    return replace(site, gateway=gateway)


def admit(site: Site, claim: Claim, peer: str = "192.0.2.1") -> Admission:
    return authn.admit(site.gateway, claim, "imap", peer)


def refused(site: Site, claim: Claim, peer: str = "192.0.2.1") -> Failure:
    with pytest.raises(Refused) as caught:
        admit(site, claim, peer)
    return caught.value.failure


def records(site: Site) -> list[tuple[str, str, str]]:
    """Actor, object and verdict of every sign-in."""
    site.gateway.database.write(lambda tx: None)
    with site.gateway.database.read() as view:
        return [
            (row[0], row[1], row[2])
            for row in view.sql(
                "SELECT actor, object, verdict FROM audit WHERE act = 'sign-in' ORDER BY seq"
            ).fetchall()
        ]


def share(site: Site, box: str, person: str, rights: str = RIGHTS) -> None:
    pair = site.person(box).account_id, site.person(person).account_id
    site.gateway.database.write(lambda tx: members.grant(tx, *pair, rights))


def mine(authorised: str = "", login: str = MARTIN, password: str = PASSWORD) -> PasswordClaim:
    return PasswordClaim(authorised, login, password)


def token(site: Site, address: str = MARTIN, authorised: str = "", **more: object) -> TokenClaim:
    claimed = openid.claims(address, site.clock(), **more)
    return TokenClaim(authorised, openid.token(claimed, openid.ec_key(), "ES256", "e1"))


def certificate(site: Site, *addresses: str, authorised: str = "") -> CertificateClaim:
    key = PrivateKey.generate("p256")
    shown = issue(site.authority(), key, addresses, site.gateway.now() - timedelta(hours=1))
    return CertificateClaim(authorised, to_der(shown))


# one's own mailboxes


@pytest.mark.parametrize("authorised", ["", MARTIN, MARTIN.upper(), f" {MARTIN} "])
def test_a_password_opens_one_s_own_mailboxes_whole(site: Site, authorised: str) -> None:
    martin = site.person(MARTIN)
    assert admit(site, mine(authorised)) == Admission(martin, martin, RIGHTS)
    assert records(site) == [(f"account:{martin.account_id}", "imap", "permitted")]


@pytest.mark.parametrize("authorised", ["", MARTIN, MARTIN.upper()])
def test_a_token_opens_the_mailboxes_of_the_address_it_names(
    equipped: Site, authorised: str
) -> None:
    martin = equipped.person(MARTIN)
    assert admit(equipped, token(equipped, authorised=authorised)) == Admission(
        martin, martin, RIGHTS
    )
    assert records(equipped) == [(f"account:{martin.account_id}", "imap", "permitted")]


@pytest.mark.parametrize("authorised", ["", PROGRAM])
def test_a_certificate_opens_the_box_of_a_program(equipped: Site, authorised: str) -> None:
    program = equipped.person(PROGRAM)
    shown = certificate(equipped, PROGRAM, authorised=authorised)
    assert admit(equipped, shown) == Admission(program, program, RIGHTS)


def test_a_certificate_of_several_boxes_opens_the_one_that_is_asked_for(equipped: Site) -> None:
    several = (PROGRAM, PHARMACY)
    assert refused(equipped, certificate(equipped, *several)) is Failure.BAD_CREDENTIALS
    for address in several:
        shown = certificate(equipped, *several, authorised=address.upper())
        assert admit(equipped, shown).box.address == address


# other people's


def test_a_shared_box_is_opened_by_its_members_and_says_who_it_was(equipped: Site) -> None:
    share(equipped, SECRETARIAT, MARTIN, "lrs")
    share(equipped, SECRETARIAT, PROGRAM, "l")
    martin, box = equipped.person(MARTIN), equipped.person(SECRETARIAT)
    program = equipped.person(PROGRAM)
    assert admit(equipped, mine(SECRETARIAT.upper())) == Admission(martin, box, "lrs")
    by_token = admit(equipped, token(equipped, authorised=SECRETARIAT))
    assert by_token == Admission(martin, box, "lrs")
    by_certificate = admit(equipped, certificate(equipped, PROGRAM, authorised=SECRETARIAT))
    assert by_certificate == Admission(program, box, "l")
    about = f"imap as account:{box.account_id}"
    assert records(equipped) == [
        (f"account:{martin.account_id}", about, "permitted"),
        (f"account:{martin.account_id}", about, "permitted"),
        (f"account:{program.account_id}", about, "permitted"),
    ]


@pytest.mark.parametrize(
    "authorised", [BERNARD, PHARMACY, PATIENT, "personne@mss.example", "x", "\0", "x" * 5_000]
)
def test_what_is_not_shared_is_refused_like_a_wrong_password(
    equipped: Site, authorised: str
) -> None:
    share(equipped, SECRETARIAT, MARTIN)
    for claim in (
        mine(authorised),
        token(equipped, authorised=authorised),
        certificate(equipped, PROGRAM, authorised=authorised),
    ):
        assert refused(equipped, claim) is Failure.BAD_CREDENTIALS
    assert [verdict for _, _, verdict in records(equipped)] == ["refused"] * 3


def test_a_membership_gives_nothing_without_the_member_s_own_proof(site: Site) -> None:
    share(site, SECRETARIAT, MARTIN)
    assert refused(site, mine(SECRETARIAT, password="autre")) is Failure.BAD_CREDENTIALS
    assert refused(site, mine(SECRETARIAT, BERNARD)) is Failure.BAD_CREDENTIALS
    # nor is it one of the box in the member's mailboxes
    assert refused(site, mine(MARTIN, SECRETARIAT)) is Failure.BAD_CREDENTIALS


def test_what_ends_a_membership_ends_it_for_the_next_sign_in(site: Site) -> None:
    share(site, SECRETARIAT, MARTIN)
    box, martin = site.person(SECRETARIAT), site.person(MARTIN)
    assert admit(site, mine(SECRETARIAT)).box == box
    site.stand(SECRETARIAT, Standing.SUSPENDED)
    assert refused(site, mine(SECRETARIAT)) is Failure.BAD_CREDENTIALS
    site.stand(SECRETARIAT, Standing.ACTIVE)
    site.gateway.database.write(lambda tx: members.revoke(tx, box.account_id, martin.account_id))
    assert refused(site, mine(SECRETARIAT)) is Failure.BAD_CREDENTIALS
    assert admit(site, mine()).box == martin


def test_a_refused_membership_is_on_record_with_both(site: Site) -> None:
    refused(site, mine(PHARMACY))
    martin, box = site.person(MARTIN), site.person(PHARMACY)
    about = f"imap as account:{box.account_id}"
    assert records(site) == [(f"account:{martin.account_id}", about, "refused")]


# who is not let in


@pytest.mark.parametrize(
    "claim",
    [
        mine(password="autre chose"),
        mine(login="personne@mss.example"),
        mine(login=PATIENT),
        mine(login=SUSPENDED),
        mine(login=f"{SECRETARIAT}*{MARTIN}"),
    ],
)
def test_a_wrong_password_is_one_failure(site: Site, claim: PasswordClaim) -> None:
    assert refused(site, claim) is Failure.BAD_CREDENTIALS


@pytest.mark.parametrize("address", [PATIENT, SUSPENDED, "personne@mss.example"])
def test_a_token_of_who_may_not_sign_in_is_refused(equipped: Site, address: str) -> None:
    assert refused(equipped, token(equipped, address)) is Failure.BAD_CREDENTIALS


@pytest.mark.parametrize(
    "shown",
    [
        lambda site: TokenClaim("", ""),
        lambda site: TokenClaim("", "x.y.z"),
        lambda site: token(site, iss="https://ailleurs.example"),
        lambda site: token(site, exp=int(site.clock()) - 3_600),
        lambda site: certificate(site, MARTIN),
        lambda site: certificate(site, PATIENT),
        lambda site: certificate(site),
        lambda site: CertificateClaim("", b""),
        lambda site: CertificateClaim("", b"no certificate"),
        lambda site: CertificateClaim("", to_der(site.authority().root)),
    ],
)
def test_what_is_not_believed_is_refused(equipped: Site, shown: Callable[[Site], Claim]) -> None:
    assert refused(equipped, shown(equipped)) is Failure.BAD_CREDENTIALS
    assert [verdict for _, _, verdict in records(equipped)] == ["refused"]


def test_without_a_provider_or_authorities_there_is_nothing_to_show(
    site: Site, equipped: Site
) -> None:
    for claim in (token(equipped), certificate(equipped, PROGRAM)):
        assert refused(site, claim) is Failure.BAD_CREDENTIALS


def test_why_a_token_or_certificate_is_refused_is_logged_without_a_name(equipped: Site) -> None:
    refused(equipped, token(equipped, iss="https://ailleurs.example"))
    refused(equipped, CertificateClaim("", to_der(equipped.authority().issuing)))
    logged = equipped.logged.getvalue()
    assert "token of another issuer" in logged
    assert "wrong_purpose" in logged
    assert MARTIN not in logged


# waits


def test_forged_tokens_make_their_address_wait_and_nobody_else(equipped: Site) -> None:
    forged = token(equipped, aud="ailleurs")
    for _ in range(LIMITS.failed_logins_per_address):
        assert refused(equipped, forged) is Failure.BAD_CREDENTIALS
    assert refused(equipped, forged) is Failure.TOO_MANY_ATTEMPTS
    assert refused(equipped, token(equipped)) is Failure.TOO_MANY_ATTEMPTS
    assert refused(equipped, mine()) is Failure.TOO_MANY_ATTEMPTS
    assert admit(equipped, mine(), "192.0.2.2").box.address == MARTIN
    assert admit(equipped, token(equipped), "192.0.2.2").box.address == MARTIN


def test_tokens_that_ended_make_nobody_wait(equipped: Site) -> None:
    """A practice behind one address renews its tokens every few minutes."""
    late = token(equipped, exp=int(equipped.clock()) - 120)
    unknown = TokenClaim("", openid.token(openid.claims(MARTIN), openid.rsa_key(), kid="new"))
    for _ in range(LIMITS.failed_logins_per_address):
        assert refused(equipped, late) is Failure.BAD_CREDENTIALS
        assert refused(equipped, unknown) is Failure.BAD_CREDENTIALS
        assert refused(equipped, TokenClaim("", "")) is Failure.BAD_CREDENTIALS
    assert admit(equipped, token(equipped)).box.address == MARTIN


def test_a_token_does_not_end_the_wait_of_a_guessed_password(equipped: Site) -> None:
    for count in range(LIMITS.failed_logins_per_account):
        refused(equipped, mine(password="autre"), f"192.0.2.{count + 10}")
    assert admit(equipped, token(equipped)).box.address == MARTIN
    assert refused(equipped, mine()) is Failure.TOO_MANY_ATTEMPTS


# what is remembered


@pytest.fixture
def hashes(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that cost a hash."""
    spent: list[str] = []
    matches = passwords.Passwords.matches

    def counted(self: passwords.Passwords, kept: str | None, password: str) -> bool:
        spent.append(password)
        return matches(self, kept, password)

    monkeypatch.setattr(passwords.Passwords, "matches", counted)
    return spent


def test_a_mail_client_that_comes_back_costs_no_hash(site: Site, hashes: list[str]) -> None:
    for channel in ("imap", "submission", "imap"):
        authn.admit(site.gateway, mine(), channel, "192.0.2.1")
        admit(site, mine())
    assert hashes == [PASSWORD]
    site.clock.pass_by(300)
    admit(site, mine())
    assert hashes == [PASSWORD] * 2


def test_the_webmail_pays_each_time(site: Site, hashes: list[str]) -> None:
    for _ in range(2):
        authn.check_password(site.gateway, Attempt(MARTIN, PASSWORD, "webmail", "192.0.2.1"))
    admit(site, mine())
    assert len(hashes) == 3
    authn.check_password(site.gateway, Attempt(MARTIN, PASSWORD, "webmail", "192.0.2.1"))
    assert len(hashes) == 4


@pytest.mark.parametrize("login", [PATIENT, SUSPENDED, "personne@mss.example"])
def test_who_may_not_sign_in_costs_a_hash_each_time_even_with_the_right_password(
    site: Site, hashes: list[str], login: str
) -> None:
    for cost in (1, 2):
        assert refused(site, mine(login=login)) is Failure.BAD_CREDENTIALS
        assert len(hashes) == cost


def test_a_wrong_password_costs_a_hash_and_is_not_remembered(site: Site, hashes: list[str]) -> None:
    admit(site, mine())
    for cost in (2, 3):
        assert refused(site, mine(password="autre")) is Failure.BAD_CREDENTIALS
        assert len(hashes) == cost
    admit(site, mine())
    assert len(hashes) == 3


def _changed_password(tx: Transaction, person: Person, kept: str) -> None:
    passwords.set_password(tx, person.account_id, kept)


def test_a_changed_password_ends_the_former_at_once(site: Site, hashes: list[str]) -> None:
    admit(site, mine())
    person, kept = site.person(MARTIN), site.gateway.passwords.hash("nouveau")
    site.gateway.database.write(lambda tx: _changed_password(tx, person, kept))
    assert refused(site, mine()) is Failure.BAD_CREDENTIALS
    assert admit(site, mine(password="nouveau")).person == person
    assert hashes == [PASSWORD, PASSWORD, "nouveau"]


def test_suspension_counts_at_once(site: Site) -> None:
    admit(site, mine())
    site.stand(MARTIN, Standing.SUSPENDED)
    assert refused(site, mine()) is Failure.BAD_CREDENTIALS
    site.stand(MARTIN, Standing.ACTIVE)
    assert admit(site, mine()).box.address == MARTIN


def test_a_wait_counts_for_what_is_remembered_too(site: Site) -> None:
    admit(site, mine())
    for _ in range(LIMITS.failed_logins_per_account):
        refused(site, mine(password="autre"))
    assert refused(site, mine()) is Failure.TOO_MANY_ATTEMPTS


def test_strangers_keep_nobody_waiting_who_signed_in_from_there(site: Site) -> None:
    admit(site, mine())
    for count in range(3 * LIMITS.failed_logins_per_account):
        refused(site, mine(password="autre"), f"192.0.2.{count + 10}")
    admit(site, mine())
    # and are forgiven nothing by it
    assert refused(site, mine(), "192.0.2.9") is Failure.TOO_MANY_ATTEMPTS


def test_without_a_hash_only_what_is_remembered_is_known(site: Site, hashes: list[str]) -> None:
    def quick(claim: Claim) -> Admission:
        return authn.admit(site.gateway, claim, "imap", "192.0.2.1", may_hash=False)

    for claim in (mine(), mine(password="autre"), mine(login="personne@mss.example")):
        with pytest.raises(HashNeeded):
            quick(claim)
    assert (hashes, records(site)) == ([], [])  # nothing was tried, nothing is on record
    admit(site, mine())
    assert quick(mine()).box.address == MARTIN
    with pytest.raises(HashNeeded):
        quick(mine(password="autre"))
    assert hashes == [PASSWORD]
