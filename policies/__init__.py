"""May it? Facts in, verdict out: the decisions of the house, and nothing else.

``decide.at_sender``, ``at_recipient``, ``at_message`` and ``at_read``, and for other operators
``at_peer`` and ``at_arrival``, ask every row of one table of ``rules.py``;
``first_contact.effects`` says what a delivered message opens or closes between a professional and a
patient.

Law: **same facts, same verdict, for ever.** A rule may object; none may permit early; the first
objection answers, and all are asked all the same, so that the trail is complete and an answer costs
the same whatever it is. An empty table refuses. Unknown is refused.

Never: a clock, randomness, a file, a socket, a log line, a query. Time and state arrive as facts,
gathered by a stage of ``mss_gateway.life``; addresses arrive in their one normal form, lower-case.
No exception of its own: a verdict is a value, and a ``Reason`` never names a person.
"""
