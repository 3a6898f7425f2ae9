"""The queue of record: one row per recipient, in the store's own database.

Laws: one recipient, one result; nothing is forgotten, nothing is sent unsigned. An item is claimed
by an UPDATE under a lease; whoever dies with it loses only time. A stage may run twice without
harm, so a lease that ran out is simply taken again. Patience is measured by a clock of its own
(``clock``). What an attempt at another operator sends is kept until its outcome is known.
"""
