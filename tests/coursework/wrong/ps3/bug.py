from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps3-bug")
