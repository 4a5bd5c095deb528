"""PostgreSQL as an agent sees it: which SQL a server is asked, and its answers as observations.

``catalog``         the SQL for a version of the server; statements are in ``queries/``, a file per group and version
``probe``           one connection: asks a question, waits a bounded time, reconnects
``connect_errors``  why a server could not be read, in one line
``document``        the shape of the answers
``rows``            answers as observations
``workers``         when the tables of logical replication are worth reading
``replies``         how long ago a replica last answered its sender
``masking``         queries, connection strings and commands without their secrets
"""
