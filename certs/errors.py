"""What can be missing or wrong with keys, certificates and CMS; ``life`` finds the failure for it.

The reasons are closed lists: they are audit values and metric labels, and never hold a name.
"""

from enum import Enum


class CertsError(Exception):
    """Base of everything that this package raises on purpose."""


class RootKeyRefused(CertsError):
    """The root key file is readable by others, is not a root key, or has an unknown version."""


class AlreadySealed(CertsError):
    """An object key seals one content, once: sealing again would repeat its nonces."""


class PrivateKeyNotFound(CertsError):
    """No private key where one was expected, or it does not belong to its certificate."""


class DerMalformed(CertsError):
    """The bytes are not the DER (or bounded BER) that was expected."""


class AlgorithmRefused(CertsError):
    """An algorithm, parameter or key size outside ``algorithms.TABLE``; the text names it."""


class NotFoundReason(Enum):
    """Why the book has no certificate to offer."""

    NONE_KNOWN = "none_known"
    OTHER_ADDRESS = "other_address"
    OTHER_USAGE = "other_usage"
    NOT_VALID_NOW = "not_valid_now"


class CertificateNotFound(CertsError):
    """The book has no certificate that fits; ``reason`` is the nearest miss."""

    def __init__(self, reason: NotFoundReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class ChainReason(Enum):
    """Why a certificate is not believed."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_PURPOSE = "wrong_purpose"
    WRONG_KEY_USAGE = "wrong_key_usage"
    KEY_TOO_WEAK = "key_too_weak"
    NO_PATH = "no_path"
    REVOKED = "revoked"
    REVOCATION_UNKNOWN = "revocation_unknown"
    ISSUER_REFUSED = "issuer_refused"
    PATH_LENGTH = "path_length"
    NAME_CONSTRAINTS = "name_constraints"
    POLICY = "policy"
    CRITICAL_EXTENSION = "critical_extension"


class ChainRejected(CertsError):
    """The certificate leads to no trust anchor for this purpose at this time."""

    def __init__(self, reason: ChainReason, cause: str = "") -> None:
        super().__init__(f"{reason.value}: {cause}" if cause else reason.value)
        self.reason = reason


class SignatureReason(Enum):
    """Why signed-data is not believed."""

    MALFORMED = "malformed"
    TOO_BIG = "too_big"
    NOT_SIGNED_DATA = "not_signed_data"
    CONTENT_TYPE = "content_type"
    CONTENT_TWICE = "content_twice"
    CONTENT_MISSING = "content_missing"
    NO_SIGNER = "no_signer"
    SEVERAL_SIGNERS = "several_signers"
    TOO_MANY_CERTIFICATES = "too_many_certificates"
    CERTIFICATE_MALFORMED = "certificate_malformed"
    SIGNER_CERTIFICATE_MISSING = "signer_certificate_missing"
    SIGNER_CERTIFICATE_AMBIGUOUS = "signer_certificate_ambiguous"
    SIGNER_CERTIFICATE_NOT_BOUND = "signer_certificate_not_bound"
    ATTRIBUTES_MISSING = "attributes_missing"
    ATTRIBUTES_MALFORMED = "attributes_malformed"
    ATTRIBUTE_DUPLICATED = "attribute_duplicated"
    ALGORITHM_REFUSED = "algorithm_refused"
    KEY_TOO_WEAK = "key_too_weak"
    DIGEST_MISMATCH = "digest_mismatch"
    SIGNATURE_WRONG = "signature_wrong"


class SignatureRejected(CertsError):
    """The signed-data proves nothing; ``reason`` says why."""

    def __init__(self, reason: SignatureReason, cause: str = "") -> None:
        super().__init__(f"{reason.value}: {cause}" if cause else reason.value)
        self.reason = reason


class OpenReason(Enum):
    """Why something stays closed. What depends on a secret has the one word ``ALTERED``."""

    MALFORMED = "malformed"
    TOO_BIG = "too_big"
    NOT_ENVELOPED_DATA = "not_enveloped_data"
    ALGORITHM_REFUSED = "algorithm_refused"
    NOT_FOR_US = "not_for_us"
    ALTERED = "altered"


class CannotOpen(CertsError):
    """Enveloped or sealed bytes do not open.

    ``recipients`` names, as ``serial:hex`` or ``ski:hex``, those for whom the envelope was
    closed (``NOT_FOR_US``) or those of our keys that were tried (``ALTERED``).
    """

    def __init__(self, reason: OpenReason, recipients: tuple[str, ...] = ()) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.recipients = recipients


class OcspReason(Enum):
    """Why an answer proves nothing."""

    MALFORMED = "malformed"
    TOO_BIG = "too_big"
    NOT_SUCCESSFUL = "not_successful"
    OTHER_CERTIFICATE = "other_certificate"
    OTHER_NONCE = "other_nonce"
    RESPONDER_UNKNOWN = "responder_unknown"
    RESPONDER_NOT_AUTHORISED = "responder_not_authorised"
    RESPONDER_REVOKED = "responder_revoked"
    ALGORITHM_REFUSED = "algorithm_refused"
    SIGNATURE_WRONG = "signature_wrong"
    CRITICAL_EXTENSION = "critical_extension"
    NOT_YET = "not_yet"
    STALE = "stale"
    STATUS_UNKNOWN = "status_unknown"


class OcspRefused(CertsError):
    """The answer proves nothing; ``reason`` says why."""

    def __init__(self, reason: OcspReason, cause: str = "") -> None:
        super().__init__(f"{reason.value}: {cause}" if cause else reason.value)
        self.reason = reason
