"""Fields as people write them → a :class:`NewPerson`; a CSV file → one outcome per line.

One set of checks for the operator's form and for a file. National extractions are read as they come
(domain OP-20): French headings, ``,`` ``;`` tab or ``|`` between columns, several lines for one
RPPS, no structure. A line that cannot be used is refused by itself, with its number and the reason;
a reason never repeats what stood in the line.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from mss_gateway.config import Config
from mss_gateway.directory.ins import normal_ins
from mss_gateway.directory.people import BOX_ROLES, NewPerson, Traits
from mss_gateway.message.address import AddressMalformed, parse_address
from mss_gateway.message.words import display_safe
from policies.people import Role, Standing

NAME_LIMIT = 64
"""Characters of a name, an entity, a profession or a number of a structure at most."""

SMIME = ("gateway", "client")
SENT_COPY = ("client", "server")

_YES = frozenset({"1", "yes", "true", "oui", "vrai", "o", "y"})
_NO = frozenset({"", "0", "no", "false", "non", "faux", "n"})
_DELIMITERS = ",;\t|"
_RPPS = re.compile(r"8?([0-9]{11})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# INS-NIR, INS-NIA, then the same two for tests (domain DOC-18); a NIA begins with 7 or 8 (ID-03)
_OIDS = {
    (False, False): "1.2.250.1.213.1.4.8",
    (True, False): "1.2.250.1.213.1.4.9",
    (False, True): "1.2.250.1.213.1.4.10",
    (True, True): "1.2.250.1.213.1.4.11",
}


class FieldRefused(ValueError):
    """A field cannot be used; the text names it and says what is wanted."""


class FileRefused(ValueError):
    """The file as a whole cannot be read as a list of people."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: our heading, those of national extractions, what it holds."""

    name: str
    aliases: tuple[str, ...]
    meaning: str


COLUMNS = (
    Column("type", ("type de bal",), "PER, ORG, APP, CAB or PAT; PER when empty"),
    Column("address", ("adresse bal",), "the address; for PAT empty: it is made from the INS"),
    Column("title", ("civilite d exercice", "civilite"), "Dr, Pr…"),
    Column("given_name", ("prenom d exercice", "prenom"), "given name; needed for PER and PAT"),
    Column("family_name", ("nom d exercice", "nom"), "family name; for PAT the birth name"),
    Column("entity", ("raison sociale structure bal", "raison sociale"), "needed for ORG and APP"),
    Column("rpps", ("identifiant pp", "identification nationale pp"), "11 digits, or 8 before"),
    Column(
        "structure",
        ("identification structure", "identifiant structure"),
        "FINESS, SIRET… of the structure",
    ),
    Column("profession", ("libelle profession", "profession"), "profession"),
    Column("ins", (), "for PAT: 13 characters and the key of 2"),
    Column("birth_date", (), "for PAT: YYYY-MM-DD"),
    Column("sex", (), "for PAT: M or F"),
    Column("smime", (), "gateway (default)"),
    Column("sent_copy", (), "client or server: who files a copy of what is sent"),
    Column("accepts_patient_initiated", (), "yes for a pharmacy that patients may write to first"),
    Column("unlisted", ("liste rouge",), "yes keeps the mailbox out of the directory"),
)
"""THE table of columns. Other columns of a file are passed over, and named in the report."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A line that may become a mailbox; ``doubts`` is what an operator should look at."""

    line: int
    person: NewPerson
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same holder and address as an earlier line, ``first``: nothing to do."""

    line: int
    first: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that cannot be used, and why."""

    line: int
    why: str


Outcome = Accepted | Repeated | Rejected


@dataclass(frozen=True, slots=True)
class Reading:
    """An open file: the headings that mean nothing to us, and the outcomes as they are read."""

    ignored: tuple[str, ...]
    outcomes: Iterator[Outcome]


def read(lines: Iterable[str], config: Config) -> Reading:
    """Read a CSV with a heading. Raises :class:`FileRefused` when the heading is not usable.

    ``lines`` come from a file opened with ``newline=""`` and ``errors="surrogateescape"``: a line
    that is not UTF-8 is refused by itself.
    """
    source = iter(lines)
    heading = next(source, "").lstrip("\ufeff")
    if not heading.strip():
        raise FileRefused("the file is empty: the first line names the columns")
    delimiter = max(_DELIMITERS, key=heading.count)
    headings = next(csv.reader([heading], delimiter=delimiter))
    columns, ignored = _match(headings)
    if not {"address", "ins"} & set(columns):
        raise FileRefused("no column named address or ins on the first line")
    return Reading(ignored, _outcomes(source, delimiter, columns, config))


def new_person(fields: Mapping[str, str], config: Config) -> NewPerson:
    """A person of these fields (names of :data:`COLUMNS`); raises :class:`FieldRefused`."""
    box_type = fields.get("type", "").strip().upper() or "PER"
    if box_type not in BOX_ROLES:
        raise FieldRefused(f"type: one of {', '.join(BOX_ROLES)}")
    role = BOX_ROLES[box_type]
    traits = _traits(fields, role, config)
    address = _address(fields, role, traits, config)
    _check_names(box_type, traits)
    accepts = _flag(fields, "accepts_patient_initiated")
    if role is Role.PATIENT and accepts:
        raise FieldRefused("accepts_patient_initiated: not for a patient")
    return NewPerson(
        address=address,
        box_type=box_type,
        traits=traits,
        smime=_choice(fields, "smime", SMIME, "gateway"),
        sent_copy=_choice(fields, "sent_copy", SENT_COPY, _default_copy(role)),
        accepts_patient_initiated=accepts,
        is_unlisted=_flag(fields, "unlisted"),
        standing=Standing.CREATED if role is Role.PATIENT else Standing.ACTIVE,
    )


def doubts(person: NewPerson) -> tuple[str, ...]:
    """What is unusual but not refused: published examples themselves break the key (ID-05)."""
    rpps = person.traits.rpps
    return ("rpps: the last digit is not the expected key",) if rpps and not _luhn(rpps) else ()


def patient_address(ins: str, config: Config) -> str:
    """The address of the patient with this INS, which is in normal form."""
    return f"{ins.lower()}@{config.site.patient_domain}"


def _match(headings: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Our name of each heading ("" for those passed over), and the headings passed over."""
    names = {known: column.name for column in COLUMNS for known in (column.name, *column.aliases)}
    matched: list[str] = []
    ignored: list[str] = []
    for heading in headings:
        name = names.get(heading.strip()) or names.get(_plain(heading), "")
        if not name or name in matched:
            ignored.append(display_safe(heading, NAME_LIMIT))
            name = ""
        matched.append(name)
    return matched, tuple(ignored)


def _plain(heading: str) -> str:
    """A heading without accents, apostrophes and capitals: « Prénom d'exercice » as one form."""
    decomposed = unicodedata.normalize("NFKD", heading.casefold())
    bare = "".join(one for one in decomposed if not unicodedata.combining(one))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare).split())


def _outcomes(
    source: Iterator[str], delimiter: str, columns: list[str], config: Config
) -> Iterator[Outcome]:
    seen: dict[str, tuple[int, NewPerson]] = {}
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Rejected(line, f"not a line of CSV: {error}")
            continue
        if any(cell.strip() for cell in cells):
            yield _outcome(line, cells, columns, config, seen)


def _outcome(
    line: int,
    cells: list[str],
    columns: list[str],
    config: Config,
    seen: dict[str, tuple[int, NewPerson]],
) -> Outcome:
    if any(cells[len(columns) :]):
        return Rejected(line, f"{len(cells)} cells under {len(columns)} columns")
    if any("\ud800" <= char <= "\udfff" for cell in cells for char in cell):
        return Rejected(line, "not UTF-8")
    # a short line has nothing in its last columns
    fields = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    try:
        person = new_person(fields, config)
    except FieldRefused as refused:
        return Rejected(line, str(refused))
    first, known = seen.setdefault(person.address, (line, person))
    if first == line:
        return Accepted(line, person, doubts(person))
    if _holder(known) != _holder(person):
        return Rejected(line, f"the address of line {first}, for another holder")
    return Repeated(line, first)


def _holder(person: NewPerson) -> tuple[str, ...]:
    """Who it is; a professional has a line per activity, which differ in the rest."""
    traits = person.traits
    if traits.rpps:
        return (person.box_type, traits.rpps)
    return (person.box_type, traits.ins, traits.family_name, traits.given_name, traits.entity)


def _traits(fields: Mapping[str, str], role: Role, config: Config) -> Traits:
    is_patient = role is Role.PATIENT
    for name in ("ins", "birth_date", "sex"):
        if is_patient != bool(fields.get(name, "").strip()):
            raise FieldRefused(f"{name}: needed for a patient, and only then")
    ins = _ins(fields["ins"]) if is_patient else ""
    return Traits(
        title=_line(fields, "title"),
        given_name=_line(fields, "given_name"),
        family_name=_line(fields, "family_name"),
        entity=_line(fields, "entity"),
        rpps=_rpps(fields, role),
        structure=_line(fields, "structure"),
        profession=_line(fields, "profession"),
        ins=ins,
        ins_oid=_OIDS[ins[0] in "78", config.identity.accept_test_ins] if ins else "",
        sex=_choice(fields, "sex", ("M", "F"), "") if is_patient else "",
        birth_date=_birth_date(fields["birth_date"]) if is_patient else "",
    )


def _check_names(box_type: str, traits: Traits) -> None:
    """What a display name is made of (domain OP-22)."""
    needed = {
        "PER": ("given_name", "family_name"),
        "PAT": ("given_name", "family_name"),
        "CAB": ("family_name",),
        "ORG": ("entity",),
        "APP": ("entity",),
    }[box_type]
    for name in needed:
        # a practice may go by the name of its structure
        if not getattr(traits, name) and not (box_type == "CAB" and traits.entity):
            raise FieldRefused(f"{name}: needed for {box_type}")


def _address(fields: Mapping[str, str], role: Role, traits: Traits, config: Config) -> str:
    given = fields.get("address", "").strip()
    made = patient_address(traits.ins, config) if role is Role.PATIENT else ""
    if not given and made:
        return made
    try:
        address = parse_address(given)
    except AddressMalformed:
        raise FieldRefused("address: not an address like name@domain") from None
    if made and str(address) != made:
        raise FieldRefused("address: a patient's address is made from the INS; leave it out")
    if not made and address.domain not in config.site.domains:
        raise FieldRefused("address: the domain is none of site.domains")
    return str(address)


def _line(fields: Mapping[str, str], name: str) -> str:
    text = unicodedata.normalize("NFC", fields.get(name, "").strip())
    if len(text) > NAME_LIMIT:
        raise FieldRefused(f"{name}: at most {NAME_LIMIT} characters")
    if display_safe(text, NAME_LIMIT) != text:
        raise FieldRefused(f"{name}: control, invisible or doubled blank characters")
    return text


def _rpps(fields: Mapping[str, str], role: Role) -> str:
    text = re.sub(r"\s", "", fields.get("rpps", ""))
    if not text:
        return ""
    found = _RPPS.fullmatch(text)
    if found is None or role is not Role.PROFESSIONAL:
        raise FieldRefused("rpps: 11 digits, for a professional")
    return found[1]


def _ins(text: str) -> str:
    ins = normal_ins(text)
    if ins is None:
        raise FieldRefused("ins: 13 characters and a right key of 2")
    return ins


def _birth_date(text: str) -> str:
    try:
        if _DATE.fullmatch(text.strip()) is None:
            raise ValueError
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise FieldRefused("birth_date: a date as YYYY-MM-DD") from None


def _choice(fields: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    text = fields.get(name, "").strip() or default
    if text not in choices:
        raise FieldRefused(f"{name}: {' or '.join(choices)}")
    return text


def _flag(fields: Mapping[str, str], name: str) -> bool:
    text = fields.get(name, "").strip().casefold()
    if text not in _YES | _NO:
        raise FieldRefused(f"{name}: yes or no")
    return text in _YES


def _default_copy(role: Role) -> str:
    """Patients write in the webmail, which files nothing itself."""
    return "server" if role is Role.PATIENT else "client"


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(int(one) for one in reversed(digits)):
        doubled = digit * 2 if position % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
