"""Facts to which no rule objects; a test changes one of them with ``dataclasses.replace``."""

from dataclasses import replace

from policies.facts import (
    ArrivalFacts,
    Exchange,
    ExchangeFacts,
    MessageFacts,
    PeerFacts,
    PeerProof,
    RecipientFacts,
    RecordAction,
    RecordFacts,
    SenderFacts,
    SignatureStatus,
)
from policies.people import Party, Role, Standing

MARTIN = "claire.martin@mss.test"
BERNARD = "paul.bernard@mss.test"
LEA = "lea@patient.test"


def party(role: Role, address: str, standing: Standing = Standing.ACTIVE) -> Party:
    return Party(7, role, frozenset({address}), standing)


PROFESSIONAL = party(Role.PROFESSIONAL, MARTIN)
PATIENT = party(Role.PATIENT, LEA)

SENDER = SenderFacts(author=PROFESSIONAL, reverse_path=MARTIN, declared_size=100, size_limit=100)

TO_PATIENT = RecipientFacts(
    author=PROFESSIONAL,
    reverse_path=MARTIN,
    recipient=LEA,
    recipient_is_patient_domain=True,
    ins_is_well_formed=True,
    recipient_role=Role.PATIENT,
    recipient_standing=Standing.ACTIVE,
    domain_is_ours=True,
    domain_is_trusted=True,
    exchange=Exchange.NONE,
    recipient_accepts_patient_initiated=False,
    recipients_so_far=0,
    recipient_limit=100,
)

TO_PROFESSIONAL = RecipientFacts(
    author=PATIENT,
    reverse_path=LEA,
    recipient=MARTIN,
    recipient_is_patient_domain=False,
    ins_is_well_formed=False,
    recipient_role=Role.PROFESSIONAL,
    recipient_standing=Standing.ACTIVE,
    domain_is_ours=True,
    domain_is_trusted=True,
    exchange=Exchange.OPEN,
    recipient_accepts_patient_initiated=False,
    recipients_so_far=0,
    recipient_limit=100,
)

BY_PROFESSIONAL = MessageFacts(
    author=PROFESSIONAL,
    reverse_path=MARTIN,
    from_field_count=1,
    from_addresses=(MARTIN,),
    sender_addresses=(),
    recipients=(LEA,),
    has_patient_recipient=True,
    exchanges=(),
    size=100,
    size_limit=100,
    size_limit_to_patient=100,
    received_count=50,
    received_limit=50,
    has_client_keys=False,
    signature=SignatureStatus.ABSENT,
    signer_addresses=(),
    findings=(),
)

OPEN_TO_MARTIN = ExchangeFacts(MARTIN, Role.PROFESSIONAL, Exchange.OPEN, False)

BY_PATIENT = MessageFacts(
    author=PATIENT,
    reverse_path=LEA,
    from_field_count=1,
    from_addresses=(LEA,),
    sender_addresses=(),
    recipients=(MARTIN,),
    has_patient_recipient=False,
    exchanges=(OPEN_TO_MARTIN,),
    size=100,
    size_limit=100,
    size_limit_to_patient=50,
    received_count=0,
    received_limit=50,
    has_client_keys=False,
    signature=SignatureStatus.ABSENT,
    signer_addresses=(),
    findings=(),
)

ELSEWHERE = "luc.garnier@ville.test"
LEO = "leo@patient.ville.test"
OPERATOR_DOMAINS = frozenset({"ville.test", "patient.ville.test"})

PEER = PeerFacts(
    proof=PeerProof.BELIEVED,
    list_is_stale=False,
    operator_domains=OPERATOR_DOMAINS,
    reverse_path=ELSEWHERE,
    declared_size=100,
    size_limit=100,
)

ARRIVING = ArrivalFacts(
    message=replace(
        BY_PROFESSIONAL,
        author=party(Role.PROFESSIONAL, ELSEWHERE),
        reverse_path=ELSEWHERE,
        from_addresses=(ELSEWHERE,),
    ),
    operator_domains=OPERATOR_DOMAINS,
    inside_addresses=(ELSEWHERE,),
    has_own_trace=False,
    is_report=False,
)

ARRIVING_BY_PATIENT = ArrivalFacts(
    message=replace(
        BY_PATIENT,
        author=party(Role.PATIENT, LEO),
        reverse_path=LEO,
        from_addresses=(LEO,),
    ),
    operator_domains=OPERATOR_DOMAINS,
    inside_addresses=(LEO,),
    has_own_trace=False,
    is_report=False,
)

OWN_DOCUMENT = RecordFacts(
    actor=PATIENT,
    owner_account_id=PATIENT.account_id,
    action=RecordAction.READ,
    visibility=frozenset({"N"}),
    is_actors_own=True,
)
