"""Red-black trees: lib/rbtree.c (v4.4).

The links are inside the nodes (`rb_left`, `rb_right`, `rb_parent`, `rb_red`). Four rules keep the tree flat:
the root is black; a red node has black children; each path from the root to a missing child passes the same number
of black nodes; the order of the nodes is the caller's. Missing children are None and count as black.
"""

from __future__ import annotations

from typing import Any

Node = Any  # whatever embeds an rb_node


def rb_link_node(node: Node, parent: Node | None, left: bool, root: Any) -> None:
    """Hang a new red leaf under `parent`, on its left or right; rb_insert_color must follow."""
    node.rb_parent, node.rb_left, node.rb_right, node.rb_red = parent, None, None, True
    if parent is None:
        root.rb_node = node
    elif left:
        parent.rb_left = node
    else:
        parent.rb_right = node


def _replace_child(old: Node, new: Node | None, parent: Node | None, root: Any) -> None:
    """Make `parent` (or the root) point to `new` where it pointed to `old`."""
    if parent is None:
        root.rb_node = new
    elif parent.rb_left is old:
        parent.rb_left = new
    else:
        parent.rb_right = new


def _rotate_left(node: Node, root: Any) -> None:
    """Lift the right child above `node`; the order of the nodes stays."""
    child = node.rb_right
    node.rb_right = child.rb_left
    if child.rb_left is not None:
        child.rb_left.rb_parent = node
    child.rb_parent = node.rb_parent
    _replace_child(node, child, node.rb_parent, root)
    child.rb_left, node.rb_parent = node, child


def _rotate_right(node: Node, root: Any) -> None:
    """Lift the left child above `node`; the order of the nodes stays."""
    child = node.rb_left
    node.rb_left = child.rb_right
    if child.rb_right is not None:
        child.rb_right.rb_parent = node
    child.rb_parent = node.rb_parent
    _replace_child(node, child, node.rb_parent, root)
    child.rb_right, node.rb_parent = node, child


def rb_insert_color(node: Node, root: Any) -> None:
    """Restore the rules after rb_link_node hung a red leaf, perhaps under a red parent."""
    while (parent := node.rb_parent) is not None and parent.rb_red:
        grandparent = parent.rb_parent
        left = parent is grandparent.rb_left
        uncle = grandparent.rb_right if left else grandparent.rb_left
        if uncle is not None and uncle.rb_red:  # red uncle: move the red up two levels
            parent.rb_red = uncle.rb_red = False
            grandparent.rb_red = True
            node = grandparent
            continue
        if node is (parent.rb_right if left else parent.rb_left):  # inner child: make it the outer one
            (_rotate_left if left else _rotate_right)(parent, root)
            node, parent = parent, node
        parent.rb_red, grandparent.rb_red = False, True
        (_rotate_right if left else _rotate_left)(grandparent, root)
    root.rb_node.rb_red = False


def rb_erase(node: Node, root: Any) -> None:
    """Take `node` out of the tree and restore the rules."""
    if node.rb_left is not None and node.rb_right is not None:
        _swap_with_successor(node, root)
    child, parent = node.rb_left or node.rb_right, node.rb_parent
    _replace_child(node, child, parent, root)
    if child is not None:  # a lone child is red: it takes the node's place and its black
        child.rb_parent, child.rb_red = parent, False
    elif not node.rb_red:
        _erase_color(parent, root)


def _swap_with_successor(node: Node, root: Any) -> None:
    """Exchange the places (and colours) of `node` and the next one, which has no left child."""
    after: Node = rb_next(node)
    _replace_child(node, after, node.rb_parent, root)
    after_parent, after_right = after.rb_parent, after.rb_right
    after.rb_parent, after.rb_left = node.rb_parent, node.rb_left
    after.rb_left.rb_parent = after
    if after_parent is node:
        after.rb_right, node.rb_parent = node, after
    else:
        after.rb_right, node.rb_parent = node.rb_right, after_parent
        after.rb_right.rb_parent = after
        after_parent.rb_left = node
    node.rb_left, node.rb_right = None, after_right
    if after_right is not None:
        after_right.rb_parent = node
    node.rb_red, after.rb_red = after.rb_red, node.rb_red


def _erase_color(parent: Node | None, root: Any) -> None:
    """Give one black node back to the paths through the child that `parent` has lost."""
    node = None
    while parent is not None and (node is None or not node.rb_red):
        left = node is parent.rb_left
        toward, away = (_rotate_left, _rotate_right) if left else (_rotate_right, _rotate_left)
        sibling = parent.rb_right if left else parent.rb_left
        if sibling.rb_red:  # make the sibling black
            sibling.rb_red, parent.rb_red = False, True
            toward(parent, root)
            sibling = parent.rb_right if left else parent.rb_left
        far, near = (sibling.rb_right, sibling.rb_left) if left else (sibling.rb_left, sibling.rb_right)
        if not (far and far.rb_red) and not (near and near.rb_red):  # take one black from the sibling too
            sibling.rb_red = True
            node, parent = parent, parent.rb_parent
            continue
        if not (far and far.rb_red):  # make the far nephew the red one
            near.rb_red, sibling.rb_red = False, True
            away(sibling, root)
            sibling, far = near, sibling
        sibling.rb_red, parent.rb_red, far.rb_red = parent.rb_red, False, False
        toward(parent, root)
        return
    if node is not None:
        node.rb_red = False


def rb_first(root: Any) -> Node | None:
    """Give the first node in order, or None."""
    node = root.rb_node
    while node is not None and node.rb_left is not None:
        node = node.rb_left
    return node


def rb_next(node: Node) -> Node | None:
    """Give the node after `node` in order, or None."""
    if node.rb_right is not None:
        node = node.rb_right
        while node.rb_left is not None:
            node = node.rb_left
        return node
    while node.rb_parent is not None and node is node.rb_parent.rb_right:
        node = node.rb_parent
    return node.rb_parent


def rb_prev(node: Node) -> Node | None:
    """Give the node before `node` in order, or None."""
    if node.rb_left is not None:
        node = node.rb_left
        while node.rb_right is not None:
            node = node.rb_right
        return node
    while node.rb_parent is not None and node is node.rb_parent.rb_left:
        node = node.rb_parent
    return node.rb_parent
