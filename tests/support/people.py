"""Invented people, the same ones in every test, and INS of test form.

Nobody here exists. The births are all in the department 99 (abroad) or in invented Corsican
communes, which keeps the numbers away from anyone's own. The one exception is the identity that
the national agency publishes for tests, :data:`PAT_TROIS`.
"""

from dataclasses import dataclass

DOMAIN = "mss.example"
PATIENT_DOMAIN = f"patient.{DOMAIN}"

# The letters of Corsica count as numbers, in the department's position only (CNAM, NIR format).
_CORSICA = {"2A": "19", "2B": "18"}


def ins_key(thirteen: str) -> str:
    """The two digits of control of the 13 characters of a NIR: 97 - (N mod 97), from 01 to 97."""
    if len(thirteen) != 13:
        raise ValueError(f"13 characters expected, not {len(thirteen)}")
    department = thirteen[5:7]
    number = thirteen[:5] + _CORSICA.get(department, department) + thirteen[7:]
    return f"{97 - int(number) % 97:02d}"


def ins(
    *,
    sex: int = 2,
    year: int = 79,
    month: int = 3,
    department: str = "99",
    commune: int = 999,
    order: int = 1,
) -> str:
    """A well-formed INS of 15 characters, its key right; the defaults are of no real person."""
    thirteen = f"{sex}{year:02d}{month:02d}{department}{commune:03d}{order:03d}"
    return thirteen + ins_key(thirteen)


def rpps(order: int) -> str:
    """An RPPS number of 11 digits in an unused range, its Luhn digit right."""
    ten = f"99{order:08d}"
    total = sum(
        digit if position % 2 else digit * 2 - (9 if digit > 4 else 0)
        for position, digit in enumerate(int(character) for character in reversed(ten))
    )
    return ten + str(-total % 10)


@dataclass(frozen=True, slots=True)
class InventedProfessional:
    """Somebody who cares for patients, and the one mailbox of theirs."""

    title: str
    given_name: str
    family_name: str
    address: str
    rpps: str

    @property
    def display_name(self) -> str:
        """What a reader sees in place of the address."""
        return f"{self.title} {self.given_name} {self.family_name.upper()}"


@dataclass(frozen=True, slots=True)
class InventedPatient:
    """Somebody who is cared for; ``birth_date`` as YYYY-MM-DD, ``sex`` as M or F."""

    given_name: str
    birth_name: str
    sex: str
    birth_date: str
    ins: str

    @property
    def address(self) -> str:
        """The INS before the patients' domain."""
        return f"{self.ins.lower()}@{PATIENT_DOMAIN}"


_FAMILY_NAMES = ("Martin", "Bernard", "Dubois", "Moreau", "Laurent", "Simon", "Lefèvre", "Roux")
_GIVEN_NAMES = ("Claire", "Paul", "Inès", "Hugo", "Zoé", "Émile", "Nour", "Jeanne")


def _ascii(name: str) -> str:
    return name.lower().translate(str.maketrans("àâçéèêëîïôûùüÿ", "aaceeeeiiouuuy"))


def professional(order: int = 0) -> InventedProfessional:
    """The professional number ``order``: 0 is Dr Claire Martin, 1 is Dr Paul Bernard, and on."""
    given = _GIVEN_NAMES[order % len(_GIVEN_NAMES)]
    family = _FAMILY_NAMES[order % len(_FAMILY_NAMES)]
    suffix = "" if order < len(_FAMILY_NAMES) else str(order)
    address = f"{_ascii(given)}.{_ascii(family)}{suffix}@{DOMAIN}"
    return InventedProfessional("Dr", given, family, address, rpps(order))


def patient(order: int = 0) -> InventedPatient:
    """The patient number ``order``, below 900, born abroad; women and men in turn."""
    is_woman = order % 2 == 0
    year, month = 60 + order % 40, 1 + order % 12
    return InventedPatient(
        given_name=("Camille", "Noé", "Lina", "Sacha")[order % 4],
        birth_name=("Exemple", "Modèle", "Essai", "Fictif")[order % 4],
        sex="F" if is_woman else "M",
        birth_date=f"19{year}-{month:02d}-15",
        ins=ins(sex=2 if is_woman else 1, year=year, month=month, order=100 + order),
    )


PAT_TROIS = InventedPatient(
    "DOMINIQUE MARIE-LOUISE", "PAT-TROIS", "F", "1979-03-28", "279035121518989"
)
"""The national test identity, whom the official example documents concern."""
