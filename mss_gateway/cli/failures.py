"""`mss failures`: THE error vocabulary, printed."""

from mss_gateway import texts
from mss_gateway.cli.answers import Answer, listing
from mss_gateway.cli.desk import Desk
from mss_gateway.failures import Failure, row


def show(desk: Desk) -> Answer:
    """Every failure and its printed forms."""
    rows = [
        {
            "failure": failure.value,
            "smtp": f"{row(failure).smtp} {row(failure).enhanced}",
            "imap": row(failure).imap,
            "http": row(failure).http,
            "retry": row(failure).retry,
            "text": texts.text(row(failure).text),
        }
        for failure in Failure
    ]
    columns = {
        "failure": "failure",
        "smtp": "SMTP",
        "imap": "IMAP",
        "http": "HTTP",
        "retry": "again?",
        "text": "what the person reads",
    }
    return listing(rows, columns, "No failure.")
