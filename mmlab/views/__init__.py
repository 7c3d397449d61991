"""Pictures and labs of the simulated kernel, for notebooks.

    objects.py   the objects behind a mapping, as a graph         object_graph(proc, addr, trace)
    offsets.py   the file under the address space, to scale       offset_strip(proc, addr)
    space.py     the address space to scale                       address_space(proc)
    tree.py      the red-black tree of the VMAs                   vma_tree(proc, addr)
    faults.py    the decisions of a page fault                    fault_tree(trace)
    ledger.py    every kB of /proc/meminfo, and who maps it       ledger(kernel), Ledger.of(kernel)
    moments.py   before and after                                 moment(kernel), difference(before, after)
    mappings.py  page tables, page cache and file offsets         page_tables(procs, addr or path)
    chains.py    which anon_vmas a VMA is tied to                 anon_vma_chains([parent, child], addr)
    shared.py    the two kinds of shared memory                   shared_memory(parent, child)
    lab.py       sliders and menus for one mmap call              MmapLab()
    merging.py   which neighbours become one VMA                  MergeLab()
    surgery.py   a mapping is cut, protected, stretched, moved    SurgeryLab()
    search.py    a slider for the address that find_vma gets      FindVmaLab()
    fault_lab.py    pages to load and store, as A or its fork B   FaultLab()
    kinds.py        whom the kernel asks, by kind of file         KindLab()
    mapped_lab.py   what programs do to /proc/meminfo             MappedLab()
    cache.py     a file's pages: in page tables, in memory, on disk page_cache(kernel, path)
    cache_lab.py    load, store, read, write, sync and cut a file CacheLab()
    shared_lab.py   what A stores and B loads                     SharedLab()
    two_kernels.py  a script on the simulation and on Linux       two_kernels(script)
    measured.py     what its steps do to /proc/meminfo, on both   measured(script)
    controls.py  what the labs share: controls, moves, outcome    timeline.py: what each move counted
    concepts.py  what the series teaches, as a map              concept_map()
    explorer.py  a trace, forwards and backwards, step by step    trace.explore()
    releases.py  what has changed since Linux 4.4                 release_table(), ReleaseLab()
    predict.py   a question answered before the kernel does        predict(question, answer)
    history.py   a machine as it was at each event of a trace      what the explorer goes back with
    reasons.py   the sentence that explains a step                 and source.py, its source
    refusal.py   the way of a failed call through the kernel      refusal(error, trace)
    diagram.py   a picture with its text twin                     Diagram, Canvas; DOT's tables and edges
    columns.py   objects in columns, without a layout engine      Graph
    render.py    from DOT to SVG                                  whichever Graphviz is there
    style.py     colours, markers, fonts of the pictures           sheet.py: of the widgets

Only the views import graphviz and ipywidgets; the kernel's rooms know nothing of them.
"""

from .cache import page_cache
from .cache_lab import CacheLab, CacheSetting, run_cache
from .chains import anon_vma_chains
from .concepts import concept_map
from .diagram import Diagram, stack
from .fault_lab import FaultLab, FaultSetting, run_faults
from .faults import fault_steps, fault_tree
from .kinds import KindLab, KindSetting, run_kinds
from .lab import MmapLab, Setting, run
from .ledger import Ledger, ledger
from .mapped_lab import MappedLab, MappedSetting, run_mapped
from .mappings import page_tables
from .measured import MeasuredLab, measured
from .merging import MergeLab, MergeSetting, run_merging
from .moments import Moment, changes, difference, moment
from .objects import object_graph
from .offsets import offset_strip
from .predict import Prediction, predict
from .refusal import refusal
from .releases import ReleaseLab, release_table
from .search import FindVmaLab
from .shared import shared_memory
from .shared_lab import SharedLab, SharedSetting, run_shared
from .space import address_space
from .surgery import SurgeryLab, SurgerySetting, run_surgery
from .tree import vma_tree
from .two_kernels import TwoKernels, two_kernels

__all__ = [
    "CacheLab", "CacheSetting", "Diagram", "FaultLab", "FaultSetting", "FindVmaLab", "KindLab", "KindSetting", "Ledger",
    "MappedLab", "MappedSetting", "MeasuredLab", "MergeLab", "MergeSetting", "MmapLab", "Moment", "Prediction",
    "ReleaseLab", "Setting", "SharedLab", "SharedSetting", "SurgeryLab", "SurgerySetting", "TwoKernels",
    "address_space", "anon_vma_chains", "changes", "concept_map", "difference", "fault_steps", "fault_tree", "ledger",
    "measured", "moment", "object_graph", "offset_strip", "page_cache", "page_tables", "predict", "refusal",
    "release_table", "run", "run_cache", "run_faults", "run_kinds", "run_mapped", "run_merging", "run_shared",
    "run_surgery", "shared_memory", "stack", "two_kernels", "vma_tree",
]  # fmt: skip
