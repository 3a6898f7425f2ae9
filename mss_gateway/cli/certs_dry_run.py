"""`mss certs verify` and `why`: what the gateway makes of a message, and nothing of it is kept."""

from pathlib import Path
from typing import Annotated

import typer

from certs import capabilities
from certs.certificate import Certificate, addresses
from certs.cms.signers import SignerSummary, read_signers
from certs.errors import AlgorithmRefused, DerMalformed, SignatureRejected
from certs.usage import Purpose
from certs.validation import chain
from mailbox_store.database import View
from mss_gateway import texts
from mss_gateway.cli.answers import Answer, Grid, Json, NotDone, cell, moment
from mss_gateway.cli.certs_judge import REMEDIES
from mss_gateway.cli.desk import Desk, person_of
from mss_gateway.directory import certificates, keybook
from mss_gateway.directory.people import Person
from mss_gateway.life import arrival, judgement, opening
from mss_gateway.life.gateway import Gateway
from mss_gateway.life.judgement import Judged
from mss_gateway.message.authentication import DECRYPTIONS, SIGNATURES, Signature
from mss_gateway.message.layers import layer
from mss_gateway.message.limits import MessageMalformed
from mss_gateway.message.parse import scan
from mss_gateway.message.part import Message

MessageFile = Annotated[Path, typer.Argument(metavar="FILE.eml", help="The message as it came.")]


def verify(desk: Desk, file: MessageFile) -> Answer:
    """Whose signature it bears, and whether the gateway would show it."""
    message = _read(file)
    with desk.gateway() as gateway, gateway.database.read() as view:
        opened = opening.open_message(message, tuple)
        judged = judgement.judge(gateway, view, opened, None, gateway.now())
        return _told(gateway, view, judged)


def why(
    desk: Desk,
    file: MessageFile,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Its recipient here.")],
) -> Answer:
    """The same for one recipient: opened with their keys, and how an answer to them is sealed."""
    message = _read(file)
    with desk.gateway() as gateway, gateway.database.read() as view:
        person = person_of(view, to, gateway.config)
        judged = arrival.judge_for(gateway, view, message, person, None)
        told = _told(gateway, view, judged)
        sealed = _sealing(gateway, view, person)
    assert isinstance(told.value, dict)
    line = ", ".join(f"{key} {cell(one)}" for key, one in sealed.items())
    value: dict[str, Json] = {**told.value, "sealing": sealed}
    return Answer(value, (*told.shown, f"To this mailbox: {line}."), told.code)


def _read(file: Path) -> Message:
    """The file as a message; a text file's line ends are made those of mail."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise NotDone(f"{file} cannot be read ({type(error).__name__})") from None
    if b"\r\n" not in raw[:4096]:
        raw = raw.replace(b"\n", b"\r\n")
    try:
        return scan(raw)
    except MessageMalformed as error:
        raise NotDone(f"{file} is no message: {error}") from None


def _told(gateway: Gateway, view: View, judged: Judged) -> Answer:
    signature, decryption = judged.verdict.signature, judged.verdict.decryption
    signers = _signers(judged.message)
    steps = _steps(gateway, view, judged)
    value: dict[str, Json] = {
        "signature": signature.value,
        "decryption": decryption.value,
        "cause": judged.cause or None,
        "what_to_do": _remedy(judged),
        "signer": judged.verdict.signer or None,
        "at": moment(judged.at.timestamp()),
        "encryption": judged.opened.algorithm or None,
        "claimed_signers": [_claimed(each) for each in signers],
        "steps": steps,
    }
    shown: list[str | Grid] = [
        f"Signature: {signature.value}. {texts.text(SIGNATURES[signature].text)}",
        f"Encryption: {decryption.value}. {texts.text(DECRYPTIONS[decryption].text)}",
    ]
    for key in ("cause", "what_to_do", "signer", "encryption"):
        if value[key]:
            shown.append(f"{key.replace('_', ' ').capitalize()}: {cell(value[key])}")
    if signers:
        rows = tuple(tuple(cell(one) for one in _claimed(each).values()) for each in signers)
        shown.append(Grid(("claims to be", "certificate", "digest", "scheme", "signed at"), rows))
    if steps:
        rows = tuple(
            (cell(one["step"]), "ok" if one["passed"] else "FAILED", cell(one["detail"]))
            for one in steps
        )
        shown.append(Grid(("step", "", "detail"), rows))
    is_well = signature is Signature.VALID
    return Answer(value, tuple(shown), 0 if is_well else 1)


def _signers(message: Message) -> tuple[SignerSummary, ...]:
    found = layer(message)
    if found is None or found.kind != "signed":
        return ()
    try:
        return read_signers(found.der)
    except SignatureRejected:
        return ()


def _claimed(signer: SignerSummary) -> dict[str, Json]:
    known = signer.certificate
    return {
        "addresses": [] if known is None else _addresses(known),
        "certificate": signer.identifier,
        "digest": signer.digest,
        "scheme": signer.scheme,
        "signed_at": None
        if signer.signing_time is None
        else moment(signer.signing_time.timestamp()),
    }


def _addresses(certificate: Certificate) -> list[Json]:
    try:
        return list(addresses(certificate))
    except DerMalformed:
        return ["unreadable"]


def _steps(gateway: Gateway, view: View, judged: Judged) -> list[dict[str, Json]]:
    """The judgement of the signer's certificate, step by step, by the code that judges mail."""
    verified = judged.opened.verified
    if verified is None:
        return []
    examined = chain.examine(
        verified.signer_certificate,
        judgement.issuers_of(gateway, view, verified),
        gateway.trust.anchors(view),
        Purpose.SIGNATURE,
        judged.at,
        gateway.revocations(view),
    )
    return [
        {"step": step.name, "passed": step.passed, "detail": step.detail} for step in examined.steps
    ]


def _remedy(judged: Judged) -> str | None:
    return next((told for reason, told in REMEDIES.items() if reason.value == judged.cause), None)


def _sealing(gateway: Gateway, view: View, person: Person) -> dict[str, Json]:
    """How a message to this mailbox is protected now, and why."""
    if person.smime != "client":
        return {"keys": "held by the gateway", "delivery": "signed, sealed at rest"}
    certificate = certificates.for_recipient(view, person.account_id, gateway.clock())
    if certificate is None:
        return {"keys": "in its client", "delivery": "waits: no certificate is valid now"}
    said = keybook.capabilities_of(view, gateway.spool, person.address)
    return {
        "keys": "in its client",
        "certificate": f"{certificate.serial_number:x}",
        "delivery": _protection(certificate, said),
        "capabilities": None if said is None else sorted(said.names),
    }


def _protection(certificate: Certificate, said: capabilities.Capabilities | None) -> str:
    try:
        protection = capabilities.choose(certificate, said)
    except AlgorithmRefused as refused:
        return f"waits: {refused}"
    return f"enveloped, {protection.content}, {protection.transport}"
