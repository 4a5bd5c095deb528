"""Leadline: measures how far behind every replica is, names what broke it, and notifies the right person once.

This package is the language that all rooms share; it imports none of them. The rooms, each floor importing only from
the floors below it:

    cli/leadline_cli           the one command, ``leadline``
    lab/leadline_lab           sandbox servers, the vendors' stand-in, the demo
    agents/leadline_agents     reads database servers, publishes samples    } roles: they never import each other
    streams/leadline_streams   judges every link, names the cause           } and meet only in Kafka
    sinks/leadline_sinks       notifies people, writes the incident log     }

``model``           the values on the topics: frozen, without I/O
``wire``            values to bytes and back: keys, headers, typed decoding
``rows``            the rows of a look that say most
``interned_decode`` decoding of observations in which each repeated text becomes one object
``advisories``      known defects of replication software, and support of its versions
``catalogue``       what every rule and cause is: code, words, impact, measures, runbook
``schemas``         JSON Schemas and the AsyncAPI document, for other programs
``topic_specs``     the topics, declared once
``topics``          creates the topics, and compares them with their declarations
``deadletters``     the record written for a record that cannot be used
``topic_table``     the present content of a compacted topic
``recording``       records of a topic in a file
``kafka``           Kafka settings as client options; single writes
``kafka_batches``   batches that cannot be read, which stop nothing else
``kafka_claim``     the producer of a partition's owner, after which Kafka refuses earlier ones
``kafka_errors``    the errors after which a Kafka client is replaced
``kafka_explain``   why Kafka cannot be used, and the setting to correct
``kafka_token``     tokens for a login, from a file or a token endpoint
``settings``        every setting of every process
``redaction``       secrets masked in foreign text
``logs``            the process log on standard error; foreign text made safe to print
``clock``           the only module that reads a clock
``web_server``      bounds for every server that answers requests from outside
``shutdown``        the end of a long-running process
``errors``          errors and exit codes
``connection_error`` the reason of a connection that failed, in words
``pg_errors``       the meaning of PostgreSQL's errors, for every part that connects to a server
``pg_rights``       the statement that lets a role of PostgreSQL see everything
``signature``       signatures of observations, by keys of their clusters
``topic_range``     the values of a topic from a time on
``topic_span``      the records about one key between two times
``metrics``         the metrics of each process
``subject_metrics`` the gauges of links, nodes, slots and clusters
``otlp``            the metrics of a process for an OpenTelemetry collector
``suggestion``      the name that somebody probably meant
``words``           sizes, durations and times as text
``headline``        the first line about an incident: its impact, and its end
``difference_words`` rows that differ on two servers, as text
``evidence_words``  values of evidence as people write them
``silence_words``   silences and their announcements as text
``setting_words``   values of a server's settings as text
``lines``           values as lines of text
``runbooks``        the page of each rule, with the servers of an incident
``steps``           the steps of a fix as text
``numbers``         numbers in texts, and numbers that fit the wire
``audited_settings``  the settings that rules of an audit read
``own_incident``    incidents that a process opens about its own work
"""

__version__ = "0.1.0"
