"""Messages of a store that an earlier release left are in their threads after the first start."""

from pathlib import Path

import pytest

from mailbox_store import correspondences
from mss_gateway import compose
from mss_gateway.directory import people
from mss_gateway.webmail import thread_reading
from mss_gateway.webmail.reading import Box
from policies.people import Role
from tests.unit.mss_gateway.test_saved_stores import SAVED, restored


@pytest.mark.parametrize("name", SAVED)
def test_no_message_of_a_saved_store_is_out_of_sight(name: str, tmp_path: Path) -> None:
    gateway = restored(name, tmp_path)
    try:
        with gateway.database.read() as view:
            left = view.sql(
                "SELECT count(*) FROM messages m JOIN people p ON p.account_id = m.account_id"
                " WHERE (m.thread_id IS NULL OR m.thread_id = 0) = (p.box_type = 'PAT')"
            ).scalar_one()
            entries = view.sql(
                "SELECT count(*) FROM entries e JOIN messages m ON m.message_id = e.message_id"
                " WHERE e.thread_id IS NOT m.thread_id"
            ).scalar_one()
            patient = next(
                one
                for one in people.everyone(view)
                if one.role is Role.PATIENT and correspondences.of_patient(view, one.account_id)
            )
            listed = thread_reading.list_of(view, patient, Box.RECEIVED, "")
            opened = thread_reading.exchange_of(view, patient, listed.lines[0].thread_id, "")
        assert (left, entries) == (0, 0)
        assert listed.lines[0].name
        assert opened.items[0].letter is not None
    finally:
        compose.close(gateway)
