"""What was raised → an exit code and one line that says what to do. Imported only when needed."""

from collections.abc import Callable

from certs.errors import CannotOpen, CertsError
from certs.issuing.issue import OutsideRealm
from certs.issuing.requests import RequestRefused
from certs.pkcs12 import Pkcs12Refused
from mailbox_store.errors import BlobAltered, StoreError
from mss_gateway.cli.answers import NotDone
from mss_gateway.config import ConfigRefused
from mss_gateway.directory.certificates import (
    CertificateAmbiguous,
    CertificateKept,
    CertificateRefused,
    CertificateUnknown,
)
from mss_gateway.directory.enrolment import RequestUnknown
from mss_gateway.directory.importing import FieldRefused, FileRefused
from mss_gateway.directory.people import PersonExists
from mss_gateway.directory.trust import AnchorRefused

REFUSED, USAGE, SYSTEM = 1, 2, 3

Sentence = Callable[[Exception], str]


def _own_words(error: Exception) -> str:
    return str(error)


def _first_line(error: Exception) -> str:
    # the database's own text goes on with the statement and its values
    return str(error).partition("\n")[0]


def _file(error: Exception) -> str:
    assert isinstance(error, OSError)
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)


KNOWN: tuple[tuple[type[Exception], int, Sentence], ...] = (
    (NotDone, REFUSED, _own_words),
    (FieldRefused, REFUSED, _own_words),
    (FileRefused, REFUSED, _own_words),
    (PersonExists, REFUSED, lambda _: "this address is taken, and never given again"),
    (
        CertificateAmbiguous,
        REFUSED,
        lambda _: "several issuers gave this serial number: say the fingerprint",
    ),
    (CertificateUnknown, REFUSED, lambda _: "no such certificate; see `mss certs list`"),
    (CertificateKept, REFUSED, lambda error: f"it is here already: `mss certs show {error}`"),
    (CertificateRefused, REFUSED, _own_words),
    (RequestUnknown, REFUSED, lambda _: "no such request waits; see `mss certs requests`"),
    (RequestRefused, REFUSED, _own_words),
    (Pkcs12Refused, REFUSED, _own_words),
    (AnchorRefused, REFUSED, _own_words),
    (
        OutsideRealm,
        REFUSED,
        lambda _: (
            "the authority may not vouch for this name (its name constraints, see `mss certs"
            " authority`): `mss certs authority-init --replace` makes one that may"
        ),
    ),
    (FileExistsError, REFUSED, lambda error: f"{_file(error)}: choose another name"),
    (ConfigRefused, SYSTEM, _own_words),
    (BlobAltered, SYSTEM, lambda error: f"{error}: run `mss store verify`"),
    (StoreError, SYSTEM, lambda error: f"the store took nothing ({_first_line(error)})"),
    (CannotOpen, SYSTEM, lambda _: "a sealed value does not open: is this the right root key?"),
    (CertsError, SYSTEM, lambda error: f"{type(error).__name__}: {error}"),
    (OSError, SYSTEM, _file),
)
"""In this order: the first row that fits answers."""


def explain(error: Exception) -> tuple[int, str]:
    """The exit code and the line; something unforeseen is named by its class and place."""
    for kind, code, sentence in KNOWN:
        if isinstance(error, kind):
            return code, sentence(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "nowhere"
    if trace is not None:
        where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
    return SYSTEM, f"unforeseen {type(error).__name__} at {where}; please report it"
