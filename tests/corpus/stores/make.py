"""Makes the saved store of a release: ``python -m tests.corpus.stores.make NAME``.

Run once per release, in a tree of that release, and commit the folder; the store of an earlier
release is never made again. Invented people only; the root key beside it opens nothing else.
"""

import gzip
import hashlib
import json
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from certs.book import Provenance
from certs.capabilities import Capabilities
from certs.keyring import PrivateKey
from certs.usage import Usage
from mailbox_store.database import Transaction
from mss_gateway.directory import app_passwords, dkim_keys, keybook, whitelist
from mss_gateway.directory.operators import PeerTrust
from mss_gateway.failures import Failure
from mss_gateway.life import outbound, relay
from mss_gateway.life.outbound import Claimed
from mss_gateway.queue import desk
from tests.corpus.stores import of_record
from tests.support import site as sites
from tests.support import xdm
from tests.support.people import DOMAIN, PATIENT_DOMAIN
from tests.support.white_lists import white_list

HERE = Path(__file__).parent
SUBJECT = "Vos résultats de novembre"
WAITING = "Une suite"
"""Of what was accepted and not delivered yet; the stores before ``queued`` have none."""

THERE = "ville.example"
"""Another operator's domain; the stores before ``transport`` know none."""
ELSEWHERE = f"luc.garnier@{THERE}"
SELECTOR = "essai"
TOLD = "told.json"
"""Beside a store, from ``transport`` on: when it was made, an app password, what is in doubt; from
``record`` on, when the other patient's space was left, and what their authenticator holds."""


def make(name: str) -> None:
    """One professional wrote to one patient, with an archive that was filed; a second one waits.

    Three letters for another operator wait too (:func:`_exchange`), and another patient's space is
    full (:mod:`tests.corpus.stores.of_record`).
    """
    target = HERE / name
    target.mkdir()
    with tempfile.TemporaryDirectory() as folder, sites.opened(Path(folder)) as site:
        archive = xdm.archive_of(
            xdm.cda_document(xdm.CdaText(subject=xdm.Subject(ins=site.camille.traits.ins)))
        )
        file = sites.OutgoingFile("IHE_XDM.ZIP", "application/zip", archive)
        raw = site.written(site.claire, site.camille, SUBJECT, files=(file,))
        site.deliver(site.claire, site.camille, raw)
        record = of_record.fill(site)
        site.send(site.claire, site.camille, site.written(site.claire, site.camille, WAITING))
        told = {**_exchange(site), "record": record}
        state = site.gateway.config.state_directory
        site.gateway.database.close()
        (target / TOLD).write_text(json.dumps(told, indent=1) + "\n", "utf-8")
        shutil.copy(state / "root.key", target / "root.key")
        shutil.copy(state / "pki" / "anchors.pem", target / "anchors.pem")
        with gzip.open(target / "store.db.gz", "wb", 9) as packed:
            packed.write((state / "store.db").read_bytes())


def _exchange(site: sites.Site) -> dict[str, object]:
    """A white list, an app password, a DKIM key; for an operator who is closed, one letter waits,
    one is held, and of a third nobody knows whether it was taken."""
    config = site.gateway.config
    site.gateway = replace(
        site.gateway,
        config=replace(config, relay=replace(config.relay, dkim_selector=SELECTOR)),
        peer_trust=PeerTrust((site.authority.root,), None, None, site.gateway.lists),
    )
    secret = site.gateway.database.write(lambda tx: _enter(tx, site))
    there = replace(site.paul, address=ELSEWHERE)
    for subject in ("Attend", "Mis de côté", "En doute"):
        site.send(site.claire, there, site.written(site.claire, there, subject))
    waiting, held, doubtful = _claimed(site)
    prepared = relay.prepare(site.gateway, doubtful.item)
    assert prepared is not None and prepared.kept.result()
    lost = relay.failed(
        site.gateway,
        doubtful.item,
        Failure.PEER_UNREACHABLE,
        "mx1.ville.example 421",
        in_doubt=True,
    )
    lost.result()
    outbound.give_back(site.gateway, (waiting.item, held.item)).result()
    site.gateway.database.write(lambda tx: desk.hold(tx, held.item.item_id))
    return {
        "at": site.clock(),
        "app_password": secret,
        "in_doubt": hashlib.sha256(prepared.outgoing.raw).hexdigest(),
    }


def _enter(tx: Transaction, site: sites.Site) -> str:
    """What the operator enters before anything is exchanged; the app password."""
    gateway, now = site.gateway, site.gateway.now()
    rules = whitelist.rules_of(gateway.config)
    listed = white_list(DOMAIN, PATIENT_DOMAIN, THERE, f"patient.{THERE}")
    whitelist.bring(tx, whitelist.examine(listed, rules, now), rules)
    dkim_keys.make(tx, gateway.spool, DOMAIN, SELECTOR)
    key = PrivateKey.generate("p256")
    certificate = site.authority.issue_mailbox(
        ELSEWHERE, "Luc Garnier", key.public_key, Usage.BOTH, now, 700
    )
    keybook.learn(
        tx,
        gateway.spool,
        ELSEWHERE,
        certificate,
        Capabilities(frozenset({"aes-256-gcm", "rsa-oaep"})),
        Provenance.OPERATOR,
        chain=site.authority.chain,
    )
    _, secret = app_passwords.add(tx, site.claire.account_id, "Ordinateur d'essai")
    return secret


def _claimed(site: sites.Site) -> list[Claimed]:
    """The letters for the operator elsewhere, who is closed from now on."""
    (there,) = outbound.due(site.gateway)
    found = outbound.claim(site.gateway, there.index, 3)
    outbound.close(site.gateway, there.index, Failure.PEER_UNREACHABLE).result()
    return found


if __name__ == "__main__":
    make(sys.argv[1])
