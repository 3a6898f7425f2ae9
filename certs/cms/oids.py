"""The object identifiers of CMS structures, as DER elements ready to be compared or written."""

from certs.cms import der

_PKCS7 = "1.2.840.113549.1.7"
_PKCS9 = "1.2.840.113549.1.9"

ID_DATA = der.oid(f"{_PKCS7}.1")
ID_SIGNED_DATA = der.oid(f"{_PKCS7}.2")
ID_ENVELOPED_DATA = der.oid(f"{_PKCS7}.3")

CONTENT_TYPE = der.oid(f"{_PKCS9}.3")
MESSAGE_DIGEST = der.oid(f"{_PKCS9}.4")
SIGNING_TIME = der.oid(f"{_PKCS9}.5")
CAPABILITIES = der.oid(f"{_PKCS9}.15")
SIGNING_CERTIFICATE_V2 = der.oid(f"{_PKCS9}.16.2.47")

MGF1 = der.oid("1.2.840.113549.1.1.8")

ID_AUTH_ENVELOPED_DATA = der.oid(f"{_PKCS9}.16.1.23")
P_SPECIFIED = der.oid("1.2.840.113549.1.1.9")
EC_PUBLIC_KEY = der.oid("1.2.840.10045.2.1")
X25519 = der.oid("1.3.101.110")
