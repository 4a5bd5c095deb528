"""The console: web pages over the topics and the incident log. It shows what was judged, and judges nothing.

``feed`` reads Kafka into the ``read_model``; a page is a pure function of the read model and of its address; a template
makes HTML of what the function returns, and the same is served as JSON. One stream of server-sent events for each open
page carries the parts of it that change. Without scripts the pages load anew by themselves.

``service``      the process `leadline console`
``app``          the web application: pages, their JSON, static files
``feed``         reads the topics
``past``         how much of the past is read at the start
``read_model``   the newest value of everything, in bounded memory
``newest``       a dictionary that forgets its oldest entries
``lag_history``  the lags of a link in the last hour and day
``rows``         links, nodes, alerts and incidents as pages show them
``shared``       what the handlers of requests share
``page``         what a page is, and what it is asked for
``pages``        one file a page, and their table
``elsewhere``    addresses that people know from other tools
``rendering``    templates, and the parts of a page that change
``actions``      the records of what people do from a page
``action_routes``  the addresses to which forms are sent
``route_words``  which route an incident takes
``explainer``    why a link did or did not alert at a time, judged once more from its samples
``concerned``    the records of the sinks that concern a link
``armed``        which rules are armed, and which are blind
``dead_letters``  records that could not be used
``wording``      numbers and ages in words
``live``         the stream of changed parts
``plot``         a plot as SVG
``fleet_map``    clusters and links as SVG
``security``     headers, hosts, forged requests, rates
``rates``        how many requests one sender may make
``sign_in``      who asks: by token, by a proxy's header, or nobody on loopback
``sign_in_pages``  the page to sign in
``oidc``         sign-in at an OpenID provider
``roles``        what a person may do
"""
