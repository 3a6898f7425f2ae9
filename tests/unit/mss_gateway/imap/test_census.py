"""Counting connections and octets, each limit at its edge."""

from mss_gateway.imap.census import Census


def test_an_address_may_have_so_many_connections_and_no_more() -> None:
    census = Census(per_address=2, per_account=9, octets_in_flight=9)
    assert [census.enter("a"), census.enter("a"), census.enter("a")] == [True, True, False]
    assert census.enter("b")
    census.leave("a")
    assert census.enter("a")


def test_an_account_may_have_so_many_connections_and_no_more() -> None:
    census = Census(per_address=9, per_account=1, octets_in_flight=9)
    assert [census.log_in(1), census.log_in(1), census.log_in(2)] == [True, False, True]
    census.log_out(1)
    assert census.log_in(1)


def test_octets_in_flight_are_shared() -> None:
    census = Census(per_address=9, per_account=9, octets_in_flight=10)
    assert census.reserve(10)
    assert not census.reserve(1)
    census.release(4)
    assert [census.reserve(5), census.reserve(4)] == [False, True]
