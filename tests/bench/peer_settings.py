"""What Postfix is told: its settings as Debian ships them, but for places, ports and TLS."""

PLACER = 5000
"""Who owns the Maildirs."""

CERTIFICATE_USE = (
    "keyUsage=digitalSignature,keyEncipherment",
    "extendedKeyUsage=emailProtection",
)

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/kept
mail_owner = postfix
setgid_group = postdrop
myhostname = peer.{domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/homes
virtual_mailbox_maps = texthash:/etc/postfix/homes
virtual_uid_maps = static:{placer}
virtual_gid_maps = static:{placer}
virtual_minimum_uid = 1000
virtual_mailbox_limit = 0
mailbox_size_limit = 0
message_size_limit = 52428800
in_flow_delay = 0
maillog_file = {folder}/kept/log
maillog_file_prefixes = {folder}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_auth_enable = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
notify_classes =
bounce_queue_lifetime = 0
"""
"""Receiving does not wait for delivery, and nothing is asked of a name server."""

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
127.0.0.1:{filtered_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o content_filter=smime:dummy
smime unix - n n - 8 pipe
  flags=Rq user=nobody argv={folder}/filter/run ${{sender}} ${{recipient}}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

AUTHENTICATION = """\
base_dir = {folder}/run/auth
state_dir = {folder}/run/state
log_path = {folder}/auth.log
instance_name = mss-bench-auth-{port}
protocols =
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
auth_cache_size = 1M
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/logins
}}
userdb {{
  driver = static
  args = uid={placer} gid={placer} home={folder}/homes/%u
}}
service auth {{
  unix_listener {folder}/queue/private/auth {{
    mode = 0666
  }}
}}
"""

FILTER = """\
#!/bin/sh
# sender, recipient; exit code 75 lets Postfix try again
own=$(mktemp -d {folder}/filter/work/XXXXXX) || exit 75
trap 'rm -rf "$own"' EXIT
cat > "$own/came" || exit 75
subject=$(sed -n '/^$/q; s/^Subject: //p' "$own/came")
openssl cms -sign -in "$own/came" -out "$own/signed" \\
  -signer {folder}/filter/author.crt -inkey {folder}/filter/author.key || exit 75
openssl cms -encrypt -aes-256-cbc -in "$own/signed" -out "$own/sealed" \\
  -from "$1" -to "$2" -subject "$subject" {folder}/filter/reader.crt || exit 75
/usr/sbin/sendmail -G -i -f "$1" -- "$2" < "$own/sealed" || exit 75
"""
