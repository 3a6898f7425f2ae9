"""Programs that people use: mbsync keeps a Maildir in step, curl reads a message."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

from mailbox_store import mailboxes
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain, serving, with_tls

Tls = tuple[ssl.SSLContext, ssl.SSLContext]

MBSYNC = """
IMAPAccount ours
Host localhost
Port {port}
User {login}
Pass "{password}"
SSLType STARTTLS
CertificateFile {ca}
AuthMechs PLAIN

IMAPStore far
Account ours

MaildirStore near
Path {folder}/near/
Inbox {folder}/near/INBOX
SubFolders Verbatim

Channel both
Far :far:
Near :near:
Patterns INBOX Sent
Create Both
Expunge Both
SyncState *
"""


async def _ran(*command: str) -> str:
    """Standard output of a program that must succeed."""
    running = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(running.communicate(), 30)
    assert running.returncode == 0, output.decode()
    return output.decode()


async def test_mbsync_syncs_both_ways_and_then_has_nothing_to_do(
    site: Site,
    tls_pair: Tls,
    tls_certificate: Path,
    tmp_path: Path,
    require_program: Callable[[str], str],
) -> None:
    mbsync = require_program("mbsync")
    for number in range(3):
        site.put(plain(number))
    (tmp_path / "near").mkdir()
    async with serving(site, with_tls(tls_pair[0])) as port:
        settings = tmp_path / "mbsyncrc"
        settings.write_text(
            MBSYNC.format(
                port=port, login=LOGIN, password=PASSWORD, ca=tls_certificate, folder=tmp_path
            )
        )
        settings.chmod(0o600)
        sync = (mbsync, "--config", str(settings), "both")
        await _ran(*sync)
        inbox = tmp_path / "near" / "INBOX"
        arrived = sorted((inbox / "new").iterdir())
        assert len(arrived) == 3
        assert plain(0).replace(b"\r\n", b"\n").split(b"\n\n")[1] in arrived[0].read_bytes()
        arrived[0].rename(inbox / "cur" / f"{arrived[0].name.removesuffix(':2,')}:2,S")
        (inbox / "cur" / "1.own").write_bytes(plain(9).replace(b"\r\n", b"\n"))
        await _ran(*sync)
        both_ways = _inbox(site)
        assert (both_ways.messages, both_ways.unseen) == (4, 3)
        await _ran(*sync)
    assert _inbox(site) == both_ways


def _inbox(site: Site) -> mailboxes.Mailbox:
    with site.database.read() as view:
        return mailboxes.find(view, site.account_id, "INBOX")


async def test_curl_reads_a_message(
    site: Site, tls_pair: Tls, tls_certificate: Path, require_program: Callable[[str], str]
) -> None:
    curl = require_program("curl")
    site.put(plain(1))
    async with serving(site, with_tls(tls_pair[0]), is_implicit_tls=True) as port:
        read = await _ran(
            curl,
            "--silent",
            "--show-error",
            "--cacert",
            str(tls_certificate),
            "--user",
            f"{LOGIN}:{PASSWORD}",
            f"imaps://localhost:{port}/INBOX;UID=1",
        )
    assert read == plain(1).decode()
