"""The MIME side of S/MIME: RFC 8551 §3, RFC 1847 §2.1. Signing and sealing are handed in.

The Content fields of a message move into the entity that is protected, every other field stays
outside, in order (``header_protection`` puts a copy inside as well). CMS counts only as the whole
of a message: deeper it is an attachment, never opened (T21, T23).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from mss_gateway.message.base64_lines import base64_lines as base64_lines
from mss_gateway.message.base64_lines import base64_pieces, gather
from mss_gateway.message.boundaries import new_boundary
from mss_gateway.message.entities import assemble as assemble
from mss_gateway.message.entities import replace_content as replace_content
from mss_gateway.message.entities import split
from mss_gateway.message.header_protection import conceal
from mss_gateway.message.layers import LAYERS as LAYERS
from mss_gateway.message.layers import Layer as Layer
from mss_gateway.message.layers import Pkcs7 as Pkcs7
from mss_gateway.message.layers import SignedEntity as SignedEntity
from mss_gateway.message.layers import find_pkcs7 as find_pkcs7
from mss_gateway.message.layers import find_signed as find_signed
from mss_gateway.message.layers import layer as layer
from mss_gateway.message.layers import layers as layers

MICALG: Final = frozenset({"sha-256", "sha-384", "sha-512"})
"""Digests we sign with, by the names of RFC 8551 §3.5.3.2."""

Octets = bytes | Sequence[bytes]
"""Bytes, or the pieces they are made of: what a streaming encoder gives costs no copy more."""


def wrap_signed(
    raw: bytes,
    sign: Callable[[bytes], Octets],
    micalg: str = "sha-256",
    *,
    opaque: bool = False,
) -> bytes:
    """``raw`` signed by ``sign``: multipart/signed, or ``opaque`` (RFC 8551 §3.5).

    ``sign`` gets the exact bytes of the inner entity and returns signed-data in DER, detached or
    around its content. A message of 20 MB is copied twice. Raises MessageMalformed for an
    unreadable header, ValueError for a ``micalg`` that we do not sign with.
    """
    outer, inner = split(raw)
    return signed_entity(inner, sign, micalg, opaque=opaque, outer=outer)


def signed_entity(
    inner: bytes,
    sign: Callable[[bytes], Octets],
    micalg: str = "sha-256",
    *,
    opaque: bool = False,
    outer: bytes = b"",
) -> bytes:
    """The entity ``inner`` signed, the fields ``outer`` before it; see ``wrap_signed``."""
    return gather(chain((outer,), _signed(inner, sign, micalg, opaque)))


def wrap_enveloped(
    raw: bytes,
    seal: Callable[[bytes], Octets],
    *,
    authenticated: bool = False,
    outer_subject: str | None = None,
) -> bytes:
    """``raw`` with its whole content sealed by ``seal``, which returns its DER (RFC 8551 §3.3).

    ``authenticated`` tells authEnveloped-data (RFC 8551 §3.4) from enveloped-data. The outer
    header keeps every field that is not a Content field; ``outer_subject`` conceals its Subject,
    Keywords and Comments where the content has protected ones, see ``header_protection.conceal``.
    """
    outer, inner = split(raw)
    if outer_subject is not None:
        outer = conceal(outer, inner, outer_subject)
    der = seal(inner)
    del inner  # 20 MB that nobody reads again while as much is encoded
    return gather(chain((outer,), _envelope(der, authenticated)))


def enveloped_entity(
    inner: bytes,
    seal: Callable[[bytes], Octets],
    *,
    authenticated: bool = False,
    outer: bytes = b"",
) -> bytes:
    """The entity ``inner`` sealed, the fields ``outer`` before it."""
    return gather(chain((outer,), _envelope(seal(inner), authenticated)))


def wrap_certs_only(outer: bytes, der: bytes) -> bytes:
    """A message with the fields ``outer`` that carries certificates and no text (RFC 8551 §3.8)."""
    return gather(chain((outer,), _pkcs7("certs-only", "smime.p7c", der)))


def _signed(
    inner: bytes, sign: Callable[[bytes], Octets], micalg: str, opaque: bool
) -> Iterator[bytes]:
    if micalg not in MICALG:
        raise ValueError("not a digest that we sign with")
    signature = sign(inner)
    if opaque:
        return _pkcs7("signed-data", "smime.p7m", signature)
    boundary = new_boundary()
    head = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b"\tmicalg=%b;\r\n"
        b'\tboundary="%b"\r\n'
        b"\r\n"
        b"This is an S/MIME signed message\r\n"
        b"\r\n"
        b"--%b\r\n" % (micalg.encode("ascii"), boundary, boundary)
    )
    between = (
        b"\r\n--%b\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n'
        b"\r\n" % boundary
    )
    end = b"\r\n--%b--\r\n" % boundary
    return chain((head, inner, between), base64_pieces(signature), (end,))


def _envelope(der: Octets, authenticated: bool) -> Iterator[bytes]:
    smime_type = "authEnveloped-data" if authenticated else "enveloped-data"
    return _pkcs7(smime_type, "smime.p7m", der)


def _pkcs7(smime_type: str, name: str, der: Octets) -> Iterator[bytes]:
    head = (
        f"Content-Type: application/pkcs7-mime; smime-type={smime_type};\r\n"
        f'\tname="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n'
        "\r\n"
    )
    return chain((head.encode("ascii"),), base64_pieces(der))
