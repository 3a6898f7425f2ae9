"""The life of one message, one module per stage, in the order of :data:`STAGES`.

Laws: one door (``submission.accept``) for every channel; stages 1 to 6 run while the sender waits
and end in one commit, then 250; stages 7 to 11 run from the queue and may run twice without harm.
A stage gathers facts, calls a pure function, records the outcome. An IMAP APPEND is never a
message sent, and so never a first contact.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; ``module`` is where it lives."""

    name: str
    module: str
    rule: str


STAGES = (
    Stage("submission", "mss_gateway.life.submission", "one door; limits first; a ref is born"),
    Stage("authn", "mss_gateway.life.authn", "nothing is parsed for an unknown party"),
    Stage("policy", "mss_gateway.life.policy", "one verdict per recipient, then one per message"),
    Stage("crypto", "mss_gateway.life.crypto", "open, verify, sign, seal; fail closed"),
    Stage("store", "mss_gateway.life.store", "one commit; only then 250"),
    Stage("queue", "mss_gateway.queue.items", "one recipient, one result"),
    Stage("deliver", "mss_gateway.life.deliver", "message, correspondence and audit in a commit"),
    Stage("relay", "mss_gateway.life.relay", "proved peers only; the same octets while in doubt"),
    Stage("dossier", "mss_gateway.life.dossier", "documents filed once, with their provenance"),
    Stage("receipt", "mss_gateway.life.receipt", "an application's box answers, once"),
    Stage("report", "mss_gateway.life.report", "what became of it is told to its author, once"),
)
"""THE table of stages: module names, audit acts, log values and metric labels."""
