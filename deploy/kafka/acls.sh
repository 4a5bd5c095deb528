#!/usr/bin/env bash
# Least privilege in Kafka: one principal per role, each with what it needs and no more.
#
#     deploy/kafka/acls.sh kafka-1:9092 [--command-config admin.properties] | bash
#
# It prints the commands for Kafka's own kafka-acls.sh; pipe them to a shell when they are what you want. Set PREFIX where
# kafka.topic_prefix is another one, STREAM_GROUP where the stream has an application_id, KAFKA_ACLS where the tool has
# another name, CONSOLE_EXPLAINS=yes where the console is to explain links from their samples. The principals are the
# users of kafka.sasl.username, or the subjects of certificates or tokens: set AGENT, STREAM, SINK, VERIFY, CONSOLE and
# PEOPLE.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
server=$1
shift
extra=("$@")
prefix=${PREFIX-leadline.}
tool=${KAFKA_ACLS:-kafka-acls.sh}
topics="samples alerts incidents lag status verifications audits changes state actions silences deliveries deadletters"

# Who, writes which topics (without the prefix), reads which.
grants() {
    local agent=${AGENT:-User:leadline-agent} stream=${STREAM:-User:leadline-stream}
    local sink=${SINK:-User:leadline-sink} verify=${VERIFY:-User:leadline-verify}
    local console=${CONSOLE:-User:leadline-console} people=${PEOPLE:-User:leadline-people}
    role "$agent" "samples" ""
    role "$stream" "samples state alerts incidents lag status audits changes deadletters" "samples state"
    # The largest record that each topic takes: a larger state or output is kept back, and reported.
    grant "$stream" DescribeConfigs state alerts incidents status lag audits changes
    # Actions and silences are those that people give in Slack and PagerDuty.
    role "$sink" "deliveries incidents deadletters actions silences" \
        "alerts incidents lag status verifications audits changes actions silences deliveries"
    # What it found is on the samples as findings, which the stream judges. It reads when each table was last proven equal.
    role "$verify" "verifications samples" "verifications"
    # It shows what was judged, and writes what people do in it.
    role "$console" "actions silences" \
        "alerts incidents lag status verifications audits changes actions silences deliveries deadletters"
    # From the samples it explains why a link did or did not alert. They hold the texts of queries, which it does not show.
    [ "${CONSOLE_EXPLAINS-no}" = no ] || grant "$console" Read samples
    # Samples hold the texts of queries: `leadline record` is for whoever has the processor's credentials.
    # They write there that a node is retired.
    role "$people" "actions silences samples" "incidents status alerts lag silences deliveries verifications deadletters"
    # The groups in which offsets are committed.
    named "$stream" Read group "${STREAM_GROUP-${prefix}stream}" literal
    named "$sink" Read group "${prefix}sink." prefixed
    # One for each partition of the samples: Kafka refuses what a worker writes after its partitions went to another one.
    named "$stream" Write transactional-id "${STREAM_GROUP-${prefix}stream}-" prefixed
    # The same for the deliveries, one for each target and partition of the incidents.
    named "$sink" Write transactional-id "${prefix}sink." prefixed
}

# Whoever reads or writes a topic sees that it is there. Of the others it is seen at the start, or by `leadline doctor`.
role() {
    local who=$1 writes=$2 reads=$3 topic others=()
    for topic in $topics; do
        [[ " $writes $reads " == *" $topic "* ]] || others+=("$topic")
    done
    grant "$who" Write $writes
    grant "$who" Read $reads
    grant "$who" Describe "${others[@]}"
}

grant() {
    local who=$1 what=$2 topic names=()
    shift 2
    for topic in "$@"; do names+=(--topic "$prefix$topic"); done
    [ $# -eq 0 ] || run --allow-principal "$who" --operation "$what" "${names[@]}"
}

named() {
    run --allow-principal "$1" --operation "$2" "--$3" "$4" --resource-pattern-type "$5"
}

run() {
    printf '%q ' "$tool" --bootstrap-server "$server" "${extra[@]}" --add "$@"
    echo
}

grants
