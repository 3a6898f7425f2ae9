"""Who comes: the session of a request's cookie, what time made of it, and the form that waited.

Whoever was suspended meanwhile is a stranger from this request on. A session that is locked or too
old lets nobody in, but it still says whose writing a form is that comes by it.
"""

from dataclasses import replace

from mss_gateway.directory import people
from mss_gateway.directory.people import Person
from mss_gateway.webmail import kept_forms, sessions
from mss_gateway.webmail.forms import Form
from mss_gateway.webmail.sessions import TOUCH_SECONDS, Life, State
from mss_gateway.webmail.visit import RESUMED, Visit, Who, Work
from policies.people import Role

NEEDED = {
    Who.PENDING: State.PENDING,
    Who.GRANTED: State.GRANTED,
    Who.ENROLLING: State.ENROLLING,
    Who.PATIENT: State.OPEN,
}
"""The session that each kind of route asks for; ``Who.LOCKED`` asks for one that lapsed."""


def recognised(visit: Visit, secret: str) -> Visit:
    """The visit with its session, when the cookie names one and its patient may come."""
    gateway, who = visit.gateway, visit.route.who
    now = gateway.clock()
    with gateway.database.read() as view:
        found = sessions.recognise(view, secret, now, gateway.config.web)
        person = None if found is None else people.by_account(view, found[0].account_id)
    if found is None or person is None or not may_come(person):
        return visit
    session, life = found
    if life is not Life.STANDS:
        if session.state is not State.OPEN:
            return visit
        lapsed = replace(visit, lapsed=session, is_locked=life is Life.LOCKED, holder=person)
        return lapsed if who is Who.ANYONE else replace(lapsed, secret=secret)
    is_visit = visit.route.work is not Work.LIVE
    if is_visit and session.state is State.OPEN and now - session.seen_at >= TOUCH_SECONDS:
        gateway.database.write(lambda tx: sessions.touch(tx, session))
    if session.state is not State.OPEN and who is Who.ANYONE:
        return replace(visit, session=session, person=person)
    visit = replace(visit, session=session, person=person, secret=secret)
    return _resumed(visit) if RESUMED in visit.query else visit


def may_come(person: Person) -> bool:
    """Whether these pages are theirs."""
    return person.role is Role.PATIENT and person.standing.receives


def keep_form(visit: Visit, path: str, form: Form) -> bool:
    """Keep what came by a session that lapsed; False when it is too long to be kept."""
    lapsed = visit.lapsed
    assert lapsed is not None
    return visit.gateway.database.write(
        lambda tx: kept_forms.keep(tx, lapsed.account_id, lapsed.index, path, form)
    )


def forget_form(visit: Visit, path: str) -> None:
    """The form was sent: what was kept of it, if anything was, is shown no more."""
    gateway, account_id = visit.gateway, visit.patient.account_id
    with gateway.database.read() as view:
        kept = kept_forms.latest(view, account_id, gateway.clock(), path)
    if kept is not None:
        gateway.database.write(lambda tx: kept_forms.forget(tx, account_id, kept))


def _resumed(visit: Visit) -> Visit:
    """The visit of a form's page, with what was kept of that form."""
    if visit.route.who is not Who.PATIENT or visit.route.method != "GET":
        return visit
    path = visit.place.partition("?")[0]
    with visit.gateway.database.read() as view:
        kept = kept_forms.latest(view, visit.patient.account_id, visit.gateway.clock(), path)
    if kept is None:
        return visit
    return replace(visit, form=Form(kept.fields), had_files=kept.had_files)
