# ruff: noqa: E501 - a table reads as a table
"""THE table of verbs: words, function, help, example, exit codes. ``main`` turns it into a program."""

from dataclasses import dataclass

NOUNS = {
    "people": "Holders of mailboxes: professionals, services, patients.",
    "certs": "Certificates of mailboxes, their authority, the revocation list.",
    "message": "The life of one message.",
    "policy": "Who may write to whom, and why.",
    "queue": "What waits to be delivered.",
    "notices": "What patients are still to be told by e-mail.",
    "whitelist": "The domains of the trust space, and whose they are.",
    "dossier": "Documents of patients: existence and integrity, never content.",
    "store": "The store on disk.",
    "audit": "The chained journal of acts.",
    "backup": "Copies of everything, sealed for a key that is elsewhere.",
    "config": "The configuration file.",
}

NOUNS_BELOW = {
    "certs trust": "Authorities that are believed.",
    "certs book": "Certificates of correspondents at other operators.",
    "people app-password": "Passwords of mail programs, one for each.",
}
"""Nouns of two words, below the first."""

USAGE = "wrong usage: an option is missing, unknown or malformed"
SYSTEM = "the system could not: configuration, store, keys or disk; the line on standard error says which"


@dataclass(frozen=True, slots=True)
class Verb:
    """One row. ``function`` is ``module:name`` in this package; ``done`` and ``refused`` say what
    the exit codes 0 and 1 mean here (``refused`` is empty when there is no such case)."""

    words: str
    function: str
    help: str
    example: str
    done: str
    refused: str = ""
    is_service: bool = False

    @property
    def epilog(self) -> str:
        """Example and exit codes, as ``--help`` ends."""
        codes = ((0, self.done), (1, self.refused), (2, USAGE), (3, SYSTEM))
        told = "\n".join(f"  {code}  {meaning}" for code, meaning in codes if meaning)
        example = "\n".join(f"  {line}" for line in self.example.splitlines())
        return f"\b\nExample:\n{example}\n\n\b\nExit codes:\n{told}"


# fmt: off
VERBS = (
    Verb(
        "serve", "starting:serve",
        "Serve mail, IMAP and webmail until SIGTERM, which drains.",
        "mss serve --config /etc/mss/config.toml",
        "stopped after a signal, everything drained", is_service=True,
    ),
    Verb(
        "demo", "starting:demo",
        "Serve invented people on loopback.\n\nEverything is real but the people and the PKI, which is thrown away. Prints ports and accounts; writes demo.json into the state directory when every port answers. A second start finds the mail of the first.",
        "mss demo --state var/demo --base-port 2500",
        "stopped after a signal, everything drained", is_service=True,
    ),
    Verb(
        "people add", "people:add",
        "Open a mailbox: address, folders, password, certificate; for a patient also TOTP and recovery codes.\n\nA patient's address is made from the INS. What is handed over is printed once and cannot be read again.",
        "mss people add --address claire.martin@mss.example --type PER \\\n  --title Dr --given-name Claire --family-name Martin --rpps 10000000017",
        "the mailbox is open", "the address is taken, or a field cannot be used",
    ),
    Verb(
        "people list", "people:list_all",
        "List the holders of mailboxes.",
        "mss people list --type PER --json",
        "listed, even when there is nobody", "there is no store yet",
    ),
    Verb(
        "people show", "people:show",
        "Show one holder with certificates and means of access, by address or INS.",
        "mss people show claire.martin@mss.example",
        "shown", "nobody has this address",
    ),
    Verb(
        "people suspend", "people:suspend",
        "Suspend a holder: no sign-in, nothing delivered. Running sessions end with their next command.",
        "mss people suspend claire.martin@mss.example",
        "suspended (also when it was before)", "nobody has this address, or the account is closed",
    ),
    Verb(
        "people reactivate", "people:reactivate",
        "Let a suspended holder sign in and receive again.",
        "mss people reactivate claire.martin@mss.example",
        "active (also when it was before)", "nobody has this address, or the account is closed",
    ),
    Verb(
        "people import", "people_import:import_file",
        "Open mailboxes from a CSV file; existing addresses are skipped, so it may run again.\n\n"
        "The first line names the columns: type, address, title, given_name, family_name, entity, rpps, structure, profession, ins, birth_date, sex, smime, sent_copy, accepts_patient_initiated, unlisted. "
        "French headings of national extractions are understood; other columns are passed over. Several lines for one holder and an empty structure are fine. "
        "Passwords, TOTP secrets and recovery codes go to the file of --out (mode 0600), never to the terminal.",
        "mss people import people.csv --out passwords.csv",
        "every line is open, skipped or repeated", "some lines were refused (they are listed), or the file cannot be used",
    ),
    Verb(
        "people import-mailbox", "import_mailbox:bring",
        "Bring the mailbox that a professional or a service has with another operator: folders, messages, flags, dates, subscriptions.\n\n"
        "It may be killed and run again: it goes on where it stopped, and later brings only what is new. Keep --host, --port and --login as they were: they say where a message came from. "
        "The remote mailbox is only read. Its server's certificate is always verified. "
        "INBOX, Drafts, Sent, Trash, Junk and Archive go into those here; other folders keep their names, a character that cannot be in one replaced. NAME means a folder and those below it. "
        "Virtual folders and folders of other people are left out unless --folder names them.",
        "mss people import-mailbox claire.martin@mss.example --host imap.former-operator.example \\\n  --login claire.martin --password-file password.txt",
        "everything is here (with --dry-run: told)", "some folders or messages are not (they are listed), the remote server refuses the login or is not to be believed, or nobody has this address",
    ),
    Verb(
        "people contact", "notices:place",
        "Show the personal e-mail address that a patient's notices go to; with ADDRESS give one, with --remove take it back.\n\nAn address that you give is used at once, without a code: check who is asking first, as your procedure says. The former one hears that notices no longer arrive there.",
        "mss people contact 279035121518989 camille@exemple.fr --identity-checked",
        "shown, and changed when that was asked", "nobody has this address, it is no patient's, or the personal address cannot be used",
    ),
    Verb(
        "people quota", "quota:quota",
        "Show what a holder's account holds and may hold; with SIZE, set its limit.\n\nA full account takes no APPEND and no COPY, and submission to a professional's is told to try later. Mail that was accepted is delivered all the same.",
        "mss people quota claire.martin@mss.example 50G",
        "shown, and set when a size was given", "nobody has this address",
    ),
    Verb(
        "people reset-access", "people:reset_access",
        "Give a new password, and to a patient a new TOTP secret and new recovery codes; the former, and every app password, stop working.\n\nOnly after you have checked who is asking, as your procedure says: --identity-checked states it, and it goes on record.",
        "mss people reset-access 279035121518989 --identity-checked",
        "new means of access, printed once", "nobody has this address",
    ),
    Verb(
        "people activate", "people_access:activate",
        "Draw the code by which a patient opens their space: for a letter, or across the desk.\n\nWith it, on the page /activation, they choose a password and a second factor, and get recovery codes. The code lasts web.access_code_days; another one replaces it.",
        "mss people activate 279035121518989",
        "the code, printed once", "nobody has this address, it is no patient's, or the account is closed or suspended",
    ),
    Verb(
        "people recover", "people_access:recover",
        "Draw the code by which a patient who lost their password, their phone or both gets in again.\n\nOnly after you have checked who is asking, as your procedure says: --identity-checked states it, and it goes on record. What they have works until the code is used; they are told of it by e-mail where they can be reached, and for 72 hours on the page of security.",
        "mss people recover 279035121518989 --second-factor --identity-checked",
        "the code, printed once", "nobody has this address, it is no patient's, or the account is closed or suspended",
    ),
    Verb(
        "people share", "sharing:share",
        "Let somebody open an organisation's box, signing in as themselves; or change what they may do there.\n\nIn a mail program the login is then BOX*PERSON, two addresses with an asterisk between them, and the person's own password. Rights are letters of RFC 4314; with `p` they write in the name of the box too: with that login, or with their own and the box's address as sender.",
        "mss people share pharmacie@mss.example claire.martin@mss.example --rights lrswite",
        "the box is shared with them (also when it was before)", "nobody has one of the addresses, or this box or person cannot share",
    ),
    Verb(
        "people unshare", "sharing:unshare",
        "Take a shared box back from somebody; it holds from the next sign-in.",
        "mss people unshare pharmacie@mss.example claire.martin@mss.example",
        "no longer shared with them", "it was not shared with them, or nobody has one of the addresses",
    ),
    Verb(
        "people members", "sharing:members_of",
        "List who may open an organisation's box.",
        "mss people members pharmacie@mss.example",
        "listed, even when there is nobody", "nobody has this address",
    ),
    Verb(
        "people app-password add", "app_passwords:add",
        "Draw an app password: for one mail program of a holder, for submission and IMAP, never for the webmail.\n\nIt is printed once and cannot be read again. With submission.app_passwords_only, whoever has one that works signs in with it and no more with the main password, except in the webmail.",
        "mss people app-password add claire.martin@mss.example \\\n  --label 'Thunderbird du cabinet'",
        "made, printed once", "nobody has this address, it is a patient's, or 20 work already",
    ),
    Verb(
        "people app-password list", "app_passwords:list_of",
        "List the app passwords of a holder: label, last use (to the hour), whether it was revoked. Never the secret.",
        "mss people app-password list claire.martin@mss.example",
        "listed, even when there is none", "nobody has this address",
    ),
    Verb(
        "people app-password revoke", "app_passwords:revoke",
        "End an app password; it holds from the next sign-in.",
        "mss people app-password revoke claire.martin@mss.example 1",
        "it works no more (also when it did not before)", "nobody has this address, or the holder has no such app password",
    ),
    Verb(
        "certs authority-init", "certs_authority:init",
        "Make the operator's own issuing authority: a root, and an intermediate that issues.\n\nOn a site without a store it is the first; elsewhere --replace is needed, and the former one stays for its revocation list. It may vouch for the domains of the configuration only (name constraints; some clients, gpgsm among them, cannot read those: --unlimited).",
        "mss certs authority-init --name 'Groupe hospitalier' --key-kind p384",
        "made; its root is believed here", "there is an authority already, or one had this name",
    ),
    Verb(
        "certs authority", "certs_authority:show",
        "Show the authority that issues and those before it, with the fingerprint of the root; --out writes the root.",
        "mss certs authority --out root.pem",
        "shown, even when there is none", "there is none to write",
    ),
    Verb(
        "certs issue", "certs_issue:issue",
        "Issue new certificates beside the earlier ones, which stay for reading.\n\nA holder whose keys are in their own client needs --key-out, or sends a request that --csr answers. --usage separate makes one for signing and one for encryption.",
        "mss certs issue claire.martin@mss.example --usage separate --identified in-person",
        "issued", "nobody has this address, or the request cannot be answered",
    ),
    Verb(
        "certs issue-client", "certs_issue:issue_client",
        "Make a TLS client certificate with which an application opens its box (IMAP, EXTERNAL).\n\nThe key is written into the folder and not kept here; --csr answers a request instead, and the key stays where it is.",
        "mss certs issue-client labo@mss.example --out .",
        "issued", "nobody has this address, or it is the box of a person, or the request cannot be answered",
    ),
    Verb(
        "certs issue-server", "certs_issue:issue_server",
        "Make the server's TLS key and certificate from the gateway's own authority, where tls.key and tls.certificate say.",
        "mss certs issue-server --name localhost --ip 127.0.0.1",
        "written", "the files are there already, or the authority may not vouch for a name",
    ),
    Verb(
        "certs request", "certs_request:ask",
        "Draw a key, keep it sealed, and write a request (PKCS #10) for another issuer.\n\nFor a mailbox, or with --server for the listeners. `mss certs import` takes the answer.",
        "mss certs request claire.martin@mss.example --out claire.csr",
        "the request is written", "nobody has this address, the holder's keys are in their own client, or the file is there already",
    ),
    Verb(
        "certs requests", "certs_request:list_all",
        "List the requests that wait for their certificate; --forget lets go of one, and of its key.",
        "mss certs requests",
        "listed, even when there is none", "no such request waits",
    ),
    Verb(
        "certs import", "certs_import:bring",
        "Take in a certificate that somebody else issued: PKCS #12 with its key, or the answer to a request (PEM, DER, PKCS #7).\n\nIt must name the mailbox's address, have its key, and lead to an authority that is believed; its key usage says whether it signs, is encrypted to, or both. Without --password-file the password is asked for.",
        "mss certs import claire.p12 --password-file password.txt",
        "taken in", "it names nobody here, does not lead to an authority that is believed, its key is not here or somebody else's, or the password is wrong",
    ),
    Verb(
        "certs export", "certs_export:export",
        "Write a certificate and its issuers (PEM).\n\nA private key that the gateway holds leaves in one form only: with --pkcs12, under a password, for a holder who moves to another operator; it goes on record. Without --password-file a password is made and shown once. Keys of holders' own clients were never here.",
        "mss certs export 5f3a9c --out claire.pem",
        "written", "no such certificate, its key is not here, the password is too short, or the file is there already",
    ),
    Verb(
        "certs list", "certs:list_all",
        "List certificates of mailboxes: serial number, holder, validity, state.",
        "mss certs list --expiring 30",
        "listed, even when there is none", "nobody has the address given",
    ),
    Verb(
        "certs show", "certs:show",
        "Show one certificate by its serial number or fingerprint; --json includes it in PEM.",
        "mss certs show 5f3a9c",
        "shown", "no such certificate",
    ),
    Verb(
        "certs check", "certs_check:check",
        "Say step by step why a certificate is good or bad, by the same code that judges mail, and what to do.\n\nOne that is kept here by its serial number or fingerprint, or one in a file with its issuers.",
        "mss certs check 5f3a9c --for signature",
        "good for everything asked", "bad for something, or no such certificate",
    ),
    Verb(
        "certs revoke", "certs_revocation:revoke",
        "Take a certificate back. Its key stays, sealed, for reading what was encrypted to it.\n\nA server's too: by its number while it is in use, else by its file.",
        "mss certs revoke 5f3a9c --reason key-compromise",
        "revoked (also when it was before)", "no such certificate",
    ),
    Verb(
        "certs crl", "certs_revocation:crl",
        "Write the list of revoked certificates (DER), signed by the issuing authority.",
        "mss certs crl --out mss.crl --days 7",
        "written", "there is no store or authority yet, or none of this serial number",
    ),
    Verb(
        "certs renew", "certs_renew:renew",
        "Issue the next certificates of mailboxes before the present ones end, with new keys.\n\nThe gateway does it by itself too. A new one opens mail at once, and new messages use it a day later (--at-once: now); the former one stays valid until its end. May be cut and run again.",
        "mss certs renew --within 60",
        "every mailbox concerned is renewed, even when none is (with --dry-run: told)", "some could not be (they are listed), or an address has nothing that is renewed here",
    ),
    Verb(
        "certs expire", "certs_expiry:forecast",
        "Forecast what ends when: mailboxes' certificates month by month with a chart, then authorities, anchors and the server's.",
        "mss certs expire --months 12",
        "told", "there is no store yet",
    ),
    Verb(
        "certs verify", "certs_dry_run:verify",
        "Say whose signature a message bears, and why the gateway would show it or not. Nothing is kept.",
        "mss certs verify message.eml",
        "the signature is valid and its author's", "it is not, or the file is no message",
    ),
    Verb(
        "certs why", "certs_dry_run:why",
        "Say what the gateway makes of a message for one recipient: opened with that mailbox's keys, judged step by step; and how mail to it is sealed. Nothing is kept.",
        "mss certs why message.eml --to claire.martin@mss.example",
        "the signature is valid and its author's", "it is not, the file is no message, or nobody has this address",
    ),
    Verb(
        "certs dkim-key", "dkim:make",
        "Draw a DKIM key for a domain here, keep it sealed, and print the TXT line for its zone.\n\nWhat leaves is signed by the key whose selector is relay.dkim_selector. To turn keys: make one of another selector, publish it, change the configuration, retire the former one.",
        "mss certs dkim-key --domain mss.example --selector s2026",
        "made", "not a domain of this gateway, or the selector is taken",
    ),
    Verb(
        "certs dkim-keys", "dkim:list_all",
        "List the DKIM keys by domain, those retired too; --json has their TXT records.",
        "mss certs dkim-keys",
        "listed, even when there is none", "there is no store yet",
    ),
    Verb(
        "certs dkim-retire", "dkim:retire",
        "Sign no more by a DKIM key. It stays kept: a selector names one key for ever.",
        "mss certs dkim-retire --domain mss.example --selector s2025",
        "retired (also when it was before)", "no such key",
    ),
    Verb(
        "certs domain-keys", "certs_book:make_domain_keys",
        "Make the key and certificate of every domain here that has none: what other operators encrypt to whose own certificate they do not know, patients above all (RFC 3183).",
        "mss certs domain-keys",
        "every domain has one", "this gateway has no issuing authority of its own",
    ),
    Verb(
        "certs book export", "certs_book:export",
        "Write our certificates for another operator: those of listed professionals and services, and of our domains. A patient's own is never among them.",
        "mss certs book export --out mss.example.pem",
        "written", "there is nothing to publish",
    ),
    Verb(
        "certs book import", "certs_book:bring",
        "Take another operator's certificates into the book, so that professionals there can be written to.\n\nEach must lead to an authority that is believed for encryption, and name no address of ours.",
        "mss certs book import ville.example.pem",
        "all are in the book", "some were not taken (they are listed), or the file cannot be used",
    ),
    Verb(
        "certs book list", "certs_book:list_all",
        "List the certificates of correspondents, and how each was learned.",
        "mss certs book list --address nadia.benali@ville.example",
        "listed, even when there is none", "there is no store yet",
    ),
    Verb(
        "certs book refuse", "certs_book:refuse",
        "Use a correspondent's certificate no more, and do not learn it again.",
        "mss certs book refuse nadia.benali@ville.example 5f3a9c…",
        "refused", "the book has no such certificate",
    ),
    Verb(
        "certs trust add", "trust:add",
        "Believe an authority, in two steps: a file proposes it and shows its fingerprint; --confirm FINGERPRINT, once compared, believes it.",
        "mss certs trust add --confirm \\\n  00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff --for mail",
        "proposed, or believed", "no authority's certificate, it has ended, or nothing of this fingerprint was proposed",
    ),
    Verb(
        "certs trust list", "trust:list_all",
        "List who is believed for what, and what is proposed.",
        "mss certs trust list",
        "listed, even when there is nobody", "there is no store yet",
    ),
    Verb(
        "certs trust remove", "trust:remove",
        "Believe an authority no more, in two steps: show it by its fingerprint, then --confirm FINGERPRINT.\n\nThose in the file of certificates.anchors are removed there.",
        "mss certs trust remove 00112233",
        "shown, or removed", "no authority of this fingerprint was added",
    ),
    Verb(
        "message show", "message:show",
        "Tell the life of a message, stage by stage. REF ends the reply that its sender was shown.",
        "mss message show 06emt3vf8h9kq2c1r7d5g0b4ns",
        "told", "no message of this reference on record",
    ),
    Verb(
        "message verify", "message_verify:verify",
        "Judge a kept message again from the evidence kept with it, as of the moment when it came in: content, signature, certificates, revocation.",
        "mss message verify 06emt3vf8h9kq2c1r7d5g0b4ns",
        "the verdict of then holds", "it does not hold, or no mailbox has this message",
    ),
    Verb(
        "policy why", "policy:why",
        "Say whether A may write to B now, with every rule asked. A may be at another operator.",
        "mss policy why --from 279035121518989 --to claire.martin@mss.example",
        "permitted", "refused, or A is nobody here nor in the white list",
    ),
    Verb(
        "policy show", "policy:show",
        "Print the tables of rules: what is asked at each moment, and where it is written.",
        "mss policy show",
        "shown",
    ),
    Verb(
        "queue list", "queue:list_items",
        "List what waits, one line per recipient, without addresses.",
        "mss queue list --state due",
        "listed, even when nothing waits", "there is no store yet",
    ),
    Verb(
        "queue show", "queue:show",
        "Show one item: its stage, its attempts, and what another operator's server said last.\n\nThe answer of a server may name an address: it is shown here and kept in no log.",
        "mss queue show 1207",
        "shown", "no such item waits",
    ),
    Verb(
        "queue destinations", "queue:list_destinations",
        "List the other operators that something waits for, and those left in peace for a while because nobody answered.",
        "mss queue destinations",
        "listed, even when there is none", "there is no store yet",
    ),
    Verb(
        "queue retry", "queue:retry",
        "Try items now, and their destination with them.\n\nWHAT is the number of an item, or the reference of a message for all its items.",
        "mss queue retry 1207 --reason peer-is-back",
        "tried within a second by the serving process", "nothing there that waits",
    ),
    Verb(
        "queue hold", "queue:hold",
        "Leave items alone until they are released: neither tried nor given up, and nobody is told.",
        "mss queue hold 01k9v3b7rp7cd9m1q2s3t4u5v6 --reason under-inquiry",
        "held", "nothing there that waits",
    ),
    Verb(
        "queue release", "queue:release",
        "Let held items go on; their time begins anew.",
        "mss queue release 01k9v3b7rp7cd9m1q2s3t4u5v6 --reason inquiry-ended",
        "released", "nothing there that is held",
    ),
    Verb(
        "queue drop", "queue:drop",
        "End items without delivering them. Their author is told, as of any failure; with --silent nobody is.",
        "mss queue drop 1207 --reason wrong-recipient",
        "dropped and reported", "nothing there that waits",
    ),
    Verb(
        "notices list", "notices:list_waiting",
        "List the e-mails to patients' personal addresses that wait, without the addresses and without what they tell of.",
        "mss notices list",
        "listed, even when nothing waits", "there is no store yet",
    ),
    Verb(
        "notices retry", "notices:retry",
        "Send a notice now, or as soon as the relay is tried again after it did not answer.",
        "mss notices retry 12 --reason peer-is-back",
        "it is due", "no such notice waits, or it is being sent",
    ),
    Verb(
        "notices drop", "notices:drop",
        "Never send a notice that waits.",
        "mss notices drop 12 --reason mistake",
        "dropped", "no such notice waits, or it is being sent",
    ),
    Verb(
        "dossier list", "dossier:list_documents",
        "List the documents of a patient: identifier, category, type, size, dates. The reading goes on record.",
        "mss dossier list --patient 279035121518989",
        "listed, even when there is none", "no such patient here",
    ),
    Verb(
        "dossier import", "dossier_import:bring",
        "Bring the documents of a former record in, from a folder.\n\nFOLDER/<INS>/… holds a patient's XDM archives and files; archives and CDA that name their patient may lie anywhere. Run again after an interruption, it goes on.",
        "mss dossier import reprise --report report.json",
        "every file brought", "some files refused: the report says which, and why",
    ),
    Verb(
        "dossier verify", "dossier:verify",
        "Open and hash every document again.",
        "mss dossier verify",
        "every document is as it was filed", "some are altered or missing",
    ),
    Verb(
        "store verify", "store:verify",
        "Walk every body: chunks complete, holders counted right, nothing orphaned; --open also decrypts each one.",
        "mss store verify --open",
        "the store is whole", "something is missing, miscounted or altered",
    ),
    Verb(
        "store index", "store:index",
        "Tell how far the text index has come and what it takes; with --rebuild, make all of it again.\n\nMay run beside the server. What is not in the index is found all the same, more slowly.",
        "mss store index --rebuild",
        "told, and every segment made again with --rebuild", "there is no store yet",
    ),
    Verb(
        "whitelist import", "whitelist:bring",
        "Put a white list in force: whole or not at all, the last good one governs until then.\n\nThe same file again confirms that the list is still the current one; do it each day. Names that are no domain are passed over and told with their lines. When whitelist.signer is set, the list must bear its signature.",
        "mss whitelist import listeblanche.xml",
        "in force, or confirmed", "the list is malformed, empty or not signed as it must be, older than the one in force, or drops more than half of the domains (--force for the last two)",
    ),
    Verb(
        "whitelist verify", "whitelist:verify",
        "Say whether a white list is good: its form, its domains, its signature. Nothing is kept.",
        "mss whitelist verify listeblanche.xml",
        "good", "malformed, empty, or not signed as it must be",
    ),
    Verb(
        "whitelist diff", "whitelist:difference",
        "Say what a white list would change: domains added, removed, moved to another operator.",
        "mss whitelist diff listeblanche.xml --json",
        "told, even when nothing would change", "malformed, empty, or not signed as it must be",
    ),
    Verb(
        "whitelist show", "whitelist:show",
        "Show the white list in force, its age and its operators; or whether one domain is in it.",
        "mss whitelist show --domain medecin.example",
        "shown", "there is none yet, or the domain is not in it",
    ),
    Verb(
        "audit tail", "audit:tail",
        "Show the last acts of the journal, oldest first.",
        "mss audit tail -n 50",
        "shown", "there is no store yet",
    ),
    Verb(
        "audit verify", "audit:verify",
        "Walk the chain of the journal from its beginning.",
        "mss audit verify",
        "the chain holds", "a row is missing or altered; its number is told",
    ),
    Verb(
        "backup create", "backup:create",
        "Take a snapshot of everything into a folder, beside a server that may be running; only what is new is written.\n\nIt is sealed for the certificates of --recipient, else for those in the folder backup of the state directory (*.pem); with none there, a key pair is made in it, whose key you move away. Key tables, without which data cannot be read, lie in DIR/keys or in --keys-in and end sooner than the data.",
        "mss backup create --to /backup/mss --recipient backup.pem --keep 30",
        "the snapshot is made and on the disk", "another backup is at work there, the folder is not a backup's, or a certificate cannot receive",
    ),
    Verb(
        "backup verify", "backup:verify",
        "Read every file of a backup and tell what is altered, cut, exchanged or missing; with --key, every piece is opened as well.",
        "mss backup verify /backup/mss --key backup.key",
        "the backup is whole", "something is damaged (listed), there is no backup, or the key is not a recipient's",
    ),
    Verb(
        "backup restore", "backup:restore",
        "Bring a snapshot back into an empty folder, which then is a state directory: store, root key, files. Every body is opened before it is said to be there.\n\nThe newest key table is used, so that who was erased since stays erased; --key-table takes another one.",
        "mss backup restore /backup/mss --into /var/lib/mss --key backup.key",
        "restored, and everything opens", "damaged, no key table, the folder is not empty, the key is not a recipient's; or restored and something does not open",
    ),
    Verb(
        "backup list", "backup:list_all",
        "List the snapshots of a backup: when, how large, what each added, whether its keys are there.",
        "mss backup list /backup/mss",
        "listed, even when there is none", "there is no backup in this folder, or a list is damaged",
    ),
    Verb(
        "config check", "configuration:check",
        "Read the configuration and print the values in effect. Secrets are paths of files, never values.",
        "mss config check --config /etc/mss/config.toml",
        "the configuration can be used", "it cannot; the key at fault is named",
    ),
    Verb(
        "config dns", "configuration:dns",
        "Print the lines for the zone of each domain: SRV and aliases by which mail programs find the servers, TXT of its DKIM keys.\n\nNames and ports are those of [setup]. Lines that begin with ; are remarks: what else must be so for set-up to work by itself.",
        "mss config dns --config /etc/mss/config.toml",
        "printed",
    ),
    Verb(
        "doctor", "doctor:examine",
        "Say what is well and what is not.\n\nLooks at files, keys, store, schema, trust, certificates, queue and disk. Nothing is mended.",
        "mss doctor",
        "healthy", "something is not well",
    ),
    Verb(
        "failures", "failures:show",
        "Print what the outside is told of each failure.",
        "mss failures --json",
        "shown",
    ),
)
# fmt: on
