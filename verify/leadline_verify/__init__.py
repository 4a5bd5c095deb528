"""The verifier: compares the data of two servers that replicate, while both are in use.

It reads with a role of its own (``deploy/sql/verify.sql``), in short statements, and writes no table on either server.
It holds no snapshot between statements. It does not repair; it can write the statements that would.

Plan, from the catalogs of both servers:
``session``      a session of the verifier's own role
``catalog``      reads the catalogs
``table_facts``  a database as it is read
``linking``      how the downstream follows the upstream
``plan``         which tables are compared, and how
``key_choice``   the key by which rows are found and put into order
``column_match``  which columns can be compared
``selection``    the tables that were asked for

Compare:
``column_hash``  the hash of a column and of a row in SQL
``statements``   the statements about one table
``reading``      one statement, with the errors that a comparison can live with
``barrier``      waits until one side has what the other one has shown
``comparing``    one range: digests, a wait, digests, rows
``confirming``   decides whether rows that looked different are
``whole_table``  a table without a key
``table_walk``   one table in chunks
``one_table``    one table and its result
``canary``       the proof that a run finds differences
``request``      what is to be compared, and how
``verifying``    a run

``limits``       how gently a run reads
``load``         the sessions of the servers
``replica_lag``  the downstream's lag
``checkpoint``   the position of a run on disk
``outcome``      results of a table and of a run
``row_report``   describes rows that differ
``repair``       the statements that would repair
``private_file`` a file that only its owner can read
``summary``      the report as text
``findings``     the record of a verification as findings for the stream
``pages``        pages of a standby that amcheck calls damaged
``schema_diff``  definitions and sequences that differ
``scheduled``    the long-running part, which publishes what it finds
"""
