from tests.coursework.wrong import then

WRONG = {
    "whatever is wrong is EINVAL": then("ps1-first", """
answers = [each if each == "ok" else "EINVAL" for each in answers]
"""),
    "nothing is refused": 'answers = ["ok"] * 8',
    "all are refused with EINVAL": 'answers = ["EINVAL"] * 8',
    "the file comes before the address and the rest": then("ps1-first", """
for number, call in enumerate(calls):
    if "folder" in call or "wo" in call or "ro" in call and "RW" in call:
        answers[number] = "ENODEV" if "folder" in call else "EACCES"
"""),
    "what looks wrong is refused": then("ps1-first", """
answers = [each.replace("ok", "EACCES" if "ro" in call else "EINVAL") for each, call in zip(answers, calls)]
"""),
    "an errno by its sound": then("ps1-first", """
other = {"EPERM": "EACCES", "EACCES": "EPERM", "ENODEV": "EACCES", "EEXIST": "EINVAL", "ENOMEM": "EINVAL"}
answers = [other.get(each, each) for each in answers]
"""),
    "the calls in another order": then("ps1-first", "answers.reverse()"),
    "one is missing": (then("ps1-first", "answers.pop()"), 2),
}  # fmt: skip
