"""Programs that people use: curl, fetchmail, getmail, neomutt and offlineimap over TLS."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from mailbox_store import flags
from tests.protocol.imap_programs import Tls, alter, make, message_id, names, served, stored
from tests.protocol.imap_site import LOGIN, PASSWORD, Site, plain
from tests.support.running import must_run, run, run_on_terminal

Find = Callable[[str], str]


def _lf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n")


async def test_curl_lists_reads_searches_appends_and_expunges(
    site: Site, tls_pair: Tls, tls_certificate: Path, tmp_path: Path, require_program: Find
) -> None:
    make(site, "Projets/Été")
    for number in range(1, 4):
        site.put(plain(number))
    (tmp_path / "new.eml").write_bytes(plain(9))
    curl = (require_program("curl"), "--silent", "--show-error", "--cacert", str(tls_certificate))
    async with served(site, tls_pair) as port:
        url = f"imaps://localhost:{port}/"

        async def ask(path: str, *more: str) -> str:
            return await must_run(*curl, "--user", f"{LOGIN}:{PASSWORD}", url + path, *more)

        listed = await ask("")
        assert listed.count("* LIST ") == len(names(site))
        assert "Projets/&AMk-t&AOk-" in listed
        assert await ask("INBOX;UID=2") == plain(2).decode()
        assert await ask("INBOX;MAILINDEX=3") == plain(3).decode()
        section = quote("HEADER.FIELDS (SUBJECT)")
        assert await ask(f"INBOX;UID=1;SECTION={section}") == "Subject: Resultats 1\r\n\r\n"
        assert "* SEARCH 3" in await ask("INBOX?" + quote('SUBJECT "Resultats 3"'))
        await ask("Sent", "--upload-file", str(tmp_path / "new.eml"))
        assert set(stored(site, "Sent").flags) == {"<9@mss.example>"}
        await ask("INBOX", "--request", "UID STORE 2 +FLAGS.SILENT (\\Deleted)")
        assert "EXPUNGE" in await ask("INBOX", "--request", "EXPUNGE")
        assert set(stored(site).flags) == {"<1@mss.example>", "<3@mss.example>"}
        status = await ask("", "--request", "STATUS INBOX (MESSAGES UIDNEXT)")
        assert status.strip() == "* STATUS INBOX (MESSAGES 2 UIDNEXT 4)"


async def test_curl_over_starttls_is_refused_nothing_in_clear(
    site: Site, tls_pair: Tls, tls_certificate: Path, require_program: Find
) -> None:
    site.put(plain(1))
    async with served(site, tls_pair, is_implicit_tls=False) as port:
        url = f"imap://localhost:{port}/INBOX;UID=1"
        curl = (require_program("curl"), "--silent", "--user", f"{LOGIN}:{PASSWORD}", url)
        secure = ("--ssl-reqd", "--cacert", str(tls_certificate))
        assert await must_run(*curl, *secure) == plain(1).decode()
        code, said = await run(*curl)
        assert (code, said) == (67, "")  # LOGINDISABLED


FETCHMAIL = """
set no bouncemail
poll localhost protocol IMAP service {port}
  user "{login}" password "{password}"
  ssl sslproto "auto" sslcertck sslcertfile "{ca}"
  keep
  mda "cat >> {folder}/inbox; echo >> {folder}/inbox"
"""


async def test_fetchmail_takes_what_is_new_and_keeps_it(
    site: Site, tls_pair: Tls, tls_certificate: Path, tmp_path: Path, require_program: Find
) -> None:
    site.put(plain(1))
    site.put(plain(2), flags=flags.SEEN)
    site.put(plain(3))
    async with served(site, tls_pair) as port:
        settings = tmp_path / "fetchmailrc"
        settings.write_text(
            FETCHMAIL.format(
                port=port, login=LOGIN, password=PASSWORD, ca=tls_certificate, folder=tmp_path
            )
        )
        settings.chmod(0o600)
        poll = (
            require_program("fetchmail"),
            *("--fetchmailrc", str(settings), "--pidfile", str(tmp_path / "pid")),
            *("--nodetach", "--verbose", "--nosyslog"),
        )
        said = await must_run(*poll, home=tmp_path)
        got = (tmp_path / "inbox").read_text()
        assert [got.count(f"Message-ID: <{number}@mss.example>") for number in (1, 2, 3)] == [
            1,
            0,
            1,
        ], said
        code, said = await run(*poll, home=tmp_path)
        assert code == 1, said  # there is no mail
        assert (tmp_path / "inbox").read_text() == got
    assert stored(site).flags == {f"<{n}@mss.example>": {"\\Seen"} for n in (1, 2, 3)}


GETMAIL = """
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {port}
username = {login}
password = {password}
ca_certs = {ca}
mailboxes = ("INBOX", "Sent")
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat > {folder}/near/$$")
allow_root_commands = true
[options]
read_all = false
delivered_to = false
received = false
"""


async def test_getmail_takes_every_message_once(
    site: Site, tls_pair: Tls, tls_certificate: Path, tmp_path: Path, require_program: Find
) -> None:
    for number in range(1, 4):
        site.put(plain(number))
    site.put(plain(5), "Sent")
    near = tmp_path / "near"
    near.mkdir()
    async with served(site, tls_pair) as port:
        (tmp_path / "getmailrc").write_text(
            GETMAIL.format(
                port=port, login=LOGIN, password=PASSWORD, ca=tls_certificate, folder=tmp_path
            )
        )
        get = (require_program("getmail"), "--getmaildir", str(tmp_path), "--rcfile", "getmailrc")
        said = await must_run(*get, home=tmp_path)
        taken = {path: message_id(path.read_bytes()) for path in near.iterdir()}
        expected = {f"<{number}@mss.example>" for number in (1, 2, 3, 5)}
        assert (len(taken), set(taken.values())) == (4, expected), said
        site.put(plain(6))
        await must_run(*get, home=tmp_path)
        later = [path for path in near.iterdir() if path not in taken]
        assert [message_id(path.read_bytes()) for path in later] == ["<6@mss.example>"]


NEOMUTT = """
set imap_user = "{login}"
set imap_pass = "{password}"
set folder = "imaps://localhost:{port}/"
set spoolfile = "+INBOX"
set certificate_file = "{ca}"
set ssl_ca_certificates_file = "{ca}"
set header_cache = ""
set from = "{login}"
set imap_condstore = yes
set imap_qresync = yes
set sleep_time = 0
set wait_key = no
set confirmappend = no
set confirmcreate = no
set delete = yes
set quit = yes
set move = no
set mark_old = no
"""


async def test_neomutt_keeps_a_copy_flags_and_files_a_message(
    site: Site, tls_pair: Tls, tls_certificate: Path, tmp_path: Path, require_program: Find
) -> None:
    for number in range(1, 4):
        site.put(plain(number))
    make(site, "Archives")
    neomutt = require_program("neomutt")
    async with served(site, tls_pair) as port:
        settings = tmp_path / "neomuttrc"
        settings.write_text(
            NEOMUTT.format(port=port, login=LOGIN, password=PASSWORD, ca=tls_certificate)
        )
        base = ("env", f"HOME={tmp_path}", "TERM=xterm", neomutt, "-n", "-F", str(settings))
        keys = f"<copy-message>{tmp_path}/kept<enter><next-entry><flag-message>"
        keys += "<next-entry><save-message>+Archives<enter><sync-mailbox><quit>"
        await run_on_terminal(*base, "-e", f'push "{keys}"', home=tmp_path)
        assert message_id((tmp_path / "kept").read_bytes().partition(b"\n")[2]) == "<1@mss.example>"
        assert set(stored(site, "Archives").flags) == {"<3@mss.example>"}
        inbox = stored(site).flags
        assert set(inbox) == {"<1@mss.example>", "<2@mss.example>"}
        assert "\\Flagged" in inbox["<2@mss.example>"]


OFFLINEIMAP = """
[general]
accounts = ours
metadata = {folder}/metadata
[Account ours]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {folder}/near
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {port}
remoteuser = {login}
remotepass = {password}
ssl = yes
sslcacertfile = {ca}
"""


async def test_offlineimap_keeps_a_maildir_in_step(
    site: Site, tls_pair: Tls, tls_certificate: Path, tmp_path: Path, require_program: Find
) -> None:
    for number in range(1, 4):
        site.put(plain(number))
    site.put(plain(11), "Sent", flags.SEEN)
    async with served(site, tls_pair) as port:
        (tmp_path / "settings").write_text(
            OFFLINEIMAP.format(
                port=port, login=LOGIN, password=PASSWORD, ca=tls_certificate, folder=tmp_path
            )
        )
        sync = (
            require_program("offlineimap"),
            "-c",
            str(tmp_path / "settings"),
            "-o",
            "-u",
            "basic",
        )
        said = await must_run(*sync, home=tmp_path)
        inbox = tmp_path / "near" / "INBOX"
        near = {message_id(path.read_bytes()): path for path in inbox.rglob("*:2,*")}
        assert set(near) == {f"<{number}@mss.example>" for number in (1, 2, 3)}, said
        near["<1@mss.example>"].rename(inbox / "cur" / f"{near['<1@mss.example>'].name}FS")
        near["<2@mss.example>"].unlink()
        (inbox / "cur" / "1.own:2,S").write_bytes(_lf(plain(9)))
        alter(site, "INBOX", 3, add=flags.ANSWERED)
        site.put(plain(12), "Sent")
        await must_run(*sync, home=tmp_path)
        found = stored(site).flags
        assert found == {
            "<1@mss.example>": {"\\Flagged", "\\Seen"},
            "<3@mss.example>": {"\\Answered"},
            "<9@mss.example>": {"\\Seen"},
        }
        sent = [message_id(path.read_bytes()) for path in (tmp_path / "near/Sent").rglob("*:2,*")]
        assert sorted(sent) == ["<11@mss.example>", "<12@mss.example>"]
        before = {name: stored(site, name) for name in names(site)}
        await must_run(*sync, home=tmp_path)
        assert {name: stored(site, name) for name in names(site)} == before
