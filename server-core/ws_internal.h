/**
 * @file
 * What the files of server-core share: the structs and who does what with them. Private to
 * server-core.
 *
 * A socket (ws_socket.c) is one TCP connection from accept to its end. While it speaks HTTP it may
 * have an exchange (ws_http.c); from the handshake on it has a connection (ws_connection.c), which
 * is what the users of the base see. A connection ends as soon as that is decided; its socket may
 * live on for the time it takes to say goodbye.
 */
#ifndef DVBCSS_WS_INTERNAL_H
#define DVBCSS_WS_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/list.h"
#include "dvbcss/log.h"
#include "dvbcss/server.h"
#include "server-core/ws_address.h"
#include "server-core/ws_addresses.h"
#include "server-core/ws_farewells.h"
#include "server-core/ws_frame.h"
#include "server-core/ws_frame_reader.h"
#include "server-core/ws_limits.h"
#include "server-core/ws_queue.h"
#include "server-core/ws_request.h"
#include "server-core/ws_transport.h"

/* ------------------------------------------------------------------------------------------------
 * Server: ws_server.c
 */

enum ws_server_state {
    WS_SERVER_OPEN,
    /** Peers are told, and have some time to answer. */
    WS_SERVER_LEAVING,
    /** The library ends its wires. */
    WS_SERVER_STOPPING,
    /** All wires are gone; the loop has to turn a few times. */
    WS_SERVER_TURNING,
    /** The handles close. */
    WS_SERVER_FINISHING,
};

struct ws_listener {
    struct dvbcss_server *server;
    uv_poll_t poll;
    /** The handle was initialised. */
    bool polled;
    bool tls;
    int fd;
    union ws_address address;
};

struct dvbcss_server {
    uv_loop_t *loop;
    enum ws_server_state state;
    /** The strings and lists in it are not kept. */
    struct dvbcss_server_options options;
    /** Server and the caller's headers, as lines with CRLF. */
    char *common_headers;
    struct ws_transport *transport;
    /** NULL if no listener needs it. */
    struct ws_tls *tls;
    struct ws_listener *listeners;
    size_t listener_count;
    /** Given up to have one to refuse a peer with when there are no descriptors left; or -1. */
    int reserve_fd;
    struct ws_farewells farewells;
    struct list_node endpoints;
    struct list_node handlers;
    struct list_node sockets;
    /** How many of them are of the family AF_UNIX. */
    uint64_t unix_sockets;
    /** Where the others come from. */
    struct ws_addresses addresses;
    /** Sockets that have something to do outside the event they are in. */
    struct list_node deferred;
    uv_idle_t idle;
    uv_timer_t housekeeping;
    uv_timer_t accept_pause;
    unsigned open_handles;
    unsigned turns_left;
    struct dvbcss_server_counters counters;
    struct dvbcss_log_limit refusal_log;
    void (*closed)(void *user);
    void *closed_user;
};

/** Has the idle handle run, from the loop. */
void ws_server_wake(struct dvbcss_server *server);

/** A socket has come. */
void ws_server_socket_came(const struct ws_socket *socket);

/** A socket goes. */
void ws_server_socket_gone(const struct ws_socket *socket);

/** One of `open_handles` is closed. */
void ws_server_handle_closed(struct dvbcss_server *server);

/* ------------------------------------------------------------------------------------------------
 * Listening: ws_listen.c
 */

/** Opens the listening sockets of the options. All or none. */
int ws_listen_open(struct dvbcss_server *server, const struct dvbcss_server_options *options,
                   struct dvbcss_report *report);

/** Lets go of the sockets that the caller had opened, so that they stay open. */
void ws_listen_give_back(struct dvbcss_server *server, const struct dvbcss_server_options *options);

/** Starts to accept. Returns 0 or DVBCSS_EIO. */
int ws_listen_start(struct dvbcss_server *server);

/** Ends it: closes the sockets and starts to close their handles. */
void ws_listen_stop(struct dvbcss_server *server);

/** Frees what is left, once the handles are closed. */
void ws_listen_free(struct dvbcss_server *server);

/* ------------------------------------------------------------------------------------------------
 * Sockets: ws_socket.c
 */

enum ws_phase {
    /** A request is awaited, or arrives, or is being answered. */
    WS_PHASE_HTTP,
    WS_PHASE_WEBSOCKET,
    /** One side has said goodbye, as WebSockets do; nothing more is sent or delivered. */
    WS_PHASE_LEAVING,
    /** All was said; whatever comes is thrown away until the peer hangs up. Hanging up on a peer
     * that is still sending would reset the connection, and what it has not read yet with it. */
    WS_PHASE_ENDING,
};

struct ws_socket {
    struct list_node node;
    struct list_node deferred;
    struct dvbcss_server *server;
    struct ws_wire *wire;
    enum ws_phase phase;
    /** Code of the close frame to send once the connection is gone already; 0 for none. */
    unsigned farewell;
    bool killed;
    /** The peer has to speak TLS; `secured` once it has shaken hands. */
    bool tls;
    bool secured;
    /** Time of the loop at which the present phase or request began. */
    uint64_t since_ms;
    /** Time of the last sign of life, and of the last ping. */
    uint64_t heard_ms;
    uint64_t pinged_ms;
    /** The request that arrives or is being answered. */
    struct ws_request *request;
    struct ws_exchange *exchange;
    /** Bytes that came since the handshake, heads of frames and all. */
    uint64_t received;
    struct ws_frame_reader reader;
    /** A frame that waits for the socket to take it: the answer to the newest ping. */
    struct ws_pong *pong;
    union ws_address peer;
    union ws_address local;
    struct ws_address_entry *address;
    struct dvbcss_connection *connection;
};

/** A connection that was accepted. */
struct ws_accepted {
    int fd;
    union ws_address peer;
    union ws_address local;
    /** By a listener with TLS. */
    bool tls;
    /** Where it is counted in the server's `addresses`. */
    struct ws_address_entry *address;
};

/** Takes an accepted connection, which is closed and not counted any more whatever happens. */
int ws_socket_adopt(struct dvbcss_server *server, const struct ws_accepted *accepted);

/** Has ws_socket_run_deferred() called for this socket from the loop. */
void ws_socket_defer(struct ws_socket *socket);

/** Carries out what was deferred: closes as the connection or `farewell` says. */
void ws_socket_run_deferred(struct dvbcss_server *server);

/** Pings, evicts and ends what has run out of time. */
void ws_socket_check_times(struct dvbcss_server *server);

/** Says goodbye to every peer. */
void ws_socket_leave_all(struct dvbcss_server *server);

/** Sends a close frame; DVBCSS_CLOSE_NO_STATUS: one without a payload. */
void ws_socket_send_close(struct ws_socket *socket, unsigned code, const char *reason);

/** All was said: tells the peer so. If it has said all that it wanted, too (@p heard_all), it can
 * be hung up on; otherwise it is waited for. Returns 0, or -1 to hang up. */
int ws_socket_finish(struct ws_socket *socket, bool heard_all);

/* ------------------------------------------------------------------------------------------------
 * What a peer sends on a WebSocket: ws_receive.c
 */

/** The answer to a ping that the socket did not take at once: a frame. */
struct ws_pong;

/** The handshake is done: opens the connection. */
void ws_receive_begin(struct ws_socket *socket);

/** Frames have come, or parts of them. @p taken is how many bytes were looked at. Returns 0, or -1
 * to hang up. */
int ws_receive_frames(struct ws_socket *socket, uint8_t *bytes, size_t length, size_t *taken);

/** Sends the pong that waits, if there is one. */
void ws_receive_send_pong(struct ws_socket *socket);

/* ------------------------------------------------------------------------------------------------
 * Endpoints: ws_endpoint.c
 */

struct dvbcss_endpoint {
    struct list_node node;
    struct dvbcss_server *server;
    /** Its `access` is a copy of our own; path and id_prefix are not kept in it. */
    struct dvbcss_endpoint_options options;
    char *path;
    char *id_prefix;
    bool removed;
    uint64_t last_id;
    /** Connections, those of unfinished handshakes included. */
    size_t slots;
    /** Where they come from. */
    struct ws_addresses addresses;
    size_t open_count;
    struct list_node connections;
};

/** Finds the endpoint that serves a path; NULL if there is none. */
struct dvbcss_endpoint *ws_endpoint_at(struct dvbcss_server *server, const char *path);

/** Frees all endpoints; they have no connections any more. */
void ws_endpoint_free_all(struct dvbcss_server *server);

/* ------------------------------------------------------------------------------------------------
 * Connections: ws_connection.c
 */

struct dvbcss_connection {
    /** On the endpoint's list, once it is open. */
    struct list_node node;
    struct dvbcss_endpoint *endpoint;
    struct ws_socket *socket;
    /** In the endpoint's `addresses`. */
    struct ws_address_entry *address;
    bool open;
    /** A close was asked for; code and reason say which. */
    bool closing;
    /** Something waited for the socket since the last on_drained. */
    bool congested;
    uint64_t progress_ms;
    uint64_t opened_ms;
    struct ws_usage usage;
    struct ws_queue queue;
    struct dvbcss_connection_counters counters;
    /** The message that is arriving in parts. */
    uint8_t *incoming;
    size_t incoming_length;
    size_t incoming_size;
    unsigned code;
    char reason[DVBCSS_CLOSE_REASON_MAX + 1];
    char id[56];
    /** The peer has told what it wants. */
    bool setup_done;
    /** Of the handshake; behind the user data. */
    const char *path;
    const char *query;
    const char *origin;
    max_align_t user_data[];
};

/** Takes a slot of an endpoint for a handshake, of which it keeps path, query and origin. Returns
 * 0, DVBCSS_EFULL (its address has as many as it may) or DVBCSS_ENOMEM. */
int ws_connection_create(struct dvbcss_connection **connection, struct dvbcss_endpoint *endpoint,
                         struct ws_socket *socket, const struct dvbcss_handshake *handshake);

/** The handshake is done: gives it an id and calls on_connect. */
void ws_connection_open(struct dvbcss_connection *connection);

/** As dvbcss_connection_close(), with any code; 1006 ends the socket without a close frame. */
void ws_connection_close(struct dvbcss_connection *connection, unsigned code, const char *reason);

/** Calls on_disconnect, if on_connect was called, and frees the connection. */
void ws_connection_end(struct dvbcss_connection *connection, unsigned code, const char *reason);

/** Part of a message has arrived. The connection may be gone afterwards. */
void ws_connection_receive(struct dvbcss_connection *connection, const void *bytes, size_t length,
                           bool final, bool binary);

/** The socket takes more: sends what waits. The connection may be gone afterwards if @p hooks. */
void ws_connection_flush(struct dvbcss_connection *connection, bool hooks);

/* ------------------------------------------------------------------------------------------------
 * Messages: ws_message.c
 */

struct dvbcss_message {
    unsigned references;
    size_t length;
    /** The head of the frame, which ends where the payload begins: all receivers get the same. */
    uint8_t head_length;
    uint8_t head[WS_FRAME_HEAD_MAX];
    uint8_t bytes[];
};

/** A message of @p length uninitialised bytes. */
struct dvbcss_message *ws_message_allocate(enum dvbcss_message_kind kind, size_t length);

/* ------------------------------------------------------------------------------------------------
 * HTTP: ws_http.c, ws_answer.c, ws_refusal.c, ws_upgrade.c and ws_handshake.c; ws_request.h reads
 * heads
 */

struct dvbcss_http_handler {
    struct list_node node;
    struct dvbcss_server *server;
    struct dvbcss_http_handler_options options;
    char *path;
};

/** One request and its answer. */
struct ws_exchange {
    struct ws_socket *socket;
    /** NULL once it was removed. */
    struct dvbcss_http_handler *handler;
    /** The request's. */
    const char *method;
    const char *path;
    const char *query;
    uint8_t *body;
    size_t body_length;
    size_t body_size;
    /** Everything from the status line on; NULL until there is an answer. */
    struct dvbcss_message *answer;
    size_t sent;
};

/** Whether a path is a prefix or below it: "/api" has "/api" and "/api/x", not "/apis". */
bool ws_path_is_below(const char *path, const char *prefix);

/** A request has come, or a part of it. @p taken is how many bytes were looked at. Returns 0, or -1
 * to hang up. */
int ws_http_receive(struct ws_socket *socket, uint8_t *bytes, size_t length, size_t *taken);

/** Goes on with an answer that the socket did not take at once. Returns 0, or -1 to hang up. */
int ws_http_continue(struct ws_socket *socket);

/** Forgets the socket's request and exchange, whatever they have come to. */
void ws_exchange_drop(struct ws_socket *socket);

/** Frees all handlers. */
void ws_http_free_all(struct dvbcss_server *server);

/** Answers a refused request, counts and logs it, and forgets it. Returns 0, or -1 to hang up. */
int ws_http_refuse(struct ws_socket *socket, enum dvbcss_refusal why);

/** The same with an answer of somebody else, who keeps it. */
int ws_http_refuse_with(struct ws_socket *socket, enum dvbcss_refusal why,
                        struct dvbcss_message *answer);

/** Answers the socket's request, which is for a WebSocket by its path, or by what it asks for.
 *
 * @param endpoint that of the path; NULL if there is none
 * @return 0, or -1 to hang up */
int ws_upgrade(struct ws_socket *socket, struct dvbcss_endpoint *endpoint);

/** Builds an answer. @p common are header lines for every answer; @p head_only leaves the body
 * out, for HEAD. */
int ws_answer_build(struct dvbcss_message **answer, const struct dvbcss_http_response *response,
                    const char *common, bool head_only);

/** Builds the answer of a refusal. @p format NULL: the server's. */
int ws_refusal_build(struct dvbcss_message **answer, const struct dvbcss_server *server,
                     enum dvbcss_refusal why, const struct dvbcss_refusal_format *format,
                     bool head_only);

/** The short text of a refusal. */
const char *ws_refusal_text(enum dvbcss_refusal why);

/** Whether a header can be written: a token and a value without line breaks. */
bool ws_header_is_valid(const struct dvbcss_http_header *header);

/** Whether an answer can be written: its status and all its headers. */
bool ws_response_is_valid(const struct dvbcss_http_response *response);

/** Whether a request asks for a WebSocket, rightly or not. */
bool ws_handshake_is_meant(const struct ws_request *request);

/** Checks a handshake by RFC 6455 section 4.2.1. Returns -1 if it is right, otherwise an
 * `enum dvbcss_refusal`. */
int ws_handshake_check(const struct ws_request *request);

/** Space for what a server answers to a key, terminator included. */
enum { WS_ACCEPT_SIZE = 29 };

/** The value of Sec-WebSocket-Accept for that of Sec-WebSocket-Key (section 4.2.2). */
void ws_handshake_accept(const char *key, char accept[WS_ACCEPT_SIZE]);

#endif
