"""The command ``leadline``: arguments, output and exit codes around what the other rooms do.

``main`` loads a command's file by its name. A file imports other rooms inside the function of its command, so each
command starts with its own imports only. It must never decide anything: it prints what other rooms return.

``main``           the table of commands; an error becomes one line and an exit code
``__main__``       ``python -m leadline_cli``
``options``        options and arguments that several commands share
``elsewhere``      names that people bring along from other tools
``matchable``      what a silence can match
``servers``        the servers that a command line names
``output``         tables for people, JSON lines for programs
``checks``         the checks of ``doctor``
``rights``         the report of ``doctor --rights``
``earlier_audit``  what an audit is compared with
``left_open``      what a watch leaves open at its targets
``console_checks``  the checks of a console: its address, names, sign-in, files and incident log
``verify_checks``  the check of a verifier: both ends of each link
``verify_output``  the output of ``verify``
``target_checks``  the checks of ``doctor`` for the targets of a sink
``reference``      the page ``docs/reference/commands.md``
``man``            the manual pages

``demo``       a fleet on this machine, broken and repaired
``agent``      reads database servers
``stream``     judges links
``sink``       notifies people
``console``    the fleet in a browser
``watch``      your servers, live
``check``      your servers, once
``audit``      your servers, what is set up wrong
``verify``     the data of two servers, compared
``promote_check`` whether a standby may be promoted
``switchover_check`` whether a standby may take the place of its primary
``advisories`` known defects of replication
``explain``    why something was reported, or was not; ``explain_page`` its page, ``explain_source`` what it reads
``replay``     judges recorded samples again
``rules``      the rules and their limits; ``rules_armed`` which are armed or blind
``rule_import`` rules of Prometheus, judged
``runbook``    what to check and to do when a rule has fired
``record``     samples into a file
``query``      links, nodes, lag, incidents and alerts for other programs
``query_columns`` the columns and the filters of ``query``
``query_text`` the columns of ``query`` for people
``changes``    what was changed on servers
``audits``     the audits that the incident log keeps
``incidents``  the incident log, acknowledgements and notes
``nodes``      the nodes that are judged, and those that are gone
``silence``    holds back notifications
``config``     checks and shows settings
``topics``     creates and describes topics
``receiver``   a stand-in for the vendors
``doctor``     checks everything that a process needs
``version``    installed versions
"""

from leadline_cli.main import main as main
