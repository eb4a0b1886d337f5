/**
 * @file
 * Faults of the system's calls on sockets that this process has accepted: whoever makes them, the
 * libraries below ours included, for the program that is linked with this defines the calls itself.
 * Sockets that it has connected, such as those of a test's own peers, are left alone. One thread.
 */
#ifndef TESTS_SOCKET_FAULTS_H
#define TESTS_SOCKET_FAULTS_H

#include <stddef.h>

/** What becomes of calls that send. */
struct socket_fault {
    /** So many go well before. */
    unsigned after;
    /** Of those that come then, every so manieth meets the fault, so many in all. */
    unsigned every;
    unsigned calls;
    /** They fail with this error; if it is 0, they take at most so many bytes. */
    int error;
    size_t bytes;
};

/** Has calls that send meet a fault from now on. */
void socket_faults_send(const struct socket_fault *fault);

/** The next @p calls that accept fail with @p error. */
void socket_faults_accept(int error, unsigned calls);

/** Nothing fails any more. */
void socket_faults_end(void);

/** How many calls have met a fault since the program began. */
unsigned long socket_faults_met(void);

#endif
