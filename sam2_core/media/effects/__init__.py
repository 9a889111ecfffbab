"""Effects: pictures changed with the help of masks.

look.py      what is to be done, as plain data, with all knobs and their bounds
painter.py   does it to one picture
"""
