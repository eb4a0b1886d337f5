/**
 * @file
 * The WebSocket and HTTP base of the TV side: one server on the caller's libuv loop, any number of
 * WebSocket endpoints and HTTP handlers on its ports. It knows nothing of CII or TS.
 *
 *     struct dvbcss_server_listen listen = {.host = "127.0.0.1", .port = 0};
 *     struct dvbcss_server_options options = DVBCSS_SERVER_OPTIONS_INIT;
 *     struct dvbcss_endpoint_options echo = DVBCSS_ENDPOINT_OPTIONS_INIT;
 *
 *     options.listen = &listen;
 *     options.listen_count = 1;
 *     echo.path = "/echo";
 *     echo.id_prefix = "echo";
 *     echo.hooks.on_message = on_message;
 *     dvbcss_server_create(&server, loop, &options, NULL);
 *     dvbcss_endpoint_add(&endpoint, server, &echo);
 *     uv_run(loop, UV_RUN_DEFAULT);
 *
 * Thread: everything here belongs to the thread that runs the loop. Several servers may live in
 * one process, on one loop or on several; create and close them from one thread at a time.
 *
 * What callbacks may do: every function here, on any object, from inside any hook, unless its
 * comment says otherwise. A close is never carried out inside the call that asks for it, so
 * neither a hook nor a loop over connections has one taken from under it.
 *
 * HTTP is version 1.1 with one request per connection; WebSocket is RFC 6455 version 13 without
 * extensions and subprotocols.
 */
#ifndef DVBCSS_SERVER_H
#define DVBCSS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "dvbcss/error.h"
#include "dvbcss/export.h"
#include "dvbcss/http_handler.h"

#ifdef __cplusplus
extern "C" {
#endif

/** As in <uv.h>, which needs more than plain C11. */
typedef struct uv_loop_s uv_loop_t;

struct dvbcss_server;
struct dvbcss_endpoint;
struct dvbcss_connection;
struct dvbcss_message;

/** "No limit", for the limits that are signed. */
#define DVBCSS_UNLIMITED (-1)

/** Close codes of RFC 6455 section 7.4.1 that the base itself uses or reports. */
enum dvbcss_close_code {
    DVBCSS_CLOSE_NORMAL = 1000,
    /** The server ends, or the endpoint was disabled or removed. */
    DVBCSS_CLOSE_GOING_AWAY = 1001,
    DVBCSS_CLOSE_PROTOCOL_ERROR = 1002,
    DVBCSS_CLOSE_UNSUPPORTED_DATA = 1003,
    /** Reported only: the peer's close frame had no code. */
    DVBCSS_CLOSE_NO_STATUS = 1005,
    /** Reported only: the connection was lost without a close frame. */
    DVBCSS_CLOSE_ABNORMAL = 1006,
    DVBCSS_CLOSE_INVALID_DATA = 1007,
    /** The peer met a limit: its queue overflowed, it read nothing, did not answer pings, sent too
     * much or did not say in time what it wants. The reason names the limit. */
    DVBCSS_CLOSE_POLICY = 1008,
    DVBCSS_CLOSE_TOO_BIG = 1009,
    DVBCSS_CLOSE_INTERNAL_ERROR = 1011,
    DVBCSS_CLOSE_TRY_AGAIN_LATER = 1013,
};

/** Longest reason of a close frame, in bytes of UTF-8. */
#define DVBCSS_CLOSE_REASON_MAX 123

/* ------------------------------------------------------------------------------------------------
 * Server
 */

/** One address to listen on. */
struct dvbcss_server_listen {
    /** IPv4 or IPv6 address as text, without brackets: "127.0.0.1", "::1", "0.0.0.0", "::" (IPv6
     * only). NULL: every address of both families. Names are not resolved. */
    const char *host;
    /** A listening stream socket that the caller opened, as systemd hands over; `host` and `port`
     * are ignored then. It may be of the family AF_UNIX: addresses of its connections have that
     * family and nothing else. The server closes it in the end, unless dvbcss_server_create()
     * fails. 0: open one. */
    int socket;
    /** TCP port; 0 lets the system choose (dvbcss_server_address() tells which). */
    uint16_t port;
    /** Whether peers must speak TLS here (`wss`, `https`), with the server's `tls`. */
    bool tls;
};

/**
 * The certificate that listeners with `tls` show. TLS is version 1.2 or 1.3 with ephemeral keys and
 * authenticated ciphers, HTTP/1.1 by ALPN, without session resumption and renegotiation.
 */
struct dvbcss_server_tls {
    /** File (PEM) with the certificate, followed by those between it and the authority that
     * companions trust. */
    const char *certificate_file;
    /** File (PEM) with its private key, without a passphrase. NULL: the certificate's file has it,
     * too. */
    const char *key_file;
};

/** How a server is made. Start from #DVBCSS_SERVER_OPTIONS_INIT. Everything is copied. */
struct dvbcss_server_options {
    /** Where to listen; none is allowed for a server that only gets sockets later. */
    const struct dvbcss_server_listen *listen;
    size_t listen_count;
    /** The `Server` header of every HTTP answer; NULL for none. */
    const char *server_name;
    /** Added to every HTTP answer, the handshake's included. */
    const struct dvbcss_http_header *headers;
    size_t header_count;
    /** Length of the system's queue of connections not accepted yet. */
    int backlog;
    /** File descriptors that the server can handle: those below this number. Memory grows by
     * about 16 bytes for each. The process's own limit (RLIMIT_NOFILE) is left alone: whoever
     * wants many connections raises that, too. */
    unsigned fd_limit;
    /** TCP connections at the same time, in whatever state; beyond it a connection gets a 503
     * at once. As many again may come over sockets of the family AF_UNIX: neither kind takes the
     * other's room. #DVBCSS_UNLIMITED for none but `fd_limit`. */
    int max_sockets;
    /** Those of them that one address may have, in whatever state; beyond it a connection gets a
     * 429 at once. An address is one of IPv4, one of IPv6 on a link of this machine, or the first
     * 64 bits of any other of IPv6, all of which one peer has; peers of the family AF_UNIX have
     * none, and no such limit. #DVBCSS_UNLIMITED for none. */
    int max_sockets_per_address;
    /** Largest request line and headers together, in bytes; longer ones are answered with 431. */
    unsigned max_header_bytes;
    /** Seconds for a peer to deliver a request's line and headers, then its body, and to take the
     * next part of the answer. One that does not deliver is answered with 408. */
    unsigned header_timeout_s;
    /** Seconds without a message or pong after which a WebSocket peer gets a ping; 0: never. */
    unsigned ping_interval_s;
    /** Seconds without a message or pong after which a WebSocket peer is closed with 1008; 0:
     * never. More than `ping_interval_s`, or the peer has no chance to answer. */
    unsigned idle_timeout_s;
    /** Seconds that a peer has to answer a close frame, also when the server closes. */
    unsigned close_timeout_s;
    /** Seconds in the Retry-After header of a 503 or a 429. */
    unsigned retry_after_s;
    /** For listeners with `tls`; nothing is read if there are none. */
    struct dvbcss_server_tls tls;
    /** How refusals are written; must outlive the server. NULL: as text for a person. */
    const struct dvbcss_refusal_format *refusal_format;
};

#define DVBCSS_SERVER_OPTIONS_INIT                                                                 \
    {                                                                                              \
        NULL, 0, "dvbcss", NULL, 0, 511, 65536, DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 4096, 10, 20,  \
            60, 2, 30, {NULL, NULL}, NULL                                                          \
    }

/**
 * Why a request or a connection was refused: name, HTTP status, short text. The answer's body
 * says more.
 */
#define DVBCSS_REFUSAL_MAP(X)                                                                      \
    X(DISABLED, 403, "endpoint is disabled")                                                       \
    X(ORIGIN, 403, "web pages of this Origin may not connect")                                     \
    X(HOST, 421, "the Host is none of this server's")                                              \
    X(HOOK, 403, "refused by the endpoint")                                                        \
    X(UNKNOWN_PATH, 404, "nothing is served here")                                                 \
    X(METHOD, 405, "method is not allowed here")                                                   \
    X(NOT_WEBSOCKET, 426, "not a WebSocket handshake")                                             \
    X(VERSION, 426, "unknown WebSocket version")                                                   \
    X(KEY, 400, "Sec-WebSocket-Key is missing or wrong")                                           \
    X(SUBPROTOCOL, 400, "WebSocket subprotocols are not spoken here")                              \
    X(MALFORMED, 400, "request cannot be understood")                                              \
    X(TARGET, 400, "no path can be served as the request writes it")                               \
    X(TIMEOUT, 408, "request was not complete in time")                                            \
    X(BODY_TOO_BIG, 413, "request body is too large")                                              \
    X(HEADERS_TOO_BIG, 431, "request headers are too large")                                       \
    X(ADDRESS_FULL, 429, "endpoint has reached its connection limit for your address")             \
    X(SERVER_ADDRESS_FULL, 429, "server has reached its connection limit for your address")        \
    X(FULL, 503, "endpoint has reached its connection limit")                                      \
    X(SERVER_FULL, 503, "server has reached its connection limit")                                 \
    X(CLOSING, 503, "server is ending")                                                            \
    X(INTERNAL, 500, "server could not answer")

/** DVBCSS_REFUSAL_DISABLED, ... and their number. */
enum dvbcss_refusal {
#define DVBCSS_REFUSAL_ENUM(name, status, text) DVBCSS_REFUSAL_##name,
    DVBCSS_REFUSAL_MAP(DVBCSS_REFUSAL_ENUM)
#undef DVBCSS_REFUSAL_ENUM
        DVBCSS_REFUSAL_COUNT
};

/** How refusals are written, for clients that are programs. */
struct dvbcss_refusal_format {
    /** As "application/json". */
    const char *content_type;
    /**
     * Writes the body of a refusal.
     *
     * @param reason one line of text: what is wrong, and what to do
     * @param size   room in @p body
     * @return bytes written, at most @p size
     */
    size_t (*write)(unsigned status, const char *reason, char *body, size_t size);
};

/** What a server did since it was created. */
struct dvbcss_server_counters {
    /** Connections taken, TCP or AF_UNIX, and those open now. */
    uint64_t sockets_accepted;
    uint64_t sockets_open;
    /** Times that accepting failed for want of descriptors or memory. */
    uint64_t accept_failures;
    /** Peers that did not finish a request in time. */
    uint64_t header_timeouts;
    /** TLS handshakes done, and connections to a listener with TLS that ended before theirs was. */
    uint64_t tls_handshakes;
    uint64_t tls_failures;
    /** HTTP requests that a handler answered. */
    uint64_t http_requests;
    /** By `enum dvbcss_refusal`. */
    uint64_t refusals[DVBCSS_REFUSAL_COUNT];
    /** WebSocket connections: opened, and open now. */
    uint64_t connections_opened;
    uint64_t connections_open;
    /** Closed because the peer did not answer pings, took nothing, or overflowed its queue. */
    uint64_t idle_evictions;
    uint64_t stall_evictions;
    uint64_t queue_overflows;
    /** Closed because the peer sent too many messages or bytes per second, or one message that is
     * too big, or did not say in time what it wants. */
    uint64_t message_rate_evictions;
    uint64_t byte_rate_evictions;
    uint64_t oversize_evictions;
    uint64_t setup_evictions;
    /** WebSocket messages and their payload. */
    uint64_t messages_in;
    uint64_t messages_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    /** Messages that were replaced in or thrown out of a queue before they were sent. */
    uint64_t messages_dropped;
};

/**
 * Creates a server that listens and accepts as soon as the loop runs.
 *
 * @param server  result
 * @param loop    the caller's; must outlive the server
 * @param options copied
 * @param report  may be NULL; its path is `listen[1]` or the name of another option, its reason has
 *                the address, as in "127.0.0.1:80: permission denied"
 * @return 0, DVBCSS_EINVAL (an option is out of its range), DVBCSS_ENOMEM, DVBCSS_EADDRESS (not an
 *         address, or none of this machine), DVBCSS_EPERMISSION (the port is reserved),
 *         DVBCSS_EADDRINUSE, DVBCSS_ETLS (certificate or key cannot be read or used, or do not
 *         belong together), DVBCSS_EIO
 * @note If it fails, run the loop once more before uv_loop_close(): handles close on it.
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_server_create(struct dvbcss_server **server, uv_loop_t *loop,
                                                     const struct dvbcss_server_options *options,
                                                     struct dvbcss_report *report);

/**
 * Closes a server: it stops accepting, sends 1001 to every WebSocket peer, calls their
 * on_disconnect, waits for the peers to answer at most `close_timeout_s`, frees everything.
 *
 * @param server NULL is fine (@p closed is not called then)
 * @param closed called from the loop as the last thing; nothing of the server is left then, and
 *               its handles are off the loop. NULL: nobody wants to know
 * @param user   for @p closed
 * @note Possible at any time, right after creation and inside hooks, too. A second call is
 *       ignored. Endpoints and handlers that were not removed go with the server.
 */
DVBCSS_API void dvbcss_server_close(struct dvbcss_server *server, void (*closed)(void *user),
                                    void *user);

/**
 * Reads certificate and key anew, for the connections that come from now on; those that are open go
 * on with what they have.
 *
 * @param tls    files to read from now on; NULL: the same as before
 * @param report may be NULL; its path is `tls.certificate_file` or `tls.key_file`, its reason has
 *               the file, as in "/etc/tv.pem: no such file or directory"
 * @return 0, DVBCSS_ETLS, DVBCSS_ENOMEM (the server goes on with what it has), DVBCSS_ESTATE (it
 *         has no listener with TLS, or is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_server_reload_tls(struct dvbcss_server *server,
                                                         const struct dvbcss_server_tls *tls,
                                                         struct dvbcss_report *report);

/** Until when the certificate that the server shows is valid, in seconds since 1970; 0 without TLS.
 */
DVBCSS_API int64_t dvbcss_server_tls_not_after(const struct dvbcss_server *server);

/** Whether peers must speak TLS at an address of the server, for building a URL; false beyond the
 * last one. */
DVBCSS_API bool dvbcss_server_address_secure(const struct dvbcss_server *server, size_t index);

/**
 * Changes the limits and timeouts of a server: `max_sockets`, `max_sockets_per_address`,
 * `header_timeout_s`, `ping_interval_s`, `idle_timeout_s`, `close_timeout_s` and `retry_after_s`.
 * They are in force at once; connections above a lower number stay.
 *
 * @param options the other members have no effect, but must make sense
 * @return 0, DVBCSS_EINVAL: all is as it was
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_server_set_limits(struct dvbcss_server *server, const struct dvbcss_server_options *options);

/** The loop that the server was created on. */
DVBCSS_API uv_loop_t *dvbcss_server_loop(const struct dvbcss_server *server);

/** Number of addresses that the server listens on: as many as options asked for. */
DVBCSS_API size_t dvbcss_server_address_count(const struct dvbcss_server *server);

/**
 * Tells an address that the server listens on, with the port that the system chose.
 *
 * @param index in the order of the options; beyond the last one gives NULL
 * @return valid as long as the server
 */
DVBCSS_API const struct sockaddr *dvbcss_server_address(const struct dvbcss_server *server,
                                                        size_t index);

/** What the server did so far; valid as long as the server, always up to date. */
DVBCSS_API const struct dvbcss_server_counters *
dvbcss_server_counters(const struct dvbcss_server *server);

/** Space for an address as text, terminator included. */
#define DVBCSS_ADDRESS_TEXT_SIZE 64

/**
 * Writes an address as in a URL: "192.0.2.7:7681", "[2001:db8::1]:7681". An IPv4 address that is
 * mapped into IPv6 appears as IPv4, and one of the family AF_UNIX as "unix".
 *
 * @param address of the families AF_INET, AF_INET6 and AF_UNIX
 * @return @p text, for use as an argument
 */
DVBCSS_API const char *dvbcss_address_format(const struct sockaddr *address,
                                             char text[DVBCSS_ADDRESS_TEXT_SIZE]);

/* ------------------------------------------------------------------------------------------------
 * Access from web pages
 */

/** What the Origin header of a peer may say. Browsers send one with every WebSocket handshake and
 * do not let the page choose it; other programs send none or what they like, so that this keeps
 * pages out, not programs. */
enum dvbcss_origin_policy {
    /** Anything: companions on TVs and telephones are web pages of any origin, or none. */
    DVBCSS_ORIGIN_ANY = 0,
    /** No Origin, or a listed one. */
    DVBCSS_ORIGIN_NONE_OR_LISTED,
    /** A listed one. */
    DVBCSS_ORIGIN_LISTED,
    /** No Origin, that of a page from the very host and port that the peer asked, or a listed one.
     * Worth something only where `hosts` is set, too: a page whose name is made to resolve to this
     * machine comes from the host that it asks. */
    DVBCSS_ORIGIN_SAME,
};

/** Which web pages get in; all zero: every one. */
struct dvbcss_access {
    enum dvbcss_origin_policy origin_policy;
    /** Origins separated by spaces, as "https://app.example http://localhost:8080 null"; compared
     * without regard to case. NULL is "". */
    const char *origins;
    /** Against pages that have their own name resolve to this machine (DNS rebinding): names,
     * separated by spaces, that the Host header may give, beside localhost and any address. NULL:
     * the Host is not looked at. "": localhost and addresses only. */
    const char *hosts;
};

/**
 * Tells whether a request may be served; for handlers of HTTP requests, as endpoints check by
 * themselves.
 *
 * @param host   the Host header, "" without one
 * @param origin the Origin header, "" without one
 * @return -1 if it may, otherwise DVBCSS_REFUSAL_HOST or DVBCSS_REFUSAL_ORIGIN
 */
DVBCSS_API int dvbcss_access_check(const struct dvbcss_access *access, const char *host,
                                   const char *origin);

/* ------------------------------------------------------------------------------------------------
 * WebSocket endpoints
 */

/** A peer that wants to connect, valid during the hook. Strings are terminated by 0 and "" if there
 * is nothing. */
struct dvbcss_handshake {
    /** Percent-decoded and normalised: no "..", no empty segments. */
    const char *path;
    /** What follows the question mark; see struct dvbcss_http_request. */
    const char *query;
    const char *origin;
    /** As dvbcss_http_request_header() tells it. */
    const char *host;
    const struct sockaddr *peer;
    const struct sockaddr *local;
    /** Whether it came over TLS. */
    bool secure;
    /** The base's own. */
    void *exchange;
};

/** Finds a header of a handshake, as dvbcss_http_request_header() does. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_handshake_header(const struct dvbcss_handshake *handshake,
                                                        const char *name, char *value, size_t size);

/**
 * Refuses a handshake, from inside on_handshake.
 *
 * @param response copied; its status is 300 to 599. The body should tell a person what to do
 * @return as dvbcss_http_respond(); the handshake is refused whatever it returns
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_handshake_refuse(const struct dvbcss_handshake *handshake,
                        const struct dvbcss_http_response *response);

/** What happens to a message that the socket does not take at once. */
enum dvbcss_queue_policy {
    /** It waits its turn; one that would exceed a bound closes the connection with 1008. */
    DVBCSS_QUEUE_ORDERED = 0,
    /** It waits in a single slot, and a newer one takes its place. */
    DVBCSS_QUEUE_NEWEST,
};

/** What happens to binary messages of peers. */
enum dvbcss_binary_policy {
    /** The connection is closed with 1003. */
    DVBCSS_BINARY_REFUSE = 0,
    /** They are counted and dropped. */
    DVBCSS_BINARY_IGNORE,
    /** They are given to on_message as text is. */
    DVBCSS_BINARY_ACCEPT,
};

/** Hooks of an endpoint; each may be NULL. @p context is that of the options. */
struct dvbcss_endpoint_hooks {
    /** A peer has connected. Its user data is zeroed. Messages may be sent already. */
    void (*on_connect)(void *context, struct dvbcss_connection *connection);
    /**
     * A whole message has arrived.
     *
     * @param bytes  valid during the call; a text is valid UTF-8; not terminated by 0
     * @param length bytes, 0 is possible
     * @param text   false for binary
     */
    void (*on_message)(void *context, struct dvbcss_connection *connection, const void *bytes,
                       size_t length, bool text);
    /** The socket has taken all that was waiting: see dvbcss_connection_congested(). Now and then
     * it is called when nothing was. */
    void (*on_drained)(void *context, struct dvbcss_connection *connection);
    /**
     * The connection has ended; called exactly once for each on_connect, whoever ended it.
     * The handle is invalid as soon as this returns.
     *
     * @param code   of the close frame that was sent or received first, 1005 or 1006
     * @param reason terminated by 0, "" without one
     */
    void (*on_disconnect)(void *context, struct dvbcss_connection *connection, unsigned code,
                          const char *reason);
    /** A peer wants to connect and meets all limits and rules; on_connect follows when the
     * handshake is done, if it ever is. Nothing is to be done to let it in;
     * dvbcss_handshake_refuse() keeps it out. The endpoint must not be removed from inside. */
    void (*on_handshake)(void *context, const struct dvbcss_handshake *handshake);
};

/** Seconds' worth of messages and bytes that a peer may send at once after it was quiet. */
#define DVBCSS_RATE_BURST_S 5

/**
 * What peers may take of an endpoint. Whoever exceeds a limit is refused before the upgrade, or
 * closed with a code and a reason that names the limit; the others do not notice.
 */
struct dvbcss_endpoint_limits {
    /** Connections at the same time, handshakes under way included; 0 refuses all with 503,
     * #DVBCSS_UNLIMITED none. */
    int max_connections;
    /** Those of one address, as in `max_sockets_per_address`; one more gets a 429. */
    int max_connections_per_address;
    /** Largest message from a peer; a larger one closes with 1009. */
    size_t max_message_bytes;
    /** Messages that a peer may send per second, on average, and as many pings; more close with
     * 1008. A peer that was quiet may send #DVBCSS_RATE_BURST_S seconds' worth at once. 0: any
     * number. */
    unsigned max_messages_per_s;
    /** Bytes that a peer may send per second, likewise, and in any case one message of
     * `max_message_bytes` at once. Payload is counted as it comes; heads of frames, pings and what
     * else there is on the wire, every #DVBCSS_RATE_BURST_S seconds. 0: any number. */
    size_t max_bytes_per_s;
    /** Bounds of the queue under #DVBCSS_QUEUE_ORDERED; one message more closes with 1008. */
    size_t max_queued_messages;
    size_t max_queued_bytes;
    /** Seconds for which a peer may take nothing while something waits for it; then it is closed
     * with 1008. 0: for ever. */
    unsigned stall_timeout_s;
    /** Seconds from on_connect until dvbcss_connection_setup_done() must have been called, or the
     * peer is closed with 1008. 0: never. */
    unsigned setup_timeout_s;
};

#define DVBCSS_ENDPOINT_LIMITS_INIT                                                                \
    {                                                                                              \
        DVBCSS_UNLIMITED, DVBCSS_UNLIMITED, 65536, 0, 0, 64, 1048576, 30, 0                        \
    }

/** How an endpoint is made. Start from #DVBCSS_ENDPOINT_OPTIONS_INIT. Everything is copied. */
struct dvbcss_endpoint_options {
    /** As "/cii": starts with a slash. */
    const char *path;
    /** Whether paths below it are its own, too: "/app2app" then takes "/app2app/local/x". An
     * endpoint of the very path comes before those of a prefix, a longer prefix before a shorter
     * one. */
    bool path_prefix;
    /** Connections are called "cii-1", "cii-2", ... with "cii" here; at most 31 bytes. */
    const char *id_prefix;
    /** Whether handshakes are taken from the start. */
    bool enabled;
    enum dvbcss_queue_policy queue_policy;
    enum dvbcss_binary_policy binary_policy;
    struct dvbcss_endpoint_limits limits;
    struct dvbcss_access access;
    /** Bytes of user data that each connection carries. */
    size_t user_data_size;
    struct dvbcss_endpoint_hooks hooks;
    /** For the hooks. */
    void *context;
};

#define DVBCSS_ENDPOINT_OPTIONS_INIT                                                               \
    {                                                                                              \
        NULL, false, NULL, true, DVBCSS_QUEUE_ORDERED, DVBCSS_BINARY_REFUSE,                       \
            DVBCSS_ENDPOINT_LIMITS_INIT, {DVBCSS_ORIGIN_ANY, NULL, NULL}, 0,                       \
            {NULL, NULL, NULL, NULL, NULL}, NULL                                                   \
    }

/**
 * Adds an endpoint; handshakes on its path are taken from now on.
 *
 * @param endpoint result; valid until it is removed or the server has closed
 * @param options  copied
 * @return 0, DVBCSS_EINVAL, DVBCSS_EEXIST (the path is taken), DVBCSS_ENOMEM, DVBCSS_ESTATE (the
 *         server is closing)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_endpoint_add(struct dvbcss_endpoint **endpoint,
                                                    struct dvbcss_server *server,
                                                    const struct dvbcss_endpoint_options *options);

/**
 * Removes an endpoint: on_disconnect with 1001 for each of its connections, from inside this
 * call; afterwards none of its hooks is called again and its context may go. The close frames
 * follow from the loop.
 *
 * @param endpoint NULL is fine
 * @note Not from inside dvbcss_endpoint_each() of the same endpoint. From inside one of its own
 *       hooks it is allowed; the hook must not use its connection afterwards.
 */
DVBCSS_API void dvbcss_endpoint_remove(struct dvbcss_endpoint *endpoint);

/**
 * Enables or disables an endpoint. Disabling answers new requests with 403 at once and closes
 * every connection with 1001.
 */
DVBCSS_API void dvbcss_endpoint_set_enabled(struct dvbcss_endpoint *endpoint, bool enabled);

/** Whether handshakes are taken. */
DVBCSS_API bool dvbcss_endpoint_enabled(const struct dvbcss_endpoint *endpoint);

/**
 * Changes the limits. Connections above a lower number of connections stay; every other limit is
 * in force for them at once.
 *
 * @return 0, DVBCSS_EINVAL
 */
DVBCSS_API DVBCSS_NODISCARD int
dvbcss_endpoint_set_limits(struct dvbcss_endpoint *endpoint,
                           const struct dvbcss_endpoint_limits *limits);

/** The limits; valid until they are changed. */
DVBCSS_API const struct dvbcss_endpoint_limits *
dvbcss_endpoint_limits(const struct dvbcss_endpoint *endpoint);

/**
 * Changes which web pages may connect; those that have connected stay.
 *
 * @return 0, DVBCSS_ENOMEM: all is as it was
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_endpoint_set_access(struct dvbcss_endpoint *endpoint,
                                                           const struct dvbcss_access *access);

/** Changes the connection limit alone; connections above a lower one stay. */
DVBCSS_API void dvbcss_endpoint_set_max_connections(struct dvbcss_endpoint *endpoint,
                                                    int max_connections);

/** The connection limit. */
DVBCSS_API int dvbcss_endpoint_max_connections(const struct dvbcss_endpoint *endpoint);

/** Connections open now: those that on_connect was called for and on_disconnect was not. */
DVBCSS_API size_t dvbcss_endpoint_connection_count(const struct dvbcss_endpoint *endpoint);

/** The path, as in the options. */
DVBCSS_API const char *dvbcss_endpoint_path(const struct dvbcss_endpoint *endpoint);

/** The context for the hooks, as in the options. */
DVBCSS_API void *dvbcss_endpoint_context(const struct dvbcss_endpoint *endpoint);

/**
 * Calls @p visit for each open connection, oldest first. @p visit may send to and close any
 * connection, and change the endpoint's settings.
 */
DVBCSS_API void
dvbcss_endpoint_each(struct dvbcss_endpoint *endpoint,
                     void (*visit)(void *user, struct dvbcss_connection *connection), void *user);

/** Finds an open connection by its id; NULL if there is none. */
DVBCSS_API struct dvbcss_connection *dvbcss_endpoint_find(struct dvbcss_endpoint *endpoint,
                                                          const char *id);

/**
 * Sends one message to every open connection. What one connection cannot take does not touch the
 * others.
 *
 * @return the number of connections that took it or queued it
 */
DVBCSS_API size_t dvbcss_endpoint_broadcast(struct dvbcss_endpoint *endpoint,
                                            struct dvbcss_message *message);

/* ------------------------------------------------------------------------------------------------
 * Messages to peers
 */

/** Text (UTF-8) or binary. */
enum dvbcss_message_kind {
    DVBCSS_MESSAGE_TEXT = 0,
    DVBCSS_MESSAGE_BINARY,
};

/**
 * Creates a message of one reference: one buffer for however many receivers.
 *
 * @param message result; give it back with dvbcss_message_release()
 * @param bytes   copied; a text must be valid UTF-8 (not checked)
 * @return 0, DVBCSS_ENOMEM
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_message_create(struct dvbcss_message **message,
                                                      enum dvbcss_message_kind kind,
                                                      const void *bytes, size_t length);

/** Takes one more reference; returns @p message. */
DVBCSS_API struct dvbcss_message *dvbcss_message_retain(struct dvbcss_message *message);

/** Gives one reference back; the last one frees the message. NULL is fine. */
DVBCSS_API void dvbcss_message_release(struct dvbcss_message *message);

/** The payload. */
DVBCSS_API const void *dvbcss_message_bytes(const struct dvbcss_message *message);

/** Length of the payload in bytes. */
DVBCSS_API size_t dvbcss_message_length(const struct dvbcss_message *message);

/* ------------------------------------------------------------------------------------------------
 * Connections
 */

/** What passed over a connection, and what waits. */
struct dvbcss_connection_counters {
    uint64_t messages_in;
    uint64_t messages_out;
    /** Payload. */
    uint64_t bytes_in;
    uint64_t bytes_out;
    /** Outgoing messages that a newer one replaced or that an overflow threw out. */
    uint64_t dropped;
    /** Waiting now. */
    size_t queued_messages;
    size_t queued_bytes;
};

/**
 * Sends a message: at once if the socket takes it, else by the endpoint's queue policy.
 *
 * @param message the connection takes a reference of its own if it needs one; the caller's stays
 * @return 0 (sent or queued), DVBCSS_ECLOSED (it is closing: nothing is sent any more),
 *         DVBCSS_EFULL (the queue overflowed: the connection is now closing with 1008),
 *         DVBCSS_ENOMEM (not queued; the connection lives), DVBCSS_EIO (the socket failed: the
 *         connection is now closing with 1006)
 */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_connection_send(struct dvbcss_connection *connection,
                                                       struct dvbcss_message *message);

/** Sends a text of @p length bytes to this connection alone; dvbcss_connection_send() in short. */
DVBCSS_API DVBCSS_NODISCARD int dvbcss_connection_send_text(struct dvbcss_connection *connection,
                                                            const char *text, size_t length);

/**
 * Closes a connection. What waits in its queue is sent before the close frame as far as the socket
 * takes it; messages from the peer are not delivered any more. on_disconnect follows from the
 * loop, never from inside this call.
 *
 * @param code   1000, 1001, 1003, 1007 to 1014 or 3000 to 4999; 1011 is sent for any other
 * @param reason UTF-8, may be NULL; cut after #DVBCSS_CLOSE_REASON_MAX bytes
 * @note The first close wins; later ones are ignored.
 */
DVBCSS_API void dvbcss_connection_close(struct dvbcss_connection *connection, unsigned code,
                                        const char *reason);

/** Whether a close was asked for: on_disconnect is on its way. */
DVBCSS_API bool dvbcss_connection_closing(const struct dvbcss_connection *connection);

/** Whether something waits for the socket: what is sent now would wait, too. on_drained is called
 * when that ends. */
DVBCSS_API bool dvbcss_connection_congested(const struct dvbcss_connection *connection);

/** The id, as "cii-1". */
DVBCSS_API const char *dvbcss_connection_id(const struct dvbcss_connection *connection);

/** The path of the handshake, percent-decoded and normalised; valid as long as the connection. */
DVBCSS_API const char *dvbcss_connection_path(const struct dvbcss_connection *connection);

/** The query of the handshake, as in struct dvbcss_http_request; valid likewise. */
DVBCSS_API const char *dvbcss_connection_query(const struct dvbcss_connection *connection);

/** The Origin header of the handshake, "" without one, at most 255 bytes (a longer one is refused);
 * valid likewise. */
DVBCSS_API const char *dvbcss_connection_origin(const struct dvbcss_connection *connection);

/** Says that the peer has told what it wants: `setup_timeout_s` does not concern it any more. */
DVBCSS_API void dvbcss_connection_setup_done(struct dvbcss_connection *connection);

/** The peer's address. */
DVBCSS_API const struct sockaddr *
dvbcss_connection_peer(const struct dvbcss_connection *connection);

/** The address of this machine that the peer reached: what a URL for this peer must name. */
DVBCSS_API const struct sockaddr *
dvbcss_connection_local(const struct dvbcss_connection *connection);

/** Whether the peer speaks TLS: a URL for it says `wss` then. */
DVBCSS_API bool dvbcss_connection_secure(const struct dvbcss_connection *connection);

/** The name that the peer asked for when it shook hands by TLS (SNI): the one that it compares with
 * the certificate. "" if it has no TLS, or asked for none, or for one that is none. */
DVBCSS_API const char *dvbcss_connection_server_name(const struct dvbcss_connection *connection);

/** Milliseconds since the handshake, as of the loop's time. */
DVBCSS_API uint64_t dvbcss_connection_age_ms(const struct dvbcss_connection *connection);

/** The user data of the size that the endpoint asked for, aligned for any type. */
DVBCSS_API void *dvbcss_connection_user_data(struct dvbcss_connection *connection);

/** The endpoint that the connection belongs to. */
DVBCSS_API struct dvbcss_endpoint *
dvbcss_connection_endpoint(const struct dvbcss_connection *connection);

/** Fills @p counters. */
DVBCSS_API void dvbcss_connection_counters(const struct dvbcss_connection *connection,
                                           struct dvbcss_connection_counters *counters);

#ifdef __cplusplus
}
#endif

#endif
