"""The cells of the notebooks that are measured: one graph of 30 objects, and the ways to show it."""

GRAPH = """\
import ipywidgets as widgets
from IPython.display import display
from mmlab.views.columns import Graph
from mmlab.views.diagram import Diagram, Row

def graph(value):
    made = Graph("task_struct", "mm_struct", "vm_area_struct", "file", "address_space")
    made.node(0, "task", "task_struct", "reader", [Row("min_flt", value), Row("mm")])
    made.node(0, "mm", "mm_struct", "reader", [Row("map_count", 10), Row("mm_rb")])
    made.edge("task:mm", "mm")
    for n in range(10):
        made.node(1, f"vma{n}", "vm_area_struct", f"vma#{n}", [Row("vm_pgoff", value + n), Row("vm_file")])
        made.edge("mm:mm_rb", f"vma{n}")
    for n in range(9):
        made.node(2, f"file{n}", "file", f"book{n}.txt", [Row("f_count", 2), Row("f_mapping")])
        made.node(3, f"as{n}", "address_space", f"book{n}.txt", [Row("nrpages", n)])
        made.edge(f"vma{n}:vm_file", f"file{n}")
        made.edge(f"file{n}:f_mapping", f"as{n}")
    assert len(made.nodes) == 30
    return made

def slider():
    return widgets.IntSlider(min=0, max=100_000, description="vm_pgoff")
"""
OURS = """\
ours, picture = slider(), widgets.HTML()
def redraw(change=None):
    picture.value = graph(ours.value).diagram("30 objects", f"vm_pgoff {ours.value}").html()
ours.observe(redraw, "value")
redraw()
widgets.VBox([ours, picture]).add_class("ours")
"""
DOT = """\
laid, drawing = slider(), widgets.HTML()
def relay(change=None):
    drawing.value = Diagram("30 objects", f"vm_pgoff {laid.value}", graph(laid.value).dot).html()
laid.observe(relay, "value")
relay()
widgets.VBox([laid, drawing]).add_class("dot")
"""
PLAIN = """\
import graphviz
plain = slider()
shown = widgets.interactive(lambda value: display(graphviz.Source(graph(value).dot)), value=plain)
shown.add_class("plain")
"""
SMALL = """\
small, number = slider(), widgets.HTML()
def tell(change=None):
    number.value = f"<svg width='20' height='20'><desc>{small.value}</desc></svg>"
small.observe(tell, "value")
tell()
widgets.VBox([small, number]).add_class("small")
"""
NOTHING = "nothing = slider()\nnothing.observe(lambda change: None, 'value')"
MMAP_LAB = """\
from mmlab.views import MmapLab
lab = MmapLab()
lab.add_class("lab")
"""
STATE = """\
def state():
    import gc, pathlib
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    comms = len(get_ipython().kernel.comm_manager.comms)
    widgets_ = len(widgets.widget._instances)
    return {"memory kB": 4 * pages, "objects": len(gc.get_objects()), "comms": comms, "widgets": widgets_}
"""
