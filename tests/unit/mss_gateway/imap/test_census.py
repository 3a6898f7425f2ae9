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
    census = Census(per_address=9, per_account=9, octets_in_flight=10, least_share=10)
    assert census.reserve(10, 1)
    assert not census.reserve(1, 2)
    census.release(4, 1)
    assert [census.reserve(5, 2), census.reserve(4, 2)] == [False, True]


def test_one_person_has_a_share_and_no_more() -> None:
    census = Census(per_address=9, per_account=9, octets_in_flight=800, least_share=50)
    assert [census.reserve(60, 1), census.reserve(40, 1), census.reserve(1, 1)] == [
        True,
        True,
        False,
    ]
    assert census.reserve(100, 2)
    census.release(60, 1)
    assert [census.reserve(61, 1), census.reserve(60, 1)] == [False, True]


def test_a_share_holds_at_least_one_message() -> None:
    census = Census(per_address=9, per_account=9, octets_in_flight=80, least_share=50)
    assert [census.reserve(51, 1), census.reserve(50, 1)] == [False, True]


def test_a_subscriber_s_addresses_are_one() -> None:
    census = Census(per_address=2, per_account=9, octets_in_flight=9)
    assert census.enter("2001:db8:1:2::1") and census.enter("2001:db8:1:2:ffff::9")
    assert not census.enter("2001:db8:1:2::3")
    assert census.enter("2001:db8:1:3::1") and census.enter("192.0.2.1")
    census.leave("2001:db8:1:2::3")
    assert census.enter("2001:db8:1:2::4")
