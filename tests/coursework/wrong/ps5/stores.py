def stores(alone="list(page.values()).count(page[who]) == 1", forked="writable.discard(who)", gone="pass",
           again="who in writable", copied="page[who] = last = last + 1",
           word="'reuse' if alone else 'copy'"):  # fmt: skip
    """The reference answer, with one idea in it replaced."""
    return f"""
page, writable, last, stores, born = {{"P": 0, "A": 0, "B": 0}}, set(), 0, [], {{"A", "B"}}
for who, what, *child in story:
    if what == "exit":
        del page[who]
        {gone}
    elif what == "fork":
        page[child[0]] = page[who]
        born.add(child[0])
        {forked}
    elif {again}:
        stores.append("none")
    else:
        alone = {alone}
        stores.append({word})
        if not alone:
            {copied}
        writable.add(who)
"""


WRONG = {
    "who has stored once never faults again": stores(forked="pass"),
    "the parent keeps the right to write": stores(forked="born.add(child[0])",
                                                   again="who in writable or who not in born"),
    "the last one to have the page takes no fault": stores(word="'none' if alone else 'copy'"),
    "each first store copies": stores(word="'copy'"),
    "the child's store copies, the parent's reuses": stores(word="'copy' if who in born else 'reuse'"),
    "who is left alone with the page may write again": stores(copied="""left, page[who] = page[who], last + 1
            last += 1
            alone = [name for name in page if page[name] == left]
            writable |= set(alone) if len(alone) == 1 else set()"""),
    "an exit gives the last one the right to write": stores(gone="writable |= set(page) if len(page) == 1 else set()",
                                                            word="'none' if alone else 'copy'"),
    "as long as others live the page is copied": stores(alone="len(page) == 1"),
    "no private page is ever shared": "stores = ['none'] * 10",
    "each store copies": "stores = ['copy'] * 10",
}  # fmt: skip
