"""A growing forest that refuses loops, in O(log n) a link however deep its trees are.

A node is a number, its parent another, -1 for none. Whether a link would close a loop is nearly
always plain to see: the child has no children yet, or the parent stands near the root of its tree.
Only what is deeper is asked of a link-cut tree (Sleator and Tarjan, 1983), which is made when it
is first needed: a mailbox of ordinary threads never pays for it, and a mailbox of hostile ones
cannot make it walk a chain of a hundred thousand replies a hundred thousand times.
"""

from typing import Final

NONE: Final = -1
_NEAR: Final = 32
"""Steps towards the root that are simply walked."""


class Forest:
    """Who is whose parent."""

    __slots__ = ("_children", "_paths", "parents")

    def __init__(self) -> None:
        self.parents: list[int] = []
        self._children: list[int] = []
        self._paths: _Paths | None = None

    def add(self) -> int:
        """A new node, the root of its own tree."""
        self.parents.append(NONE)
        self._children.append(0)
        if self._paths is not None:
            self._paths.add()
        return len(self.parents) - 1

    def link(self, parent: int, child: int) -> bool:
        """Give the root ``child`` its parent; False, and nothing is done, if that makes a loop."""
        assert self.parents[child] == NONE
        if self._is_below(parent, child):
            return False
        self.parents[child] = parent
        self._children[parent] += 1
        if self._paths is not None:
            self._paths.link(parent, child)
        return True

    def cut(self, child: int) -> None:
        """Make ``child`` a root, with all that is below it."""
        parent = self.parents[child]
        if parent == NONE:
            return
        self.parents[child] = NONE
        self._children[parent] -= 1
        if self._paths is not None:
            self._paths.cut(child)

    def _is_below(self, node: int, root: int) -> bool:
        """Whether ``node`` is ``root`` or below it."""
        if node == root or not self._children[root]:
            return node == root
        at = node
        for _ in range(_NEAR):
            above = self.parents[at]
            if above == NONE:
                return at == root
            at = above
        if self._paths is None:
            self._paths = _Paths(self.parents)
        return self._paths.root(at) == root


class _Paths:
    """The link-cut tree: the forest's paths as splay trees, ordered by depth.

    ``_up`` of the root of a splay tree is the forest's parent of its uppermost node.
    """

    __slots__ = ("_left", "_right", "_up")

    def __init__(self, parents: list[int]) -> None:
        self._up = list(parents)
        self._left = [NONE] * len(parents)
        self._right = [NONE] * len(parents)

    def add(self) -> None:
        for side in (self._up, self._left, self._right):
            side.append(NONE)

    def link(self, parent: int, child: int) -> None:
        self._expose(child)
        self._up[child] = parent

    def cut(self, child: int) -> None:
        self._expose(child)
        above = self._left[child]
        self._left[child] = NONE
        self._up[above] = NONE

    def root(self, node: int) -> int:
        self._expose(node)
        while self._left[node] != NONE:
            node = self._left[node]
        self._splay(node)
        return node

    def _expose(self, node: int) -> None:
        """Make the path from the root of the forest's tree to ``node`` one splay tree."""
        below, at = NONE, node
        while at != NONE:
            self._splay(at)
            self._right[at] = below
            below, at = at, self._up[at]
        self._splay(node)

    def _splay(self, node: int) -> None:
        """Bring ``node`` to the top of its splay tree."""
        while self._has_splay_parent(node):
            parent = self._up[node]
            if self._has_splay_parent(parent):
                grandparent = self._up[parent]
                is_straight = (self._left[parent] == node) == (self._left[grandparent] == parent)
                self._rotate(parent if is_straight else node)
            self._rotate(node)

    def _has_splay_parent(self, node: int) -> bool:
        parent = self._up[node]
        return parent != NONE and node in (self._left[parent], self._right[parent])

    def _rotate(self, node: int) -> None:
        """Exchange ``node`` with its parent; the order of depth stays."""
        parent = self._up[node]
        near, far = self._left, self._right
        if near[parent] != node:
            near, far = far, near
        grandparent = self._up[parent]
        if grandparent != NONE:
            for side in (self._left, self._right):
                if side[grandparent] == parent:
                    side[grandparent] = node
        inner = far[node]
        near[parent] = inner
        if inner != NONE:
            self._up[inner] = parent
        far[node] = parent
        self._up[parent] = node
        self._up[node] = grandparent
