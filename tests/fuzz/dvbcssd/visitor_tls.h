/**
 * @file
 * TLS of a visitor (visitor.h), between what it says and what its socket carries: no socket is
 * known here, so that bytes can be held back and spoiled on their way.
 */
#ifndef TESTS_FUZZ_VISITOR_TLS_H
#define TESTS_FUZZ_VISITOR_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct visitor_tls;

/** How TLS is begun. */
struct visitor_tls_manner {
    /** Speaks nothing newer than TLS 1.2. */
    bool old;
    /** Believes no certificate, and says so by an alert. */
    bool wary;
    /** The host that it asks for; "" for none. */
    const char *name;
};

/** Begins a handshake. */
struct visitor_tls *visitor_tls_begin(const struct visitor_tls_manner *manner);

/** Forgets everything, without a word. NULL is fine. */
void visitor_tls_end(struct visitor_tls *tls);

/** Says something in records. What is said before the handshake is done is lost. */
void visitor_tls_say(struct visitor_tls *tls, const void *bytes, size_t length);

/** Takes what has come from the socket. */
void visitor_tls_hear(struct visitor_tls *tls, const void *bytes, size_t length);

/** Reads what was said to it, and goes on with the handshake. Returns how much; 0: no more. */
size_t visitor_tls_read(struct visitor_tls *tls, void *bytes, size_t size);

/** Changes its keys (TLS 1.3), and if @p both asks for new ones of the other end. */
void visitor_tls_change_keys(struct visitor_tls *tls, bool both);

/** Wants another handshake (TLS 1.2). */
void visitor_tls_negotiate_again(struct visitor_tls *tls);

/** Says that nothing more will come. */
void visitor_tls_finish(struct visitor_tls *tls);

/** Of what is to be sent from now on, only so many bytes are for now; SIZE_MAX for all. */
void visitor_tls_hold_back(struct visitor_tls *tls, size_t length);

/** Of what is to be sent from now on, the byte there will be another. */
void visitor_tls_spoil(struct visitor_tls *tls, size_t offset);

/** What is to be sent. Valid until the next call. */
const void *visitor_tls_outgoing(struct visitor_tls *tls, size_t *length);

/** So much of it was sent. */
void visitor_tls_sent(struct visitor_tls *tls, size_t length);

#endif
