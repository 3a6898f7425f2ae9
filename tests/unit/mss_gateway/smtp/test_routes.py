"""Where a domain's servers are: table, MX, addresses; every answer of a name server has a word."""

import dns.rcode
import pytest

from mss_gateway.config import Config, Listen, Relay, Site
from mss_gateway.failures import Failure
from mss_gateway.smtp import routes
from mss_gateway.smtp.routes import NoRoute, Resolver, Route, routes_to
from tests.support.name_server import NameServer, Zone, answering

OWN = "mx.mss.example"
DOMAIN = "ville.example"


def config(*lines: str, port: int = 25) -> Config:
    return Config(
        site=Site(hostname=OWN), listen=Listen(mx=2525), relay=Relay(routes=lines, port=port)
    )


def backwards(hosts: list[str]) -> None:
    hosts.sort(reverse=True)


async def found(zone: Zone, *lines: str, port: int = 25) -> list[Route]:
    async with answering(zone) as server:
        return await routes_to(DOMAIN, config(*lines, port=port), asking(server), backwards)


def asking(server: NameServer, seconds: float = 5.0) -> Resolver:
    return Resolver(("127.0.0.1",), server.port, seconds)


async def expect_none(failure: Failure, zone: Zone, *lines: str) -> None:
    with pytest.raises(NoRoute) as refused:
        await found(zone, *lines)
    assert refused.value.failure is failure


def mx(*hosts: str) -> Zone:
    return {(DOMAIN, "MX"): hosts}


async def test_what_the_operator_wrote_comes_first_and_asks_nobody() -> None:
    lines = (f"{DOMAIN} 127.0.0.1:2626", "* relais.example:25")
    async with answering({}) as server:
        resolver = asking(server)
        assert await routes_to(DOMAIN, config(*lines), resolver) == [
            Route("127.0.0.1", 2626, is_configured=True)
        ]
        assert await routes_to("autre.example", config(*lines), resolver) == [
            Route("relais.example", 25, is_configured=True)
        ]
        assert not server.asked


async def test_an_address_of_the_sixth_version_is_written_in_brackets() -> None:
    found = await routes_to(DOMAIN, config(f"{DOMAIN} [::1]:2626"), None)
    assert found == [Route("::1", 2626, is_configured=True)]


@pytest.mark.parametrize("place", [f"{OWN}:2525", "127.0.0.1:2525"])
async def test_a_route_that_leads_here_is_a_loop(place: str) -> None:
    await expect_none(Failure.MAIL_LOOP, {}, f"{DOMAIN} {place}")


async def test_another_port_of_this_machine_is_another_server() -> None:
    route = Route(OWN, 2626, is_configured=True)
    assert await found({}, f"{DOMAIN} {OWN}:2626") == [route]


async def test_without_a_table_and_without_dns_nothing_is_known() -> None:
    with pytest.raises(NoRoute) as refused:
        await routes_to(DOMAIN, config("autre.example 127.0.0.1:25"), None)
    assert refused.value.failure is Failure.DESTINATION_UNKNOWN


async def test_hosts_come_by_preference_and_equal_ones_in_any_order() -> None:
    zone = mx("20 c.example.", "10 a.example.", "5 Z.example.", "10 b.example.")
    assert [each.host for each in await found(zone)] == [
        *("z.example", "b.example", "a.example", "c.example")
    ]
    assert {each.port for each in await found(zone, port=2525)} == {2525}


async def test_equal_hosts_are_shuffled_on_their_own_each_time() -> None:
    given: list[list[str]] = []
    zone = mx("10 a.example.", "10 b.example.", "20 c.example.")
    async with answering(zone) as server:
        await routes_to(DOMAIN, config(), asking(server), lambda hosts: given.append(sorted(hosts)))
    assert given == [["a.example", "b.example"], ["c.example"]]


async def test_a_host_named_twice_is_tried_once() -> None:
    assert len(await found(mx("10 a.example.", "20 a.example."))) == 1


async def test_a_null_mx_takes_none() -> None:
    await expect_none(Failure.DESTINATION_TAKES_NONE, mx("0 ."))


async def test_a_root_beside_a_host_is_passed_over() -> None:
    assert [each.host for each in await found(mx("0 .", "10 a.example."))] == ["a.example"]


async def test_without_mx_the_domain_is_its_own_host() -> None:
    assert await found({(DOMAIN, "A"): ("192.0.2.1",)}) == [Route(DOMAIN, 25)]


def srv(*records: str) -> Zone:
    return {(DOMAIN, "A"): ("192.0.2.1",), (f"_smtp._tcp.{DOMAIN}", "SRV"): records}


async def test_without_mx_the_hosts_and_ports_of_srv_come_by_priority() -> None:
    zone = srv("20 0 25 c.example.", "10 5 2526 a.example.", "10 90 2525 B.example.")
    assert await found(zone) == [
        Route("b.example", 2525),
        Route("a.example", 2526),
        Route("c.example", 25),
    ]


async def test_where_there_is_mx_srv_is_not_asked() -> None:
    async with answering(srv("10 0 2525 a.example.") | mx("10 b.example.")) as server:
        assert await routes_to(DOMAIN, config(), asking(server)) == [Route("b.example", 25)]
        assert not server.asked[f"_smtp._tcp.{DOMAIN}", "SRV"]


async def test_a_service_that_is_decidedly_not_there_takes_none() -> None:
    await expect_none(Failure.DESTINATION_TAKES_NONE, srv("0 0 0 ."))


async def test_a_service_that_is_this_server_is_a_loop() -> None:
    await expect_none(Failure.MAIL_LOOP, srv(f"0 0 25 {OWN}.", "5 0 25 a.example."))


async def test_a_server_that_fails_to_say_the_service_says_nothing_of_it() -> None:
    zone = {(DOMAIN, "A"): ("192.0.2.1",), (f"_smtp._tcp.{DOMAIN}", "SRV"): dns.rcode.SERVFAIL}
    await expect_none(Failure.PEER_UNREACHABLE, zone)


async def test_only_hosts_better_than_ourselves_are_tried() -> None:
    zone = mx("5 a.example.", f"10 {OWN}.", "10 b.example.", "20 c.example.")
    assert [each.host for each in await found(zone)] == ["a.example"]


async def test_our_own_name_as_the_best_host_is_a_loop() -> None:
    await expect_none(Failure.MAIL_LOOP, mx(f"5 {OWN.upper()}.", "10 a.example."))


async def test_so_many_hosts_are_tried_and_no_more() -> None:
    zone = mx(*(f"{number} h{number}.example." for number in range(routes.HOSTS + 5)))
    assert [each.host for each in await found(zone)] == [
        f"h{number}.example" for number in range(routes.HOSTS)
    ]


async def test_a_domain_that_is_none_is_refused_for_good() -> None:
    await expect_none(Failure.DESTINATION_UNKNOWN, {})


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_server_that_fails_says_nothing_of_the_domain(code: dns.rcode.Rcode) -> None:
    await expect_none(Failure.PEER_UNREACHABLE, {(DOMAIN, "MX"): code})


async def test_a_server_that_is_silent_is_waited_for_so_long_and_no_longer() -> None:
    async with answering({(DOMAIN, "MX"): None}) as server:
        with pytest.raises(NoRoute) as refused:
            await routes_to(DOMAIN, config(), asking(server, 0.2))
        assert server.asked[DOMAIN, "MX"] >= 1
    assert refused.value.failure is Failure.PEER_UNREACHABLE


@pytest.mark.parametrize("domain", ["x" * 64 + ".example", "a." * 130 + "example", "a..example"])
async def test_a_name_that_cannot_be_asked_is_refused_for_good(domain: str) -> None:
    async with answering({}) as server:
        with pytest.raises(NoRoute) as refused:
            await routes_to(domain, config(), asking(server))
        assert not server.asked
    assert refused.value.failure is Failure.DESTINATION_UNKNOWN


async def test_an_answer_is_remembered() -> None:
    async with answering(mx("10 a.example.")) as server:
        resolver = asking(server)
        for _ in range(3):
            await routes_to(DOMAIN, config(), resolver)
        assert server.asked[DOMAIN, "MX"] == 1


async def test_the_addresses_of_a_host_are_those_of_both_kinds() -> None:
    zone: Zone = {("a.example", "A"): ("192.0.2.1",), ("a.example", "AAAA"): ("2001:db8::1",)}
    async with answering(zone) as server:
        assert await asking(server).addresses("a.example") == ["192.0.2.1", "2001:db8::1"]


async def test_so_many_addresses_are_tried_and_no_more() -> None:
    many = tuple(f"192.0.2.{number}" for number in range(1, 2 * routes.ADDRESSES))
    async with answering({("a.example", "A"): many}) as server:
        assert len(await asking(server).addresses("a.example")) == routes.ADDRESSES


@pytest.mark.parametrize(
    ("zone", "failure"),
    [
        ({("a.example", "TXT"): ('"rien"',)}, Failure.DESTINATION_UNKNOWN),
        ({}, Failure.DESTINATION_UNKNOWN),
        ({("a.example", "A"): dns.rcode.SERVFAIL}, Failure.PEER_UNREACHABLE),
    ],
)
async def test_a_host_without_an_address_is_told_from_a_server_that_fails(
    zone: Zone, failure: Failure
) -> None:
    async with answering(zone) as server:
        with pytest.raises(NoRoute) as refused:
            await asking(server).addresses("a.example")
    assert refused.value.failure is failure
