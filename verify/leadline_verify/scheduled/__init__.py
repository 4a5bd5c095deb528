"""The long-running part of the verifier: compares table after table within its budget, and publishes what it finds.

``schedule``  the next table to compare, and when. Pure
``record``    the result of a comparison joined with what was known of its link. Pure
``masking``   keys of rows as far as the settings let them leave
``comparison`` compares on the servers of the settings
``service``   the process: compares, publishes records and findings, and goes on where another one stopped
``publishing`` writes records and findings to Kafka
``positions`` files with the positions of comparisons that are under way
``gauges``    coverage and age of the proofs as metrics
"""
