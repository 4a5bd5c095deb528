#!/usr/bin/env bash
# Least privilege in Kafka: one principal per role, each with what it needs and no more.
#
#     deploy/kafka/acls.sh kafka-1:9092 [--command-config admin.properties] | bash
#
# It prints the commands for Kafka's own kafka-acls.sh; pipe them to a shell when they are what you want. Set PREFIX where
# kafka.topic_prefix is another one, KAFKA_ACLS where the tool has another name. The principals are the users of
# kafka.sasl.username, or the subjects of certificates: set AGENT, STREAM, SINK and PEOPLE.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
server=$1
shift
prefix=${PREFIX-leadline.}
tool=${KAFKA_ACLS:-kafka-acls.sh}

# Who, does what, to which topics (without the prefix). The groups of consumers follow below.
grants() {
    local agent=${AGENT:-User:leadline-agent} stream=${STREAM:-User:leadline-stream}
    local sink=${SINK:-User:leadline-sink} people=${PEOPLE:-User:leadline-people}
    # Each sees at its start whether all topics are there.
    for who in "$agent" "$stream" "$sink" "$people"; do
        grant "$who" Describe samples alerts incidents lag status state actions silences deliveries deadletters
    done
    grant "$agent" Write samples
    grant "$stream" Read samples state
    grant "$stream" Write samples state alerts incidents lag status deadletters
    # The largest state that the topic takes: a larger one is kept back, and reported.
    grant "$stream" DescribeConfigs state
    grant "$sink" Read alerts incidents actions silences deliveries
    grant "$sink" Write deliveries incidents deadletters
    # Samples hold the texts of queries: `leadline record` is for whoever has the processor's credentials.
    grant "$people" Read status silences deadletters
    grant "$people" Write actions silences
    group "$stream" leadline-stream literal
    group "$sink" leadline.sink. prefixed
}

grant() {
    local who=$1 what=$2 topics=()
    shift 2
    for topic in "$@"; do topics+=(--topic "$prefix$topic"); done
    run --allow-principal "$who" --operation "$what" "${topics[@]}"
}

group() {
    run --allow-principal "$1" --operation Read --group "$2" --resource-pattern-type "$3"
}

run() {
    printf '%q ' "$tool" --bootstrap-server "$server" "${extra[@]}" --add "$@"
    echo
}

extra=("$@")
grants
