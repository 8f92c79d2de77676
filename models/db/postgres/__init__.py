"""PostgreSQL, spoken in one place: what is sent and how it is read, from a thread and on the event loop.

`statements` turns a statement and its values into what the server takes, and prepares what is used twice. `pipeline`
sends any number of them and reads every answer, without waiting by itself. `connection` has the two faces, which wait:
both are psycopg's own connections, with a deadline on every wait. `reads` keeps a few for the event loop; threads take
theirs from the engine's pool (`models.db.engine`).
"""
