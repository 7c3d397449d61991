from tests.coursework.wrong.hunt import mistakes

WRONG = mistakes("ps6-bug")
