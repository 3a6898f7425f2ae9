"""mbsync keeps a Maildir in step: folders, messages, flags and deletions, both ways."""

from collections.abc import Callable
from pathlib import Path

from mailbox_store import flags
from tests.protocol.imap_programs import Tls, alter, make, message_id, names, served, stored
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain
from tests.support.running import must_run, run_on_terminal

SETTINGS = """
IMAPAccount ours
Host localhost
Port {port}
User {login}
Pass "{password}"
SSLType {kind}
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
Patterns *
Create Both
Expunge Both
SyncState *
"""

NOTHING = "F: +0/0 *0/0 #0/0  N: +0/0 *0/0 #0/0"
"""New messages, changed flags, trashed messages, on the far side and on the near side."""

LETTERS = {"D": "\\Draft", "F": "\\Flagged", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}
"""Flags in the name of a Maildir file; the other way round they sort by letter."""


class Maildir:
    """The near side; names of folders are in modified UTF-7 there, as mbsync writes them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self, box: str) -> dict[str, Path]:
        """The file of each message by Message-ID."""
        found = [*(self.folder / box / "cur").iterdir(), *(self.folder / box / "new").iterdir()]
        return {message_id(path.read_bytes()): path for path in found}

    def flags(self, box: str) -> dict[str, frozenset[str]]:
        """As the store's, by Message-ID."""
        return {
            name: frozenset(LETTERS[letter] for letter in path.name.partition(":2,")[2])
            for name, path in self.files(box).items()
        }

    def mark(self, box: str, name: str, letters: str) -> None:
        """Give a message these flags, as a mail program does."""
        path = self.files(box)[name]
        path.rename(self.folder / box / "cur" / f"{path.name.partition(':2,')[0]}:2,{letters}")

    def add(self, box: str, number: int, letters: str = "") -> None:
        """Write a new message; makes the folder."""
        for part in ("cur", "new", "tmp"):
            (self.folder / box / part).mkdir(parents=True, exist_ok=True)
        path = self.folder / box / "cur" / f"{number}.own:2,{letters}"
        path.write_bytes(plain(number).replace(b"\r\n", b"\n"))


def _fill(site: Site) -> None:
    make(site, "Projets")
    make(site, "Projets/Été")
    for number in range(1, 5):
        site.put(plain(number), flags=flags.FLAGGED | flags.SEEN if number == 2 else 0)
    site.put(plain(11), "Sent", flags.SEEN)
    site.put(plain(21), "Projets/Été", flags.ANSWERED)


def _agree(site: Site, near: Maildir) -> None:
    """Both sides hold the same messages with the same flags in the same folders."""
    folders = {path.parent.relative_to(near.folder).as_posix() for path in near.folder.rglob("cur")}
    assert {name.replace("&AMk-t&AOk-", "Été") for name in folders} == names(site)
    for name in folders:
        assert near.flags(name) == stored(site, name.replace("&AMk-t&AOk-", "Été")).flags, name


async def _a_first_sync(site: Site, near: Maildir, sync: tuple[str, ...]) -> None:
    _fill(site)
    await must_run(*sync)
    _agree(site, near)
    assert near.flags("INBOX")["<2@mss.example>"] == {"\\Flagged", "\\Seen"}
    body = near.files("INBOX")["<1@mss.example>"].read_bytes().partition(b"\n\n")[2]
    assert body == plain(1).replace(b"\r\n", b"\n").partition(b"\n\n")[2]


async def test_mbsync_syncs_both_ways_and_then_has_nothing_to_do(
    site: Site,
    tls_pair: Tls,
    tls_certificate: Path,
    tmp_path: Path,
    require_program: Callable[[str], str],
) -> None:
    near = Maildir(tmp_path / "near")
    near.folder.mkdir()
    async with served(site, tls_pair, is_implicit_tls=False) as port:
        settings = tmp_path / "mbsyncrc"
        settings.write_text(
            SETTINGS.format(
                port=port,
                login=LOGIN,
                password=PASSWORD,
                kind="STARTTLS",
                ca=tls_certificate,
                folder=tmp_path,
            )
        )
        settings.chmod(0o600)
        sync = (require_program("mbsync"), "--config", str(settings), "both")
        await _a_first_sync(site, near, sync)

        near.mark("INBOX", "<1@mss.example>", "S")
        near.mark("INBOX", "<3@mss.example>", "T")
        near.add("INBOX", 31, "FS")
        near.add("Archives", 32, "S")
        alter(site, "INBOX", 4, add=flags.ANSWERED)
        alter(site, "Sent", 1, is_removed=True)
        site.put(plain(41))
        make(site, "Recus")
        site.put(plain(42), "Recus")
        await must_run(*sync)

        _agree(site, near)
        inbox = stored(site).flags
        assert set(inbox) == {f"<{number}@mss.example>" for number in (1, 2, 4, 31, 41)}
        assert inbox["<1@mss.example>"] == {"\\Seen"}
        assert inbox["<31@mss.example>"] == {"\\Flagged", "\\Seen"}
        assert stored(site, "Archives").flags == {"<32@mss.example>": {"\\Seen"}}
        assert stored(site, "Sent").flags == {}
        assert set(near.flags("Recus")) == {"<42@mss.example>"}

        before = {name: stored(site, name) for name in names(site)}
        files = {path: path.stat().st_mtime_ns for path in near.folder.rglob("*:2,*")}
        said = await run_on_terminal(*sync)
        assert {name: stored(site, name) for name in names(site)} == before
        assert {path: path.stat().st_mtime_ns for path in near.folder.rglob("*:2,*")} == files
        assert said.strip().splitlines()[-1].endswith(NOTHING), said
