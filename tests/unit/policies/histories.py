"""A small house run by one copy of ``policies``, with the oracle looking over its shoulder.

It does what the stages of a message do: gather facts, ask at RCPT, let time pass, ask again at the
commit, deliver, apply the effects. Whatever the oracle would not have said breaks the rule.
"""

from collections import Counter
from types import SimpleNamespace

from tests.unit.policies import story
from tests.unit.policies.oracle import Oracle


class RuleBroken(AssertionError):
    """The copy of ``policies`` did what the oracle forbids, or forbade what it allows."""


def expect(holds: bool, claim: str, *about: object) -> None:
    if not holds:
        raise RuleBroken(f"{claim}: {about}")


class House:
    """One history. ``tally`` counts what was seen, over all histories."""

    def __init__(self, policies: SimpleNamespace, tally: Counter[str]) -> None:
        self.policies = policies
        self.tally = tally
        self.oracle = Oracle()
        self.exchanges: dict[tuple[str, str], object] = {}
        self.seen: set[str] = set()
        self.parties: dict[tuple[str, str], object] = {}

    def run(self, history: list[story.Event]) -> None:
        for event in history:
            self.step(event)
        self._compare_what_is_offered()
        self.tally.update(["histories", *self.seen])

    def step(self, event: story.Event) -> None:
        if isinstance(event, story.Change):
            self.oracle.standing[event.who] = event.standing
            return
        self._submit(event)
        self._compare()

    def _submit(self, letter: story.Letter) -> None:
        readers = self._readers(letter)
        if not readers:
            return
        if letter.meanwhile is not None:
            self.step(letter.meanwhile)
        if self._refused_at_commit(letter, readers):
            return
        for reader in readers:
            self._deliver(letter, reader)

    def _readers(self, letter: story.Letter) -> list[str]:
        if not letter.asked_at_rcpt:
            return list(letter.recipients)
        readers: list[str] = []
        for name in letter.recipients:
            answer = _answer(self.policies.decide.at_recipient(self._facts(letter, name, readers)))
            expected = self.oracle.at_rcpt(letter, name, len(readers))
            expect(answer == expected, "at RCPT", answer, expected, letter, name)
            if answer is None:
                readers.append(name)
            elif letter.author in story.PATIENTS:
                self.seen.add("a patient refused at RCPT")
        return readers

    def _refused_at_commit(self, letter: story.Letter, readers: list[str]) -> bool:
        answer = _answer(self.policies.decide.at_message(self._message_facts(letter, readers)))
        expected = self.oracle.at_commit(letter, readers)
        expect(answer == expected, "at the commit", answer, expected, letter, readers)
        if answer is not None and letter.author in story.PATIENTS and letter.asked_at_rcpt:
            self.seen.add(f"a patient refused only at the commit: {answer}")
        return answer is not None

    def _deliver(self, letter: story.Letter, reader: str) -> None:
        arrives = letter.arrives and self.oracle.receives(reader)
        if arrives and letter.author in story.PATIENTS:
            # THE invariant of the house.
            allowed = self.oracle.may_reach(letter.author, reader)
            expect(allowed, "a patient's message reached", letter, reader)
            self.seen.add("a patient's message delivered")
        for effect in self.policies.first_contact.effects(self._writing(letter, reader, arrives)):
            self.exchanges[reader, effect.professional_address] = effect.becomes
            self.seen.add(effect.becomes.name)
        if arrives:
            self.oracle.delivered(letter, reader)

    def _compare(self) -> None:
        """The state kept by the effects is the state remembered by the oracle, both ways."""
        states = {pair: state.name for pair, state in self.exchanges.items()}
        addressed = {(patient, story.address(name)) for patient, name in self.oracle.opened}
        expect({p for p, s in states.items() if s == "OPEN"} == addressed, "open", states)
        addressed = {(patient, story.address(name)) for patient, name in self.oracle.closed}
        expect({p for p, s in states.items() if s == "CLOSED"} == addressed, "closed", states)

    def _compare_what_is_offered(self) -> None:
        """After the last event a patient is offered those who may be written to, and no other."""
        rule = self.policies.first_contact
        for patient in story.PATIENTS:
            for name in story.PROFESSIONALS:
                first_word = rule.takes_first_word(self._role(name), name in story.FLAGGED)
                may = rule.may_write(self._exchange(patient, name), first_word)
                expect(may == self.oracle.may_reach(patient, name), "may write", patient, name)

    # Gathering facts

    def _exchange(self, patient: str, name: str) -> object:
        none = self.policies.facts.Exchange.NONE
        return self.exchanges.get((patient, story.address(name)), none)

    def _role(self, name: str) -> object | None:
        return self.policies.people.Role[story.ROLES[name]] if name in story.ROLES else None

    def _standing(self, name: str) -> object | None:
        if name not in story.ROLES:
            return None
        return self.policies.people.Standing[self.oracle.standing[name]]

    def _party(self, name: str) -> object:
        key = (name, self.oracle.standing[name])
        if key not in self.parties:
            self.parties[key] = self._new_party(name)
        return self.parties[key]

    def _new_party(self, name: str) -> object:
        return self.policies.people.Party(
            account_id=list(story.ROLES).index(name),
            role=self._role(name),
            addresses=frozenset({story.address(name)}),
            standing=self._standing(name),
        )

    def _facts(self, letter: story.Letter, name: str, readers: list[str]) -> object:
        return self.policies.facts.RecipientFacts(
            author=self._party(letter.author),
            reverse_path=_claimed(letter, story.CLAIMS[letter.claim][0]),
            recipient=story.address(name),
            recipient_is_patient_domain=name in story.AT_PATIENT_DOMAIN,
            ins_is_well_formed=name != story.MALFORMED_PATIENT,
            recipient_role=self._role(name),
            recipient_standing=self._standing(name),
            domain_is_ours=name != story.OUTSIDE,
            domain_is_trusted=name != story.OUTSIDE,
            exchange=self._exchange(letter.author, name),
            recipient_accepts_patient_initiated=name in story.FLAGGED,
            recipients_so_far=len(readers),
            recipient_limit=story.RECIPIENT_LIMIT,
        )

    def _message_facts(self, letter: story.Letter, readers: list[str]) -> object:
        facts = self.policies.facts
        reverse_path, from_fields, from_names, sender_names = story.CLAIMS[letter.claim]
        gathered = readers[:-1] if letter.forgets else readers
        if letter.author not in story.PATIENTS:
            gathered = []
        return facts.MessageFacts(
            author=self._party(letter.author),
            reverse_path=_claimed(letter, reverse_path),
            from_field_count=from_fields,
            from_addresses=tuple(_claimed(letter, name) for name in from_names),
            sender_addresses=tuple(_claimed(letter, name) for name in sender_names),
            recipients=tuple(map(story.address, readers)),
            has_patient_recipient=bool(story.AT_PATIENT_DOMAIN.intersection(readers)),
            exchanges=tuple(self._exchange_facts(letter.author, name) for name in gathered),
            size=1,
            size_limit=1,
            size_limit_to_patient=1,
            received_count=0,
            received_limit=50,
            has_client_keys=False,
            signature=facts.SignatureStatus.ABSENT,
            signer_addresses=(),
            findings=(),
        )

    def _exchange_facts(self, author: str, name: str) -> object:
        return self.policies.facts.ExchangeFacts(
            recipient=story.address(name),
            recipient_role=self._role(name),
            exchange=self._exchange(author, name),
            recipient_accepts_patient_initiated=name in story.FLAGGED,
        )

    def _writing(self, letter: story.Letter, reader: str, arrives: bool) -> object:
        rule = self.policies.first_contact
        reverse_path, _, from_names, _ = story.CLAIMS[letter.claim]
        (auto_submitted, precedence, is_report), _ = story.NATURES[letter.nature]
        return rule.Writing(
            author_role=self._role(letter.author),
            author_address=_claimed(letter, from_names[0]) if from_names else "",
            recipient_role=self._role(reader),
            is_automatic=rule.is_automatic(
                _claimed(letter, reverse_path), auto_submitted, precedence, is_report
            ),
            closes_by_subject=rule.closes_by_subject(letter.subject),
            closes_by_field=letter.field is not None and rule.closes_by_field(letter.field),
            reply_to=rule.reply_to_mailboxes(self._candidates(letter, reader)),
            delivered=arrives,
        )

    def _candidates(self, letter: story.Letter, reader: str) -> list[object]:
        candidates = []
        for named in story.REPLY_TO[letter.reply_to]:
            name = reader if named == "reader" else named or letter.author
            # Another operator may well know a professional there; the space does not trust it.
            known = self.policies.people.Role.PROFESSIONAL if name == story.OUTSIDE else None
            candidates.append(
                self.policies.first_contact.ReplyToCandidate(
                    address=story.address(name),
                    role=known or self._role(name),
                    domain_is_trusted=name != story.OUTSIDE,
                )
            )
        return candidates


def _answer(verdict: object) -> str | None:
    reason = getattr(verdict, "reason", None)
    return None if reason is None else reason.name


def _claimed(letter: story.Letter, name: str | None) -> str | None:
    if name is None:
        return None
    return story.address(letter.author if name == story.ME else story.forged_name(letter.author))
