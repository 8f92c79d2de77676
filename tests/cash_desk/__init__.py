"""A clerk's desk without HTTP and Temporal: the writes of cash application as the API submits them.

`desk.py` does them, `books.py` says whether the books are right.
"""
