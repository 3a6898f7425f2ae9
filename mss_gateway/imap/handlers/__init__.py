"""One function per command: values in, untagged responses queued, a tagged ``Reply`` out.

Laws: a handler awaits the store through ``Session.read`` and ``Session.commit`` only; it queues
octets and never writes them while a view or a transaction is open; what other sessions did is told
by ``Session.sync`` after it, never by the handler.

It must never: parse bytes of the protocol, decide its own state or answer a tag.
"""
