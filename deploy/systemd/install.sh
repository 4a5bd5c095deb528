#!/bin/bash
# Install Leadline for systemd, as root: install.sh WHEEL ROLE..., with the roles agent, stream, sink, verify and console.
#
#     deploy/systemd/install.sh dist/leadline-0.1.0-py3-none-any.whl agent
#
# /opt/leadline            the programs, in a Python environment of their own
# /usr/local/bin/leadline  the command
# /etc/leadline/ROLE.yaml  settings: every one with its help, unless the file is there
# /etc/systemd/system      leadline-agent.service, leadline-agent@.service, leadline@.service
# /usr/local/share         manual pages, completion for bash
# /var/lib/leadline        the spool of an agent, positions of a verifier; systemd creates it
#
# Nothing is started or enabled. Run it again to upgrade. DESTDIR is the root of another file system, for packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=${DESTDIR:-}
wheel=${1:?which wheel? make wheel builds one}
shift
[ $# -gt 0 ] || { echo 'which roles? agent, stream, sink, verify, console' >&2; exit 2; }

declare -A extra=([stream]=streams [sink]=sinks [console]=console)
extras=()
for role in "$@"; do
    [ -f "$here/../examples/$role.yaml" ] || { echo "there is no role $role; roles: agent, stream, sink, verify, console" >&2; exit 2; }
    [ -z "${extra[$role]:-}" ] || extras+=("${extra[$role]}")
done

[ -x "$to/opt/leadline/bin/python" ] || python3 -m venv "$to/opt/leadline"
wanted=$(IFS=,; echo "${extras[*]}")
"$to/opt/leadline/bin/python" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    "$(realpath "$wheel")${wanted:+[$wanted]}"
install -d "$to/etc/leadline" "$to/usr/local/bin"
ln -sfn /opt/leadline/bin/leadline "$to/usr/local/bin/leadline"
for role in "$@"; do
    file=$to/etc/leadline/$role.yaml
    [ -e "$file" ] || install -m 0644 "$here/../examples/$role.yaml" "$file"
    units=(leadline@.service)
    [ "$role" != agent ] || units=(leadline-agent.service leadline-agent@.service)
    install -d "$to/etc/systemd/system"
    install -m 0644 "${units[@]/#/$here/}" "$to/etc/systemd/system"
done
"$to/opt/leadline/bin/python" -m leadline_cli.man "$to/usr/local/share/man/man1"
install -d "$to/usr/local/share/bash-completion/completions"
_LEADLINE_COMPLETE=bash_source "$to/opt/leadline/bin/leadline" >"$to/usr/local/share/bash-completion/completions/leadline"
echo "installed; edit $to/etc/leadline, then run: leadline doctor -c /etc/leadline/$1.yaml"
