"""The two operators of the demo: who they are, their ports, and their configuration files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mss_gateway.cli.demo_people import PEOPLE, TOWN_PEOPLE
from mss_gateway.directory.people import NewPerson

MARKER: Final = "made-by-mss-demo"
"""The first file of a demo's folder. Without it a folder is somebody's, and is left alone."""

HOME_BASE: Final = 2500
BETWEEN: Final = 100
"""From the ports of the first operator to those of its neighbour."""


@dataclass(frozen=True, slots=True)
class DemoOperator:
    """One operator of the demo."""

    key: str
    name: str
    domain: str
    people: tuple[NewPerson, ...]
    key_kind: str = "rsa-2048"

    @property
    def patient_domain(self) -> str:
        """Of the patients."""
        return f"patient.{self.domain}"

    @property
    def domains(self) -> tuple[str, ...]:
        """All of them."""
        return self.domain, self.patient_domain


HOME: Final = DemoOperator("mss", "Opérateur de démonstration", "mss.example", PEOPLE)
TOWN: Final = DemoOperator("ville", "Opérateur de la ville", "ville.example", TOWN_PEOPLE, "p256")
OPERATORS: Final = {each.key: each for each in (HOME, TOWN)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one operator of the demo is: its state, its ports, and those of its neighbour."""

    operator: DemoOperator
    state: Path
    base_port: int

    @property
    def neighbour(self) -> "Place":
        """The other operator."""
        if self.operator is HOME:
            state = self.state.with_name(f"{self.state.name}-{TOWN.key}")
            return Place(TOWN, state, self.base_port + BETWEEN)
        state = self.state.with_name(self.state.name.removesuffix(f"-{TOWN.key}"))
        return Place(HOME, state, self.base_port - BETWEEN)

    @property
    def config_file(self) -> Path:
        """Its configuration."""
        return self.state / "config.toml"

    def mark(self) -> None:
        """Make the folder a demo's, and say whose, and where its ports are."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.state / MARKER).write_text(f"{self.operator.key} {self.base_port}\n", "ascii")

    def write_config(self) -> None:
        """Write the configuration anew: it holds nothing but this."""
        base, other = self.base_port, self.neighbour
        self.config_file.write_text(
            _CONFIG.format(
                name=self.operator.name,
                domain=self.operator.domain,
                patients=self.operator.patient_domain,
                key_kind=self.operator.key_kind,
                mx=base + 25,
                starttls=base + 87,
                tls=base + 65,
                imap=base + 43,
                imaps=base + 93,
                webmail=base + 80,
                metrics=base + 90,
                other=other.operator.domain,
                other_patients=other.operator.patient_domain,
                other_mx=other.base_port + 25,
            ),
            encoding="utf-8",
        )


def place_of(state: Path, base_port: int | None) -> Place:
    """Whose demo a folder is; a new one is the first operator's. None: the ports of last time."""
    marker = state / MARKER
    words = marker.read_text("ascii").split() if marker.exists() else []
    operator = OPERATORS.get(words[0], HOME) if words else HOME
    last = int(words[1]) if len(words) > 1 else HOME_BASE
    return Place(operator, state, base_port or (last if operator is TOWN else HOME_BASE))


_CONFIG = """\
# Written by `mss demo`; the commented config.toml of the project explains every key.
[site]
operator = "{name}"
domains = ["{domain}"]
patient_domain = "{patients}"
# told to other operators, each of which has one of its own; mail programs come to localhost
hostname = "{domain}"

[setup]
imap_host = "localhost"
submission_host = "localhost"
web_host = "localhost"

[state]
directory = "."

[listen]
submission_starttls = {starttls}
submission_tls = {tls}
imap_starttls = {imap}
imap_tls = {imaps}
webmail = {webmail}
metrics = {metrics}
mx = {mx}

[tls]
peer_anchors = "pki/peers.pem"

[revocation]
lists = "lists"

[relay]
routes = ["{other} localhost:{other_mx}", "{other_patients} localhost:{other_mx}"]
dns = false

[certificates]
key_kind = "{key_kind}"

[identity]
# the national test identity of the example documents: in a demo only
accept_test_ins = true
"""
