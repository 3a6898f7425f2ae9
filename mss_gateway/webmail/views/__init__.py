"""One function per page or action: values from the core in, a response out.

Law: a view runs on a thread of the bridge, may block, and reads its request from ``Visit`` only.
It must never decide who may do what: that is asked of ``life`` and ``policies``.
"""
