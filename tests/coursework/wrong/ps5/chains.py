READ = '''
chains, own, pages, maps = {}, {}, {}, {}
for line in str(picture).splitlines():
    head, _, tail = line.partition(" – ")
    name, anon = line[0], tail.split(" (")[0].split(":")[0]
    chains.setdefault(anon, []).append(name)
    if "its own" in line:
        own[name] = anon
    for piece in tail.partition("page#")[2].split(", "):
        if piece:
            first, _, last = piece.removeprefix("page#").partition("–")
            for number in range(int(first), int(last or first) + 1):
                pages[number] = anon
                maps.setdefault(number, []).append(name)
number = int(page.name.split("#")[1])
looked = chains[pages[number]]
takes = own[who]
freed = [anon for anon, names in chains.items() if set(names) <= set(gone)]
'''

WRONG = {
    "it looks only where it will find the page": (READ + "looked = maps[number]", 2),
    "it looks in one VMA": (
        READ + "looked = maps[number][:1]", 2),
    "the old page's anon_vma takes the new page": (READ + "takes = next(iter(chains))", 2),
    "an anon_vma is freed with its owner": (READ + "freed = [own[each] for each in gone]", 2),
    "an anon_vma with a process left to come is never freed": (READ + "freed = []", 2),
    "all that they are tied to is freed": (
        READ + "freed = [anon for anon, names in chains.items() if set(names) & set(gone)]", 2),
    "all three": (READ + "looked, takes, freed = maps[number], next(iter(chains)), []", 0),
}  # fmt: skip
