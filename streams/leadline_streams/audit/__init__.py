"""The audit: what is set up wrong, before it becomes an outage.

Rules are pure. They are about one server, both ends of a link, or all servers of a cluster; each either finds a
violation, holds, or could not be judged because something was not read, and then says what would show it.

``finding``   the results: findings, what was not judged, the report
``node``      one server as a rule sees it
``fleet``     links and clusters
``rule``      the form of a rule
``auditing``  judges every subject by every rule
``acceptance`` findings that somebody answers for until a day
``comparison`` the difference to an earlier audit
``stream_auditor`` the audit on the stream, for the judgement
``engines``   the rules
``reports``   reports for people and programs
``reference`` the page of all rules
"""
