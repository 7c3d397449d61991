"""What if nodes come and go in any order? The four rules of a red-black tree hold."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from mmlab.lib.rbtree import rb_erase, rb_first, rb_insert_color, rb_link_node, rb_next, rb_prev


def insert(root, key):
    parent, node, left = None, root.rb_node, False
    while node is not None:
        parent, left = node, key < node.key
        node = node.rb_left if left else node.rb_right
    new = SimpleNamespace(key=key, rb_left=None, rb_right=None, rb_parent=None, rb_red=False)
    rb_link_node(new, parent, left, root)
    rb_insert_color(new, root)
    return new


def black_height(node, parent=None):
    """Assert the rules under a node; give how many black nodes each path has."""
    if node is None:
        return 1
    assert node.rb_parent is parent
    assert not (node.rb_red and parent is not None and parent.rb_red), "a red node has a red child"
    left, right = black_height(node.rb_left, node), black_height(node.rb_right, node)
    assert left == right, "two paths have different numbers of black nodes"
    return left + (not node.rb_red)


def in_order(root):
    found, node = [], rb_first(root)
    while node is not None:
        found.append(node.key)
        node = rb_next(node)
    return found


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 60), max_size=120))
def test_what_if_each_number_inserts_or_erases_its_node(numbers):
    root, nodes = SimpleNamespace(rb_node=None), {}
    for key in numbers:
        if key in nodes:
            rb_erase(nodes.pop(key), root)
        else:
            nodes[key] = insert(root, key)
        height = black_height(root.rb_node)
        assert root.rb_node is None or not root.rb_node.rb_red
        assert 2 ** (height - 1) - 1 <= len(nodes)
        assert in_order(root) == sorted(nodes)


def test_what_if_the_tree_is_walked_backwards():
    root = SimpleNamespace(rb_node=None)
    nodes = [insert(root, key) for key in range(20)]
    assert rb_prev(nodes[0]) is None
    assert [rb_prev(node).key for node in nodes[1:]] == list(range(19))
