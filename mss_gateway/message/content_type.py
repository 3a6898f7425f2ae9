"""A parameter put on a Content-Type, the rest of it left as its sender wrote it: RFC 2045 §5.1."""

from collections.abc import Container

from mss_gateway.message.header import field_text, parse_header
from mss_gateway.message.parameters import Parameters, parameter_words, parse_parameters

_QUOTED = 200  # longer values are continued on other lines (RFC 2231 §3)


def mark_type(content: bytes, name: str, value: str, without: Container[str] = ()) -> bytes:
    """The Content fields ``content`` whose Content-Type says ``name="value"``.

    Parameters named in ``without`` go. A field that the parameter cannot be put on (a comment at
    its end, text that no reader understands) is written anew from what it was understood to say.
    """
    header = parse_header(content, 0, len(content))
    kept: list[bytes] = []
    for field_name, start, end in header.places():
        field = content[start:end]
        if field_name == "content-type":
            field = _marked(field, header.first(field_name) or b"", (name, value), without)
        kept.append(field)
    return b"".join(kept)


def _marked(field: bytes, value: bytes, mark: tuple[str, str], without: Container[str]) -> bytes:
    media_type, parameters = parse_parameters(field_text(value))
    if "/" not in media_type:  # what a reader takes it for (RFC 2045 §5.2)
        media_type, parameters = "text/plain", (("charset", "us-ascii"),)
    kept = tuple([pair for pair in parameters if pair[0] != mark[0] and pair[0] not in without])
    wanted = (*kept, mark)
    if kept == parameters:
        appended = f';\r\n\t{mark[0]}="{mark[1]}"\r\n'.encode("ascii")
        simple = field.rstrip(b"\r\n\t ;") + appended
        text = field_text(simple.partition(b":")[2].removesuffix(b"\r\n"))
        if parse_parameters(text) == (media_type, wanted):
            return simple
    return _anew(media_type, wanted)


def _anew(media_type: str, parameters: Parameters) -> bytes:
    """A Content-Type with a parameter on each line."""
    words = [f"Content-Type: {media_type}"]
    for name, value in parameters:
        if value.isascii() and value.isprintable() and len(value) < _QUOTED:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            words.append(f'{name}="{quoted}"')
        else:
            words += [word.removesuffix(";") for word in parameter_words(name, value)]
    return ";\r\n\t".join(words).encode("ascii") + b"\r\n"
