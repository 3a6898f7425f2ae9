"""A key pair that only receives: somebody to whom things are encrypted, who signs nothing.

Its certificate is signed by itself, because whoever uses it was given it by hand.
"""

from datetime import datetime, timedelta

from certs.certificate import Certificate
from certs.issuing import drafts, profiles
from certs.keyring import PrivateKey


def new_receiver(name: str, now: datetime, years: int) -> tuple[PrivateKey, Certificate]:
    """Draw a P-384 key and certify it under ``name``, valid ``years`` from ``now`` (aware)."""
    key = PrivateKey.generate("p384")
    subject = profiles.subject(None, name)
    draft = (
        drafts.certificate(subject, subject, key.public_key, key.public_key)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365 * years))
        .add_extension(profiles.key_usage(agree=True), critical=True)
    )
    return key, key.sign_certificate(draft)
