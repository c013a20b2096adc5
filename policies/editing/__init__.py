"""What an editor asks while a rule file is written: what may stand here, what is this, where is it declared.

    text ─ outline.py ─> keys and values with their places, of any text however unfinished
         ─ cursor.py ─> where in it the cursor stands        ─ shapes.py ─> what the models allow there
    expression before the cursor ─ expressions.py ─> in whose scope, behind what
    ─> completion.py, hover.py, places.py (go to definition), symbols.py, repairs.py

Everything here is pure and knows no editor's protocol: texts and points in, plain data out. `knowledge.py` says what
the caller brings along (the catalog as the language sees it, the library's policies). Lines and columns count from 0,
in characters; `positions.py` turns them into the units of an editor.
"""
