"""The people of the demo: invented, but one: the national test identity of the examples."""

from mss_gateway.directory.people import NewPerson, Traits

DOMAIN = "mss.example"
PATIENT_DOMAIN = "patient.mss.example"
TOWN_DOMAIN = "ville.example"
TOWN_PATIENT_DOMAIN = "patient.ville.example"

ROLES = {
    "PER": "professional",
    "CAB": "professional",
    "ORG": "organisation",
    "APP": "application",
    "PAT": "patient",
}


def _professional(
    address: str,
    traits: Traits,
    box_type: str = "PER",
    smime: str = "gateway",
    domain: str = DOMAIN,
) -> NewPerson:
    return NewPerson(f"{address}@{domain}", box_type, traits, smime=smime)


def _patient(
    ins: str,
    given_name: str,
    family_name: str,
    sex: str,
    birth_date: str,
    domain: str = PATIENT_DOMAIN,
) -> NewPerson:
    traits = Traits(
        given_name=given_name,
        family_name=family_name,
        ins=ins,
        ins_oid="1.2.250.1.213.1.4.10",
        ins_status="qualifiee",
        sex=sex,
        birth_date=birth_date,
    )
    return NewPerson(f"{ins.lower()}@{domain}", "PAT", traits, sent_copy="server")


PEOPLE = (
    _professional(
        "claire.martin",
        Traits("Dr", "Claire", "Martin", rpps="10000000017", profession="Médecin généraliste"),
    ),
    _professional(
        "paul.bernard",
        Traits("Dr", "Paul", "Bernard", rpps="10000000025", profession="Cardiologue"),
        smime="client",
    ),
    _professional(
        "sophie.laurent",
        Traits("Dr", "Sophie", "Laurent", rpps="10000000033", profession="Biologiste"),
    ),
    _professional(
        "hugo.petit", Traits("", "Hugo", "Petit", rpps="10000000041", profession="Infirmier")
    ),
    _professional(
        "secretariat", Traits(entity="Cabinet médical des Tilleuls", structure="990000017"), "ORG"
    ),
    NewPerson(
        f"pharmacie@{DOMAIN}",
        "ORG",
        Traits(entity="Pharmacie de la Gare", structure="990000025"),
        accepts_patient_initiated=True,
    ),
    _patient("279035121518989", "Dominique Marie-Louise", "PAT-TROIS", "F", "1979-03-28"),
    _patient("146026322000196", "Marcel", "Fontaine", "M", "1946-02-11"),
    _patient("255069999999934", "Odile", "Garnier", "F", "1955-06-19"),
)
"""In this order: the first professional writes the demo's first message to the first patient."""

TOWN_PEOPLE = (
    _professional(
        "nadia.benali",
        Traits("Dr", "Nadia", "Benali", rpps="10000000058", profession="Pneumologue"),
        domain=TOWN_DOMAIN,
    ),
    _professional(
        "yves.leroy",
        Traits("", "Yves", "Leroy", rpps="10000000066", profession="Masseur-kinésithérapeute"),
        domain=TOWN_DOMAIN,
    ),
    _professional(
        "resultats",
        Traits(entity="Laboratoire du Port", structure="990000033"),
        "APP",
        domain=TOWN_DOMAIN,
    ),
    _patient("158069999999340", "Henri", "Morel", "M", "1958-06-17", TOWN_PATIENT_DOMAIN),
    _patient("284039999999128", "Aline", "Dupuy", "F", "1984-03-09", TOWN_PATIENT_DOMAIN),
)
"""Those of the neighbouring operator; the demo's letter goes to the first one."""
