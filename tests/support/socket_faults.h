/**
 * @file
 * Faults of the system's calls on sockets that this process has accepted: whoever makes them, the
 * libraries below ours included, for the program that is linked with this defines the calls itself.
 * Sockets that it has connected, such as those of a test's own peers, are left alone. One thread.
 */
#ifndef TESTS_SOCKET_FAULTS_H
#define TESTS_SOCKET_FAULTS_H

#include <stddef.h>

/** What the next @p calls that send do: fail with @p error, or if that is 0 take at most
 * @p bytes. */
void socket_faults_send(int error, size_t bytes, unsigned calls);

/** The next @p calls that accept fail with @p error. */
void socket_faults_accept(int error, unsigned calls);

/** Nothing fails any more. */
void socket_faults_end(void);

/** How many calls have met a fault since the program began. */
unsigned long socket_faults_met(void);

#endif
