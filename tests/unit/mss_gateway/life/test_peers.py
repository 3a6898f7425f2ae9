"""Whose domain it is: patients' by its name, wherever the name stands."""

from dataclasses import replace

import pytest

from mss_gateway.life import peers
from tests.support.smtp_site import Site


@pytest.mark.parametrize(
    ("domain", "is_theirs"),
    [
        ("patient.mss.example", True),
        ("patient.ville.example", True),
        ("patient.mssante.fr", True),
        # no such domain is known in the field: what would let a patient write first is not believed
        ("x.patient.ville.example", True),
        ("x.patient.mss.example", True),
        ("a.b.patient.ville.example", True),
        ("mss.example", False),
        ("ville.example", False),
        ("patients.ville.example", False),
        ("patient-ville.example", False),
        ("xpatient.mss.example", False),
        ("ville.patient", False),
        ("", False),
    ],
)
def test_a_domain_is_patients_by_a_label_of_its_own(
    domain: str, is_theirs: bool, site: Site
) -> None:
    assert peers.is_patients(site.gateway, domain) is is_theirs


@pytest.mark.parametrize(
    ("domain", "is_theirs"),
    [
        ("usagers.ville.example", True),
        ("x.usagers.ville.example", True),
        ("espace.mss.example", True),
        ("x.espace.mss.example", True),
        ("patient.ville.example", False),
        ("usagers.mss.example", False),  # ours, and of professionals: the configuration says so
    ],
)
def test_another_label_and_our_own_names_come_from_the_configuration(
    domain: str, is_theirs: bool, site: Site
) -> None:
    config = site.gateway.config
    named = replace(
        config,
        site=replace(
            config.site,
            domains=("mss.example", "usagers.mss.example"),
            patient_domain="espace.mss.example",
        ),
        whitelist=replace(config.whitelist, patient_label="usagers"),
    )
    gateway = replace(site.gateway, config=named)
    assert peers.is_patients(gateway, domain) is is_theirs
