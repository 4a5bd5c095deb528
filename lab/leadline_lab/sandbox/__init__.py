"""Real parts on one machine: a Kafka broker in memory, PostgreSQL servers, and a network between them that breaks.

For ``leadline watch``, ``leadline demo``, drills and tests. It needs Linux 5.3 or newer, works as root and as any other
user, keeps everything in a temporary folder, and leaves neither that nor a process behind, whatever kills its owner.
Never for data that matters: servers run without fsync and the broker forgets everything when it is closed.

``fleet``           servers that replicate to each other, with the least privileged role for an agent
``postgres``        one PostgreSQL server: configure, ask
``server_files``    its files, programs and addresses
``shared_memory``   where it can put shared memory
``server_process``  its processes: start, stop, crash, freeze
``workload``        pgbench in the background
``proxy``           a TCP link that can be cut, held or slowed down
``broker``          Kafka in memory
``binaries``        where PostgreSQL's programs are, per major version
``process``         programs run as the right user, and long-lived ones tied to their owner
``guard``           the small program that ends a process tree with its owner
``folder``          a temporary folder that goes with its owner
``sweeper``         the small program that removes it
``port``            TCP ports that no other sandbox takes
``wait``            until something is so
"""
