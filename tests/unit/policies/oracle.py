"""What ought to happen, written a second time and simply, without asking ``policies``."""

from tests.unit.policies import story


class Oracle:
    """Remembers who opened an exchange with whom, and says what each answer must be."""

    def __init__(self) -> None:
        self.opened: set[tuple[str, str]] = set()
        self.closed: set[tuple[str, str]] = set()
        self.standing = dict.fromkeys(story.ROLES, "ACTIVE")

    def delivered(self, letter: story.Letter, reader: str) -> None:
        """A letter reached the mailbox of ``reader``."""
        (_, is_automatic) = story.NATURES[letter.nature]
        is_from_professional = letter.author in story.PROFESSIONALS
        if not is_from_professional or reader not in story.PATIENTS:
            return
        if is_automatic or letter.claim == "null reverse-path":
            return
        if story.SUBJECTS[letter.subject] or story.FIELDS[letter.field]:
            self.opened.discard((reader, letter.author))
            self.closed.add((reader, letter.author))
            return
        for name in story.GRANTED[letter.reply_to] or (None,):
            self.opened.add((reader, name or letter.author))
            self.closed.discard((reader, name or letter.author))

    def may_reach(self, patient: str, professional: str) -> bool:
        """THE rule: the professional opened, or is a pharmacy and did not close."""
        pair = (patient, professional)
        if pair in self.closed:
            return False
        return pair in self.opened or professional in story.TAKES_FIRST_WORD

    def receives(self, name: str) -> bool:
        return name in self.standing and story.STANDINGS[self.standing[name]]

    def at_rcpt(self, letter: story.Letter, reader: str, accepted: int) -> str | None:
        """The reason that must be given for this recipient, or None."""
        if not story.STANDINGS[self.standing[letter.author]]:
            return "ACCOUNT_SUSPENDED"
        if self._is_reverse_path_refused(letter):
            return "SENDER_NOT_YOURS"
        if reader == story.OUTSIDE:
            return "DOMAIN_OUTSIDE"
        if letter.author in story.PATIENTS:
            objection = self._to(letter.author, reader)
        elif reader == story.MALFORMED_PATIENT:
            objection = "INS_MALFORMED"
        elif reader in story.AT_PATIENT_DOMAIN and not self.receives(reader):
            objection = "PATIENT_UNREACHABLE"
        else:
            objection = None
        if objection is None and reader == story.NOBODY:
            objection = "RECIPIENT_UNKNOWN"
        if objection is None and not self.receives(reader):
            objection = "RECIPIENT_UNAVAILABLE"
        if objection is None and accepted >= story.RECIPIENT_LIMIT:
            objection = "TOO_MANY_RECIPIENTS"
        return objection

    def at_commit(self, letter: story.Letter, readers: list[str]) -> str | None:
        """The reason that must be given for the whole message, or None."""
        if not story.STANDINGS[self.standing[letter.author]]:
            return "ACCOUNT_SUSPENDED"
        if self._is_reverse_path_refused(letter):
            return "SENDER_NOT_YOURS"
        if letter.claim in story.MALFORMED_CLAIMS:
            return "FROM_MALFORMED"
        if letter.claim in story.FORGED_CLAIMS:
            return "FROM_NOT_YOURS"
        if letter.author not in story.PATIENTS:
            return None
        if story.AT_PATIENT_DOMAIN.intersection(readers):
            return "PATIENT_TO_PATIENT"
        objections = {self._to(letter.author, reader) for reader in readers}
        if letter.forgets or "NOT_YET_CONTACTED" in objections:
            return "NOT_YET_CONTACTED"
        return "EXCHANGE_CLOSED" if "EXCHANGE_CLOSED" in objections else None

    def _is_reverse_path_refused(self, letter: story.Letter) -> bool:
        is_null_by_patient = letter.claim == "null reverse-path" and letter.author in story.PATIENTS
        return is_null_by_patient or letter.claim in story.FORGED_REVERSE_PATH

    def _to(self, patient: str, reader: str) -> str | None:
        if reader in story.AT_PATIENT_DOMAIN:
            return "PATIENT_TO_PATIENT"
        if self.may_reach(patient, reader):
            return None
        return "EXCHANGE_CLOSED" if (patient, reader) in self.closed else "NOT_YET_CONTACTED"
