from __future__ import annotations

from tf_dlth.exporting.graph import Add, Graph, Images, Relu, reachable

NODES = (
    Images("images", (), (2, 2, 1)),
    Relu("a", ("images",)),
    Relu("unread", ("a",)),
    Add("sum", ("a", "images")),
    Relu("later", ("sum",)),
)


def test_what_the_output_does_not_need_is_left_out() -> None:
    assert [node.name for node in reachable(NODES, "sum")] == ["images", "a", "sum"]


def test_uses_count_the_output() -> None:
    graph = Graph(reachable(NODES, "sum"), dict.fromkeys(("images", "a", "sum"), 1))
    assert graph.output == "sum"
    assert graph.uses() == {"images": 2, "a": 1, "sum": 1}
