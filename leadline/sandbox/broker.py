"""Kafka in memory: librdkafka's mock cluster, which speaks the Kafka protocol over TCP from within this process."""
