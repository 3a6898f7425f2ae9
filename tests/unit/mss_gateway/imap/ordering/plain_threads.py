"""REFERENCES as RFC 5256 §3 words it, step by step, with objects and recursion: the judge of ours.

Slow and for small mailboxes only; written from the text, sharing nothing with the product.
"""

from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(eq=False)
class Post:
    """A message, or a dummy where ``number`` is None."""

    number: int | None
    sent: int = 0
    subject: str = ""
    is_reply: bool = False
    parent: "Post | None" = None
    children: "list[Post]" = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """What a message says of itself: normalised identifiers, None for no Message-ID."""

    identifier: str | None
    references: tuple[str, ...]
    subject: str
    is_reply: bool
    sent: int


Tree = tuple[int | None, tuple["Tree", ...]]
"""A number, None for a dummy, and what is below it."""


def threaded(messages: list[Written]) -> tuple[Tree, ...]:
    """All steps; the trees in their order."""
    posts = [Post(n, m.sent, m.subject, m.is_reply) for n, m in enumerate(messages)]
    _step_1(messages, posts)
    every = {id(top): top for top in map(_top, posts)}
    root = Post(None, children=list(every.values()))  # step 2
    _step_3(root)
    for thread in root.children:  # step 4
        if thread.number is None:
            thread.children.sort(key=_when)
    root.children.sort(key=_when)
    _step_5(root)
    _step_6(root)
    return tuple(_tree(child) for child in root.children)


def _top(post: Post) -> Post:
    return post if post.parent is None else _top(post.parent)


def _is_descendant(post: Post | None, other: Post) -> bool:
    return post is not None and (post is other or _is_descendant(post.parent, other))


def _link(parent: Post, child: Post) -> None:
    if not _is_descendant(parent, child):
        child.parent = parent
        parent.children.append(child)


def _step_1(messages: list[Written], posts: list[Post]) -> None:
    owners: dict[str, Post] = {}
    for message, post in zip(messages, posts, strict=True):
        if message.identifier is not None:
            owners.setdefault(message.identifier, post)
    for message, post in zip(messages, posts, strict=True):
        line = [owners.setdefault(each, Post(None)) for each in message.references]
        for parent, child in pairwise(line):
            if child.parent is None:
                _link(parent, child)
        if post.parent is not None:
            post.parent.children.remove(post)
            post.parent = None
        if line:
            _link(line[-1], post)


def _step_3(root: Post) -> None:
    def pruned(post: Post, is_top: bool) -> list[Post]:
        post.children = [left for child in post.children for left in pruned(child, False)]
        if post.number is not None:
            return [post]
        if is_top and len(post.children) > 1:
            return [post]
        return post.children

    root.children = [left for child in root.children for left in pruned(child, True)]


def _when(post: Post) -> tuple[int, int]:
    first = post.children[0] if post.number is None else post
    assert first.number is not None
    return first.sent, first.number


def _step_5(root: Post) -> None:
    def subject(post: Post) -> str:
        return post.children[0].subject if post.number is None else post.subject

    table: dict[str, Post] = {}
    for current in root.children:
        found = table.get(subject(current))
        if not subject(current):
            continue
        is_other = found is not None and found.number is not None
        if found is None or (
            is_other and (current.number is None or (found.is_reply and not current.is_reply))
        ):
            table[subject(current)] = current
    for current in list(root.children):
        found = table.get(subject(current))
        if found is None or found is current:
            continue
        root.children.remove(current)
        if found.number is None and current.number is None:
            found.children += current.children
        elif found.number is None or (current.is_reply and not found.is_reply):
            found.children.append(current)
        else:
            dummy = Post(None, children=[found, current])
            root.children[root.children.index(found)] = dummy
            table[subject(current)] = dummy


def _step_6(post: Post) -> None:
    for child in post.children:
        _step_6(child)
    post.children.sort(key=_when)


def _tree(post: Post) -> Tree:
    return post.number, tuple(_tree(child) for child in post.children)
