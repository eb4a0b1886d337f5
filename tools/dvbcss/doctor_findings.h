/**
 * @file
 * Everything that `dvbcss doctor` may find: what it is called, how bad it is, and what to do.
 */
#ifndef DVBCSS_TOOL_DOCTOR_FINDINGS_H
#define DVBCSS_TOOL_DOCTOR_FINDINGS_H

/** How bad something is. Only problems make the doctor end with status 1. */
enum finding_level {
    FINDING_GOOD,
    FINDING_NOTE,
    FINDING_PROBLEM,
};

/** Name in the code, level, name for scripts (which stays the same from release to release), advice
 * (NULL where none is needed). */
#define DOCTOR_FINDINGS(X)                                                                         \
    /* The way to the TV. */                                                                       \
    X(FOUND, GOOD, "found", NULL)                                                                  \
    X(SKIPPED, NOTE, "skipped", NULL)                                                              \
    X(NOT_FOUND, PROBLEM, "not-found",                                                             \
      "Is the TV on, in this network, and set to be found? Guest and mesh networks often drop "    \
      "multicast: name the TV's address or the URL of its CII endpoint.")                          \
    X(DESCRIPTION, PROBLEM, "description-unreadable",                                              \
      "Companions cannot go on from here: the URL that SSDP announces has to answer with the "     \
      "device description.")                                                                       \
    X(APPLICATION_URL, PROBLEM, "application-url-missing",                                         \
      "The answer with the device description needs the HTTP header Application-URL, spelled "     \
      "just like that.")                                                                           \
    X(APPLICATION, PROBLEM, "application-unreadable",                                              \
      "<Application-URL>/HbbTV has to answer with the DIAL resource; 404 there means that this "   \
      "device is no HbbTV TV, or has the function switched off.")                                  \
    X(CONTENT_TYPE, PROBLEM, "content-type",                                                       \
      "Serve the device description as text/xml: some companions look at nothing else.")           \
    X(NAME_MISSING, PROBLEM, "name-missing",                                                       \
      "Companions show the TV by these names, and remember by them what works with it.")           \
    X(NAMESPACE, PROBLEM, "namespace",                                                             \
      "Declare urn:hbbtv:HbbTVCompanionScreen:2014 and put the X_HbbTV elements into it: some "    \
      "companions do not see them otherwise.")                                                     \
    X(URL_MISSING, PROBLEM, "url-missing",                                                         \
      "Companions take a TV without this for something else, or cannot reach the service.")        \
    X(USER_AGENT, NOTE, "user-agent",                                                              \
      "Write it as HbbTV/x.y.z (+caps; vendor; model; software; hardware; family; reserved).")     \
    /* URLs. */                                                                                    \
    X(URL_MALFORMED, PROBLEM, "url-malformed", "Write it as scheme://host:port/path.")             \
    X(URL_SCHEME, PROBLEM, "url-scheme",                                                           \
      "CSS-CII and CSS-TS are ws:// (or wss://), the wall clock is udp://.")                       \
    X(URL_PORT, PROBLEM, "url-port-missing", "Name the port: companions do not guess it.")         \
    X(TRAILING_SLASH, PROBLEM, "trailing-slash",                                                   \
      "Leave the slash at the end away: companions append to it, or take it for another path.")    \
    X(HOST_EMPTY, PROBLEM, "host-empty",                                                           \
      "Name the address that the companion reached; almost no companion repairs this.")            \
    X(HOST_UNSPECIFIED, PROBLEM, "host-unspecified",                                               \
      "This is the address to listen on, not one to connect to: name the address that the "        \
      "companion reached.")                                                                        \
    X(HOST_LOOPBACK, PROBLEM, "host-loopback",                                                     \
      "On a companion this means the companion itself: name the address that it reached.")         \
    X(HOST_IPV6, NOTE, "host-ipv6", "Several companions cannot read IPv6 addresses in URLs.")      \
    X(HOST_OTHER, NOTE, "host-other",                                                              \
      "Fine if that machine serves it; else nobody will reach it.")                                \
    /* Connections. */                                                                             \
    X(CONNECTED, GOOD, "connected", NULL)                                                          \
    X(REFUSED_403, PROBLEM, "refused-403",                                                         \
      "The service is there and switched off: start an application that enables inter-device "     \
      "synchronisation, or enable it in the TV's settings.")                                       \
    X(REFUSED_404, PROBLEM, "refused-404", "Nothing is served at this path: check the URL.")       \
    X(REFUSED_426, PROBLEM, "refused-426",                                                         \
      "The path is right, and the server does not take this for a WebSocket handshake: look for "  \
      "a "                                                                                         \
      "proxy in between that drops the Upgrade header.")                                           \
    X(REFUSED_503, PROBLEM, "refused-503",                                                         \
      "The TV has as many companions as it takes, or is starting: disconnect others, or try "      \
      "later.")                                                                                    \
    X(REFUSED, PROBLEM, "refused", "An HTTP server is there, but no WebSocket: check the URL.")    \
    X(NOBODY_LISTENS, PROBLEM, "nobody-listens",                                                   \
      "No connection can be made: check address and port, a firewall, and whether both are in "    \
      "the same network.")                                                                         \
    X(NAME_UNKNOWN, PROBLEM, "name-unknown", "Advertise an address in place of a name.")           \
    X(NO_ANSWER, PROBLEM, "no-answer",                                                             \
      "Something takes the connection and says nothing: restart the TV's application.")            \
    X(NOT_WEBSOCKET, PROBLEM, "not-websocket",                                                     \
      "What answers breaks the rules of HTTP or WebSocket (RFC 6455).")                            \
    X(TLS, PROBLEM, "tls", "The certificate cannot be trusted: see --ca, or use ws://.")           \
    X(CLOSED, PROBLEM, "closed",                                                                   \
      "The TV ends the connection; companions lose the content then. Its own log may say why.")    \
    /* Messages of CII and TS. */                                                                  \
    X(NO_MESSAGE, PROBLEM, "no-message",                                                           \
      "The whole state has to follow at once when a companion connects: companions give up "       \
      "after 5 s.")                                                                                \
    X(NOT_UNDERSTOOD, PROBLEM, "not-understood", "The message is passed over by companions.")      \
    X(MEMBER_MISSING, PROBLEM, "member-missing", "The standard requires it.")                      \
    X(MEMBER_TYPE, PROBLEM, "member-type",                                                         \
      "Write it with the JSON type of the standard: some companions stop working on another.")     \
    X(MEMBER_VALUE, PROBLEM, "member-value", "Companions know the values of the standard only.")   \
    X(VERSION, NOTE, "protocol-version", "Every edition of the standard so far says 1.1.")         \
    X(NOTHING_PRESENTED, NOTE, "nothing-presented",                                                \
      "Without a contentId companions have nothing to play along with: start content.")            \
    X(STATUS_ARRAY, PROBLEM, "presentation-status-array",                                          \
      "Write presentationStatus as one string with spaces: a list makes companions crash.")        \
    X(TIMELINES_MISSING, PROBLEM, "timelines-missing",                                             \
      "Put timelines into every message: companions forget theirs otherwise.")                     \
    X(TIMELINES_NULL, PROBLEM, "timelines-null",                                                   \
      "List them: without a list companions can only try PTS, and null makes some fail.")          \
    X(TIMELINES_EMPTY, NOTE, "timelines-empty",                                                    \
      "Companions cannot know which timeline to ask for; many try PTS.")                           \
    X(NULL_MISSING, NOTE, "null-missing", "HbbTV 2.0.3 wants it with null where there is none.")   \
    /* The wall clock. */                                                                          \
    X(CLOCK_GOOD, GOOD, "clock-good", NULL)                                                        \
    X(CLOCK_SILENT, PROBLEM, "clock-silent",                                                       \
      "Nothing answers there: check wcUrl, whether UDP gets through, and whether the wall clock "  \
      "server runs.")                                                                              \
    X(CLOCK_LOSSY, NOTE, "clock-lossy", "Companions still get in step, but more slowly.")          \
    X(CLOCK_SLOW, NOTE, "clock-slow",                                                              \
      "The error bound is at least half the round trip: use a cable, or a better Wi-Fi channel.")  \
    X(CLOCK_JUMPS, PROBLEM, "clock-jumps",                                                         \
      "Take the wall clock from a monotonic clock that nobody sets: every companion loses the "    \
      "timeline at each jump.")                                                                    \
    X(CLOCK_DRIFT, PROBLEM, "clock-drift",                                                         \
      "State an honest max freq error, or fix the clock: companions' error bounds are wrong.")     \
    X(CLOCK_FREQUENCY, NOTE, "clock-frequency",                                                    \
      "No crystal is that good or that bad: the field counts 1/256 ppm.")                          \
    X(CLOCK_PRECISION, NOTE, "clock-precision",                                                    \
      "Companions can be no better than this: tell the time in smaller steps.")                    \
    X(CLOCK_FOLLOW_UPS, NOTE, "clock-follow-ups",                                                  \
      "Several companions mishandle follow-ups: answer plainly unless somebody asks for them.")    \
    /* Timelines. */                                                                               \
    X(TIMELINE_GOOD, GOOD, "timeline-good", NULL)                                                  \
    X(NO_TIMESTAMP, PROBLEM, "no-control-timestamp",                                               \
      "A control timestamp has to follow within 5 s of the setup-data, also for a timeline that "  \
      "is not there.")                                                                             \
    X(TIMELINE_UNAVAILABLE, NOTE, "timeline-unavailable",                                          \
      "The TV says that it does not have this timeline now, though it answers well.")              \
    X(TIME_NUMBER, PROBLEM, "time-number",                                                         \
      "Write times as strings of digits: a number makes companions crash, and loses digits above " \
      "2^53.")                                                                                     \
    X(TIME_TEXT, PROBLEM, "time-text",                                                             \
      "Write plain decimal digits without leading zeros: some companions read 010 as 8.")          \
    X(TIME_FUTURE, PROBLEM, "wall-clock-apart",                                                    \
      "Timestamps must be of the clock that CSS-WC serves, and are not.")                          \
    X(TIME_REPEATED, PROBLEM, "wall-clock-time-repeated",                                          \
      "Give each control timestamp a fresh wallClockTime: companions ignore one that is known.")   \
    X(NOT_REPEATED, NOTE, "not-repeated",                                                          \
      "Send a control timestamp every 1 to 2 s, also if nothing changed: companions in the "       \
      "background wake up on it.")                                                                 \
    X(TIMELINE_JUMPS, NOTE, "timeline-jumps",                                                      \
      "Fine if somebody sought just now; else the TV's timestamps contradict each other.")

/** FINDING_FOUND, ... and their number. */
enum finding {
#define DOCTOR_FINDING_ENUM(name, level, id, advice) FINDING_##name,
    DOCTOR_FINDINGS(DOCTOR_FINDING_ENUM)
#undef DOCTOR_FINDING_ENUM
        FINDING_COUNT
};

#endif
