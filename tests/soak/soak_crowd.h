/**
 * @file
 * All companions: who comes, and what each does when it is its turn.
 */
#ifndef TESTS_SOAK_CROWD_H
#define TESTS_SOAK_CROWD_H

#include <stdint.h>
#include <stdio.h>

#include "soak_companion.h"
#include "soak_daemon.h"
#include "soak_random.h"

struct soak_crowd;

/** Close code that control uses: who is closed with it has done nothing wrong. */
enum { SOAK_CLOSED_BY_CONTROL = 4000 };

/** Makes a crowd of which nobody is there yet.
 *
 * @param tls_share the part of all comings that is by TLS, 0 to 1
 * @return NULL if that cannot be had
 */
struct soak_crowd *soak_crowd_create(const struct soak_daemon *daemon, unsigned companions,
                                     double tls_share, uint64_t seed);

/** Everybody who is still there leaves. NULL is fine. */
void soak_crowd_destroy(struct soak_crowd *crowd);

/** Hears what the server says, for a moment; then those whose turn it is do something, if
 * @p acting. */
void soak_crowd_turn(struct soak_crowd *crowd, bool acting);

/** Who misbehaves or is not yet there leaves, who does not read starts to. */
void soak_crowd_calm(struct soak_crowd *crowd);

/** Everybody leaves. */
void soak_crowd_disperse(struct soak_crowd *crowd);

/** Visits those whose knowledge counts: open, and not misbehaving. */
void soak_crowd_each(struct soak_crowd *crowd,
                     void (*visit)(void *user, const struct soak_companion *companion), void *user);

/** How many connections were ended by the server for no reason. */
uint64_t soak_crowd_wronged(const struct soak_crowd *crowd);

/** How many companions were connected by TLS. */
uint64_t soak_crowd_opened_by_tls(const struct soak_crowd *crowd);

/** Prints what happened. */
void soak_crowd_print(const struct soak_crowd *crowd, FILE *out);

/** Time for `next_ms`. */
uint64_t soak_now_ms(void);

#endif
