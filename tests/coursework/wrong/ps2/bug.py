from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps2-bug")
