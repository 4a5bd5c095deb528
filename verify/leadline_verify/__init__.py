"""The verifier: compares the data of two servers that replicate, while both are in use.

It reads with a role of its own (``deploy/sql/verify.sql``), in short statements, and writes no table on either server.
It holds no snapshot between statements. It does not repair; it can write the statements that would.

``outcome``  results of a table and of a run
``findings`` the record of a verification as findings for the stream
"""
