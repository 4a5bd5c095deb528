"""The agent on a database host: look, spool, publish.

Must never hurt the server it watches: one connection per instance, bounded statements, ``pg_monitor`` and no more.
"""
